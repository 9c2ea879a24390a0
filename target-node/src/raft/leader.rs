//! The leader: appending, replicating, committing (§5.3, §5.4.2), and giving up without a quorum.

use std::{
    collections::{BTreeMap, VecDeque},
    time::Duration,
};

use super::{
    change::Underway,
    effects::{Envelope, PartWanted, Refusal, Token, Write, WriteId},
    entry::{Body, Entry, LogIndex, NodeId, Payload, Position},
    membership::Membership,
    message::{AppendOutcome, AppendReply, AppendRequest, Message},
    node::{Config, Raft, State},
    progress::{Next, Progress},
    quorum::Quorum,
    read::ReadQueue,
    transfer::Transfer,
};
use crate::bug::Bug;

/// Entries a leader holds that are not committed; beyond it clients are told `busy`.
const UNCOMMITTED_ENTRIES_MAX: u64 = 8192;

/// What only a leader knows.
#[derive(Debug)]
pub(super) struct Leader {
    pub(super) followers: BTreeMap<NodeId, Progress>,
    /// The heartbeat round under way; every append request carries it.
    pub(super) round: u64,
    pub(super) reads: ReadQueue,
    pub(super) change: Option<Underway>,
    pub(super) transfer: Option<Transfer>,
    heartbeat_deadline: Duration,
    quorum_deadline: Duration,
    /// Requests by the index of their entry, in order.
    proposals: VecDeque<(LogIndex, Token)>,
}

/// Everyone who waits on a leader that ceases to be one.
#[derive(Debug)]
pub(super) struct Bereaved {
    pub(super) proposals: VecDeque<(LogIndex, Token)>,
    pub(super) reads: ReadQueue,
    pub(super) change: Option<Token>,
    pub(super) transfer: Option<Transfer>,
}

impl Leader {
    pub(super) fn new(
        config: &Config,
        peers: impl Iterator<Item = NodeId>,
        last: LogIndex,
        now: Duration,
    ) -> Self {
        Self {
            followers: peers.map(|id| (id, Progress::new(last, now))).collect(),
            round: 0,
            reads: ReadQueue::default(),
            change: None,
            transfer: None,
            heartbeat_deadline: now,
            quorum_deadline: now + config.election_max,
            proposals: VecDeque::new(),
        }
    }

    pub(super) fn deadline(&self) -> Duration {
        self.heartbeat_deadline.min(self.quorum_deadline)
    }

    /// The request that waits for the entry at `index`, which must not be behind an earlier call.
    pub(super) fn take_proposal(&mut self, index: LogIndex) -> Option<Token> {
        let taken = self.proposals.pop_front_if(|(at, _)| *at == index);
        taken.map(|(_, token)| token)
    }

    pub(super) fn into_bereaved(self) -> Bereaved {
        Bereaved {
            proposals: self.proposals,
            reads: self.reads,
            change: self.change.map(|change| change.token()),
            transfer: self.transfer,
        }
    }

    /// The greatest value of `of` that a quorum of `members` has reached, with `own` for whoever is no
    /// follower, which is this node.
    pub(super) fn reached<T: Ord + Copy>(
        &self,
        (members, quorum): (&Membership, Quorum),
        own: T,
        of: impl Fn(&Progress) -> T,
    ) -> T {
        let reached = members.reached(quorum, |id| self.followers.get(id).map_or(own, &of));
        reached.expect("a cluster that has a leader has voters")
    }
}

impl Raft {
    /// Announces the new leader and appends an entry that lets it learn what is committed. The first of a log
    /// names the members it began with: whoever joins later learns from the log who was there.
    pub(super) fn open_term(&mut self) {
        let opening = match self.last_index() {
            LogIndex(0) => Body::Membership(Box::new(self.log.membership().clone())),
            LogIndex(_) => Body::Noop,
        };
        self.append_own([opening]);
        self.lead_on_time();
    }

