//! Linearizable reads without log entries (thesis §6.4).
//!
//! A read is answered from the state at the commit index once a majority has answered a heartbeat
//! round that was **sent after the read arrived**. Rounds are numbered by the leader within its
//! term, so a late answer to an earlier round confirms nothing newer. One round confirms all reads
//! that were waiting when it started.
//!
//! A read may arrive at a follower: it asks the leader for the index and answers once it has applied that
//! much itself. Or it may be content with a lease: a majority that answered a round promised not to vote for
//! the shortest election timeout, counted from when it received the round; so counted from when the round
//! was **sent**, and less a share for clocks that run apart, nobody else leads. This rests on clocks and
//! is used only where it is asked for (§6.4.1).

use std::{
    collections::{BTreeMap, VecDeque},
    time::Duration,
};

use super::{
    effects::{Envelope, ReadGrant, Refusal, Token},
    entry::{LogIndex, NodeId},
    message::{Message, ReadReply, ReadRequest},
    node::{Raft, State},
    quorum::Quorum,
};
use crate::bug::Bug;

/// What a read relies on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum ReadLevel {
    /// A round of heartbeats; only a leader takes the read.
    Leader,
    /// The same, taken by any node: it asks the leader.
    Anywhere,
    /// The leader's lease while it holds, else a round.
    Lease,
}

/// Share of the shortest election timeout that a lease lasts: a clock may run a fifth too fast or slow.
const LEASE_PERCENT: u32 = 80;
/// Rounds whose time of sending is kept.
const ROUNDS_KEPT: usize = 256;

/// Who waits for a read to be confirmed.
#[derive(Debug)]
enum Asker {
    Here(Token),
    There { node: NodeId, ticket: u128 },
}

/// Reads on a leader.
#[derive(Debug, Default)]
pub(super) struct ReadQueue {
    /// Arrived after the last round was sent.
    waiting: Vec<Asker>,
    /// Rounds under way that reads wait for, oldest first.
    rounds: VecDeque<Round>,
    /// When rounds were sent, oldest first.
    sent: VecDeque<(u64, Duration)>,
    /// When the latest round that a majority answered was sent.
    confirmed: Option<Duration>,
    /// Leadership was or is being handed over: no lease holds in this term any more.
    leases_ended: bool,
}

#[derive(Debug)]
struct Round {
    number: u64,
    index: LogIndex,
    askers: Vec<Asker>,
}

impl ReadQueue {
    pub(super) const fn end_leases(&mut self) {
        self.leases_ended = true;
    }

    pub(super) fn round_sent(&mut self, round: u64, now: Duration) {
        if self.sent.len() == ROUNDS_KEPT {
            self.sent.pop_front();
        }
        self.sent.push_back((round, now));
    }

    fn into_askers(self) -> impl Iterator<Item = Asker> {
        let in_rounds = self.rounds.into_iter().flat_map(|round| round.askers);
        in_rounds.chain(self.waiting)
    }
}

/// Reads of this follower that ask the leader, by ticket. Tickets grow, so the first is the oldest.
#[derive(Debug, Default)]
pub(super) struct RemoteReads {
    asked: BTreeMap<u128, RemoteRead>,
    next_ticket: u128,
}

#[derive(Debug)]
struct RemoteRead {
    tokens: Vec<Token>,
    asked_at: Duration,
    /// What the leader answered; this node has not applied that much yet.
    index: Option<LogIndex>,
}

impl RemoteReads {
    /// `life` tells this start of the node from all others, so that an answer to an earlier one is recognised.
    pub(super) fn new(life: u64) -> Self {
        Self {
            asked: BTreeMap::new(),
            next_ticket: u128::from(life) << 64,
        }
    }
}

