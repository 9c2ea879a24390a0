//! The last lines of a run on a terminal, as plain text.

use crate::answers::headline;
use crate::finding::fault_sentence;
use crate::result::RunResult;

/// The verdict in two lines: what it is, and why.
///
/// The first line starts with the verdict in capitals; a violation's second line ends with the fault that was active. Neither line holds a line break or a control character,
/// whatever the history contained.
#[must_use]
pub fn verdict_lines(result: &RunResult) -> [String; 2] {
    let headline = headline(result);
    let fault = result
        .anomalies
        .first()
        .and_then(|anomaly| result.fault(anomaly.fault?));
    let fault = fault.map_or(String::new(), |fault| format!(" {}", fault_sentence(fault)));
    [
        format!("{}  {}", headline.word.to_uppercase(), headline.title),
        headline.reason + &fault,
    ]
}

/// The line that says where the report is.
#[must_use]
pub fn report_line(path: &str) -> String {
    format!("report: {path}")
}
