//! What the engines need of a sequential model: states and actions as numbers, and one transition function.

use crate::history::{OpId, Operation, Outcome};
use crate::value::Value;

/// An interned state of an object.
pub(crate) type StateId = u32;

/// An interned effect of an operation. Operations with the same action are interchangeable but for their times.
pub(crate) type ActionId = u32;

/// The return of an operation that may take effect at any time or never.
pub(crate) const NEVER: u64 = u64::MAX;

/// A deterministic sequential object.
pub(crate) trait Machine: Send {
    fn initial(&self) -> StateId;

    /// The action of an operation, a new one if no operation before had it; `None` if it says nothing.
    ///
    /// # Errors
    /// Why the operation makes no sense to the model.
    fn learn(&mut self, entry: &Entry<'_>) -> Result<Option<ActionId>, String>;

    /// The state after the action, or `None` if the object cannot answer so.
    fn apply(&mut self, state: StateId, action: ActionId) -> Option<StateId>;

    /// Whether the action never changes any state.
    fn is_pure(&self, action: ActionId) -> bool;

    /// Whether the action is possible in every state and leaves the same one behind, whatever was before.
    fn is_blind(&self, action: ActionId) -> bool {
        let _ = action;
        false
    }

    /// The state behind the action, if that is the same whatever was before; not asked of pure actions.
    fn left_behind(&self, action: ActionId) -> Option<StateId> {
        let _ = action;
        None
    }

    /// The only state in which the action is possible, if there is only one.
    fn observes(&self, action: ActionId) -> Option<StateId> {
        let _ = action;
        None
    }

    fn value(&self, state: StateId) -> Value;

    /// An object of its own in the initial state.
    fn boxed_clone(&self) -> Box<dyn Machine>;

    /// An estimate of what the interned states occupy.
    fn bytes(&self) -> u64;
}

/// An operation as the engines see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Step {
    pub(crate) id: OpId,
    pub(crate) call: u64,
    /// [`NEVER`] for an indeterminate operation, which is also optional.
    pub(crate) ret: u64,
    pub(crate) action: ActionId,
}

impl Step {
    pub(crate) fn is_mandatory(&self) -> bool {
        self.ret != NEVER
    }
}

/// One object and what was done to it: everything an engine needs.
#[derive(Clone)]
pub(crate) struct Problem {
    /// In the order of their calls.
    pub(crate) steps: Vec<Step>,
    pub(crate) machine: Box<dyn Machine>,
}

impl Clone for Box<dyn Machine> {
    fn clone(&self) -> Self {
        self.boxed_clone()
    }
}

/// An operation of one object, with its values freed from the key.
#[derive(Clone, Copy)]
pub(crate) struct Entry<'h> {
    pub(crate) operation: &'h Operation,
    pub(crate) input: &'h Value,
    pub(crate) output: &'h Value,
}

impl Entry<'_> {
    pub(crate) fn step(&self, action: ActionId) -> Step {
        Step {
            id: self.operation.id,
            call: self.operation.call,
            ret: self.ret(),
            action,
        }
    }

    /// The position of the return, [`NEVER`] for an indeterminate operation.
    pub(crate) fn ret(&self) -> u64 {
        match self.operation.outcome {
            Outcome::Ok | Outcome::Fail => self.operation.ret.unwrap_or(NEVER),
            Outcome::Info => NEVER,
        }
    }
}
