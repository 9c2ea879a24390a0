//! What must hold in every cluster at every moment, seen from outside all nodes (figure 3 of the paper).

use std::collections::BTreeMap;

use super::Violation;
use crate::{
    kv::{Applied, Kv},
    raft::{Body, Entry, HardState, LogIndex, Position, Term, Write},
};

/// A log by positions.
pub(super) type Positions = Vec<Position>;

/// Everything that was ever true.
#[derive(Debug, Default)]
pub(super) struct Law {
    leaders: BTreeMap<Term, usize>,
    /// Content and predecessor of every entry that ever was in a log. The same content and the
    /// same predecessor at each position make whole prefixes equal.
    entries: BTreeMap<Position, (Body, Position)>,
    /// What any node ever took for committed.
    pub(super) committed: Vec<Entry>,
    /// The state after it, and what each entry did.
    pub(super) reference: Kv,
    pub(super) results: Vec<Applied>,
}

impl Law {
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
        let lacks = |entry: &&Entry| {
            log.get(slot(entry.at.index))
                .is_none_or(|at| *at != entry.at)
        };
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
        for entry in writes.iter().flat_map(appended) {
            if leads && slot(entry.at.index) != log.len() {
                return Err(Violation::LeaderRewrote(format!("{:?}", entry.at)));
            }
            log.truncate(slot(entry.at.index));
            let before = log.last().copied().unwrap_or_default();
            log.push(entry.at);
            let known = (entry.body.clone(), before);
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

    /// A node applies `entry`; `durable` are the logs on all disks, crashed nodes' included.
    pub(super) fn on_commit(
        &mut self,
        entry: &Entry,
        durable: &[&Positions],
    ) -> Result<(), Violation> {
        let slot = slot(entry.at.index);
        if let Some(first) = self.committed.get(slot) {
            let same = first == entry;
            let what = || format!("{:?} and {:?}", first.at, entry.at);
            return if same {
                Ok(())
            } else {
                Err(Violation::AppliedDiffer(what()))
            };
        }
        self.committed.push(entry.clone());
        self.results.push(self.reference.apply(entry));
        let holders = durable
            .iter()
            .filter(|log| log.get(slot) == Some(&entry.at))
            .count();
        if 2 * holders > durable.len() {
            Ok(())
        } else {
            let what = format!("{:?} is on {holders} of {} disks", entry.at, durable.len());
            Err(Violation::NotOnMajority(what))
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

pub(super) fn appended(write: &Write) -> &[Entry] {
    match write {
        Write::HardState(_) | Write::Begin { .. } => &[],
        Write::Append(entries) => entries,
    }
}

pub(super) fn slot(index: LogIndex) -> usize {
    usize::try_from(index.previous().0).expect("short logs")
}
