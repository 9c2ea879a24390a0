//! Writing histories, for other tools and for other people.
//!
//! What was written is read again as the same operations, but for what a format has no place for:
//!
//! | format | is lost | cannot be expressed |
//! |---|---|---|
//! | `jsonl` | lines, the node that was asked where another answered | NaN and infinities, decimals that are no float, ratios, maps whose keys are not texts |
//! | `json` | the same, and the header | as `jsonl` |
//! | `edn` | the same, and arrivals | |
//! | `etcd-log` | lines, the header, faults, times, indexes, nodes, errors of more than a word | keys, functions that are no word |
//! | `porcupine-kv` | lines, the header, faults, times, indexes, nodes, errors | functions but put, get and append, values that are no text |
//! | `porcupine-operations` | lines, the header, faults, indexes, nodes, errors, failed operations but cas, what a read asked and a write answered; positions stand for times | functions but read, write, cas, put, get and append, and what `jsonl` cannot express |
//!
//! One thing changes its meaning. In EDN a read of nil is taken for one whose result was not recorded, where nothing can be nil; all
//! other formats mean nil when they say so.

mod edn;
mod etcd_log;
mod json;
mod order;
mod porcupine;

use std::io::{self, Write};

use crate::formats::Format;
use crate::history::{History, Operation};
use crate::value::Value;

/// Why a history was not written.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// The writer failed.
    #[error("writing failed: {0}")]
    Io(#[from] io::Error),
    /// The format has no way to say it.
    #[error(
        "operation {index} (`{f}` of process {process}) cannot be written as {format}: {reason}"
    )]
    Inexpressible {
        /// The format.
        format: Format,
        /// [`crate::Event::index`] of the invocation of the first such operation.
        index: u64,
        /// Its function.
        f: String,
        /// Its process.
        process: i64,
        /// What cannot be expressed.
        reason: String,
    },
}

/// Writes a history. The caller buffers and flushes.
///
/// # Errors
/// If the writer fails, or with the first operation that the format cannot express.
pub fn write(history: &History, format: Format, out: &mut impl Write) -> Result<(), WriteError> {
    match format {
        Format::Jsonl => json::lines(history, out),
        Format::Json => json::array(history, out),
        Format::Edn => edn::write(history, out),
        Format::EtcdLog => etcd_log::write(history, out),
        Format::PorcupineKv => porcupine::strings(history, out),
        Format::PorcupineOperations => porcupine::operations(history, out),
    }
}

fn inexpressible(operation: &Operation, format: Format, reason: impl Into<String>) -> WriteError {
    WriteError::Inexpressible {
        format,
        index: operation.invoke_index,
        f: operation.f.as_str().to_owned(),
        process: operation.process,
        reason: reason.into(),
    }
}

/// What of a value JSON would not give back.
fn no_json(value: &Value) -> Option<String> {
    match value {
        Value::Nil | Value::Bool(_) | Value::Int(_) | Value::Text(_) => None,
        Value::Float(number) => {
            (!number.0.is_finite()).then(|| format!("JSON has no number {value}"))
        }
        Value::Number(digits) => {
            (!value.is_large_integer()).then(|| format!("JSON has no exact number {digits}"))
        }
        Value::List(items) => items.iter().find_map(no_json),
        Value::Map(entries) => entries.iter().find_map(|(key, value)| match key {
            Value::Text(_) => no_json(value),
            Value::Nil
            | Value::Bool(_)
            | Value::Int(_)
            | Value::Float(_)
            | Value::Number(_)
            | Value::List(_)
            | Value::Map(_) => Some(format!("JSON has no map with the key {key}")),
        }),
    }
}
