//! A string with put, get and append, one for each key, initially empty: the histories of Porcupine's key-value tests.
//!
//! | operation | possible if | afterwards |
//! |---|---|---|
//! | `put s` | always | it is s |
//! | `append s` | always | it ends in s, with all before that there was |
//! | `get` → s | it is s | nothing changed |
//!
//! Nil is the empty string.

use crate::models::ModelSpec;
use crate::models::model::{Call, Model};
use crate::value::Value;

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Action {
    Put(String),
    Append(String),
    Get(String),
}

#[derive(Clone, Debug)]
pub(crate) struct KvAppend {
    initial: String,
}

impl KvAppend {
    pub(crate) fn new(spec: &ModelSpec) -> Self {
        let initial = spec.initial.as_ref().and_then(Value::as_text);
        Self {
            initial: initial.unwrap_or_default().to_owned(),
        }
    }
}

impl Model for KvAppend {
    type State = String;
    type Action = Action;

    fn initial(&self) -> String {
        self.initial.clone()
    }

    fn action(&self, call: &Call<'_>) -> Result<Option<Action>, String> {
        match call.f {
            "put" => text(call.input).map(|text| Some(Action::Put(text))),
            "append" => text(call.input).map(|text| Some(Action::Append(text))),
            "get" => call
                .answer
                .map(|answer| text(answer).map(Action::Get))
                .transpose(),
            _ => Err("kv-append knows put, get and append".to_owned()),
        }
    }

    fn apply(&self, state: &String, action: &Action) -> Option<String> {
        match action {
            Action::Get(seen) => (state == seen).then(|| state.clone()),
            Action::Put(text) => Some(text.clone()),
            Action::Append(text) => Some(format!("{state}{text}")),
        }
    }

    fn is_pure(&self, action: &Action) -> bool {
        matches!(action, Action::Get(_))
    }

    fn value(&self, state: &String) -> Value {
        Value::from(state.as_str())
    }
}

/// A key that was never put is an empty string.
fn text(value: &Value) -> Result<String, String> {
    match value {
        Value::Text(text) => Ok(text.as_str().to_owned()),
        Value::Nil => Ok(String::new()),
        Value::Bool(_)
        | Value::Int(_)
        | Value::Float(_)
        | Value::Number(_)
        | Value::List(_)
        | Value::Map(_) => Err(format!("kv-append holds strings, not {value}")),
    }
}
