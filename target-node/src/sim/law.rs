//! What must hold in every cluster at every moment, seen from outside all nodes (figure 3 of the paper).

use std::collections::{BTreeMap, BTreeSet};

use super::{
    Violation,
    node::OnDisk,
    positions::{Positions, usize_of},
};
use crate::{
    kv::{Applied, Kv},
    raft::{
        AppendOutcome, Ballot, Body, Entry, HardState, LogIndex, Membership, Message, NodeId,
        Position, Quorum, Term, Wanted, Write,
    },
};

/// Everything that was ever true.
#[derive(Debug, Default)]
pub(super) struct Law {
    /// The first rule that was broken; nothing is looked at after that.
    pub(super) broken: Option<Violation>,
    leaders: BTreeMap<Term, usize>,
    /// Content and predecessor of every entry that ever was in a log. The same content and the
    /// same predecessor at each position make whole prefixes equal.
    entries: BTreeMap<Position, (Body, Position)>,
    /// What any node ever took for committed.
    pub(super) committed: Vec<Entry>,
    /// The state after each of them, and what each did. A clone of a state costs nothing.
    states: Vec<Kv>,
    pub(super) results: Vec<Applied>,
    /// The latest members that were committed.
    pub(super) members: Membership,
    /// How often a node took over a received snapshot.
    pub(super) installed: u64,
}

impl Law {
    /// Looks at something, unless a rule is broken already.
    pub(super) fn see(&mut self, look: impl FnOnce(&mut Self) -> Result<(), Violation>) {
        if self.broken.is_none() {
            self.broken = look(self).err();
        }
    }

    /// The state after everything that was committed.
    pub(super) fn reference(&self) -> Kv {
        self.states.last().cloned().unwrap_or_default()
    }

    /// The state after so many entries, if so many are committed.
    pub(super) fn state_after(&self, entries: u64) -> Option<Kv> {
        match entries.checked_sub(1) {
            None => Some(Kv::default()),
            Some(slot) => self.states.get(usize_of(slot)).cloned(),
        }
    }

    pub(super) fn on_leader(
        &mut self,
        node: usize,
        term: Term,
        log: &Positions,
    ) -> Result<(), Violation> {
        let first = *self.leaders.entry(term).or_insert(node);
        if first != node {
            let what = format!("nodes {first} and {node} lead in term {}", term.0);
            return Err(Violation::TwoLeaders(what));
        }
        let lacks = |entry: &&Entry| !log.covers(entry.at);
        match self.committed.iter().find(lacks) {
            Some(entry) => Err(Violation::LeaderLacks(format!(
                "node {node}, {:?}",
                entry.at
            ))),
            None => Ok(()),
        }
    }

    /// `log` is the node's log before the writes, and after them when this returns.
    pub(super) fn on_writes(
        &mut self,
        writes: &[Write],
        log: &mut Positions,
        leads: bool,
    ) -> Result<(), Violation> {
        for write in writes {
            match write {
                Write::Append(entries) => {
                    for entry in entries {
                        self.on_append(entry, log, leads)?;
                        log.push(entry);
                    }
                }
                Write::HardState(_) | Write::Begin { .. } => log.take(write),
            }
        }
        Ok(())
    }

    fn on_append(&mut self, entry: &Entry, log: &Positions, leads: bool) -> Result<(), Violation> {
        if leads && entry.at.index != log.last().index.next() {
            return Err(Violation::LeaderRewrote(format!("{:?}", entry.at)));
        }
        if entry.at.index > log.last().index.next() {
            let what = format!("{:?} leaves a gap behind {:?}", entry.at, log.last());
            return Err(Violation::BadStep(what));
        }
        let known = (entry.body.clone(), log.before(entry.at.index));
        let first = self.entries.entry(entry.at);
        if *first.or_insert_with(|| known.clone()) == known {
            Ok(())
        } else {
            Err(Violation::LogsDiffer(format!("{:?}", entry.at)))
        }
    }

    /// A node whose members are `members` takes `entry` for committed; `durable` is what is on all
    /// disks, crashed nodes' included.
    pub(super) fn on_commit(
        &mut self,
        entry: &Entry,
        members: &Membership,
        durable: &[(&NodeId, &OnDisk)],
    ) -> Result<(), Violation> {
        if let Some(first) = self.committed.get(slot(entry.at.index)) {
            let same = first == entry;
            let what = || format!("{:?} and {:?}", first.at, entry.at);
            return if same {
                Ok(())
            } else {
                Err(Violation::AppliedDiffer(what()))
            };
        }
        let mut state = self.reference();
        self.results.push(state.apply(entry));
        self.states.push(state);
        self.committed.push(entry.clone());
        if let Body::Membership(members) = &entry.body {
            self.members = (**members).clone();
        }
        let holders = durable.iter().filter(|(_, disk)| disk.log.covers(entry.at));
        let holders: BTreeSet<NodeId> = holders.map(|(id, _)| (*id).clone()).collect();
        if members.is_quorum(Quorum::Majority, &holders) {
            Ok(())
        } else {
            let what = format!("{:?} is on the disks of {holders:?} only", entry.at);
            Err(Violation::NotOnMajority(what))
        }
    }

    /// A node's state covers everything up to `index`, and this is it.
    pub(super) fn on_applied(&self, index: LogIndex, state: &Kv) -> Result<(), Violation> {
        if self.state_after(index.0).as_ref() == Some(state) {
            Ok(())
        } else {
            let what = format!("after entry {}", index.0);
            Err(Violation::StatesDiffer(what))
        }
    }
}

/// Terms on one disk never go back, and the vote of a term never changes.
pub(super) fn check_hard_state(before: &HardState, after: &HardState) -> Result<(), Violation> {
    let same_term = before.term == after.term;
    let kept = before.vote.is_none() || before.vote == after.vote;
    if after.term > before.term || (same_term && kept) {
        Ok(())
    } else {
        Err(Violation::VoteChanged(format!("{before:?} to {after:?}")))
    }
}

/// What a node promises to another, or says that it has, is on its disk.
pub(super) fn check_said(message: &Message, to: &NodeId, disk: &OnDisk) -> Result<(), Violation> {
    let holds = match message {
        Message::VoteReply(reply) if reply.granted && reply.ballot != Ballot::Pre => {
            let kept = disk.hard.term == reply.election && disk.hard.vote.as_ref() == Some(to);
            kept || disk.hard.term > reply.election
        }
        Message::AppendReply(reply) => match reply.outcome {
            AppendOutcome::Matched(index) => disk.log.reaches(index),
            AppendOutcome::Mismatch { .. } | AppendOutcome::StaleTerm => true,
        },
        Message::SnapshotReply(reply) => match reply.wanted {
            Wanted::Nothing => disk.log.reaches(reply.at.index),
            Wanted::From(_) | Wanted::StaleTerm => true,
        },
        Message::VoteRequest(_)
        | Message::VoteReply(_)
        | Message::AppendRequest(_)
        | Message::SnapshotPiece(_)
        | Message::TimeoutNow(_)
        | Message::ReadRequest(_)
        | Message::ReadReply(_) => true,
    };
    if holds {
        Ok(())
    } else {
        let (hard, last) = (&disk.hard, disk.log.last());
        let what = format!("{message:?} to {to}, and on disk are {hard:?} and {last:?}");
        Err(Violation::SaidTooSoon(what))
    }
}

/// The place of an index in what is committed.
fn slot(index: LogIndex) -> usize {
    usize_of(index.previous().0)
}