impl Raft {
    pub(super) fn read(&mut self, level: ReadLevel, tokens: Vec<Token>) {
        if self.has(Bug::FollowerReadLocal) {
            return self.grant(tokens, self.commit);
        }
        let leads_blindly = self.has(Bug::ReadNoQuorum);
        let by_lease = level == ReadLevel::Lease && self.holds_lease();
        match &mut self.state {
            State::Leader(_) if leads_blindly || by_lease => self.grant(tokens, self.commit),
            State::Leader(leader) => {
                leader
                    .reads
                    .waiting
                    .extend(tokens.into_iter().map(Asker::Here));
                self.start_waiting_reads();
            }
            State::Follower | State::PreCandidate(_) | State::Candidate(_) => {
                match self.leader.clone() {
                    Some(leader) if level == ReadLevel::Anywhere => self.ask(leader, tokens),
                    Some(_) | None => self.refuse_all(tokens),
                }
            }
        }
    }

    /// Whether nobody else can lead, as far as clocks can be relied on.
    fn holds_lease(&self) -> bool {
        let State::Leader(leader) = &self.state else {
            return false;
        };
        let percent = if self.has(Bug::LeaseWallclock) {
            100
        } else {
            LEASE_PERCENT
        };
        let lease = self.config.election_min * percent / 100;
        let (reads, now) = (&leader.reads, self.lease_time());
        let holds = reads.confirmed.is_some_and(|sent| now < sent + lease);
        holds && !reads.leases_ended && self.knows_commit()
    }

    /// The clock that leases go by.
    pub(super) fn lease_time(&self) -> Duration {
        let (says, at) = self.wall;
        if self.has(Bug::LeaseWallclock) {
            says + self.now.saturating_sub(at)
        } else {
            self.now
        }
    }

    fn ask(&mut self, leader: NodeId, tokens: Vec<Token>) {
        let ticket = self.remote_reads.next_ticket;
        self.remote_reads.next_ticket += 1;
        let read = RemoteRead {
            tokens,
            asked_at: self.now,
            index: None,
        };
        self.remote_reads.asked.insert(ticket, read);
        let message = Message::ReadRequest(ReadRequest { ticket });
        self.effects.messages_now.push(Envelope {
            to: leader,
            message,
        });
    }

    pub(super) fn on_read_request(&mut self, node: NodeId, request: &ReadRequest) {
        let ticket = request.ticket;
        match &mut self.state {
            State::Leader(leader) => {
                leader.reads.waiting.push(Asker::There { node, ticket });
                self.start_waiting_reads();
            }
            State::Follower | State::PreCandidate(_) | State::Candidate(_) => {
                self.answer_ticket(node, ticket, None);
            }
        }
    }

    fn answer_ticket(&mut self, to: NodeId, ticket: u128, index: Option<LogIndex>) {
        let message = Message::ReadReply(ReadReply { ticket, index });
        self.effects.messages_now.push(Envelope { to, message });
    }

    pub(super) fn on_read_reply(&mut self, reply: &ReadReply) {
        let waits = !self.has(Bug::ReadNoApplyWait);
        let Some(read) = self.remote_reads.asked.get_mut(&reply.ticket) else {
            return;
        };
        match reply.index {
            Some(index) => {
                read.index = Some(if waits { index } else { LogIndex(0) });
                self.grant_remote_reads();
            }
            None => {
                let read = self.remote_reads.asked.remove(&reply.ticket);
                self.refuse_all(read.map(|read| read.tokens).unwrap_or_default());
            }
        }
    }

    /// Grants what the leader has confirmed and this node has committed by now.
    pub(super) fn grant_remote_reads(&mut self) {
        let commit = self.commit;
        let is_ready = |_: &u128, read: &mut RemoteRead| read.index.is_some_and(|i| i <= commit);
        let ready: Vec<RemoteRead> = self
            .remote_reads
            .asked
            .extract_if(.., is_ready)
            .map(|(_, read)| read)
            .collect();
        for read in ready {
            self.grant(read.tokens, commit);
        }
    }

    /// The leader that was asked is not known to lead any more: what it has not answered it may never.
    pub(super) fn refuse_remote_reads(&mut self) {
        let unanswered: Vec<RemoteRead> = self
            .remote_reads
            .asked
            .extract_if(.., |_, read| read.index.is_none())
            .map(|(_, read)| read)
            .collect();
        for read in unanswered {
            self.refuse_all(read.tokens);
        }
    }

