//! The last lines of a run on a terminal, as plain text.

use crate::answers::headline;
use crate::result::RunResult;

/// The verdict in two lines: what it is, and why.
///
/// The first line starts with the verdict in capitals. Neither line holds a line break or a control character, whatever
/// the history contained.
#[must_use]
pub fn verdict_lines(result: &RunResult) -> [String; 2] {
    let headline = headline(result);
    [
        format!("{}  {}", headline.word.to_uppercase(), headline.title),
        headline.reason,
    ]
}

/// The line that says where the report is.
#[must_use]
pub fn report_line(path: &str) -> String {
    format!("report: {path}")
}
