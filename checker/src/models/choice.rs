//! Which model a history is of, where nobody says: its header, its format, or its functions tell.
//!
//! | functions | model |
//! |---|---|
//! | acquire, release | mutex |
//! | enqueue, dequeue | queue |
//! | push, pop | stack |
//! | insert, remove, delete, contains among them; or add, with reads that are lists | set |
//! | inc, increment, dec, decrement among them; or add, with reads that are numbers | counter |
//! | txn that appends; or append and read | list-append |
//! | txn that writes | multi-register |
//! | put, get, append | kv-append |
//!
//! Functions that belong to several of these, or to none, say nothing; then it is the usual model of the format.

use std::collections::BTreeSet;
use std::fmt;

use crate::formats::Format;
use crate::history::{History, Operation, Outcome};
use crate::models::{ModelName, ModelSpec};
use crate::text::Text;
use crate::value::Value;

/// A model for a history, and what speaks for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelChoice {
    /// The model, with the initial value of the header.
    pub spec: ModelSpec,
    /// Why this one.
    pub reason: ModelReason,
}

/// What speaks for a model. Displays as the end of a sentence that begins with `because`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ModelReason {
    /// The header names it.
    Header,
    /// These functions are those of the model.
    Functions(Vec<Text>),
    /// It is the usual one of the format, and these functions say nothing else.
    Format(Format, Vec<Text>),
}

impl fmt::Display for ModelReason {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Header => out.write_str("its header says so"),
            Self::Functions(functions) => write!(out, "its functions are {}", Names(functions)),
            Self::Format(format, functions) => write!(
                out,
                "that is the usual model of {format}, and its functions ({}) name no other",
                Names(functions)
            ),
        }
    }
}

/// How many functions are listed.
const MAX_LISTED: usize = 8;

struct Names<'n>(&'n [Text]);

impl fmt::Display for Names<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, name) in self.0.iter().take(MAX_LISTED).enumerate() {
            write!(out, "{}{name}", if number > 0 { ", " } else { "" })?;
        }
        match self.0.len().checked_sub(MAX_LISTED + 1) {
            Some(_) => out.write_str(", …"),
            None => Ok(()),
        }
    }
}

pub(crate) fn choose(history: &History) -> ModelChoice {
    let header = history.header.as_ref();
    let named = header.and_then(|header| header.model.as_deref()?.parse().ok());
    let (name, reason) = match named {
        Some(name) => (name, ModelReason::Header),
        None => unnamed(history),
    };
    let initial = header.and_then(|header| header.initial.clone());
    ModelChoice {
        spec: ModelSpec { name, initial },
        reason,
    }
}

fn unnamed(history: &History) -> (ModelName, ModelReason) {
    let functions = functions(history);
    let names: BTreeSet<&str> = functions.iter().map(Text::as_str).collect();
    let told = match history.format {
        Format::EtcdLog | Format::PorcupineKv => None,
        Format::Edn | Format::Jsonl | Format::Json | Format::PorcupineOperations => {
            by_functions(history, &names)
        }
    };
    match told {
        Some(name) => (name, ModelReason::Functions(functions)),
        None => {
            let reason = ModelReason::Format(history.format, functions);
            (by_format(history), reason)
        }
    }
}

/// All functions, in the order in which they first appear.
fn functions(history: &History) -> Vec<Text> {
    let mut functions: Vec<Text> = Vec::new();
    for operation in &history.operations {
        if !functions.contains(&operation.f) {
            functions.push(operation.f.clone());
        }
        if functions.len() > MAX_LISTED {
            break;
        }
    }
    functions
}

fn by_functions(history: &History, names: &BTreeSet<&str>) -> Option<ModelName> {
    let only = |known: &[&str]| !names.is_empty() && names.iter().all(|f| known.contains(f));
    let any = |known: &[&str]| known.iter().any(|f| names.contains(f));
    if only(&["acquire", "release"]) {
        Some(ModelName::Mutex)
    } else if only(&["enqueue", "dequeue"]) {
        Some(ModelName::Queue)
    } else if only(&["push", "pop"]) {
        Some(ModelName::Stack)
    } else if only(&["add", "insert", "remove", "delete", "contains", "read"])
        && any(&["insert", "remove", "delete", "contains"])
    {
        Some(ModelName::Set)
    } else if only(&["add", "inc", "increment", "dec", "decrement", "read"])
        && any(&["inc", "increment", "dec", "decrement"])
    {
        Some(ModelName::Counter)
    } else if only(&["add", "read"]) && any(&["add"]) {
        by_reads(history)
    } else if only(&["txn"]) {
        by_transactions(history)
    } else if only(&["append", "read", "r"]) && any(&["append"]) {
        Some(ModelName::ListAppend)
    } else if only(&["put", "get", "append"]) {
        Some(ModelName::KvAppend)
    } else {
        None
    }
}

