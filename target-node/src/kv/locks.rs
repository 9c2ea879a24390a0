//! Locks with fencing tokens.
//!
//! A lock is held until its owner releases it; nothing takes it away. Each grant has a token that is greater
//! than all before it, on any lock, so that whatever the lock protects can refuse a holder who does not know
//! yet that it lost the lock (a fencing token: Chubby's sequencer, OSDI 2006, section 2.4). An owner who asks again,
//! because an answer got lost, is told that it holds the lock (Raft thesis, section 6.3).

use std::sync::Arc;

use imbl::OrdMap;
use serde::{Deserialize, Serialize};

use super::{
    applied::{Applied, Rejection},
    command::Key,
};
use crate::raft::LogIndex;

/// Who holds a lock, by a name of its own choice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Owner(Arc<str>);

impl From<String> for Owner {
    fn from(name: String) -> Self {
        Self(name.into())
    }
}

/// The token of one grant: the index of the entry that made it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Fence(pub(crate) u64);

/// A grant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Holder {
    owner: Owner,
    token: Fence,
}

/// The locks that are held.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct Locks(pub(super) OrdMap<Key, Holder>);

impl Locks {
    /// `at` is the index of the entry that asks.
    pub(super) fn acquire(&mut self, lock: Key, owner: Owner, at: LogIndex) -> Applied {
        match self.0.get(&lock) {
            Some(holder) if holder.owner == owner => Applied::Granted(holder.token),
            Some(_) => Applied::Rejected(Rejection::LockHeld),
            None => {
                let token = Fence(at.0);
                self.0.insert(lock, Holder { owner, token });
                Applied::Granted(token)
            }
        }
    }

    pub(super) fn release(&mut self, lock: &Key, owner: &Owner, token: Option<Fence>) -> Applied {
        let held = self.0.get(lock).is_some_and(|holder| {
            holder.owner == *owner && token.is_none_or(|token| token == holder.token)
        });
        if !held {
            return Applied::Rejected(Rejection::LockNotHeld);
        }
        self.0.remove(lock);
        Applied::Done
    }
}
