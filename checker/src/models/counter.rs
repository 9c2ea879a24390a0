//! A counter.
//!
//! | operation | possible if | afterwards |
//! |---|---|---|
//! | `add n` | always | it is n greater |
//! | `inc`, `increment` | always | it is 1 greater, or as much as the value says |
//! | `dec`, `decrement` | always | it is 1 less, or as much as the value says |
//! | `read` → n | it is n | nothing changed |
//!
//! The sum has 128 bits, which no history can exhaust with numbers of 64. A read that is answered with nil was not recorded.

use crate::check::ModelError;
use crate::models::ModelSpec;
use crate::models::adapter::Object;
use crate::models::machine::Entry;
use crate::models::model::{Call, Model};
use crate::value::{Float, Value};

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Action {
    Add(i128),
    Read(i128),
}

#[derive(Clone, Debug)]
pub(crate) struct Counter {
    pub(crate) initial: i128,
}

/// Reads the operations on one counter. Indeterminate additions that are called when nobody reads any more are dropped.
pub(crate) fn object(
    entries: &[Entry<'_>],
    spec: &ModelSpec,
) -> Result<Object<Counter>, ModelError> {
    let mut object = Object::new(entries, Counter::new(spec))?;
    let reads = object.operations.iter();
    let read = reads
        .filter(|one| matches!(one.action, Action::Read(_)))
        .map(|one| one.ret)
        .max();
    object
        .operations
        .retain(|one| one.is_mandatory() || read.is_some_and(|last| one.call < last));
    Ok(object)
}

impl Counter {
    pub(crate) fn new(spec: &ModelSpec) -> Self {
        let initial = spec.initial.as_ref().and_then(Value::as_int);
        Self {
            initial: initial.map_or(0, i128::from),
        }
    }
}

impl Model for Counter {
    type State = i128;
    type Action = Action;

    fn initial(&self) -> i128 {
        self.initial
    }

    fn action(&self, call: &Call<'_>) -> Result<Option<Action>, String> {
        match call.f {
            "add" => Ok(Some(Action::Add(number(call.input)?))),
            "inc" | "increment" => Ok(Some(Action::Add(step(call.input)?))),
            "dec" | "decrement" => Ok(Some(Action::Add(-step(call.input)?))),
            "read" => match call.answer {
                None => Ok(None),
                Some(Value::Nil) => Ok(Some(Action::Add(0))),
                Some(answer) => Ok(Some(Action::Read(number(answer)?))),
            },
            _ => Err("counter knows add, inc, dec and read".to_owned()),
        }
    }

    fn apply(&self, state: &i128, action: &Action) -> Option<i128> {
        match action {
            Action::Add(amount) => Some(state + amount),
            Action::Read(seen) => (state == seen).then_some(*state),
        }
    }

    fn is_pure(&self, action: &Action) -> bool {
        matches!(action, Action::Read(_) | Action::Add(0))
    }

    fn value(&self, state: &i128) -> Value {
        // Where it is too large for a value, people are told about how much it is.
        i64::try_from(*state).map_or_else(|_| Value::Float(Float(*state as f64)), Value::Int)
    }
}

fn number(value: &Value) -> Result<i128, String> {
    let number = value.as_int().map(i128::from);
    number.ok_or_else(|| format!("counter has whole numbers of 64 bits, not {value}"))
}

fn step(value: &Value) -> Result<i128, String> {
    if *value == Value::Nil {
        Ok(1)
    } else {
        number(value)
    }
}