/// What is added to: what is read tells.
fn by_reads(history: &History) -> Option<ModelName> {
    let reads = answered(history).filter(|operation| operation.f == "read");
    let mut kinds = reads.filter_map(|read| match &read.output {
        Value::List(_) => Some(ModelName::Set),
        Value::Int(_) => Some(ModelName::Counter),
        Value::Nil
        | Value::Bool(_)
        | Value::Float(_)
        | Value::Number(_)
        | Value::Text(_)
        | Value::Map(_) => None,
    });
    let first = kinds.next()?;
    kinds.all(|kind| kind == first).then_some(first)
}

/// What transactions do: the first part that changes anything tells.
fn by_transactions(history: &History) -> Option<ModelName> {
    let parts = history
        .operations
        .iter()
        .filter_map(|operation| operation.input.as_list())
        .flatten();
    parts
        .filter_map(|part| part.as_list()?.first()?.as_text())
        .find_map(|f| match f {
            "append" => Some(ModelName::ListAppend),
            "w" | "write" => Some(ModelName::MultiRegister),
            _ => None,
        })
}

fn answered(history: &History) -> impl Iterator<Item = &Operation> {
    let operations = history.operations.iter();
    operations.filter(|operation| operation.outcome == Outcome::Ok)
}

/// Registers, under keys or one; with Porcupine's own functions what it calls a key-value store.
fn by_format(history: &History) -> ModelName {
    let any = |wanted: fn(&Operation) -> bool| history.operations.iter().any(wanted);
    let has_keys = || any(|one| one.key.is_some());
    let is_store = || any(|one| ["put", "get", "append"].contains(&one.f.as_str()));
    match history.format {
        Format::EtcdLog | Format::Edn => ModelName::CasRegister,
        Format::PorcupineKv => ModelName::KvAppend,
        Format::PorcupineOperations if is_store() => ModelName::KvAppend,
        Format::Jsonl | Format::Json | Format::PorcupineOperations => match has_keys() {
            true => ModelName::Kv,
            false => ModelName::CasRegister,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::formats;

    /// One operation after the other, each as its function, its argument and its answer in JSON.
    fn told_by(operations: &[[&str; 3]]) -> ModelChoice {
        let event = |event_type: &str, f: &str, value: &str| {
            format!(r#"{{"process":0,"type":"{event_type}","f":"{f}","value":{value}}}"#) + "\n"
        };
        let text: String = operations
            .iter()
            .map(|[f, input, output]| event("invoke", f, input) + &event("ok", f, output))
            .collect();
        let history = formats::read(text.as_bytes(), Some(Format::Jsonl), "h").expect("a history");
        history.model_choice()
    }

    #[test]
    fn functions_tell_the_model() {
        let append = r#"[["append", "x", 1]]"#;
        let write = r#"[["w", "x", 1]]"#;
        let rows: [(ModelName, &[[&str; 3]]); 14] = [
            (
                ModelName::Mutex,
                &[["acquire", "null", "null"], ["release", "null", "null"]],
            ),
            (
                ModelName::Queue,
                &[["enqueue", "1", "1"], ["dequeue", "null", "1"]],
            ),
            (ModelName::Queue, &[["dequeue", "null", "null"]]),
            (
                ModelName::Stack,
                &[["push", "1", "1"], ["pop", "null", "1"]],
            ),
            (
                ModelName::Set,
                &[["add", "1", "1"], ["read", "null", "[1]"]],
            ),
            (
                ModelName::Set,
                &[["add", "1", "1"], ["contains", "1", "true"]],
            ),
            (
                ModelName::Counter,
                &[["add", "1", "1"], ["read", "null", "1"]],
            ),
            (
                ModelName::Counter,
                &[["inc", "null", "null"], ["read", "null", "1"]],
            ),
            (ModelName::ListAppend, &[["txn", append, append]]),
            (
                ModelName::ListAppend,
                &[["append", "1", "1"], ["read", "null", "[1]"]],
            ),
            (ModelName::MultiRegister, &[["txn", write, write]]),
            (
                ModelName::KvAppend,
                &[["append", "\"a\"", "null"], ["get", "null", "\"a\""]],
            ),
            // Nothing that tells a set from a counter.
            (
                ModelName::CasRegister,
                &[["add", "1", "1"], ["read", "null", "null"]],
            ),
            (
                ModelName::CasRegister,
                &[["enqueue", "1", "1"], ["push", "2", "2"]],
            ),
        ];
        for (model, operations) in rows {
            let choice = told_by(operations);
            assert_eq!(choice.spec.name, model, "{operations:?}");
            let by_functions = matches!(choice.reason, ModelReason::Functions(_));
            assert_eq!(
                by_functions,
                model != ModelName::CasRegister,
                "{operations:?}"
            );
        }
    }

    #[test]
    fn the_reason_is_said() {
        let queue = told_by(&[["enqueue", "1", "1"], ["dequeue", "null", "1"]]);
        assert_eq!(
            queue.reason.to_string(),
            "its functions are enqueue, dequeue"
        );
        let register = told_by(&[["write", "1", "1"]]);
        assert_eq!(
            register.reason.to_string(),
            "that is the usual model of jsonl, and its functions (write) name no other"
        );
    }
}
