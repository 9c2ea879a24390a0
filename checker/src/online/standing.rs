//! What is known of a history that is still being written.

use crate::budget::Limit;
use crate::check::ModelError;
use crate::history::OpId;
use crate::pairing::MalformedHistory;
use crate::value::Value;

/// An event that cannot be, or an operation that the model does not know.
#[derive(Debug, thiserror::Error)]
pub enum OnlineError {
    /// No set of clients can have produced the events.
    #[error(transparent)]
    Malformed(#[from] MalformedHistory),
    /// The model does not know the operation.
    #[error(transparent)]
    Model(#[from] ModelError),
}

/// What is known of the history so far.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It is linearizable.
    Holds,
    /// It is not, and however it goes on it will not be.
    Violated(OnlineViolation),
    /// No violation is proven, but it need not be linearizable.
    Unknown {
        /// The first object of which too little is known.
        key: Option<Value>,
        /// Why.
        limit: OnlineLimit,
    },
}

/// A proof that no order exists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OnlineViolation {
    /// The object; `None` where there is only one.
    pub key: Option<Value>,
    /// The operation with the first return that no order reaches, by its number in the order of calls.
    pub operation: OpId,
    /// The values the object may have had just before, in order.
    pub states: Vec<Value>,
}

/// Why too little is known of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OnlineLimit {
    /// The budget did not allow to look at what is new; the next poll may make up for it.
    #[error("{0}")]
    Budget(Limit),
    /// An operation was open for so long that it was presumed indeterminate, and then completed all the same.
    #[error("operation {} was open for too long to be waited for, and completed all the same", .0.0)]
    CompletedLate(OpId),
}
