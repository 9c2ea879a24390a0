//! The logs of Jepsen's first etcd tests: `INFO  jepsen.util - 3\t:invoke\t:write\t4`.

use crate::event::{EventType, Process};
use crate::formats::edn;
use crate::formats::{Parsed, malformed};
use crate::pairing::{MalformedHistory, Record, line_number};
use crate::text::Text;
use crate::value::Value;

const MARK: &str = "jepsen.util - ";

/// Lines without the mark are other chatter of the log and skipped.
pub(crate) fn parse(text: &str) -> Result<Parsed, MalformedHistory> {
    let mut records = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        let Some((_, event)) = line.split_once(MARK) else {
            continue;
        };
        if let Some(record) =
            event_record(event, number).map_err(|reason| malformed(Some(number), reason))?
        {
            records.push(record);
        }
    }
    Ok(Parsed {
        header: None,
        records,
        truncated: false,
    })
}

/// `None` for the nemesis.
fn event_record(event: &str, number: usize) -> Result<Option<Record>, String> {
    let (process, rest) = word(event, "process")?;
    let (event_type, rest) = word(rest, "type")?;
    let (f, value) = word(rest, "function")?;
    if process.starts_with(':') {
        return Ok(None);
    }
    let process = process
        .parse()
        .map_err(|_| format!("`{process}` is not the number of a process"))?;
    let (value, error) = value_or_error(value.trim())?;
    Ok(Some(Record {
        line: line_number(number),
        index: None,
        time: None,
        process: Process::Client(process),
        event_type: EventType::parse(event_type.trim_start_matches(':'))?,
        f: f.trim_start_matches(':').into(),
        key: None,
        value,
        node: None,
        error: error.map(Text::from),
        arrival: None,
    }))
}

/// The next word, by tabs in some logs and by spaces in others, and what follows it.
fn word<'t>(text: &'t str, what: &str) -> Result<(&'t str, &'t str), String> {
    let text = text.trim();
    let (word, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
    if word.is_empty() {
        Err(format!("the line ends before the {what}"))
    } else {
        Ok((word, rest))
    }
}

/// Where an operation timed out, the log has a keyword in place of its value.
fn value_or_error(text: &str) -> Result<(Value, Option<String>), String> {
    if text.is_empty() {
        return Ok((Value::Nil, None));
    }
    if let Some(error) = text.strip_prefix(':') {
        return Ok((Value::Nil, Some(error.to_owned())));
    }
    Ok((edn::parse_single(text)?, None))
}
