//! A model with the value its objects start with.

use serde::Serialize;

use crate::models::ModelName;
use crate::models::register::{FREE, HELD};
use crate::value::Value;

/// A model and the value its objects start with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ModelSpec {
    /// Which model.
    pub name: ModelName,
    /// The first value of every object; `None` is the model's own: nil, a free lock, zero, or nothing in it.
    pub initial: Option<Value>,
}

/// A first value that no object of the model can have.
#[derive(Debug, thiserror::Error)]
#[error(
    "{value} is no initial value of {model}: a string for kv-append, \"free\" or \"held\" for mutex, a map for multi-register, a map of \
     lists for list-append, a whole number for counter, a list for set, queue (the head first), unordered-queue and stack (the top last)"
)]
pub struct BadInitial {
    model: ModelName,
    value: Value,
}

impl ModelSpec {
    /// Whether the objects of the model can start with the initial value.
    ///
    /// # Errors
    /// [`BadInitial`] if they cannot.
    pub fn check_initial(&self) -> Result<(), BadInitial> {
        let Some(value) = &self.initial else {
            return Ok(());
        };
        if fits(self.name, value) {
            return Ok(());
        }
        Err(BadInitial {
            model: self.name,
            value: value.clone(),
        })
    }
}

fn fits(model: ModelName, value: &Value) -> bool {
    match model {
        ModelName::KvAppend => value.as_text().is_some(),
        ModelName::Mutex => matches!(value.as_text(), Some(FREE | HELD)),
        ModelName::MultiRegister => matches!(value, Value::Map(_)),
        ModelName::ListAppend => {
            matches!(value, Value::Map(lists) if lists.values().all(|list| list.as_list().is_some()))
        }
        ModelName::Counter => matches!(value, Value::Int(_)),
        ModelName::Set | ModelName::Queue | ModelName::UnorderedQueue | ModelName::Stack => {
            value.as_list().is_some()
        }
        ModelName::Register | ModelName::CasRegister | ModelName::Kv => true,
    }
}

impl From<ModelName> for ModelSpec {
    fn from(name: ModelName) -> Self {
        Self {
            name,
            initial: None,
        }
    }
}
