//! Registers: read, write and compare-and-set of one value. A mutex is one too: acquire is a cas from free to held.

use std::collections::BTreeSet;

use crate::check::ModelError;
use crate::formats::Format;
use crate::history::{OpId, Outcome};
use crate::interner::Interner;
use crate::models::machine::{ActionId, Entry, Machine, NEVER, Problem, StateId, Step};
use crate::models::{ModelName, ModelSpec};
use crate::value::Value;

/// An interned value of the register; its state is one.
pub(crate) type ValueId = u32;

/// What an operation does to a register.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Action {
    /// A read whose result nobody knows.
    ReadAny,
    Read(ValueId),
    Write(ValueId),
    Cas {
        expected: ValueId,
        new: ValueId,
    },
}

impl Action {
    /// The value the register holds afterwards, if the action puts one there.
    pub(crate) fn writes(self) -> Option<ValueId> {
        match self {
            Self::ReadAny | Self::Read(_) => None,
            Self::Write(value) => Some(value),
            Self::Cas { expected, new } => (expected != new).then_some(new),
        }
    }

    /// The value the register must hold before.
    pub(crate) fn observes(self) -> Option<ValueId> {
        match self {
            Self::ReadAny | Self::Write(_) => None,
            Self::Read(value) => Some(value),
            Self::Cas { expected, .. } => Some(expected),
        }
    }
}

/// An operation on a register, failed ones too.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RegisterOp {
    pub(crate) id: OpId,
    pub(crate) outcome: Outcome,
    pub(crate) call: u64,
    /// [`NEVER`] for an indeterminate operation.
    pub(crate) ret: u64,
    pub(crate) action: Action,
}

/// Everything that was done to one register.
pub(crate) struct Register {
    pub(crate) values: Interner<Value>,
    pub(crate) initial: ValueId,
    /// In the order of their calls.
    pub(crate) operations: Vec<RegisterOp>,
    /// Which operations there are.
    pub(crate) model: ModelName,
}