    /// Gives up on remote reads whose question or answer was lost.
    pub(super) fn expire_remote_reads(&mut self) {
        while let Some(oldest) = self.remote_reads.asked.first_entry()
            && self.now >= oldest.get().asked_at + self.config.election_max
        {
            let read = oldest.remove();
            self.refuse_all(read.tokens);
        }
    }

    /// Starts a round for the reads that wait, unless one is under way: then they share the next.
    pub(super) fn start_waiting_reads(&mut self) {
        let ready = self.knows_commit() || self.has(Bug::ReadBeforeNoop);
        let State::Leader(leader) = &self.state else {
            return;
        };
        let reads = &leader.reads;
        if ready && !reads.waiting.is_empty() && reads.rounds.is_empty() {
            self.start_round();
        }
    }

    /// Binds all waiting reads to the round that is being sent now.
    pub(super) fn assign_reads(&mut self) {
        let ready = self.knows_commit() || self.has(Bug::ReadBeforeNoop);
        let index = self.commit;
        let State::Leader(leader) = &mut self.state else {
            return;
        };
        if ready && !leader.reads.waiting.is_empty() {
            leader.reads.rounds.push_back(Round {
                number: leader.round,
                index,
                askers: std::mem::take(&mut leader.reads.waiting),
            });
        }
        self.confirm_reads();
    }

    /// A leader knows what is committed once an entry of its own term is.
    pub(super) fn knows_commit(&self) -> bool {
        self.log.term_at(self.commit) == Some(self.hard.term)
    }

    /// The latest round that a majority has answered.
    fn confirmed_round(&self) -> u64 {
        let quorum = if self.has(Bug::ReadQuorumMinusOne) {
            Quorum::Half
        } else {
            self.quorum()
        };
        match &self.state {
            State::Leader(leader) => {
                let deciders = (&*self.deciders(), quorum);
                leader.reached(deciders, leader.round, |follower| follower.round)
            }
            State::Follower | State::PreCandidate(_) | State::Candidate(_) => 0,
        }
    }

    /// Grants the reads whose round a majority has answered.
    pub(super) fn confirm_reads(&mut self) {
        let confirmed = self.confirmed_round();
        let State::Leader(leader) = &mut self.state else {
            return;
        };
        let reads = &mut leader.reads;
        while let Some((_, sent)) = reads.sent.pop_front_if(|(round, _)| *round <= confirmed) {
            reads.confirmed = Some(sent);
        }
        let mut granted = Vec::new();
        while let Some(round) = reads.rounds.pop_front_if(|round| round.number <= confirmed) {
            granted.push(round);
        }
        if granted.is_empty() {
            return;
        }
        for Round { askers, index, .. } in granted {
            for asker in askers {
                match asker {
                    Asker::Here(token) => self.grant(vec![token], index),
                    Asker::There { node, ticket } => self.answer_ticket(node, ticket, Some(index)),
                }
            }
        }
        self.start_waiting_reads();
    }

    /// Refuses the reads of a leader that ceased to be one.
    pub(super) fn refuse_reads(&mut self, reads: ReadQueue) {
        for asker in reads.into_askers() {
            match asker {
                Asker::Here(token) => self.refuse_all(vec![token]),
                Asker::There { node, ticket } => self.answer_ticket(node, ticket, None),
            }
        }
    }

    /// A read that is not served had no effect, wherever it is tried again.
    fn refuse_all(&mut self, tokens: Vec<Token>) {
        let refused = tokens.into_iter().map(|token| (token, Refusal::NotLeader));
        self.effects.refused.extend(refused);
    }

    fn grant(&mut self, tokens: Vec<Token>, index: LogIndex) {
        let grants = tokens.into_iter().map(|token| ReadGrant { token, index });
        self.effects.reads.extend(grants);
    }
}