    /// Heartbeats, and the check that a majority still answers (thesis §6.2): a leader that heard
    /// from no majority for an election timeout gives up.
    pub(super) fn lead_on_time(&mut self) {
        let State::Leader(leader) = &self.state else {
            return;
        };
        let is_time_to_ask = self.now >= leader.quorum_deadline;
        if is_time_to_ask && !self.is_heard_by_quorum(leader) && !self.has(Bug::NoCheckQuorum) {
            return self.follow(None);
        }
        let State::Leader(leader) = &mut self.state else {
            return;
        };
        if is_time_to_ask {
            leader.quorum_deadline = self.now + self.config.election_max;
        }
        if self.now >= leader.heartbeat_deadline {
            self.start_round();
            // Parts of snapshots that were lost go out again.
            self.replicate();
        }
        self.drive_transfer();
        self.drive_change();
    }

    fn is_heard_by_quorum(&self, leader: &Leader) -> bool {
        let deciders = (&*self.deciders(), self.quorum());
        let heard = leader.reached(deciders, self.now, |follower| follower.heard);
        self.now < heard + self.config.election_max
    }

    /// A heartbeat round: one request to every follower, with a number of its own.
    pub(super) fn start_round(&mut self) {
        let sent = self.lease_time();
        let State::Leader(leader) = &mut self.state else {
            return;
        };
        leader.round += 1;
        leader.heartbeat_deadline = self.now + self.config.heartbeat;
        leader.reads.round_sent(leader.round, sent);
        for (to, follower) in &mut leader.followers {
            let prev = follower.heartbeat_prev(&self.log);
            let message = Message::AppendRequest(AppendRequest {
                term: self.hard.term,
                prev,
                entries: Vec::new(),
                commit: self.commit,
                round: leader.round,
            });
            let to = to.clone();
            self.effects.messages_now.push(Envelope { to, message });
        }
        self.assign_reads();
    }

    pub(super) fn propose(&mut self, commands: Vec<(Token, Payload)>) {
        let room = UNCOMMITTED_ENTRIES_MAX.saturating_sub(self.last_index().0 - self.commit.0);
        let room = usize::try_from(room).unwrap_or(usize::MAX);
        let mut bytes = self.log.weight();
        let first = self.last_index().next();
        let State::Leader(leader) = &mut self.state else {
            let refused = commands
                .iter()
                .map(|(token, _)| (*token, Refusal::NotLeader));
            return self.effects.refused.extend(refused);
        };
        let mut bodies = Vec::new();
        for (token, payload) in commands {
            let fits = bodies.len() < room && bytes < self.config.log_bytes_max;
            if fits && leader.transfer.is_none() {
                let index = LogIndex(first.0 + bodies.len() as u64);
                bytes += payload.bytes().len();
                leader.proposals.push_back((index, token));
                bodies.push(Body::Command(payload));
            } else {
                self.effects.refused.push((token, Refusal::Busy));
            }
        }
        self.append_own(bodies);
        self.replicate();
    }

    /// Appends to the leader's own log; the disk and the followers work in parallel (§10.2.1 of
    /// the thesis), because the leader counts itself only once its disk has the entry.
    pub(super) fn append_own(&mut self, bodies: impl IntoIterator<Item = Body>) {
        let first = self.last_index().next().0;
        let entries: Vec<Entry> = (first..)
            .zip(bodies)
            .map(|(index, body)| Entry {
                at: Position {
                    term: self.hard.term,
                    index: LogIndex(index),
                },
                body,
            })
            .collect();
        if !entries.is_empty() {
            self.log.append(&entries, self.effects.id);
            self.effects.writes.push(Write::Append(entries));
        }
    }

