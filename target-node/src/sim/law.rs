//! What must hold in every cluster at every moment, seen from outside all nodes (figure 3 of the paper).

use std::collections::{BTreeMap, BTreeSet};

use super::Violation;
use crate::{
    kv::{Applied, Kv},
    raft::{
        Body, Entry, HardState, LogIndex, Membership, NodeId, Position, Quorum, Restored, Term,
        Write,
    },
};

/// A log by positions: where it begins, and what comes after.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Positions {
    begin: Position,
    after: Vec<Position>,
}

impl Positions {
    pub(super) fn restored(restored: &Restored) -> Self {
        let begin = restored.begin.as_ref().map(|(at, _)| *at);
        Self {
            begin: begin.unwrap_or_default(),
            after: restored.entries.iter().map(|entry| entry.at).collect(),
        }
    }

    fn last(&self) -> Position {
        self.after.last().copied().unwrap_or(self.begin)
    }

    /// Whether the log has this entry, or begins so late that it need not.
    fn covers(&self, at: Position) -> bool {
        match at.index.0.checked_sub(self.begin.index.0 + 1) {
            Some(slot) => self.after.get(usize_of(slot)) == Some(&at),
            None => at.index < self.begin.index || at == self.begin,
        }
    }

    fn cut(&mut self, from: LogIndex) {
        let keep = from.0.saturating_sub(self.begin.index.0 + 1);
        self.after.truncate(usize_of(keep));
    }

    /// What a write makes of it; entries go one by one through `push`.
    pub(super) fn take(&mut self, write: &Write) {
        match write {
            Write::HardState(_) => {}
            Write::Begin { at, keeps, .. } => {
                let behind = |position: &Position| *keeps && position.index > at.index;
                self.after.retain(behind);
                self.begin = *at;
            }
            Write::Append(entries) => {
                for entry in entries {
                    self.cut(entry.at.index);
                    self.after.push(entry.at);
                }
            }
        }
    }
}

/// Everything that was ever true.
#[derive(Debug, Default)]
pub(super) struct Law {
    leaders: BTreeMap<Term, usize>,
    /// Content and predecessor of every entry that ever was in a log. The same content and the
    /// same predecessor at each position make whole prefixes equal.
    entries: BTreeMap<Position, (Body, Position)>,
    /// What any node ever took for committed.
    pub(super) committed: Vec<Entry>,
    /// The state after each of them, and what each did. A clone of a state costs nothing.
    states: Vec<Kv>,
    pub(super) results: Vec<Applied>,
    /// How often a node took over a received snapshot.
    pub(super) installed: u64,
}

impl Law {
    /// The state after everything that was committed.
    pub(super) fn reference(&self) -> Kv {
        self.states.last().cloned().unwrap_or_default()
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
            if let Write::Append(entries) = write {
                self.on_append(entries, log, leads)?;
            }
            log.take(write);
        }
        Ok(())
    }

    fn on_append(
        &mut self,
        entries: &[Entry],
        log: &Positions,
        leads: bool,
    ) -> Result<(), Violation> {
        let mut log = log.clone();
        for entry in entries {
            if leads && entry.at.index != log.last().index.next() {
                return Err(Violation::LeaderRewrote(format!("{:?}", entry.at)));
            }
            log.cut(entry.at.index);
            let known = (entry.body.clone(), log.last());
            log.after.push(entry.at);
            let first = self
                .entries
                .entry(entry.at)
                .or_insert_with(|| known.clone());
            if *first != known {
                return Err(Violation::LogsDiffer(format!("{:?}", entry.at)));
            }
        }
        Ok(())
    }

    /// A node whose members are `members` takes `entry` for committed; `durable` are the logs on all
    /// disks, crashed nodes' included.
    pub(super) fn on_commit(
        &mut self,
        entry: &Entry,
        members: &Membership,
        durable: &[(&NodeId, &Positions)],
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
        let holders = durable.iter().filter(|(_, log)| log.covers(entry.at));
        let holders: BTreeSet<NodeId> = holders.map(|(id, _)| (*id).clone()).collect();
        if members.is_quorum(Quorum::Majority, &holders) {
            Ok(())
        } else {
            let what = format!("{:?} is on the disks of {holders:?} only", entry.at);
            Err(Violation::NotOnMajority(what))
        }
    }

    /// A node has applied the entry at `index`, and this is its state.
    pub(super) fn on_applied(&self, index: LogIndex, state: &Kv) -> Result<(), Violation> {
        if self.states.get(slot(index)) == Some(state) {
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

/// The place of an index in what is committed.
fn slot(index: LogIndex) -> usize {
    usize_of(index.previous().0)
}

fn usize_of(number: u64) -> usize {
    usize::try_from(number).expect("short logs")
}
