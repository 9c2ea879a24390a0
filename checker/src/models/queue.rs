//! A queue: first in, first out.
//!
//! | operation | possible if | afterwards |
//! |---|---|---|
//! | `enqueue v` | always | v is behind all others |
//! | `dequeue` → v | v is the head | the head is gone |
//! | `dequeue` → nil | the queue is empty | nothing changed |
//! | `dequeue`, indeterminate | there is a head | the head is gone |
//!
//! An indeterminate dequeue that found nothing changed nothing, so it is the same as one that never happened. See [`buffer`] for nil.

use std::collections::VecDeque;

use crate::check::ModelError;
use crate::models::ModelSpec;
use crate::models::adapter::Object;
use crate::models::buffer::{self, Action, Buffer};
use crate::models::machine::Entry;
use crate::models::model::{Call, Model};
use crate::value::Value;

#[derive(Clone, Debug)]
pub(crate) struct Queue(pub(crate) Buffer);

/// Reads the operations on one queue.
pub(crate) fn object(entries: &[Entry<'_>], spec: &ModelSpec) -> Result<Object<Queue>, ModelError> {
    let model = Queue(Queue::new(spec).0.knowing(entries));
    buffer::object(entries, model, |action| {
        matches!(action, Action::Take(_) | Action::Empty | Action::Nil)
    })
}

impl Queue {
    pub(crate) fn new(spec: &ModelSpec) -> Self {
        Self(Buffer::new("enqueue", "dequeue", spec))
    }
}

impl Model for Queue {
    type State = VecDeque<Value>;
    type Action = Action;

    fn initial(&self) -> VecDeque<Value> {
        self.0.initial.iter().cloned().collect()
    }

    fn action(&self, call: &Call<'_>) -> Result<Option<Action>, String> {
        self.0.action(call).map(Some)
    }

    fn apply(&self, state: &VecDeque<Value>, action: &Action) -> Option<VecDeque<Value>> {
        let fits = match action {
            Action::Put(_) => true,
            Action::Take(value) => state.front() == Some(value),
            Action::TakeAny => !state.is_empty(),
            Action::Empty => state.is_empty(),
            Action::Nil => state.front().is_none_or(|out| *out == Value::Nil),
        };
        fits.then(|| {
            let mut after = state.clone();
            match action {
                Action::Put(value) => after.push_back(value.clone()),
                Action::Take(_) | Action::TakeAny | Action::Nil => drop(after.pop_front()),
                Action::Empty => {}
            }
            after
        })
    }

    fn is_pure(&self, action: &Action) -> bool {
        matches!(action, Action::Empty)
    }

    fn value(&self, state: &VecDeque<Value>) -> Value {
        state.iter().cloned().collect()
    }
}