    /// Sends every follower what it lacks, within its window.
    pub(super) fn replicate(&mut self) {
        let snapshot = self.snapshot.as_ref().map(|meta| meta.at);
        let State::Leader(leader) = &mut self.state else {
            return;
        };
        let round = leader.round;
        let bytes_max = self.config.append_bytes_max;
        for (to, follower) in &mut leader.followers {
            while let Some(next) = follower.next((&self.log, bytes_max), snapshot, self.now) {
                let to = to.clone();
                match next {
                    Next::Entries { prev, entries } => {
                        let message = Message::AppendRequest(AppendRequest {
                            term: self.hard.term,
                            prev,
                            entries,
                            commit: self.commit,
                            round,
                        });
                        self.effects.messages_now.push(Envelope { to, message });
                    }
                    Next::Part { at, offset } => {
                        let wanted = PartWanted { to, at, offset };
                        self.effects.parts_wanted.push(wanted);
                    }
                }
            }
        }
    }

    pub(super) fn on_append_reply(&mut self, from: &NodeId, reply: &AppendReply) {
        if reply.term > self.hard.term {
            return self.adopt_term(reply.term);
        }
        let State::Leader(leader) = &mut self.state else {
            return;
        };
        let Some(follower) = leader.followers.get_mut(from) else {
            return;
        };
        if reply.term < self.hard.term {
            return;
        }
        match reply.outcome {
            AppendOutcome::Matched(_) if self.config.bugs.has(Bug::MatchOptimistic) => {
                follower.on_matched(follower.next.previous());
            }
            AppendOutcome::Matched(index) => follower.on_matched(index.min(self.log.last().index)),
            AppendOutcome::Mismatch { prev, hint } => follower.on_mismatch(prev, hint, &self.log),
            // The request was of an earlier term in which this node led too: its round is none of this term.
            AppendOutcome::StaleTerm => return,
        }
        let round = if self.config.bugs.has(Bug::ReadindexCtxReuse) {
            // As if two bits of the number travelled: the latest round that ends in them.
            leader.round - (leader.round.wrapping_sub(reply.round) & 3)
        } else {
            reply.round
        };
        follower.hear(self.now, round);
        self.after_reply();
    }

    /// What an answer of a follower may set going.
    pub(super) fn after_reply(&mut self) {
        self.advance_commit();
        self.confirm_reads();
        self.drive_transfer();
        self.drive_change();
        self.replicate();
    }

    pub(super) fn persisted(&mut self, write: WriteId) {
        let before = self.log.durable();
        self.log.persisted(write);
        if self.has(Bug::AckOnLocalAppend) {
            self.acknowledge_local(before);
        }
        self.advance_commit();
        self.drive_change();
    }

    fn acknowledge_local(&mut self, before: LogIndex) {
        let State::Leader(leader) = &self.state else {
            return;
        };
        let on_disk = |&&(at, _): &&(LogIndex, Token)| at > before && at <= self.log.durable();
        let tokens = leader
            .proposals
            .iter()
            .filter(on_disk)
            .map(|(_, token)| *token);
        self.effects.local_acks.extend(tokens);
    }

    /// Commits what a majority has on disk, but by counting only entries of this term: earlier
    /// ones are committed with them (§5.4.2, figure 8).
    pub(super) fn advance_commit(&mut self) {
        let State::Leader(leader) = &self.state else {
            return;
        };
        let deciders = (&*self.deciders(), self.quorum());
        let index = leader.reached(deciders, self.log.durable(), |follower| follower.matched);
        let is_own = self.log.term_at(index) == Some(self.hard.term);
        if index > self.commit && (is_own || self.has(Bug::CommitOldTerm)) {
            self.commit_up_to(index);
            self.start_waiting_reads();
        }
    }
}

#[cfg(test)]
impl Raft {
    /// How much of each follower's log this leader counts.
    pub(crate) fn matched(&self) -> impl Iterator<Item = (&NodeId, LogIndex)> {
        let leader = match &self.state {
            State::Leader(leader) => Some(leader),
            State::Follower | State::PreCandidate(_) | State::Candidate(_) => None,
        };
        let followers = leader.into_iter().flat_map(|leader| &leader.followers);
        followers.map(|(id, progress)| (id, progress.matched))
    }
}
