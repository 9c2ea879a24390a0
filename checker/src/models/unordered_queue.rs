//! A queue without an order: what is taken out is any of those inside.
//!
//! | operation | possible if | afterwards |
//! |---|---|---|
//! | `enqueue v` | always | there is one more v |
//! | `dequeue` → v | there is a v | there is one v less |
//! | `dequeue` → nil | nothing is there | nothing changed |
//! | `dequeue`, indeterminate | something is there | any one is gone, nobody knows which |
//!
//! See [`buffer`] for nil.
//!
//! # Who took what
//! The last operation has more than one outcome. Which one it was matters only when nothing is left: then each value that no known
//! dequeue took must have been taken by an unknown one after it was put in. So a state remembers, in the order of time, which values
//! were put in and not taken knowingly, and how many unknown dequeues there were in between, and it is possible if the unknown
//! dequeues can be assigned to different values that were put in before them. That is so if and only if of each prefix there are at
//! least as many values as unknown dequeues (Hall 1935; what one dequeue can have taken a later one can have taken too). Where the
//! numbers are equal all of the prefix is gone, and is forgotten. When nothing is left they are equal for the whole.
//!
//! If a known dequeue takes one of several equal values, let it be the one put in last: that lowers the fewest prefixes.
//!
//! Where no later dequeue finds nothing, an unknown one can only take away what others need, so it is dropped.

use std::collections::BTreeMap;

use crate::check::ModelError;
use crate::models::ModelSpec;
use crate::models::adapter::Object;
use crate::models::buffer::{self, Action, Buffer};
use crate::models::machine::Entry;
use crate::models::model::{Call, Model};
use crate::value::Value;

#[derive(Clone, Debug)]
pub(crate) struct UnorderedQueue(pub(crate) Buffer);

/// Reads the operations on one queue.
pub(crate) fn object(
    entries: &[Entry<'_>],
    spec: &ModelSpec,
) -> Result<Object<UnorderedQueue>, ModelError> {
    let model = UnorderedQueue(UnorderedQueue::new(spec).0.knowing(entries));
    buffer::object(entries, model, |action| {
        matches!(action, Action::Empty | Action::Nil)
    })
}

/// Stages in the order of time.
///
/// - Only in the last may nothing be gone, and in each there are values.
/// - Of each prefix there are more values than are gone.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Contents(Vec<Stage>);

/// Some values put in, and then some taken out, of these and earlier ones.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
struct Stage {
    values: BTreeMap<Value, usize>,
    gone: usize,
}

impl Contents {
    fn put(&mut self, value: &Value) {
        if self.0.last().is_none_or(|last| last.gone > 0) {
            self.0.push(Stage::default());
        }
        if let Some(last) = self.0.last_mut() {
            *last.values.entry(value.clone()).or_default() += 1;
        }
    }

    /// False if there is none.
    fn take(&mut self, value: &Value) -> bool {
        let mut stages = self.0.iter_mut().rev();
        let Some(stage) = stages.find(|stage| stage.values.contains_key(value)) else {
            return false;
        };
        if let Some(count) = stage.values.get_mut(value) {
            *count -= 1;
        }
        stage.values.retain(|_, count| *count > 0);
        self.tidy()
    }

    /// False if there is nothing.
    fn take_any(&mut self) -> bool {
        let Some(last) = self.0.last_mut() else {
            return false;
        };
        last.gone += 1;
        self.tidy()
    }

    /// Restores the invariants; false if more is gone of some prefix than there was.
    fn tidy(&mut self) -> bool {
        let (mut tidied, mut there): (Vec<Stage>, usize) = (Vec::new(), 0);
        for stage in self.0.drain(..) {
            there += stage.values.values().sum::<usize>();
            let Some(rest) = there.checked_sub(stage.gone) else {
                return false;
            };
            there = rest;
            match tidied.last_mut() {
                Some(last) if stage.values.is_empty() => last.gone += stage.gone,
                Some(last) if last.gone == 0 => {
                    for (value, count) in stage.values {
                        *last.values.entry(value).or_default() += count;
                    }
                    last.gone = stage.gone;
                }
                Some(_) | None => tidied.push(stage),
            }
            if there == 0 {
                tidied.clear();
            }
        }
        self.0 = tidied;
        true
    }
}

impl UnorderedQueue {
    pub(crate) fn new(spec: &ModelSpec) -> Self {
        Self(Buffer::new("enqueue", "dequeue", spec))
    }
}

impl Model for UnorderedQueue {
    type State = Contents;
    type Action = Action;

    fn initial(&self) -> Contents {
        let mut contents = Contents::default();
        for value in &self.0.initial {
            contents.put(value);
        }
        contents
    }

    fn action(&self, call: &Call<'_>) -> Result<Option<Action>, String> {
        self.0.action(call).map(Some)
    }

    fn apply(&self, state: &Contents, action: &Action) -> Option<Contents> {
        let mut after = state.clone();
        let possible = match action {
            Action::Put(value) => {
                after.put(value);
                true
            }
            Action::Take(value) => after.take(value),
            Action::TakeAny => after.take_any(),
            Action::Empty => after.0.is_empty(),
            Action::Nil => after.0.is_empty() || after.take(&Value::Nil),
        };
        possible.then_some(after)
    }

    fn is_pure(&self, action: &Action) -> bool {
        matches!(action, Action::Empty)
    }

    /// Everything that may be there.
    fn value(&self, state: &Contents) -> Value {
        let mut values: Vec<Value> = Vec::new();
        for (value, &count) in state.0.iter().flat_map(|stage| &stage.values) {
            values.extend(std::iter::repeat_n(value.clone(), count));
        }
        values.sort();
        Value::from(values)
    }
}
