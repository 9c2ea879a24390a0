//! The desk: the state machine, and the clients who wait for what it will say.

use std::{collections::BTreeMap, time::Duration};

use super::{answer::Answer, node::Output};
use crate::{
    bug::{Bug, BugSet},
    kv::{
        Applied, ClientId, ClusterClock, Command, Key, Kv, MicroOp, Nature, Proposal, Quirks,
        Rejection, Sequence, Stamp,
    },
    raft::{Change, Committed, Input, NodeId, Payload, ReadGrant, ReadLevel, Refusal, Token},
};

/// An operation, and who is told how it ended: `R` is up to whoever owns the replica.
#[derive(Debug)]
pub(crate) struct Request<R> {
    pub(crate) operation: Operation,
    pub(crate) reply: R,
}

/// What a client asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Operation {
    /// A read that sees everything that was complete before it began.
    Read {
        key: Key,
        level: ReadLevel,
    },
    /// A read of what this node has applied so far.
    ReadLocal {
        key: Key,
    },
    /// Something that goes through the log; with a stamp it takes place only once.
    Command {
        command: Command,
        stamp: Option<Stamp>,
    },
    Change(Change),
    /// Leadership is to go to this voter, or to any.
    Transfer(Option<NodeId>),
    /// A snapshot of this node's state, now.
    Snapshot,
}

impl Operation {
    pub(crate) fn nature(&self) -> Nature {
        match self {
            Self::Read { .. } | Self::ReadLocal { .. } | Self::Snapshot => Nature::Reads,
            Self::Command { command, .. } => command.nature(),
            Self::Change(_) | Self::Transfer(_) => Nature::Decides,
        }
    }
}

/// What Raft is to be asked, gathered over a turn.
#[derive(Debug, Default)]
pub(super) struct Asked {
    commands: Vec<(Token, Payload)>,
    reads: BTreeMap<ReadLevel, Vec<Token>>,
    others: Vec<Input>,
    pub(super) snapshots: Vec<Token>,
}

impl Asked {
    /// The inputs: commands share entries, reads share rounds.
    pub(super) fn into_inputs(self) -> impl Iterator<Item = Input> {
        let commands = (!self.commands.is_empty()).then_some(Input::Propose(self.commands));
        let reads = self.reads.into_iter();
        let reads = reads.map(|(level, tokens)| Input::Read(level, tokens));
        commands.into_iter().chain(reads).chain(self.others)
    }
}

/// A request that waits for Raft.
#[derive(Debug)]
struct Waiting<R> {
    awaits: Awaits,
    since: Duration,
    /// Under what its answer is to be remembered; only a bug does that.
    remembered: Option<(ClientId, Sequence)>,
    reply: R,
}

#[derive(Debug)]
enum Awaits {
    /// Permission to read the key.
    Grant(Key),
    /// The entry to be applied.
    Entry(Nature),
    /// A change of the members, a transfer or a snapshot to be done.
    Completion(Nature),
}

impl<R> Waiting<R> {
    const fn nature(&self) -> Nature {
        match self.awaits {
            Awaits::Grant(_) => Nature::Reads,
            Awaits::Entry(nature) | Awaits::Completion(nature) => nature,
        }
    }
}

/// The state machine and who waits for it.
#[derive(Debug)]
pub(super) struct Desk<R> {
    pub(super) kv: Kv,
    clock: ClusterClock,
    waiting: BTreeMap<Token, Waiting<R>>,
    tokens: u64,
    bugs: BugSet,
    quirks: Quirks,
    /// Answers that this node gave; only a bug looks for them here.
    memory: BTreeMap<(ClientId, Sequence), Applied>,
    /// The state before the last entry, kept for a bug.
    before: Option<Kv>,
}

impl<R> Desk<R> {
    pub(super) fn new(kv: Kv, bugs: BugSet, node: &NodeId) -> Self {
        let quirks = Quirks::new(bugs, node.as_str());
        Self {
            kv: kv.with_quirks(quirks),
            clock: ClusterClock::START,
            waiting: BTreeMap::new(),
            tokens: 0,
            bugs,
            quirks,
            memory: BTreeMap::new(),
            before: None,
        }
    }

    /// Takes a request, and asks Raft for what it needs.
    pub(super) fn enlist(
        &mut self,
        now: Duration,
        request: Request<R>,
        asked: &mut Asked,
        out: &mut Vec<Output<R>>,
    ) {
        let nature = request.operation.nature();
        let token = self.next_token(now);
        let mut remembered = None;
        let awaits = match request.operation {
            Operation::Read { key, level } => {
                asked.reads.entry(level).or_default().push(token);
                Awaits::Grant(key)
            }
            Operation::ReadLocal { key } => {
                let answer = Answer::value(self.kv.read(&key));
                return out.push(Output::Answer(request.reply, answer));
            }
            Operation::Command { command, mut stamp } => {
                if self.bugs.has(Bug::DedupLeaderMemory)
                    && let Some(Stamp {
                        client, sequence, ..
                    }) = stamp.take()
                {
                    remembered = Some((client, sequence));
                    if let Some(applied) = self.memory.get(&(client, sequence)) {
                        let answer = Answer::applied(applied.clone());
                        return out.push(Output::Answer(request.reply, answer));
                    }
                }
                let command = match self.test_early(command) {
                    Ok(command) => command,
                    Err(rejection) => {
                        let answer = Answer::applied(Applied::Rejected(rejection));
                        return out.push(Output::Answer(request.reply, answer));
                    }
                };
                let proposal = Proposal {
                    time: self.clock.time(now),
                    stamp,
                    command,
                };
                asked.commands.push((token, proposal.encode()));
                Awaits::Entry(nature)
            }
            Operation::Change(change) => {
                asked.others.push(Input::Change(token, change));
                Awaits::Completion(nature)
            }
            Operation::Transfer(target) => {
                asked.others.push(Input::Transfer(token, target));
                Awaits::Completion(nature)
            }
            Operation::Snapshot => {
                asked.snapshots.push(token);
                Awaits::Completion(nature)
            }
        };
        let reply = request.reply;
        let waiting = Waiting {
            awaits,
            since: now,
            remembered,
            reply,
        };
        self.waiting.insert(token, waiting);
    }

