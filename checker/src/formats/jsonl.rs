//! One JSON object a line: our own `history.jsonl`, and Jepsen-style JSON with the same fields.

use serde::Deserialize;

use crate::event::{EventType, Header, Nanos, Process};
use crate::formats::{Parsed, malformed};
use crate::pairing::{MalformedHistory, Record, line_number};
use crate::text::Text;
use crate::value::Value;

/// A line as it may be: what our own files always have is optional in those of others.
#[derive(Deserialize)]
struct Line {
    index: Option<u64>,
    time: Option<u64>,
    process: Process,
    #[serde(rename = "type")]
    event_type: EventType,
    f: Text,
    #[serde(default)]
    key: Option<Value>,
    #[serde(default)]
    value: Value,
    #[serde(default)]
    node: Option<Text>,
    #[serde(default)]
    error: Option<Value>,
    #[serde(default)]
    arrival: Option<u64>,
}

/// A last line without a line end was cut by a crash if it cannot be read; any other broken line is an error.
pub(crate) fn parse(text: &str) -> Result<Parsed, MalformedHistory> {
    let mut parsed = Parsed {
        header: None,
        records: Vec::new(),
        truncated: false,
    };
    for (number, line) in (1..).zip(text.split_inclusive('\n')) {
        if line.trim().is_empty() {
            continue;
        }
        let fresh = parsed.header.is_none() && parsed.records.is_empty();
        if let Some(header) = fresh.then(|| header(line, number)).transpose()?.flatten() {
            parsed.header = Some(header);
            continue;
        }
        if !line.trim_start().starts_with('{') {
            return Err(malformed(Some(number), "the line is not a JSON object"));
        }
        match serde_json::from_str::<Line>(line) {
            Ok(event) => parsed.records.push(record(event, number)),
            Err(error) if error.is_eof() && !line.ends_with('\n') => parsed.truncated = true,
            Err(error) => return Err(malformed(Some(number), reason(&error))),
        }
    }
    Ok(parsed)
}

/// The header, if the line is one.
fn header(line: &str, number: usize) -> Result<Option<Header>, MalformedHistory> {
    #[derive(Deserialize)]
    struct Mark {
        format: String,
    }
    if !serde_json::from_str::<Mark>(line).is_ok_and(|mark| mark.format == Header::FORMAT) {
        return Ok(None);
    }
    let header: Header = serde_json::from_str(line)
        .map_err(|error| malformed(Some(number), format!("header: {}", reason(&error))))?;
    if header.version > Header::VERSION {
        return Err(malformed(
            Some(number),
            format!(
                "the history has version {}, this release reads up to {}; use a newer one",
                header.version,
                Header::VERSION
            ),
        ));
    }
    Ok(Some(header))
}

fn record(line: Line, number: usize) -> Record {
    Record {
        line: line_number(number),
        index: line.index,
        time: line.time.map(Nanos),
        process: line.process,
        event_type: line.event_type,
        f: line.f,
        key: line.key,
        value: line.value,
        node: line.node,
        error: line.error.and_then(error_text),
        arrival: line.arrival.map(Nanos),
    }
}

/// Errors of others may be any datum.
pub(crate) fn error_text(error: Value) -> Option<Text> {
    match error {
        Value::Nil => None,
        Value::Text(text) => Some(text),
        other @ (Value::Bool(_)
        | Value::Int(_)
        | Value::Float(_)
        | Value::Number(_)
        | Value::List(_)
        | Value::Map(_)) => Some(other.to_string().into()),
    }
}

/// The parser counts lines within the one line it was given; only the column says something.
fn reason(error: &serde_json::Error) -> String {
    let text = error.to_string();
    match text.rsplit_once(" at line ") {
        Some((what, _)) if error.column() > 0 => format!("{what} at column {}", error.column()),
        Some((what, _)) => what.to_owned(),
        None => text,
    }
}
