//! What clients ask, as entries of the log carry it.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{
    locks::{Fence, Owner},
    sessions::{ClientId, Stamp},
    time::ClusterTime,
    value::JsonText,
};
use crate::raft::Payload;

/// The name of a value or of a lock.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Key(Arc<str>);

impl Key {
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<String> for Key {
    fn from(name: String) -> Self {
        Self(name.into())
    }
}

impl From<&str> for Key {
    fn from(name: &str) -> Self {
        Self(name.into())
    }
}

/// What is done to one key, alone or in a transaction.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum MicroOp {
    Read,
    Write(JsonText),
    Delete,
    /// Puts the value behind the end of the list that the key holds; an absent key holds an empty one.
    Append(JsonText),
    /// Adds to the integer that the key holds; an absent key holds 0.
    Add(i64),
}

/// A key that must hold `expected` for a transaction to take place; an absent key holds null.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Condition {
    pub(crate) key: Key,
    pub(crate) expected: JsonText,
}

/// Several micro-operations, all of which take place or none.
///
/// The conditions are looked at first. Each micro-operation sees what the ones before it did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Transaction {
    pub(crate) conditions: Vec<Condition>,
    pub(crate) micro_ops: Vec<(Key, MicroOp)>,
}

/// One request of a client.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Command {
    Single {
        key: Key,
        micro_op: MicroOp,
    },
    /// Writes `value` if the key holds `expected`; an absent key holds null.
    Cas {
        key: Key,
        expected: JsonText,
        value: JsonText,
    },
    Transact(Transaction),
    /// Takes the lock for `owner`; who holds it already is told so again.
    Acquire {
        lock: Key,
        owner: Owner,
    },
    /// Frees the lock if `owner` holds it, by this token where one is given.
    Release {
        lock: Key,
        owner: Owner,
        token: Option<Fence>,
    },
    /// Opens a session that ends after so long a silence.
    Register {
        idle_ms: u64,
    },
    KeepAlive {
        client: ClientId,
    },
}

/// What a client that gets no answer knows of a command, and when its result can be known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Nature {
    /// It has no effect, whether it takes place or not.
    Reads,
    /// It has an effect, and only one result.
    Writes,
    /// It has an effect, and a result that depends on the state.
    Decides,
}

impl Command {
    pub(crate) fn nature(&self) -> Nature {
        match self {
            Self::Single { micro_op, .. } => micro_op.nature(),
            Self::Transact(transaction) => transaction.nature(),
            Self::Cas { .. }
            | Self::Acquire { .. }
            | Self::Release { .. }
            | Self::Register { .. }
            | Self::KeepAlive { .. } => Nature::Decides,
        }
    }
}

impl MicroOp {
    const fn nature(&self) -> Nature {
        match self {
            Self::Read => Nature::Reads,
            Self::Write(_) | Self::Delete => Nature::Writes,
            Self::Append(_) | Self::Add(_) => Nature::Decides,
        }
    }
}

impl Transaction {
    fn nature(&self) -> Nature {
        let reads = |(_, micro_op): &(Key, MicroOp)| micro_op.nature() == Nature::Reads;
        if self.micro_ops.iter().all(reads) {
            Nature::Reads
        } else {
            Nature::Decides
        }
    }
}

/// What one entry carries: a command, when the leader proposed it, and whose it is, if it must take place
/// only once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Proposal {
    pub(crate) time: ClusterTime,
    pub(crate) stamp: Option<Stamp>,
    pub(crate) command: Command,
}

impl Proposal {
    pub(crate) fn encode(&self) -> Payload {
        let bytes = postcard::to_stdvec(self).expect("texts and numbers always encode");
        Payload::new(&bytes)
    }

    /// Nothing if this node does not understand the entry.
    pub(crate) fn decode(payload: &Payload) -> Option<Self> {
        let (proposal, rest) = postcard::take_from_bytes(payload.bytes()).ok()?;
        rest.is_empty().then_some(proposal)
    }
}
