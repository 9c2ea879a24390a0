//! What queues and stacks have in common: values are put in, and each comes out once.
//!
//! | operation | with the answer | meaning |
//! |---|---|---|
//! | `enqueue v`, `push v` | any | v is put in |
//! | `dequeue`, `pop` | v | v was the one to come out, and is gone |
//! | | nil | nothing was there; or, if nil is ever put in on that object, nil may have come out as well |
//! | | unknown | whatever was the one to come out is gone |

use crate::check::ModelError;
use crate::models::ModelSpec;
use crate::models::adapter::{Object, Op};
use crate::models::machine::Entry;
use crate::models::model::{Call, Model};
use crate::value::Value;

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Action {
    Put(Value),
    Take(Value),
    /// Nobody knows what was taken.
    TakeAny,
    /// There was nothing to take.
    Empty,
    /// There was nothing to take, or nil came out.
    Nil,
}

/// What the operations are called, and what is in there at first.
#[derive(Clone, Debug)]
pub(crate) struct Buffer {
    put: &'static str,
    take: &'static str,
    pub(crate) initial: Vec<Value>,
    /// Nil may be in there.
    may_hold_nil: bool,
}

impl Buffer {
    pub(crate) fn new(put: &'static str, take: &'static str, spec: &ModelSpec) -> Self {
        let initial = spec.initial.as_ref().and_then(Value::as_list);
        Self {
            put,
            take,
            initial: initial.unwrap_or_default().to_vec(),
            may_hold_nil: true,
        }
    }

    /// With the whole history at hand.
    pub(crate) fn knowing(mut self, entries: &[Entry<'_>]) -> Self {
        let puts_nil = |entry: &Entry<'_>| {
            entry.operation.f.as_str() == self.put && *entry.input == Value::Nil
        };
        self.may_hold_nil = self.initial.contains(&Value::Nil) || entries.iter().any(puts_nil);
        self
    }

    pub(crate) fn action(&self, call: &Call<'_>) -> Result<Action, String> {
        match call.answer {
            _ if call.f == self.put => Ok(Action::Put(call.input.clone())),
            None if call.f == self.take => Ok(Action::TakeAny),
            Some(Value::Nil) if call.f == self.take && self.may_hold_nil => Ok(Action::Nil),
            Some(Value::Nil) if call.f == self.take => Ok(Action::Empty),
            Some(value) if call.f == self.take => Ok(Action::Take(value.clone())),
            Some(_) | None => Err(format!("it knows {} and {}", self.put, self.take)),
        }
    }
}

/// Reads the operations on one object and drops indeterminate ones that no order needs.
///
/// - Putting in a value that nobody takes out later: in any order leave it out, and with it whoever took it without knowing what. The
///   others find the same as before, or nothing where nothing else was.
/// - Taking out something unknown, if nobody `looks` later: leave it out.
pub(crate) fn object<M: Model<Action = Action>>(
    entries: &[Entry<'_>],
    model: M,
    looks: impl Fn(&Action) -> bool,
) -> Result<Object<M>, ModelError> {
    let mut object = Object::new(entries, model)?;
    let mut taken = std::collections::BTreeMap::new();
    let mut looked = 0;
    for operation in &object.operations {
        if looks(&operation.action) {
            looked = looked.max(operation.ret);
        }
        let value = match &operation.action {
            Action::Take(value) => value.clone(),
            Action::Nil => Value::Nil,
            Action::Put(_) | Action::TakeAny | Action::Empty => continue,
        };
        let last = taken.entry(value).or_insert(0);
        *last = operation.ret.max(*last);
    }
    let is_needed = |one: &Op<Action>| match &one.action {
        Action::Put(value) => taken.get(value).is_some_and(|&last| last > one.call),
        Action::TakeAny => looked > one.call,
        Action::Take(_) | Action::Empty | Action::Nil => true,
    };
    object
        .operations
        .retain(|one| one.is_mandatory() || is_needed(one));
    Ok(object)
}
