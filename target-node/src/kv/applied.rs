//! What a command did.

use serde::{Deserialize, Serialize};

use super::{locks::Fence, sessions::ClientId, value::JsonText};

/// The result of a command; the client that asked is told it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Applied {
    Done,
    /// What was read, or the sum after an addition.
    Value(JsonText),
    /// What each micro-operation of a transaction gave; null where it gives nothing.
    Values(Vec<JsonText>),
    /// The lock is held by who asked, under this token.
    Granted(Fence),
    /// The session is open.
    Registered(ClientId),
    /// Nothing changed.
    Rejected(Rejection),
}

/// Why a command changed nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Rejection {
    /// A key did not hold what was expected.
    Mismatch,
    /// A key holds no list, or no integer.
    WrongType,
    /// A value, a sum or an answer would become too large.
    TooLarge,
    /// Another owner holds the lock.
    LockHeld,
    /// The owner does not hold the lock, or not by this token.
    LockNotHeld,
    /// The session is not there, or the answer to this request is not kept any more.
    SessionExpired,
}
