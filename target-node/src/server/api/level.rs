//! How much a read may miss: `GET /kv/{key}?level=…`.
//!
//! | level | what it sees |
//! |---|---|
//! | `linearizable` | everything that was complete before it began; the leader asks a majority whether it leads |
//! | `follower` | the same, at any node: one that does not lead asks the leader from which entry on it may answer |
//! | `lease` | the same as far as clocks can be relied on: the leader asks nobody while its lease lasts |
//! | `log` | the same, as an entry of the log: slow, and right by construction |
//! | `monotonic` | at least the entry `min_index`; a node that is behind waits. Who passes on the `index` of each answer never goes back |
//! | `local` | whatever the asked node has applied: it may miss anything |

use schemars::JsonSchema;
use serde::Deserialize;

use super::{
    door::Ask,
    terms::{Patience, patience},
};
use crate::{
    kv::{Command, Key, MicroOp},
    raft::{self, LogIndex},
    replica::Operation,
};

/// What a read may miss.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum ReadLevel {
    #[default]
    Linearizable,
    Follower,
    Lease,
    Log,
    Monotonic,
    Local,
}

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ReadQuery {
    #[serde(default)]
    level: ReadLevel,
    min_index: Option<u64>,
    timeout_ms: Option<Patience>,
}

/// A level without its index, or an index without its level.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("min_index and level=monotonic come together or not at all")]
pub(super) struct BadLevel;

impl ReadQuery {
    pub(super) fn ask(&self, key: Key) -> Result<Ask, BadLevel> {
        let (operation, not_before) = match (self.level, self.min_index) {
            (ReadLevel::Linearizable, None) => (by_raft(key, raft::ReadLevel::Leader), 0),
            (ReadLevel::Follower, None) => (by_raft(key, raft::ReadLevel::Anywhere), 0),
            (ReadLevel::Lease, None) => (by_raft(key, raft::ReadLevel::Lease), 0),
            (ReadLevel::Log, None) => (through_log(key), 0),
            (ReadLevel::Local, None) => (Operation::ReadLocal { key }, 0),
            (ReadLevel::Monotonic, Some(index)) => (Operation::ReadLocal { key }, index),
            (ReadLevel::Monotonic, None)
            | (
                ReadLevel::Linearizable
                | ReadLevel::Follower
                | ReadLevel::Lease
                | ReadLevel::Log
                | ReadLevel::Local,
                Some(_),
            ) => return Err(BadLevel),
        };
        Ok(Ask {
            operation,
            not_before: LogIndex(not_before),
            patience: patience(self.timeout_ms),
        })
    }
}

const fn by_raft(key: Key, level: raft::ReadLevel) -> Operation {
    Operation::Read { key, level }
}

const fn through_log(key: Key) -> Operation {
    let micro_op = MicroOp::Read;
    let command = Command::Single { key, micro_op };
    let stamp = None;
    Operation::Command { command, stamp }
}