impl Register {
    /// Reads the operations of one register.
    pub(crate) fn new(
        entries: &[Entry<'_>],
        spec: &ModelSpec,
        format: Format,
    ) -> Result<Self, ModelError> {
        let mut values = Interner::new();
        let initial = values.intern(&initial_value(spec));
        let mut register = Self {
            values,
            initial,
            operations: Vec::with_capacity(entries.len()),
            model: spec.name,
        };
        for entry in entries {
            let action = action(&mut register.values, entry, spec.name)
                .map_err(|reason| ModelError::new(entry.operation, reason))?;
            register.operations.extend(action.map(|action| RegisterOp {
                id: entry.operation.id,
                outcome: entry.operation.outcome,
                call: entry.operation.call,
                ret: entry.ret(),
                action,
            }));
        }
        if format == Format::Edn {
            register.forgive_unknown_reads(entries);
        }
        Ok(register)
    }

    /// Jepsen's histories have `nil` for a read whose result was not recorded. That is how it is taken where the register can never be nil.
    /// A compare-and-set from nil is no such read.
    fn forgive_unknown_reads(&mut self, entries: &[Entry<'_>]) {
        let nil = self.values.intern(&Value::Nil);
        let written = self.operations.iter().any(|operation| {
            operation.outcome != Outcome::Fail && operation.action.writes() == Some(nil)
        });
        if nil == self.initial || written {
            return;
        }
        let reads: BTreeSet<OpId> = entries
            .iter()
            .filter(|entry| entry.operation.f == "read")
            .map(|entry| entry.operation.id)
            .collect();
        for operation in &mut self.operations {
            if operation.action == Action::Read(nil) && reads.contains(&operation.id) {
                operation.action = Action::ReadAny;
            }
        }
    }

    /// What the search has to place: no failed operation, and no indeterminate one that nobody can have seen.
    pub(crate) fn problem(&self) -> Problem {
        let mut actions = Interner::new();
        let steps = self
            .relevant()
            .into_iter()
            .map(|operation| Step {
                id: operation.id,
                call: operation.call,
                ret: operation.ret,
                action: actions.intern(&operation.action),
            })
            .collect();
        let machine = RegisterMachine {
            values: self.values.clone(),
            initial: self.initial,
            actions,
            model: self.model,
        };
        Problem {
            steps,
            machine: Box::new(machine),
        }
    }

    /// Drops indeterminate operations whose value no later kept operation observes. Dropping a cas can make another one unobserved.
    pub(crate) fn relevant(&self) -> Vec<RegisterOp> {
        let mut kept: Vec<_> = self
            .operations
            .iter()
            .filter(|operation| operation.outcome != Outcome::Fail)
            .copied()
            .collect();
        loop {
            let seen = self.last_observations(&kept);
            let before = kept.len();
            kept.retain(|operation| {
                operation.ret != NEVER
                    || operation
                        .action
                        .writes()
                        .is_some_and(|value| seen[value as usize] > operation.call)
            });
            if kept.len() == before {
                return kept;
            }
        }
    }

    /// The last position at which each value may be observed, 0 if never.
    fn last_observations(&self, operations: &[RegisterOp]) -> Vec<u64> {
        let mut seen = vec![0; self.values.len()];
        for operation in operations {
            if let Some(value) = operation.action.observes() {
                let last = &mut seen[value as usize];
                *last = operation.ret.max(*last);
            }
        }
        seen
    }
}

/// `None` for a read without an answer.
fn action(
    values: &mut Interner<Value>,
    entry: &Entry<'_>,
    model: ModelName,
) -> Result<Option<Action>, String> {
    let with_cas = match model {
        ModelName::Mutex => return lock_action(values, entry).map(Some),
        ModelName::Register => false,
        ModelName::CasRegister
        | ModelName::Kv
        | ModelName::MultiRegister
        | ModelName::KvAppend
        | ModelName::Set
        | ModelName::Queue
        | ModelName::UnorderedQueue
        | ModelName::Stack
        | ModelName::Counter
        | ModelName::ListAppend => true,
    };
    match entry.operation.f.as_str() {
        "read" => {
            let answered = entry.operation.outcome == Outcome::Ok;
            Ok(answered.then(|| Action::Read(values.intern(entry.output))))
        }
        "write" => Ok(Some(Action::Write(values.intern(entry.input)))),
        "cas" if with_cas => cas(values, entry.input).map(Some),
        _ if with_cas => Err(format!("{model} knows read, write and cas")),
        _ => Err(format!("{model} knows read and write")),
    }
}

fn cas(values: &mut Interner<Value>, input: &Value) -> Result<Action, String> {
    let Some([expected, new]) = input.as_list() else {
        return Err(format!("cas needs the value [expected new], not {input}"));
    };
    Ok(match (values.intern(expected), values.intern(new)) {
        (expected, new) if expected == new => Action::Read(expected),
        (expected, new) => Action::Cas { expected, new },
    })
}

fn lock_action(values: &mut Interner<Value>, entry: &Entry<'_>) -> Result<Action, String> {
    let free = values.intern(&Value::from(FREE));
    let held = values.intern(&Value::from(HELD));
    match entry.operation.f.as_str() {
        "acquire" => Ok(Action::Cas {
            expected: free,
            new: held,
        }),
        "release" => Ok(Action::Cas {
            expected: held,
            new: free,
        }),
        _ => Err("mutex knows acquire and release".to_owned()),
    }
}

pub(super) const FREE: &str = "free";
pub(super) const HELD: &str = "held";

fn initial_value(spec: &ModelSpec) -> Value {
    spec.initial.clone().unwrap_or_else(|| match spec.name {
        ModelName::Mutex => Value::from(FREE),
        ModelName::Register
        | ModelName::CasRegister
        | ModelName::MultiRegister
        | ModelName::Kv
        | ModelName::KvAppend
        | ModelName::Set
        | ModelName::Queue
        | ModelName::UnorderedQueue
        | ModelName::Stack
        | ModelName::Counter
        | ModelName::ListAppend => Value::Nil,
    })
}

#[derive(Clone)]
struct RegisterMachine {
    values: Interner<Value>,
    initial: ValueId,
    actions: Interner<Action>,
    model: ModelName,
}

/// A register that nothing was done to yet.
pub(crate) fn machine(spec: &ModelSpec) -> Box<dyn Machine> {
    let mut values = Interner::new();
    Box::new(RegisterMachine {
        initial: values.intern(&initial_value(spec)),
        values,
        actions: Interner::new(),
        model: spec.name,
    })
}

impl Machine for RegisterMachine {
    fn learn(&mut self, entry: &Entry<'_>) -> Result<Option<ActionId>, String> {
        let action = action(&mut self.values, entry, self.model)?;
        Ok(action.map(|action| self.actions.intern(&action)))
    }

    fn initial(&self) -> StateId {
        self.initial
    }

    fn apply(&mut self, state: StateId, action: ActionId) -> Option<StateId> {
        match *self.actions.get(action) {
            Action::ReadAny => Some(state),
            Action::Read(value) => (value == state).then_some(state),
            Action::Write(value) => Some(value),
            Action::Cas { expected, new } => (expected == state).then_some(new),
        }
    }

    fn is_pure(&self, action: ActionId) -> bool {
        match self.actions.get(action) {
            Action::ReadAny | Action::Read(_) => true,
            Action::Write(_) | Action::Cas { .. } => false,
        }
    }

    fn is_blind(&self, action: ActionId) -> bool {
        match self.actions.get(action) {
            Action::Write(_) => true,
            Action::ReadAny | Action::Read(_) | Action::Cas { .. } => false,
        }
    }

    fn observes(&self, action: ActionId) -> Option<StateId> {
        self.actions.get(action).observes()
    }

    fn left_behind(&self, action: ActionId) -> Option<StateId> {
        self.actions.get(action).writes()
    }

    fn value(&self, state: StateId) -> Value {
        self.values.get(state).clone()
    }

    fn boxed_clone(&self) -> Box<dyn Machine> {
        Box::new(self.clone())
    }

    fn bytes(&self) -> u64 {
        0
    }
}
