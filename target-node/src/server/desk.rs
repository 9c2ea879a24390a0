//! The desk: the state machine, and the clients who wait for what it will say.

use std::{collections::BTreeMap, time::Duration};

use tokio::sync::{OwnedSemaphorePermit, oneshot};

use super::{
    reply::Answer,
    viewers::{Viewer, Viewers},
};
use crate::{
    kv::{ClusterClock, Command, Key, Kv, MicroOp, Proposal},
    raft::{Committed, Payload, ReadGrant, Refusal, Token},
};

/// An operation of a client.
#[derive(Debug)]
pub(super) struct Request {
    pub(super) operation: Operation,
    pub(super) reply: oneshot::Sender<Answer>,
    /// Its share of the requests that may wait; given back when it is answered.
    pub(super) permit: OwnedSemaphorePermit,
}

#[derive(Debug)]
pub(super) enum Operation {
    Read { key: Key },
    Command(Command),
}

impl Operation {
    /// Whether it may have changed something if nobody knows how it ended.
    pub(super) const fn has_effect(&self) -> bool {
        match self {
            Self::Read { .. } => false,
            Self::Command(_) => true,
        }
    }
}

/// What Raft is to be asked, gathered over a turn.
#[derive(Debug, Default)]
pub(super) struct Asked {
    pub(super) commands: Vec<(Token, Payload)>,
    pub(super) reads: Vec<Token>,
}

/// A request that waits for Raft.
#[derive(Debug)]
struct Waiting {
    awaits: Awaits,
    reply: oneshot::Sender<Answer>,
    _permit: OwnedSemaphorePermit,
}

#[derive(Debug)]
enum Awaits {
    /// Permission to read the key.
    Grant(Key),
    /// The entry to be applied; `is_write` if what it will give is known beforehand.
    Entry { is_write: bool },
}

/// The state machine and who waits for it.
#[derive(Debug, Default)]
pub(super) struct Desk {
    kv: Kv,
    clock: ClusterClock,
    waiting: BTreeMap<Token, Waiting>,
    tokens: u64,
    viewers: Viewers,
}

impl Desk {
    pub(super) const fn kv(&self) -> &Kv {
        &self.kv
    }

    /// Takes a request, and asks Raft for what it needs.
    pub(super) fn enlist(&mut self, now: Duration, request: Request, asked: &mut Asked) {
        self.tokens += 1;
        let token = Token(self.tokens);
        let awaits = match request.operation {
            Operation::Read { key } => {
                asked.reads.push(token);
                Awaits::Grant(key)
            }
            Operation::Command(command) => {
                let is_write = is_write(&command);
                let time = self.clock.time(now);
                let proposal = Proposal { time, command };
                asked.commands.push((token, proposal.encode()));
                Awaits::Entry { is_write }
            }
        };
        let waiting = Waiting {
            awaits,
            reply: request.reply,
            _permit: request.permit,
        };
        self.waiting.insert(token, waiting);
    }

    pub(super) fn apply(&mut self, now: Duration, committed: &Committed) {
        let applied = self.kv.apply(&committed.entry);
        self.clock.learn(self.kv.time(), now);
        self.viewers.tell(&self.kv);
        if let Some(token) = committed.token {
            self.answer(token, || Answer::applied(applied));
        }
    }

    /// Only writes: what anything else gives is not known before it is applied.
    pub(super) fn acknowledge_early(&mut self, token: Token) {
        let is_write = |waiting: &Waiting| match waiting.awaits {
            Awaits::Entry { is_write } => is_write,
            Awaits::Grant(_) => false,
        };
        if self.waiting.get(&token).is_some_and(is_write) {
            self.answer(token, Answer::done);
        }
    }

    pub(super) fn answer_read(&mut self, grant: ReadGrant) {
        debug_assert!(
            self.kv.applied() >= grant.index,
            "committed entries are applied first"
        );
        let Some(waiting) = self.waiting.remove(&grant.token) else {
            return;
        };
        if let Awaits::Grant(key) = &waiting.awaits {
            let _ = waiting.reply.send(Answer::value(self.kv.read(key)));
        }
    }

    pub(super) fn show(&mut self, viewer: Viewer) {
        self.viewers.admit(viewer, &self.kv);
    }

    pub(super) fn refuse(&mut self, token: Token, refusal: Refusal) {
        self.answer(token, || Answer::refused(refusal));
    }

    fn answer(&mut self, token: Token, answer: impl FnOnce() -> Answer) {
        if let Some(waiting) = self.waiting.remove(&token) {
            // A client that went away is told nothing.
            let _ = waiting.reply.send(answer());
        }
    }
}

fn is_write(command: &Command) -> bool {
    match command {
        Command::Single { micro_op, .. } => match micro_op {
            MicroOp::Write(_) | MicroOp::Delete => true,
            MicroOp::Read | MicroOp::Append(_) | MicroOp::Add(_) => false,
        },
        Command::Cas { .. }
        | Command::Transact(_)
        | Command::Acquire { .. }
        | Command::Release { .. } => false,
    }
}
