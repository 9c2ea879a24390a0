//! A string with put, get and append, one for each key, initially empty: the histories of Porcupine's key-value tests.

use crate::check::ModelError;
use crate::history::Outcome;
use crate::interner::Interner;
use crate::models::ModelSpec;
use crate::models::machine::{ActionId, Entry, Machine, Problem, StateId};
use crate::value::Value;

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Action {
    Put(String),
    Append(String),
    Get(String),
}

/// Reads the operations on one string.
pub(crate) fn problem(entries: &[Entry<'_>], spec: &ModelSpec) -> Result<Problem, ModelError> {
    let mut actions = Interner::new();
    let mut steps = Vec::new();
    for entry in entries {
        let action = action(entry).map_err(|reason| ModelError::new(entry.operation, reason))?;
        // It must make sense all the same.
        if entry.operation.outcome == Outcome::Fail {
            continue;
        }
        steps.extend(action.map(|action| entry.step(actions.intern(&action))));
    }
    let mut strings = Interner::new();
    let initial = spec
        .initial
        .as_ref()
        .and_then(Value::as_text)
        .unwrap_or_default();
    strings.intern(&initial.to_owned());
    Ok(Problem {
        steps,
        machine: Box::new(Strings {
            actions,
            strings,
            letters: 0,
        }),
    })
}

/// `None` for a get without an answer.
fn action(entry: &Entry<'_>) -> Result<Option<Action>, String> {
    match entry.operation.f.as_str() {
        "put" => text(entry.input).map(|text| Some(Action::Put(text))),
        "append" => text(entry.input).map(|text| Some(Action::Append(text))),
        "get" if entry.operation.outcome == Outcome::Ok => {
            text(entry.output).map(|text| Some(Action::Get(text)))
        }
        "get" => Ok(None),
        _ => Err("kv-append knows put, get and append".to_owned()),
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

pub(crate) fn machine(spec: &ModelSpec) -> Box<dyn Machine> {
    let mut strings = Interner::new();
    strings.intern(
        &spec
            .initial
            .as_ref()
            .and_then(Value::as_text)
            .unwrap_or_default()
            .to_owned(),
    );
    Box::new(Strings {
        actions: Interner::new(),
        strings,
        letters: 0,
    })
}

#[derive(Clone)]
struct Strings {
    actions: Interner<Action>,
    strings: Interner<String>,
    letters: u64,
}

impl Machine for Strings {
    fn initial(&self) -> StateId {
        0
    }

    fn learn(&mut self, entry: &Entry<'_>) -> Result<Option<ActionId>, String> {
        Ok(action(entry)?.map(|action| self.actions.intern(&action)))
    }

    fn apply(&mut self, state: StateId, action: ActionId) -> Option<StateId> {
        let after = match self.actions.get(action) {
            Action::Get(text) => return (self.strings.get(state) == text).then_some(state),
            Action::Put(text) => text.clone(),
            Action::Append(text) => format!("{}{text}", self.strings.get(state)),
        };
        let known = self.strings.len();
        let number = self.strings.intern(&after);
        if self.strings.len() > known {
            self.letters += after.len() as u64;
        }
        Some(number)
    }

    fn is_pure(&self, action: ActionId) -> bool {
        matches!(self.actions.get(action), Action::Get(_))
    }

    fn value(&self, state: StateId) -> Value {
        Value::from(self.strings.get(state).as_str())
    }

    fn boxed_clone(&self) -> Box<dyn Machine> {
        Box::new(self.clone())
    }

    fn bytes(&self) -> u64 {
        2 * self.letters + 64 * self.strings.len() as u64
    }
}
