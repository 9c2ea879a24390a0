//! What the search needs of a sequential model: states and actions as numbers, and one transition function.

use crate::history::{OpId, Operation, Outcome};
use crate::value::Value;

/// An interned state of an object.
pub(crate) type StateId = u32;

/// An interned effect of an operation. Operations with the same action are interchangeable but for their times.
pub(crate) type ActionId = u32;

/// The return of an operation that may take effect at any time or never.
pub(crate) const NEVER: u64 = u64::MAX;

/// A deterministic sequential object.
pub(crate) trait Machine {
    fn initial(&self) -> StateId;

    /// The state after the action, or `None` if the object cannot answer so.
    fn apply(&mut self, state: StateId, action: ActionId) -> Option<StateId>;

    /// Whether the action never changes any state.
    fn is_pure(&self, action: ActionId) -> bool;

    fn value(&self, state: StateId) -> Value;

    /// An estimate of what the interned states occupy.
    fn bytes(&self) -> u64;
}

/// An operation as the search sees it.
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

/// One object and what was done to it: everything the search needs.
pub(crate) struct Problem {
    /// In the order of their calls.
    pub(crate) steps: Vec<Step>,
    pub(crate) machine: Box<dyn Machine>,
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
