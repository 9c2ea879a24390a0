//! The log of Jepsen's first etcd tests.

use std::io::Write;

use super::edn::Datum;
use super::order::{Recorded, recorded};
use super::{WriteError, inexpressible};
use crate::event::EventType;
use crate::formats::Format;
use crate::formats::etcd_log::MARK;
use crate::history::{History, Operation};

pub(super) fn write(history: &History, out: &mut impl Write) -> Result<(), WriteError> {
    for event in recorded(history) {
        let Some(operation) = event.operation() else {
            continue;
        };
        if let Some(reason) = lost(operation) {
            return Err(inexpressible(operation, Format::EtcdLog, reason));
        }
        let (process, kind, f) = (operation.process, event.event_type(), &operation.f);
        let value = value(event);
        writeln!(out, "INFO  {MARK}{process}\t:{kind}\t:{f}\t{value}")?;
    }
    Ok(())
}

fn lost(operation: &Operation) -> Option<&'static str> {
    if operation.key.is_some() {
        return Some("the log is of one register, without keys");
    }
    (!is_word(&operation.f)).then_some("its function is not one word")
}

fn is_word(text: &str) -> bool {
    let is_plain = |letter: char| !letter.is_whitespace() && !letter.is_control();
    !text.is_empty() && !text.starts_with(':') && text.chars().all(is_plain)
}

/// An indeterminate operation has its error in place of its value.
fn value(event: Recorded<'_>) -> String {
    match (event.event_type(), event.error()) {
        (EventType::Info, Some(error)) if is_word(error) => format!(":{error}"),
        _ => Datum(event.value()).to_string(),
    }
}
