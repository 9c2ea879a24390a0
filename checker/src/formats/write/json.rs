//! Events as JSON objects: own lines, or one array.

use std::io::Write;

use serde::Serialize;

use super::order::{Recorded, recorded};
use super::{WriteError, inexpressible, no_json};
use crate::event::{EventType, Header, Nanos, Process};
use crate::formats::Format;
use crate::history::History;
use crate::models::ModelName;
use crate::text::Text;
use crate::value::Value;

/// [`crate::Event`], without what it does not know.
#[derive(Serialize)]
struct Line<'h> {
    index: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    time: Option<Nanos>,
    process: Process,
    #[serde(rename = "type")]
    event_type: EventType,
    f: &'h Text,
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<&'h Value>,
    value: &'h Value,
    #[serde(skip_serializing_if = "Option::is_none")]
    node: Option<&'h Text>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'h Text>,
    #[serde(skip_serializing_if = "Option::is_none")]
    arrival: Option<Nanos>,
}

impl<'h> From<Recorded<'h>> for Line<'h> {
    fn from(event: Recorded<'h>) -> Self {
        Self {
            index: event.index(),
            time: event.time(),
            process: event.process(),
            event_type: event.event_type(),
            f: event.f(),
            key: event.key(),
            value: event.value(),
            node: event.node(),
            error: event.error(),
            arrival: event.arrival(),
        }
    }
}

/// Our own `history.jsonl`. Where its format said by which model a history is to be judged, the header says so from now on.
pub(super) fn lines(history: &History, out: &mut impl Write) -> Result<(), WriteError> {
    let by_format = Some(history.default_model().name).filter(|name| *name == ModelName::KvAppend);
    let header = history.header.clone().unwrap_or_else(|| Header {
        model: by_format.map(|name| name.to_string()),
        ..Header::new()
    });
    to_json(&header, out)?;
    out.write_all(b"\n")?;
    for event in recorded(history) {
        one(event, Format::Jsonl, out)?;
        out.write_all(b"\n")?;
    }
    Ok(())
}

/// One array, an event a line.
pub(super) fn array(history: &History, out: &mut impl Write) -> Result<(), WriteError> {
    out.write_all(b"[")?;
    for (number, event) in recorded(history).into_iter().enumerate() {
        out.write_all(if number == 0 { b"\n" } else { b",\n" })?;
        one(event, Format::Json, out)?;
    }
    out.write_all(b"\n]\n")?;
    Ok(())
}

fn one(event: Recorded<'_>, format: Format, out: &mut impl Write) -> Result<(), WriteError> {
    if let Some(operation) = event.operation() {
        let lost = no_json(event.value()).or_else(|| event.key().and_then(no_json));
        lost.map_or(Ok(()), |reason| {
            Err(inexpressible(operation, format, reason))
        })?;
    }
    to_json(&Line::from(event), out)
}

fn to_json(value: &impl Serialize, out: &mut impl Write) -> Result<(), WriteError> {
    serde_json::to_writer(out, value).map_err(|error| WriteError::Io(error.into()))
}
