//! A set.
//!
//! | operation | with the answer | possible if | afterwards |
//! |---|---|---|---|
//! | `add v`, `insert v` | true | v is not in it | v is in it |
//! | | false | v is in it | nothing changed |
//! | | anything else | always | v is in it |
//! | `remove v`, `delete v` | true | v is in it | v is not in it |
//! | | false | v is not in it | nothing changed |
//! | | anything else | always | v is not in it |
//! | `contains v` | true, false | v is in it, is not in it | nothing changed |
//! | `read` | a list | these are its elements | nothing changed |
//!
//! Where the element is itself a truth value, the answer to `add` and `remove` is no observation: it may be an echo. In what order a
//! read lists the elements and how often does not matter: a set has each once. An answer of nil to `contains` or `read` was not recorded.

use std::collections::{BTreeMap, BTreeSet};

use crate::check::ModelError;
use crate::models::ModelSpec;
use crate::models::adapter::Object;
use crate::models::machine::Entry;
use crate::models::model::{Call, Model};
use crate::value::Value;

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Action {
    /// Something with one element.
    One {
        element: Value,
        /// Whether it was in the set, if that was observed.
        was: Option<bool>,
        /// Whether it is in the set afterwards, if that may have changed.
        becomes: Option<bool>,
    },
    /// These are the elements.
    Read(BTreeSet<Value>),
}

#[derive(Clone, Debug)]
pub(crate) struct Set {
    pub(crate) initial: BTreeSet<Value>,
}

/// Reads the operations on one set.
///
/// Indeterminate additions are dropped if no later observation needs the element, because all others are at least as happy without;
/// so are removals if no later observation needs its absence.
pub(crate) fn object(entries: &[Entry<'_>], spec: &ModelSpec) -> Result<Object<Set>, ModelError> {
    let mut object = Object::new(entries, Set::new(spec))?;
    let needs = Needs::new(&object);
    object.operations.retain(|one| match &one.action {
        _ if one.is_mandatory() => true,
        Action::One {
            element,
            becomes: Some(becomes),
            ..
        } => needs.last(element, *becomes) > one.call,
        Action::One { .. } | Action::Read(_) => false,
    });
    Ok(object)
}

/// Until when something is observed.
struct Needs {
    /// That an element is there, or is not.
    elements: BTreeMap<(Value, bool), u64>,
    /// Reads in the order of their returns, the last first.
    reads: Vec<(u64, BTreeSet<Value>)>,
}

impl Needs {
    fn new(object: &Object<Set>) -> Self {
        let mut needs = Self {
            elements: BTreeMap::new(),
            reads: Vec::new(),
        };
        for one in &object.operations {
            match &one.action {
                Action::One {
                    element,
                    was: Some(was),
                    ..
                } => {
                    let last = needs.elements.entry((element.clone(), *was)).or_default();
                    *last = one.ret.max(*last);
                }
                Action::One { was: None, .. } => {}
                Action::Read(seen) => needs.reads.push((one.ret, seen.clone())),
            }
        }
        needs.reads.sort_by_key(|(ret, _)| std::cmp::Reverse(*ret));
        needs
    }

    fn last(&self, element: &Value, is_in: bool) -> u64 {
        let alone = self.elements.get(&(element.clone(), is_in));
        let mut reads = self.reads.iter();
        let read = reads.find(|(_, seen)| seen.contains(element) == is_in);
        let read = read.map_or(0, |(ret, _)| *ret);
        alone.map_or(read, |&alone| alone.max(read))
    }
}

impl Set {
    pub(crate) fn new(spec: &ModelSpec) -> Self {
        let initial = spec.initial.as_ref().and_then(Value::as_list);
        Self {
            initial: initial.unwrap_or_default().iter().cloned().collect(),
        }
    }
}

impl Model for Set {
    type State = BTreeSet<Value>;
    type Action = Action;

    fn initial(&self) -> BTreeSet<Value> {
        self.initial.clone()
    }

    fn action(&self, call: &Call<'_>) -> Result<Option<Action>, String> {
        match call.f {
            "add" | "insert" => Ok(Some(change(call, true))),
            "remove" | "delete" => Ok(Some(change(call, false))),
            "contains" | "read" if call.answer == Some(&Value::Nil) => Ok(Some(Action::One {
                element: Value::Nil,
                was: None,
                becomes: None,
            })),
            "contains" => match call.answer {
                None => Ok(None),
                Some(Value::Bool(was)) => Ok(Some(Action::One {
                    element: call.input.clone(),
                    was: Some(*was),
                    becomes: None,
                })),
                Some(other) => Err(format!("contains is true or false, not {other}")),
            },
            "read" => match call.answer {
                None => Ok(None),
                Some(Value::List(seen)) => Ok(Some(Action::Read(seen.iter().cloned().collect()))),
                Some(other) => Err(format!("a read of a set is a list, not {other}")),
            },
            _ => Err("set knows add, remove, contains and read".to_owned()),
        }
    }

    fn apply(&self, state: &BTreeSet<Value>, action: &Action) -> Option<BTreeSet<Value>> {
        match action {
            Action::Read(seen) => (state == seen).then(|| state.clone()),
            Action::One {
                element,
                was,
                becomes,
            } => {
                let is = state.contains(element);
                was.is_none_or(|was| was == is).then(|| {
                    let mut after = state.clone();
                    match becomes {
                        Some(true) => drop(after.insert(element.clone())),
                        Some(false) => drop(after.remove(element)),
                        None => {}
                    }
                    after
                })
            }
        }
    }

    fn is_pure(&self, action: &Action) -> bool {
        matches!(action, Action::Read(_) | Action::One { becomes: None, .. })
    }

    fn value(&self, state: &BTreeSet<Value>) -> Value {
        state.iter().cloned().collect()
    }
}

/// An addition or a removal. If it is told to have changed nothing, it only looked.
fn change(call: &Call<'_>, into: bool) -> Action {
    let changed = match (call.input, call.answer) {
        (Value::Bool(_), _) => None,
        (_, Some(Value::Bool(changed))) => Some(*changed),
        _ => None,
    };
    Action::One {
        element: call.input.clone(),
        was: changed.map(|changed| changed != into),
        becomes: (changed != Some(false)).then_some(into),
    }
}
