//! What must hold after every step of a script (figure 3 of the paper, and what the types promise).

use std::collections::BTreeMap;

use super::{machine::Machine, node::Node};
use crate::raft::{
    Body, Entry, HardState, LogIndex, Membership, NodeId, Position, Raft, Role, Term, node::State,
    quorum::Quorum,
};

pub(super) type Nodes = BTreeMap<NodeId, Node>;

/// A broken rule.
pub(super) type Broken = String;

/// Everything that was ever true.
#[derive(Debug, Default)]
pub(super) struct Law {
    leaders: BTreeMap<Term, NodeId>,
    /// Content and predecessor of every entry that ever was in a log. The same content and the same
    /// predecessor at each position make whole prefixes equal.
    entries: BTreeMap<Position, (Body, Position)>,
    committed: Vec<Entry>,
    /// The state after what is committed.
    reference: Machine,
    /// The members in force from an index on, of what is committed.
    memberships: BTreeMap<LogIndex, Membership>,
    before: BTreeMap<NodeId, Look>,
    /// The last entry whose result a client was told.
    pub(super) told: LogIndex,
}

/// A node as it was after its last step.
#[derive(Debug)]
struct Look {
    life: u64,
    term: Term,
    leads: bool,
    commit: LogIndex,
    log: Vec<Entry>,
    hard_on_disk: HardState,
}

impl Law {
    pub(super) fn bootstrap(&mut self, members: &Membership) {
        self.memberships.insert(LogIndex(0), members.clone());
    }

    /// Whether `id` may be where it is now, after a step.
    pub(super) fn check(&mut self, nodes: &Nodes, id: &NodeId) -> Result<(), Broken> {
        let node = &nodes[id];
        let Some(raft) = &node.raft else {
            return Ok(());
        };
        let look = Look {
            life: node.life,
            term: raft.term(),
            leads: raft.role() == Role::Leader,
            commit: raft.commit(),
            log: entries(raft),
            hard_on_disk: node.disk.hard.clone(),
        };
        self.check_history(id, &look)?;
        self.check_logs_match(id, raft, &look)?;
        self.check_bounds(id, raft)?;
        self.check_members(id, raft)?;
        self.check_leader(id, raft, &look)?;
        check_progress(nodes, id, raft)?;
        self.before.insert(id.clone(), look);
        Ok(())
    }

    /// Term, vote, commit index and a leader's log only grow.
    fn check_history(&self, id: &NodeId, now: &Look) -> Result<(), Broken> {
        let Some(before) = self.before.get(id) else {
            return Ok(());
        };
        let (old, new) = (&before.hard_on_disk, &now.hard_on_disk);
        let vote_kept = old.vote.is_none() || old.vote == new.vote;
        if new.term < old.term || (new.term == old.term && !vote_kept) {
            return Err(format!("{id}: vote went from {old:?} to {new:?}"));
        }
        if now.life != before.life {
            return Ok(());
        }
        if now.term < before.term || now.commit < before.commit {
            return Err(format!("{id}: term or commit index went back"));
        }
        let kept = before.log.iter().filter(|entry| {
            let first = now.log.first().map_or(LogIndex(u64::MAX), |e| e.at.index);
            entry.at.index >= first
        });
        let led_on = before.leads && now.leads && before.term == now.term;
        if led_on && !kept.zip(&now.log).all(|(old, new)| old == new) {
            return Err(format!("{id}: a leader changed its own past"));
        }
        Ok(())
    }

    fn check_logs_match(&mut self, id: &NodeId, raft: &Raft, look: &Look) -> Result<(), Broken> {
        let mut before = raft.log.begin();
        for entry in &look.log {
            let known = (entry.body.clone(), before);
            let first = self.entries.entry(entry.at);
            if *first.or_insert_with(|| known.clone()) != known {
                return Err(format!("{id}: another log differs at {:?}", entry.at));
            }
            before = entry.at;
        }
        Ok(())
    }

    fn check_bounds(&self, id: &NodeId, raft: &Raft) -> Result<(), Broken> {
        let (begin, last) = (raft.log.begin(), raft.log.last());
        if begin.index > raft.commit() || raft.commit() > last.index {
            return Err(format!("{id}: the commit index is outside of the log"));
        }
        if last.term > raft.term() {
            return Err(format!("{id}: the log is of a later term than the node"));
        }
        Ok(())
    }

