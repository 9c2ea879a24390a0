//! Changes of the members (chapter 4 of the thesis).
//!
//! One path for all of them: whoever is new becomes a learner and receives the log; once all have caught up,
//! the new members come into force by one entry if no more than one voter differs, so that the old
//! and the new majorities share a node (§4.1), and otherwise by joint consensus (§4.3).
//!
//! A change begins only when the members before it are committed, and when the leader has committed an entry of
//! its own term: without that barrier two leaders could each change another server, and their
//! majorities would not meet (Ongaro, raft-dev, July 2015).

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use super::{
    effects::{Refusal, Token},
    entry::{Body, LogIndex, NodeId},
    leader::Leader,
    membership::{Addresses, Membership},
    node::{Raft, State},
    progress::Progress,
};
use crate::bug::Bug;

/// Rounds of catching up, each with what the leader had when it began (§4.2.1).
const ROUNDS_MAX: u8 = 10;
/// Longest election timeouts that a joiner may stay silent.
const SILENT_TIMEOUTS_MAX: u32 = 4;

/// How the members are to change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Change {
    /// A server joins, and votes once it has caught up.
    Add(NodeId, Addresses),
    /// A server receives the log and does not vote.
    AddLearner(NodeId, Addresses),
    /// A voter or learner leaves.
    Remove(NodeId),
    /// These become the voters, all others leave; learners stay.
    Replace(BTreeMap<NodeId, Addresses>),
}

/// A change that this leader carries out.
#[derive(Debug)]
pub(super) struct Underway {
    token: Token,
    goal: Membership,
    /// Whom this change made learners; they go again if it fails.
    welcomed: BTreeSet<NodeId>,
    phase: Phase,
}

impl Underway {
    pub(super) const fn token(&self) -> Token {
        self.token
    }
}

#[derive(Debug)]
enum Phase {
    /// The entry that makes learners of the joiners is not committed.
    Welcoming,
    CatchingUp(BTreeMap<NodeId, Round>),
    /// An entry that leads to the goal is not committed.
    Switching,
}

/// A joiner's round: it ends when the joiner has the log up to `goal`.
#[derive(Debug, Clone, Copy)]
struct Round {
    number: u8,
    goal: LogIndex,
    since: Duration,
}

/// How far the joiners are.
enum CaughtUp {
    All,
    NotYet,
    /// One was too slow or silent.
    Never,
}

impl Membership {
    /// The members that `change` leads to.
    fn after(&self, change: Change) -> Self {
        let mut goal = self.clone();
        match change {
            Change::Add(node, addresses) => {
                goal.learners.remove(&node);
                goal.voters.insert(node.clone());
                goal.addresses.insert(node, addresses);
            }
            Change::AddLearner(node, addresses) => {
                goal.voters.remove(&node);
                goal.learners.insert(node.clone());
                goal.addresses.insert(node, addresses);
            }
            Change::Remove(node) => {
                goal.voters.remove(&node);
                goal.learners.remove(&node);
                goal.addresses.remove(&node);
                goal.stores.remove(&node);
            }
            Change::Replace(voters) => {
                goal.voters = voters.keys().cloned().collect();
                goal.learners.retain(|id| !voters.contains_key(id));
                goal.addresses.retain(|id, _| goal.learners.contains(id));
                goal.addresses.extend(voters);
                goal.forget_stores();
            }
        }
        goal
    }

    /// A mark is kept of members only.
    fn forget_stores(&mut self) {
        let addresses = &self.addresses;
        self.stores.retain(|id, _| addresses.contains_key(id));
    }

    /// Whoever votes in `goal` and does not now.
    fn joiners(&self, goal: &Self) -> BTreeSet<NodeId> {
        goal.voters.difference(&self.voters).cloned().collect()
    }

    /// These members, and those of `joiners` that are none yet as learners.
    fn welcoming(&self, joiners: &BTreeSet<NodeId>, goal: &Self) -> Self {
        let mut members = self.clone();
        for node in joiners {
            if !members.addresses.contains_key(node) {
                members.learners.insert(node.clone());
                members.addresses.insert(node.clone(), goal.addresses[node]);
            }
        }
        members
    }