    /// A number that no request had before; with a bug, one whose request has waited for long.
    fn next_token(&mut self, now: Duration) -> Token {
        const GIVEN_UP_AFTER: Duration = Duration::from_millis(200);
        if self.bugs.has(Bug::ReplyMixup) {
            let mut waiting = self.waiting.iter();
            let given_up = waiting.find(|(_, waiting)| now >= waiting.since + GIVEN_UP_AFTER);
            if let Some((token, _)) = given_up {
                return *token;
            }
        }
        self.tokens += 1;
        Token(self.tokens)
    }

    /// The command as it is to be proposed; with a bug, a cas whose condition holds now is a write.
    fn test_early(&self, command: Command) -> Result<Command, Rejection> {
        if !self.bugs.has(Bug::CasAtPropose) {
            return Ok(command);
        }
        let Command::Cas {
            key,
            expected,
            value,
        } = command
        else {
            return Ok(command);
        };
        if self.kv.read(&key) != expected {
            return Err(Rejection::Mismatch);
        }
        let micro_op = MicroOp::Write(value);
        Ok(Command::Single { key, micro_op })
    }

    pub(super) fn apply(&mut self, now: Duration, committed: &Committed, out: &mut Vec<Output<R>>) {
        if self.bugs.has(Bug::AppliedIndexSplit) {
            self.before = Some(self.kv.clone());
        }
        let applied = self.kv.apply(&committed.entry);
        self.clock.learn(self.kv.time(), now);
        let waiting = committed
            .token
            .and_then(|token| self.waiting.remove(&token));
        if let Some(waiting) = waiting {
            if let Some(request) = waiting.remembered {
                self.memory.insert(request, applied.clone());
            }
            out.push(Output::Answer(waiting.reply, Answer::applied(applied)));
        }
    }

    /// The state as it goes into a snapshot; with a bug, the one before under the index of this one.
    pub(super) fn image(&mut self) -> Kv {
        self.kv.freeze();
        let Some(mut image) = self.before.clone() else {
            return self.kv.clone();
        };
        image.freeze();
        image.pretend(self.kv.applied());
        image
    }

    /// The state becomes another one: that of a snapshot that is ahead.
    pub(super) fn install(&mut self, kv: Kv, now: Duration) {
        self.clock.learn(kv.time(), now);
        self.kv = kv.with_quirks(self.quirks);
        self.before = None;
    }

    /// Only writes: what anything else gives is not known before it is applied.
    pub(super) fn acknowledge_early(&mut self, token: Token, out: &mut Vec<Output<R>>) {
        let waiting = self.waiting.get(&token);
        if waiting.is_some_and(|waiting| waiting.nature() == Nature::Writes) {
            self.answer(token, Answer::done, out);
        }
    }

    /// From this node's state, or from another that a planted bug puts in its place.
    pub(super) fn answer_read(
        &mut self,
        grant: ReadGrant,
        instead: Option<&Kv>,
        out: &mut Vec<Output<R>>,
    ) {
        let state = instead.unwrap_or(&self.kv);
        debug_assert!(
            state.applied() >= grant.index,
            "committed entries are applied first"
        );
        let Some(waiting) = self.waiting.remove(&grant.token) else {
            return;
        };
        if let Awaits::Grant(key) = &waiting.awaits {
            let answer = Answer::value(state.read(key));
            out.push(Output::Answer(waiting.reply, answer));
        }
    }

    pub(super) fn complete(&mut self, token: Token, out: &mut Vec<Output<R>>) {
        self.answer(token, Answer::done, out);
    }

    pub(super) fn refuse(&mut self, token: Token, refusal: Refusal, out: &mut Vec<Output<R>>) {
        if let Some(waiting) = self.waiting.remove(&token) {
            let answer = Answer::refused(refusal, waiting.nature());
            out.push(Output::Answer(waiting.reply, answer));
        }
    }

    fn answer(&mut self, token: Token, answer: impl FnOnce() -> Answer, out: &mut Vec<Output<R>>) {
        if let Some(waiting) = self.waiting.remove(&token) {
            out.push(Output::Answer(waiting.reply, answer()));
        }
    }
}

#[cfg(test)]
mod tests;
