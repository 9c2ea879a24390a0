//! Splitting a history into independent objects, where the model is a product of them.
//!
//! Linearizability is local (Herlihy and Wing 1990, theorem 1): a history is linearizable if and only if it is so for each object.

use std::collections::BTreeMap;

use crate::check::ModelError;
use crate::history::{History, Operation, Outcome};
use crate::models::machine::Entry;
use crate::models::{ModelName, ModelSpec};
use crate::value::Value;

/// The operations of each object, in the order of their calls.
pub(crate) type Objects<'h> = BTreeMap<Option<Value>, Vec<Entry<'h>>>;

pub(crate) fn split<'h>(history: &'h History, spec: &ModelSpec) -> Result<Objects<'h>, ModelError> {
    let mut objects = Objects::new();
    for operation in &history.operations {
        let (key, entry) =
            place(operation, spec.name).map_err(|reason| ModelError::new(operation, reason))?;
        objects.entry(key).or_default().push(entry);
    }
    Ok(objects)
}

/// The object of an operation, and what it is to that.
pub(crate) fn place(
    operation: &Operation,
    model: ModelName,
) -> Result<(Option<Value>, Entry<'_>), String> {
    let whole = Entry {
        operation,
        input: &operation.input,
        output: &operation.output,
    };
    match model {
        ModelName::MultiRegister => Ok((None, whole)),
        ModelName::Kv if operation.key.is_none() => tuple(operation),
        ModelName::Kv
        | ModelName::Register
        | ModelName::CasRegister
        | ModelName::Mutex
        | ModelName::KvAppend => Ok((operation.key.clone(), whole)),
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
