//! From a [`Model`] to what the engines need: states and actions get numbers when they first appear.

use crate::check::ModelError;
use crate::history::{OpId, Outcome};
use crate::interner::Interner;
use crate::models::machine::{ActionId, Entry, Machine, NEVER, Problem, StateId, Step};
use crate::models::model::{Call, Model};
use crate::value::Value;

/// An operation on an object, in the terms of its model.
#[derive(Clone, Debug)]
pub(crate) struct Op<A> {
    pub(crate) id: OpId,
    pub(crate) call: u64,
    /// [`NEVER`] for an indeterminate operation, which is also optional.
    pub(crate) ret: u64,
    pub(crate) action: A,
}

impl<A> Op<A> {
    fn new(entry: &Entry<'_>, action: A) -> Self {
        Self {
            id: entry.operation.id,
            call: entry.operation.call,
            ret: entry.ret(),
            action,
        }
    }

    fn step(&self, action: ActionId) -> Step {
        Step {
            id: self.id,
            call: self.call,
            ret: self.ret,
            action,
        }
    }

    pub(crate) fn is_mandatory(&self) -> bool {
        self.ret != NEVER
    }
}

/// One object and what was done to it, without failed operations and indeterminate ones that say nothing.
pub(crate) struct Object<M: Model> {
    pub(crate) model: M,
    /// In the order of their calls.
    pub(crate) operations: Vec<Op<M::Action>>,
    /// Those that were answered and say nothing all the same.
    silent: Vec<Op<()>>,
}

impl<M: Model> Object<M> {
    pub(crate) fn new(entries: &[Entry<'_>], model: M) -> Result<Self, ModelError> {
        let mut object = Self {
            model,
            operations: Vec::with_capacity(entries.len()),
            silent: Vec::new(),
        };
        for entry in entries {
            let action = object
                .model
                .action(&Call::new(entry.operation, entry.input, entry.output))
                .map_err(|reason| ModelError::new(entry.operation, reason))?;
            match (entry.operation.outcome, action) {
                (Outcome::Fail, _) | (Outcome::Info, None) => {}
                (Outcome::Ok, None) => object.silent.push(Op::new(entry, ())),
                (Outcome::Ok | Outcome::Info, Some(action)) => {
                    object.operations.push(Op::new(entry, action));
                }
            }
        }
        Ok(object)
    }

    pub(crate) fn problem(&self) -> Problem {
        let mut machine = Interned::new(self.model.clone());
        let actions = &mut machine.actions;
        let loud = self.operations.iter();
        let loud = loud.map(|one| one.step(actions.intern(&Some(one.action.clone()))));
        let mut steps: Vec<Step> = loud.collect();
        let silent = self.silent.iter();
        steps.extend(silent.map(|one| one.step(actions.intern(&None))));
        steps.sort_unstable_by_key(|step| step.call);
        Problem {
            steps,
            machine: Box::new(machine),
        }
    }
}

/// An object that nothing was done to yet.
pub(crate) fn machine<M: Model>(model: M) -> Box<dyn Machine> {
    Box::new(Interned::new(model))
}

#[derive(Clone)]
struct Interned<M: Model> {
    model: M,
    /// `None` says nothing.
    actions: Interner<Option<M::Action>>,
    states: Interner<M::State>,
    initial: StateId,
}

impl<M: Model> Interned<M> {
    fn new(model: M) -> Self {
        let mut states = Interner::new();
        let initial = states.intern(&model.initial());
        Self {
            model,
            actions: Interner::new(),
            states,
            initial,
        }
    }
}

impl<M: Model> Machine for Interned<M> {
    fn initial(&self) -> StateId {
        self.initial
    }

    fn learn(&mut self, entry: &Entry<'_>) -> Result<Option<ActionId>, String> {
        let call = Call::new(entry.operation, entry.input, entry.output);
        let action = self.model.action(&call)?;
        let says_something = action.is_some() || call.answer.is_some();
        Ok(says_something.then(|| self.actions.intern(&action)))
    }

    fn apply(&mut self, state: StateId, action: ActionId) -> Option<StateId> {
        let Some(action) = self.actions.get(action) else {
            return Some(state);
        };
        let after = self.model.apply(self.states.get(state), action)?;
        Some(self.states.intern(&after))
    }

    fn is_pure(&self, action: ActionId) -> bool {
        let action = self.actions.get(action).as_ref();
        action.is_none_or(|action| self.model.is_pure(action))
    }

    fn is_blind(&self, action: ActionId) -> bool {
        let action = self.actions.get(action).as_ref();
        action.is_some_and(|action| self.model.is_blind(action))
    }

    fn value(&self, state: StateId) -> Value {
        self.model.value(self.states.get(state))
    }

    fn boxed_clone(&self) -> Box<dyn Machine> {
        Box::new(self.clone())
    }

    fn bytes(&self) -> u64 {
        (self.states.len() * (2 * size_of::<M::State>() + 16)) as u64
    }
}
