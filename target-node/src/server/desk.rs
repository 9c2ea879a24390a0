//! The desk: the state machine, and the clients who wait for what it will say.

use std::{collections::BTreeMap, time::Duration};

use tokio::sync::{OwnedSemaphorePermit, oneshot};

use super::{
    reply::Answer,
    viewers::{Viewer, Viewers},
};
use crate::{
    kv::{ClusterClock, Command, Key, Kv, Nature, Proposal, Stamp},
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
    /// A read that sees everything that was complete before it began.
    Read { key: Key },
    /// A read of what this node has applied so far.
    ReadLocal { key: Key },
    /// Something that goes through the log; with a stamp it takes place only once.
    Command {
        command: Command,
        stamp: Option<Stamp>,
    },
}

impl Operation {
    pub(super) fn nature(&self) -> Nature {
        match self {
            Self::Read { .. } | Self::ReadLocal { .. } => Nature::Reads,
            Self::Command { command, .. } => command.nature(),
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
    /// The entry to be applied.
    Entry(Nature),
}

impl Waiting {
    const fn nature(&self) -> Nature {
        match self.awaits {
            Awaits::Grant(_) => Nature::Reads,
            Awaits::Entry(nature) => nature,
        }
    }
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
            Operation::ReadLocal { key } => {
                // A client that went away is told nothing.
                let _ = request.reply.send(Answer::value(self.kv.read(&key)));
                return;
            }
            Operation::Command { command, stamp } => {
                let nature = command.nature();
                let proposal = Proposal {
                    time: self.clock.time(now),
                    stamp,
                    command,
                };
                asked.commands.push((token, proposal.encode()));
                Awaits::Entry(nature)
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
        let waiting = self.waiting.get(&token);
        if waiting.is_some_and(|waiting| waiting.nature() == Nature::Writes) {
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
        let Some(waiting) = self.waiting.remove(&token) else {
            return;
        };
        let answer = Answer::refused(refusal, waiting.nature());
        let _ = waiting.reply.send(answer);
    }

    fn answer(&mut self, token: Token, answer: impl FnOnce() -> Answer) {
        if let Some(waiting) = self.waiting.remove(&token) {
            // A client that went away is told nothing.
            let _ = waiting.reply.send(answer());
        }
    }
}