    /// The members in force are the latest in the log, and the ones it begins with are the right ones.
    fn check_members(&self, id: &NodeId, raft: &Raft) -> Result<(), Broken> {
        let begin = raft.log.begin().index;
        let at_begin = raft.log.membership_at(begin);
        let committed = self.memberships.range(..=begin).next_back();
        if begin.0 > 0 && committed.is_none_or(|(_, members)| members != at_begin) {
            return Err(format!("{id}: the log begins with other members"));
        }
        let latest = entries(raft).into_iter().rev().find_map(|e| match e.body {
            Body::Membership(members) => Some(*members),
            Body::Noop | Body::Command(_) => None,
        });
        if raft.log.membership() != latest.as_ref().unwrap_or(at_begin) {
            return Err(format!("{id}: the members are not the latest in the log"));
        }
        Ok(())
    }

    /// One leader a term, and a new one has all that is committed.
    fn check_leader(&mut self, id: &NodeId, raft: &Raft, look: &Look) -> Result<(), Broken> {
        if !look.leads {
            return Ok(());
        }
        let first = self.leaders.entry(look.term);
        let first = first.or_insert_with(|| id.clone());
        if first != id {
            let term = look.term.0;
            return Err(format!("{first} and {id} lead in term {term}"));
        }
        let is_earlier = |entry: &&Entry| entry.at.term < look.term;
        let mut earlier = self.committed.iter().filter(is_earlier);
        let begin = raft.log.begin().index;
        match earlier.find(|e| e.at.index > begin && !raft.log.contains(e.at)) {
            Some(entry) => Err(format!("leader {id} lacks {:?}", entry.at)),
            None => Ok(()),
        }
    }

    /// `id` takes `entry` for committed.
    pub(super) fn commit(
        &mut self,
        nodes: &Nodes,
        id: &NodeId,
        entry: &Entry,
    ) -> Result<(), Broken> {
        let slot = usize::try_from(entry.at.index.0 - 1).expect("short logs");
        if let Some(first) = self.committed.get(slot) {
            let (at, other) = (first.at, entry.at);
            let same = first == entry;
            return same
                .then_some(())
                .ok_or_else(|| format!("{at:?} and {other:?} are committed"));
        }
        assert_eq!(slot, self.committed.len(), "leaders commit in order");
        let raft = nodes[id].raft.as_ref().expect("it commits");
        let holders = nodes.iter().filter(|(_, node)| node.disk.has(entry.at));
        let holders = holders.map(|(id, _)| id.clone()).collect();
        if !raft.log.membership().is_quorum(Quorum::Majority, &holders) {
            return Err(format!(
                "{:?} is committed, and on {holders:?} only",
                entry.at
            ));
        }
        self.committed.push(entry.clone());
        self.reference.apply(entry);
        if let Body::Membership(members) = &entry.body {
            self.memberships.insert(entry.at.index, (**members).clone());
        }
        Ok(())
    }

    /// Whether the state of a node is that after the entries it says it has applied.
    pub(super) fn check_state(&self, id: &NodeId, machine: &Machine) -> Result<(), Broken> {
        let mut reference = Machine::default();
        let upto = self.committed.iter();
        for entry in upto.take_while(|entry| entry.at.index <= machine.applied) {
            reference.apply(entry);
        }
        let same = reference == *machine;
        same.then_some(())
            .ok_or_else(|| format!("{id}: {machine:?} is not {reference:?}"))
    }
}

/// What followers are said to have is on their disks.
fn check_progress(nodes: &Nodes, id: &NodeId, raft: &Raft) -> Result<(), Broken> {
    let State::Leader(leader) = &raft.state else {
        return Ok(());
    };
    for (follower, progress) in &leader.followers {
        let Some(node) = nodes.get(follower) else {
            continue;
        };
        // Whoever has moved on may have been told to forget something.
        let moved_on = node.disk.hard.term > raft.term();
        let within = progress.matched <= raft.log.last().index;
        let at = raft.log.term_at(progress.matched).map(|term| Position {
            term,
            index: progress.matched,
        });
        if !within || (!moved_on && at.is_some_and(|at| !node.disk.has(at))) {
            let matched = progress.matched.0;
            return Err(format!("{id} takes {follower} to have {matched}"));
        }
    }
    Ok(())
}

/// The entries in the log of a node.
pub(super) fn entries(raft: &Raft) -> Vec<Entry> {
    raft.log.batch(raft.log.begin().index.next(), usize::MAX)
}