    /// The next step to `goal`: `goal` itself, or a joint one with the voters of both.
    fn towards(&self, goal: &Self) -> Self {
        if self.voters.symmetric_difference(&goal.voters).count() <= 1 {
            return goal.clone();
        }
        let mut joint = goal.clone();
        joint.outgoing = self.voters.clone();
        for (node, addresses) in &self.addresses {
            joint.addresses.entry(node.clone()).or_insert(*addresses);
        }
        for (node, store) in &self.stores {
            joint.stores.entry(node.clone()).or_insert(*store);
        }
        joint
    }

    /// The end of a joint change.
    fn left(&self) -> Self {
        let mut members = self.clone();
        members.outgoing.clear();
        let Self {
            voters, learners, ..
        } = self;
        members
            .addresses
            .retain(|id, _| voters.contains(id) || learners.contains(id));
        members.forget_stores();
        members
    }

    /// Without `nodes`, of which none votes.
    fn without(&self, nodes: &BTreeSet<NodeId>) -> Self {
        let mut members = self.clone();
        members.learners.retain(|id| !nodes.contains(id));
        members.addresses.retain(|id, _| !nodes.contains(id));
        members.forget_stores();
        members
    }
}

impl Raft {
    pub(super) fn change(&mut self, token: Token, change: Change) {
        match self.begin_change(token, change) {
            Ok(()) => self.drive_change(),
            Err(refusal) => self.effects.refused.push((token, refusal)),
        }
    }

    fn begin_change(&mut self, token: Token, change: Change) -> Result<(), Refusal> {
        let is_settled = self.members_are_settled() || self.has(Bug::ConfOverlap);
        let knows_commit = self.knows_commit() || self.has(Bug::ConfNoBarrier);
        let may_overlap = self.has(Bug::ConfOverlap);
        let needs_no_log = self.has(Bug::AddNoCatchup);
        let State::Leader(leader) = &mut self.state else {
            return Err(Refusal::NotLeader);
        };
        let is_free = leader.change.is_none() || may_overlap;
        if !is_settled || !knows_commit || !is_free || leader.transfer.is_some() {
            return Err(Refusal::ChangeUnderWay);
        }
        let members = self.log.membership();
        let goal = members.after(change);
        if goal.voters.is_empty() {
            return Err(Refusal::BadMembers);
        }
        if goal == *members {
            self.effects.done.push(token);
            return Ok(());
        }
        if needs_no_log {
            let next = members.towards(&goal);
            return self.switch(token, goal, next);
        }
        let joiners = members.joiners(&goal);
        let welcoming = members.welcoming(&joiners, &goal);
        let known = members.addresses.keys().cloned().collect();
        let overlapped = leader.change.replace(Underway {
            token,
            goal,
            welcomed: joiners.difference(&known).cloned().collect(),
            phase: Phase::Welcoming,
        });
        let lost = overlapped.map(|change| (change.token, Refusal::LeadershipLost));
        self.effects.refused.extend(lost);
        if welcoming != *members {
            self.append_members(welcoming);
        }
        Ok(())
    }

    /// Goes to the last step at once: a planted bug.
    fn switch(&mut self, token: Token, goal: Membership, next: Membership) -> Result<(), Refusal> {
        if let State::Leader(leader) = &mut self.state {
            leader.change = Some(Underway {
                token,
                goal,
                welcomed: BTreeSet::new(),
                phase: Phase::Switching,
            });
        }
        self.append_members(next);
        Ok(())
    }

    /// Whether the latest members are committed, and no joint ones.
    fn members_are_settled(&self) -> bool {
        self.members_are_committed() && !self.log.membership().is_joint()
    }

    fn members_are_committed(&self) -> bool {
        self.log.membership_index() <= self.commit
    }

    /// They are in force at once: the new entry counts by the majorities it names.
    fn append_members(&mut self, members: Membership) {
        self.append_own([Body::Membership(Box::new(members))]);
        let last = self.last_index();
        let peers: Vec<NodeId> = self.peers().cloned().collect();
        if let State::Leader(leader) = &mut self.state {
            for peer in peers {
                let fresh = || Progress::new(last, self.now);
                leader.followers.entry(peer).or_insert_with(fresh);
            }
        }
        self.replicate();
        self.advance_commit();
    }

