//! The leader: appending, replicating, committing (§5.3, §5.4.2), and giving up without a quorum.

use std::{
    collections::{BTreeMap, VecDeque},
    time::Duration,
};

use super::{
    effects::{Envelope, Refusal, Token, Write, WriteId},
    entry::{Body, Entry, LogIndex, NodeId, Payload, Position},
    log::RaftLog,
    membership::Membership,
    message::{AppendOutcome, AppendReply, AppendRequest, Message},
    node::{Config, Raft, State},
    progress::{Pace, Progress},
    read::ReadQueue,
};
use crate::bug::Bug;

/// Entries in one append request.
const APPEND_BYTES_MAX: usize = 64 << 10;
/// Entries a leader holds that are not committed; beyond it clients are told `busy`.
const UNCOMMITTED_ENTRIES_MAX: u64 = 8192;

/// What only a leader knows.
#[derive(Debug)]
pub(super) struct Leader {
    pub(super) followers: BTreeMap<NodeId, Progress>,
    /// The heartbeat round under way; every append request carries it.
    pub(super) round: u64,
    pub(super) reads: ReadQueue,
    heartbeat_deadline: Duration,
    quorum_deadline: Duration,
    /// Requests by the index of their entry, in order.
    proposals: VecDeque<(LogIndex, Token)>,
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

    /// Everyone who still waits: proposals and reads.
    pub(super) fn waiting(self) -> (Vec<Token>, Vec<Token>) {
        let proposals = self.proposals.into_iter().map(|(_, token)| token).collect();
        (proposals, self.reads.into_tokens())
    }

    /// The greatest value of `of` that a quorum of `members` has reached, with `own` for whoever is no
    /// follower, which is this node.
    pub(super) fn reached<T: Ord + Copy>(
        &self,
        members: &Membership,
        own: T,
        of: impl Fn(&Progress) -> T,
    ) -> T {
        let reached = members.reached(|id| self.followers.get(id).map_or(own, &of));
        reached.expect("a cluster that has a leader has voters")
    }
}

impl Raft {
    /// Announces the new leader and appends the no-op that lets it learn what is committed.
    pub(super) fn open_term(&mut self) {
        self.append_own([Body::Noop]);
        self.lead_on_time();
    }

    /// Heartbeats, and the check that a majority still answers (thesis §6.2): a leader that heard
    /// from no majority for an election timeout gives up.
    pub(super) fn lead_on_time(&mut self) {
        let State::Leader(leader) = &mut self.state else {
            return;
        };
        if self.now >= leader.quorum_deadline {
            leader.quorum_deadline = self.now + self.config.election_max;
            let members = self.log.membership();
            let heard = leader.reached(members, self.now, |follower| follower.heard);
            if self.now >= heard + self.config.election_max {
                return self.follow(None);
            }
        }
        if self.now >= leader.heartbeat_deadline {
            self.start_round();
        }
    }

    /// A heartbeat round: one request to every follower, with a number of its own.
    pub(super) fn start_round(&mut self) {
        let State::Leader(leader) = &mut self.state else {
            return;
        };
        leader.round += 1;
        leader.heartbeat_deadline = self.now + self.config.heartbeat;
        for (to, follower) in &mut leader.followers {
            if let Pace::Probe { waiting } = &mut follower.pace {
                *waiting = true;
            }
            let prev = self.log.position(follower.next.previous());
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
        let first = self.last_index().next();
        let State::Leader(leader) = &mut self.state else {
            let refused = commands
                .iter()
                .map(|(token, _)| (*token, Refusal::NotLeader));
            return self.effects.refused.extend(refused);
        };
        let mut bodies = Vec::new();
        for (slot, (token, payload)) in commands.into_iter().enumerate() {
            if slot < room {
                let index = LogIndex(first.0 + slot as u64);
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
    fn append_own(&mut self, bodies: impl IntoIterator<Item = Body>) {
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
    fn replicate(&mut self) {
        let State::Leader(leader) = &mut self.state else {
            return;
        };
        let round = leader.round;
        for (to, follower) in &mut leader.followers {
            while let Some((prev, entries)) = next_request(follower, &self.log) {
                let message = Message::AppendRequest(AppendRequest {
                    term: self.hard.term,
                    prev,
                    entries,
                    commit: self.commit,
                    round,
                });
                let to = to.clone();
                self.effects.messages_now.push(Envelope { to, message });
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
        follower.heard = self.now;
        follower.round = follower.round.max(reply.round);
        match reply.outcome {
            AppendOutcome::Matched(index) => follower.on_matched(index.min(self.log.last().index)),
            AppendOutcome::Mismatch { prev, hint } => follower.on_mismatch(prev, hint, &self.log),
            AppendOutcome::StaleTerm => {}
        }
        self.advance_commit();
        self.confirm_reads();
        self.replicate();
    }

    pub(super) fn persisted(&mut self, write: WriteId) {
        let before = self.log.durable();
        self.log.persisted(write);
        if self.has(Bug::AckOnLocalAppend) {
            self.acknowledge_local(before);
        }
        self.advance_commit();
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
    fn advance_commit(&mut self) {
        let State::Leader(leader) = &self.state else {
            return;
        };
        let members = self.log.membership();
        let index = leader.reached(members, self.log.durable(), |follower| follower.matched);
        if index > self.commit && self.log.term_at(index) == Some(self.hard.term) {
            self.commit_up_to(index);
            self.start_waiting_reads();
        }
    }
}

/// The next request for a follower, if its pace allows one now.
fn next_request(follower: &mut Progress, log: &RaftLog) -> Option<(Position, Vec<Entry>)> {
    let prev = log.position(follower.next.previous());
    let entries = match &mut follower.pace {
        Pace::Probe { waiting: true } => return None,
        Pace::Probe { waiting } => {
            *waiting = true;
            Vec::new()
        }
        Pace::Stream(window) => {
            if window.is_full() || follower.next > log.last().index {
                return None;
            }
            let entries = log.batch(follower.next, APPEND_BYTES_MAX);
            window.push(&entries);
            entries
        }
    };
    if let Some(last) = entries.last() {
        follower.next = last.at.index.next();
    }
    Some((prev, entries))
}
