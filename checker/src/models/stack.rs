//! A stack: last in, first out.
//!
//! | operation | possible if | afterwards |
//! |---|---|---|
//! | `push v` | always | v is on top of all others |
//! | `pop` → v | v is on top | the top is gone |
//! | `pop` → nil | the stack is empty | nothing changed |
//! | `pop`, indeterminate | something is there | the top is gone |
//!
//! An indeterminate pop that found nothing changed nothing, so it is the same as one that never happened. See [`buffer`] for nil.

use crate::check::ModelError;
use crate::models::ModelSpec;
use crate::models::adapter::Object;
use crate::models::buffer::{self, Action, Buffer};
use crate::models::machine::Entry;
use crate::models::model::{Call, Model};
use crate::value::Value;

#[derive(Clone, Debug)]
pub(crate) struct Stack(pub(crate) Buffer);

/// Reads the operations on one stack.
pub(crate) fn object(entries: &[Entry<'_>], spec: &ModelSpec) -> Result<Object<Stack>, ModelError> {
    let model = Stack(Stack::new(spec).0.knowing(entries));
    buffer::object(entries, model, |action| {
        matches!(action, Action::Take(_) | Action::Empty | Action::Nil)
    })
}

impl Stack {
    pub(crate) fn new(spec: &ModelSpec) -> Self {
        Self(Buffer::new("push", "pop", spec))
    }
}

impl Model for Stack {
    /// The top is last.
    type State = Vec<Value>;
    type Action = Action;

    fn initial(&self) -> Vec<Value> {
        self.0.initial.clone()
    }

    fn action(&self, call: &Call<'_>) -> Result<Option<Action>, String> {
        self.0.action(call).map(Some)
    }

    fn apply(&self, state: &Vec<Value>, action: &Action) -> Option<Vec<Value>> {
        let fits = match action {
            Action::Put(_) => true,
            Action::Take(value) => state.last() == Some(value),
            Action::TakeAny => !state.is_empty(),
            Action::Empty => state.is_empty(),
            Action::Nil => state.last().is_none_or(|out| *out == Value::Nil),
        };
        fits.then(|| {
            let mut after = state.clone();
            match action {
                Action::Put(value) => after.push(value.clone()),
                Action::Take(_) | Action::TakeAny | Action::Nil => drop(after.pop()),
                Action::Empty => {}
            }
            after
        })
    }

    fn is_pure(&self, action: &Action) -> bool {
        matches!(action, Action::Empty)
    }

    fn value(&self, state: &Vec<Value>) -> Value {
        Value::from(state.clone())
    }
}
