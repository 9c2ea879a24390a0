//! An event as a JSON object: what our own files always have is optional in those of others.

use std::borrow::Cow;
use std::fmt;

use serde::de::Visitor;
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use crate::event::{EventType, Nanos, Process};
use crate::formats::json_value;
use crate::formats::names::Names;
use crate::pairing::{Record, line_number};
use crate::text::Text;
use crate::value::Value;

/// Names borrow from the line, values are its text.
#[derive(Deserialize)]
struct Line<'l> {
    #[serde(default)]
    index: Count,
    #[serde(default)]
    time: Count,
    #[serde(borrow)]
    process: &'l RawValue,
    #[serde(rename = "type", borrow)]
    event_type: Name<'l>,
    #[serde(borrow)]
    f: Name<'l>,
    #[serde(borrow, default)]
    key: Option<&'l RawValue>,
    #[serde(borrow, default)]
    value: Option<&'l RawValue>,
    #[serde(borrow, default)]
    node: Option<Name<'l>>,
    #[serde(borrow, default)]
    error: Option<&'l RawValue>,
    #[serde(default)]
    arrival: Option<u64>,
}

/// A whole number, absent where Jepsen writes -1.
#[derive(Default)]
struct Count(Option<u64>);

impl<'de> Deserialize<'de> for Count {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(CountVisitor)
    }
}

struct CountVisitor;

impl Visitor<'_> for CountVisitor {
    type Value = Count;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a whole number")
    }

    fn visit_u64<E>(self, number: u64) -> Result<Count, E> {
        Ok(Count(Some(number)))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Count, E> {
        Ok(Count(u64::try_from(number).ok()))
    }

    fn visit_unit<E>(self) -> Result<Count, E> {
        Ok(Count(None))
    }
}

/// A string that is copied only if it has escapes. Exported keywords keep their colon, which is no part of the name.
#[derive(Deserialize)]
#[serde(transparent)]
struct Name<'l>(#[serde(borrow)] Cow<'l, str>);

impl Name<'_> {
    fn word(&self) -> &str {
        keyword(&self.0)
    }
}

fn keyword(text: &str) -> &str {
    text.strip_prefix(':').unwrap_or(text)
}

/// Why an object is no event.
pub(crate) struct NoEvent {
    pub(crate) reason: String,
    /// The text ends within the object.
    pub(crate) is_eof: bool,
}

impl From<String> for NoEvent {
    fn from(reason: String) -> Self {
        Self {
            reason,
            is_eof: false,
        }
    }
}

impl From<serde_json::Error> for NoEvent {
    fn from(error: serde_json::Error) -> Self {
        Self {
            reason: reason(&error),
            is_eof: error.is_eof(),
        }
    }
}

/// Reads the object of one event.
pub(crate) fn record(text: &str, line: usize, names: &mut Names) -> Result<Record, NoEvent> {
    let event: Line<'_> = serde_json::from_str(text)?;
    let process = process(event.process)?;
    let event_type = EventType::parse(event.event_type.word())?;
    let key = event.key.map(|key| json_value::value(key, names));
    let value = event.value.map(|value| json_value::value(value, names));
    let error = event.error.map(|error| json_value::value(error, names));
    Ok(Record {
        line: line_number(line),
        index: event.index.0,
        time: event.time.0.map(Nanos),
        process,
        event_type,
        f: names.text(event.f.word()),
        key: key.transpose()?,
        value: value.transpose()?.unwrap_or_default(),
        node: event.node.map(|node| names.text(&node.0)),
        error: error.transpose()?.and_then(error_text),
        arrival: event.arrival.map(Nanos),
    })
}

/// A client's number, or the name of the nemesis or another thread of the test's own.
fn process(raw: &RawValue) -> Result<Process, String> {
    let text = raw.get();
    if let Ok(number) = text.parse() {
        return Ok(Process::Client(number));
    }
    match serde_json::from_str::<&str>(text) {
        Ok(name) if name == NEMESIS || name.starts_with(':') => Ok(Process::Nemesis),
        Ok(_) | Err(_) => Err(format!(
            "the process is {text}, neither the number of a client nor \"nemesis\""
        )),
    }
}

const NEMESIS: &str = "nemesis";

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
pub(crate) fn reason(error: &serde_json::Error) -> String {
    let text = error.to_string();
    match text.rsplit_once(" at line ") {
        Some((what, _)) if error.column() > 0 => format!("{what} at column {}", error.column()),
        Some((what, _)) => what.to_owned(),
        None => text,
    }
}