    /// Takes the change that is under way one step further, if it is time for one.
    pub(super) fn drive_change(&mut self) {
        let leads = matches!(self.state, State::Leader(_));
        let knows_commit = self.knows_commit() || self.has(Bug::ConfNoBarrier);
        let is_committed = self.members_are_committed() || self.has(Bug::ConfOverlap);
        if !leads || !is_committed || !knows_commit {
            return;
        }
        if self.log.membership().is_joint() {
            // Whoever leads ends a joint change, also one that an earlier leader began.
            let left = self.log.membership().left();
            return self.append_members(left);
        }
        self.part_with_former_members();
        let State::Leader(leader) = &mut self.state else {
            return;
        };
        let Some(mut change) = leader.change.take() else {
            return self.step_aside();
        };
        match &mut change.phase {
            Phase::Welcoming => {
                let joiners = self.log.membership().joiners(&change.goal);
                let first = Round {
                    number: 1,
                    goal: self.log.last().index,
                    since: self.now,
                };
                let rounds = joiners.into_iter().map(|joiner| (joiner, first));
                change.phase = Phase::CatchingUp(rounds.collect());
                leader.change = Some(change);
                self.drive_change();
            }
            Phase::CatchingUp(rounds) => {
                let (last, config) = (self.log.last().index, &self.config);
                let patience = config.election_max * SILENT_TIMEOUTS_MAX;
                match leader.caught_up(rounds, last, self.now, config.election_min, patience) {
                    CaughtUp::NotYet => leader.change = Some(change),
                    CaughtUp::All => {
                        let joiners = self.log.membership().joiners(&change.goal);
                        for joiner in joiners {
                            if let Some(store) = self.strangers.behind(&joiner) {
                                change.goal.stores.insert(joiner, store);
                            }
                        }
                        let members = self.log.membership().towards(&change.goal);
                        change.phase = Phase::Switching;
                        leader.change = Some(change);
                        self.append_members(members);
                    }
                    CaughtUp::Never => {
                        let refusal = (change.token, Refusal::NotCaughtUp);
                        self.effects.refused.push(refusal);
                        if !change.welcomed.is_empty() {
                            let members = self.log.membership().without(&change.welcomed);
                            self.append_members(members);
                        }
                    }
                }
            }
            Phase::Switching => {
                self.effects.done.push(change.token);
                self.step_aside();
            }
        }
    }

    /// Forgets followers that are no members any more, once they were told so.
    fn part_with_former_members(&mut self) {
        let State::Leader(leader) = &mut self.state else {
            return;
        };
        let members = self.log.membership();
        let is_former = |id: &NodeId| !members.addresses.contains_key(id);
        if leader.followers.keys().any(is_former) {
            self.start_round();
            if let State::Leader(leader) = &mut self.state {
                let members = self.log.membership();
                leader
                    .followers
                    .retain(|id, _| members.addresses.contains_key(id));
            }
        }
    }

    /// A leader that is no voter any more led until that was committed (§4.2.2); now the voter that has most
    /// of the log is asked to go on.
    fn step_aside(&mut self) {
        if self.log.membership().voters.contains(&self.config.id) {
            return;
        }
        self.start_round();
        if let Some(successor) = self.best_successor() {
            self.send_timeout_now(successor);
        }
        self.follow(None);
    }
}

impl Leader {
    /// Closes the rounds that are through and says how far the joiners are.
    fn caught_up(
        &self,
        rounds: &mut BTreeMap<NodeId, Round>,
        last: LogIndex,
        now: Duration,
        fast_enough: Duration,
        patience: Duration,
    ) -> CaughtUp {
        let mut never = false;
        rounds.retain(|joiner, round| {
            let Some(progress) = self.followers.get(joiner) else {
                return false;
            };
            never |= now > progress.heard + patience;
            if progress.matched < round.goal {
                return true;
            }
            if now <= round.since + fast_enough {
                return false;
            }
            never |= round.number == ROUNDS_MAX;
            *round = Round {
                number: round.number + 1,
                goal: last,
                since: now,
            };
            // A round in which nothing is to be got is over as it begins.
            progress.matched < last
        });
        match (never, rounds.is_empty()) {
            (true, _) => CaughtUp::Never,
            (false, true) => CaughtUp::All,
            (false, false) => CaughtUp::NotYet,
        }
    }
}
