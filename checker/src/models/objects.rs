//! Splitting a history into independent objects, where the model is a product of them.
//!
//! Linearizability is local (Herlihy and Wing 1990, theorem 1): a history is linearizable if and only if it is so for each object.

use std::collections::BTreeMap;

use crate::check::ModelError;
use crate::history::{History, Operation, Outcome};
use crate::models::machine::Entry;
use crate::models::{ModelName, ModelSpec, list_append};
use crate::value::Value;

/// The operations of each object, in the order of their calls.
pub(crate) type Objects<'h> = BTreeMap<Option<Value>, Vec<Entry<'h>>>;

pub(crate) fn split<'h>(history: &'h History, spec: &ModelSpec) -> Result<Objects<'h>, ModelError> {
    match spec.name {
        ModelName::ListAppend => split_lists(history),
        ModelName::Register
        | ModelName::CasRegister
        | ModelName::MultiRegister
        | ModelName::Mutex
        | ModelName::Kv
        | ModelName::KvAppend
        | ModelName::Set
        | ModelName::Queue
        | ModelName::UnorderedQueue
        | ModelName::Stack
        | ModelName::Counter => split_by(history, |operation| place(operation, spec.name)),
    }
}

/// The object of an operation, and what it is to that. Whether lists are objects of their own is not seen from one operation.
pub(crate) fn place(
    operation: &Operation,
    model: ModelName,
) -> Result<(Option<Value>, Entry<'_>), String> {
    match model {
        ModelName::ListAppend => Ok((None, whole(operation))),
        ModelName::Kv if operation.key.is_none() => tuple(operation),
        ModelName::Register
        | ModelName::CasRegister
        | ModelName::MultiRegister
        | ModelName::Mutex
        | ModelName::Kv
        | ModelName::KvAppend
        | ModelName::Set
        | ModelName::Queue
        | ModelName::UnorderedQueue
        | ModelName::Stack
        | ModelName::Counter => Ok((operation.key.clone(), whole(operation))),
    }
}

/// By what a function says.
pub(crate) fn split_by_key(
    history: &History,
    key: impl Fn(&Operation) -> Option<Value>,
) -> Result<Objects<'_>, ModelError> {
    split_by(history, |operation| Ok((key(operation), whole(operation))))
}

fn split_by<'h>(
    history: &'h History,
    place: impl Fn(&'h Operation) -> Result<(Option<Value>, Entry<'h>), String>,
) -> Result<Objects<'h>, ModelError> {
    let mut objects = Objects::new();
    for operation in &history.operations {
        let (key, entry) = place(operation).map_err(|reason| ModelError::new(operation, reason))?;
        objects.entry(key).or_default().push(entry);
    }
    Ok(objects)
}

fn split_lists(history: &History) -> Result<Objects<'_>, ModelError> {
    let keys = list_append::keys(history)?;
    split_by_key(history, |operation| {
        keys.as_ref().and_then(|keys| keys[operation.id.0].cloned())
    })
}

fn whole(operation: &Operation) -> Entry<'_> {
    Entry {
        operation,
        input: &operation.input,
        output: &operation.output,
    }
}

/// Jepsen's independent keys: the value is `[key value]`.
fn tuple(operation: &Operation) -> Result<(Option<Value>, Entry<'_>), String> {
    let (key, input) = halves(&operation.input)?;
    let output = match operation.outcome {
        Outcome::Ok => match halves(&operation.output)? {
            (answered, output) if answered == key => output,
            (answered, _) => return Err(format!("asks for key {key} and answers for {answered}")),
        },
        Outcome::Fail | Outcome::Info => input,
    };
    Ok((
        Some(key.clone()),
        Entry {
            operation,
            input,
            output,
        },
    ))
}

fn halves(value: &Value) -> Result<(&Value, &Value), String> {
    match value.as_list() {
        Some([key, value]) => Ok((key, value)),
        Some(_) | None => Err(format!(
            "has neither a key nor a [key value] tuple, its value is {value}"
        )),
    }
}
