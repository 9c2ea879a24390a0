//! The few operations of a history that contradict each other.

use serde::Serialize;

use crate::history::OpId;
use crate::value::Value;

/// A small history that is not linearizable and that follows from the one it was taken from: had that one an order, this one would
/// have one too. So it proves the whole history wrong.
///
/// [`crate::minimize`] finds it, [`crate::certify`] checks it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Counterexample {
    /// The object it concerns; `None` where the history has only one.
    pub key: Option<Value>,
    /// What is left of the history, in the order of the original calls.
    pub operations: Vec<Weakened>,
    /// Nothing can be left out or weakened any further. Otherwise a limit was reached first.
    pub minimal: bool,
    /// The contradiction in a few sentences.
    pub explanation: String,
}

/// An operation of which as much was forgotten as the contradiction allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Weakened {
    /// The operation.
    pub id: OpId,
    /// The position from which on it may take effect, at most its call.
    pub call: u64,
    /// The position up to which it takes effect, at least its return; `None` if at any time.
    pub ret: Option<u64>,
    /// Whether it must take effect.
    pub presence: Presence,
    /// What of its effect counts.
    pub effect: Effect,
}

/// Whether an operation must take effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Presence {
    /// Once.
    Mandatory,
    /// At any time after its call or never, as an indeterminate one, whose answer nobody knows.
    Optional,
}

/// What of an operation's effect counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Effect {
    /// All of it.
    Whole,
    /// What it wrote, not what it saw: a compare-and-set counts as a write, a transaction as its writes.
    WriteOnly,
}
