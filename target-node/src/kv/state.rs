//! The state after a prefix of the log, and the one way to change it.

use std::sync::Arc;

use super::{
    applied::{Applied, Rejection},
    base::{Base, BaseError},
    command::{Command, Key, MicroOp, Nature, Proposal, Transaction},
    layers::Flushed,
    locks::Locks,
    quirks::Quirks,
    sessions::{ClientId, Known, Sessions, Stamp},
    time::ClusterTime,
    value::JsonText,
    values::Values,
};
use crate::{
    bug::Bug,
    raft::{Body, Entry, LogIndex},
};

/// The state after a prefix of the log.
///
/// - The same entries give the same state, and the same results, on every node.
/// - `time` never goes back.
/// - A clone costs nothing and is a state of its own: an image is taken from one while this one goes on.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Kv {
    pub(super) applied: LogIndex,
    pub(super) time: ClusterTime,
    pub(super) values: Values,
    pub(super) locks: Locks,
    pub(super) sessions: Sessions,
    pub(super) quirks: Quirks,
    /// The rest of a transaction; always empty but for a bug.
    pub(super) unfinished: Vec<(Key, MicroOp)>,
}

impl Kv {
    /// The state before the first entry, whose values will rest on a base that is empty yet.
    pub(crate) fn on(base: Option<Arc<dyn Base>>) -> Self {
        Self {
            values: Values::on(base),
            ..Self::default()
        }
    }

    /// Readies what changed for [`Self::flush`]; the clone that is taken next can hand it over to the base.
    pub(crate) fn freeze(&mut self) {
        self.values.freeze();
    }

    /// Hands what was frozen over to the base, on whatever thread; nothing without a base.
    pub(crate) fn flush(&self) -> Result<Option<Flushed>, BaseError> {
        self.values.flush()
    }

    /// Rests on what a clone has flushed since the last freeze.
    pub(crate) fn settle(&mut self, flushed: Flushed) {
        self.values.settle(flushed);
    }

    /// Whether what was read of this state so far was in it.
    ///
    /// # Errors
    /// The first failure of the base: the node must stop, and nothing that came of reads may leave it.
    pub(crate) fn intact(&self) -> Result<(), BaseError> {
        self.values.fault().map_or(Ok(()), Err)
    }

    /// Says that it is the state after another entry than the one it is of: a planted bug.
    pub(crate) fn pretend(&mut self, applied: LogIndex) {
        self.applied = applied;
    }

    /// This state on a node that carries bugs.
    pub(crate) fn with_quirks(self, quirks: Quirks) -> Self {
        Self { quirks, ..self }
    }

    /// Applies the next entry of the log.
    pub(crate) fn apply(&mut self, entry: &Entry) -> Applied {
        debug_assert_eq!(
            entry.at.index,
            self.applied.next(),
            "entries are applied in order"
        );
        self.applied = entry.at.index;
        self.finish_transaction();
        let proposal = match &entry.body {
            Body::Noop | Body::Membership(_) => None,
            Body::Command(payload) => Proposal::decode(payload),
        };
        proposal.map_or(Applied::Done, |proposal| self.take(proposal))
    }

    fn take(&mut self, proposal: Proposal) -> Applied {
        self.time = self.time.max(proposal.time);
        self.sessions.expire(self.time);
        match proposal.stamp {
            None => self.execute(proposal.command),
            Some(stamp) => self.execute_once(stamp, proposal.command),
        }
    }

    fn execute_once(&mut self, stamp: Stamp, command: Command) -> Applied {
        match self.sessions.look_up(stamp, self.time) {
            Known::Fresh => {
                let applied = self.execute(command);
                self.sessions.keep(stamp, applied.clone());
                applied
            }
            Known::Executed(applied) => self.repeat(command, applied),
            Known::Forgotten => Applied::Rejected(Rejection::SessionExpired),
        }
    }

    /// What a request is answered that was executed `before`.
    fn repeat(&mut self, command: Command, before: Applied) -> Applied {
        if self.quirks.has(Bug::NoDedup) {
            return self.execute(command);
        }
        if self.quirks.has(Bug::DedupWrongReply) {
            return self.clone().execute(command);
        }
        before
    }

    fn execute(&mut self, command: Command) -> Applied {
        if command.nature() == Nature::Writes && self.quirks.leaves_out(self.applied) {
            return Applied::Done;
        }
        let done = match command {
            Command::Single { key, micro_op } => self
                .values
                .perform(key, micro_op)
                .map(|given| given.map_or(Applied::Done, Applied::Value)),
            Command::Cas {
                key,
                expected,
                value,
            } => self
                .values
                .swap(key, &expected, value)
                .map(|()| Applied::Done),
            Command::Transact(transaction) => self.transact(transaction).map(Applied::Values),
            Command::Acquire { lock, owner } => {
                return self.locks.acquire(lock, owner, self.applied);
            }
            Command::Release { lock, owner, token } => {
                return self.locks.release(&lock, &owner, token);
            }
            Command::Register { idle_ms } => {
                let client = ClientId(self.applied.0);
                self.sessions.register(client, idle_ms, self.time);
                return Applied::Registered(client);
            }
            Command::KeepAlive { client } => {
                let there = self.sessions.keep_alive(client, self.time);
                let done = there.then_some(Applied::Done);
                done.ok_or(Rejection::SessionExpired)
            }
        };
        done.unwrap_or_else(Applied::Rejected)
    }

    fn transact(&mut self, transaction: Transaction) -> Result<Vec<JsonText>, Rejection> {
        if !self.quirks.has(Bug::TxnNotAtomic) {
            return self.values.transact(transaction);
        }
        let mut parts = transaction.micro_ops.clone();
        let given = self.values.clone().transact(transaction)?;
        let rest = parts.split_off(parts.len().min(1));
        self.unfinished = parts;
        self.finish_transaction();
        self.unfinished = rest;
        Ok(given)
    }

    fn finish_transaction(&mut self) {
        for (key, micro_op) in std::mem::take(&mut self.unfinished) {
            // All of them took place when the transaction was tried.
            let _ = self.values.perform(key, micro_op);
        }
    }

    /// The value of a key; null when it is absent.
    pub(crate) fn read(&self, key: &Key) -> JsonText {
        self.values.read(key)
    }

    /// The last entry applied.
    pub(crate) const fn applied(&self) -> LogIndex {
        self.applied
    }

    /// The time that the log has reached.
    pub(crate) const fn time(&self) -> ClusterTime {
        self.time
    }
}
