//! The state of one node, its roles, and the one way in.

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;

use super::{
    change::Change,
    effects::{Committed, Effects, Envelope, Token, Write, WriteId},
    entry::{Body, Entry, HardState, LogIndex, NodeId, Payload, Position, StoreId, Term},
    leader::Leader,
    log::RaftLog,
    membership::Membership,
    message::Message,
    quorum::Quorum,
    read::{ReadLevel, RemoteReads},
    snapshot::{Receiving, SnapshotMeta},
    strangers::Strangers,
};
use crate::bug::{Bug, BugSet};

/// What a node is told once.
#[derive(Debug, Clone)]
pub(crate) struct Config {
    pub(crate) id: NodeId,
    /// The members of a cluster that starts with this node; a log that has begun knows better.
    pub(crate) bootstrap: Membership,
    pub(crate) election_min: Duration,
    pub(crate) election_max: Duration,
    pub(crate) heartbeat: Duration,
    pub(crate) seed: u64,
    /// Tells this start of the node from all others.
    pub(crate) life: u64,
    /// Entries that stay in the log behind a snapshot, for followers that lag a little.
    pub(crate) retained_entries: u64,
    /// Bytes of entries in one append request; a single entry may have more.
    pub(crate) append_bytes_max: usize,
    /// Bytes of entries in the log beyond which a leader takes no commands until a snapshot is done.
    pub(crate) log_bytes_max: usize,
    pub(crate) bugs: BugSet,
}

/// What a node finds on its disk.
#[derive(Debug, Default)]
pub(crate) struct Restored {
    pub(crate) hard: HardState,
    /// The place after which `entries` follow, and the members there; none if the log never began.
    pub(crate) begin: Option<(Position, Membership)>,
    pub(crate) entries: Vec<Entry>,
    /// The latest snapshot.
    pub(crate) snapshot: Option<SnapshotMeta>,
}

impl Restored {
    /// The index after which the entries follow.
    pub(crate) fn begin_index(&self) -> LogIndex {
        let begin = self.begin.as_ref();
        begin.map_or(LogIndex(0), |(at, _)| at.index)
    }

    /// The index of the last entry.
    pub(crate) fn last_index(&self) -> LogIndex {
        let last = self.entries.last();
        last.map_or(self.begin_index(), |entry| entry.at.index)
    }
}

/// Everything that can happen to a node.
#[derive(Debug)]
pub(crate) enum Input {
    /// Time has passed; due at [`Raft::deadline`].
    Tick,
    /// A node has introduced itself by the mark of its data folder.
    Met(NodeId, StoreId),
    Message {
        from: NodeId,
        message: Message,
    },
    /// Commands to append, each with the request that waits for it.
    Propose(Vec<(Token, Payload)>),
    /// Linearizable reads.
    Read(ReadLevel, Vec<Token>),
    /// A change of the members.
    Change(Token, Change),
    /// Leadership is to go to this voter, or to any.
    Transfer(Token, Option<NodeId>),
    /// A snapshot of this node's own state is durable.
    SnapshotSaved(SnapshotMeta),
    /// A part of a snapshot that was wanted for a follower.
    SnapshotPart {
        to: NodeId,
        meta: SnapshotMeta,
        offset: u64,
        data: Payload,
        done: bool,
    },
    /// All parts of a snapshot have arrived: it is durable, or broken.
    SnapshotReceived {
        at: Position,
        intact: bool,
    },
    /// The writes of this and all earlier steps are on disk.
    Persisted(WriteId),
    /// What the wall clock says; only a planted bug looks at it.
    Wall(Duration),
}

/// The role a node shows to the outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    Follower,
    PreCandidate,
    Candidate,
    Leader,
}

impl Role {
    pub(crate) const ALL: [Self; 4] = [
        Self::Follower,
        Self::PreCandidate,
        Self::Candidate,
        Self::Leader,
    ];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Follower => "follower",
            Self::PreCandidate => "pre-candidate",
            Self::Candidate => "candidate",
            Self::Leader => "leader",
        }
    }
}

/// A role with what only it knows.
#[derive(Debug)]
pub(super) enum State {
    Follower,
    /// Nodes that would vote for this one, itself included.
    PreCandidate(BTreeSet<NodeId>),
    /// Nodes that did vote for this one in this term.
    Candidate(BTreeSet<NodeId>),
    Leader(Box<Leader>),
}

/// One Raft node.
///
/// - `hard.term` never decreases, and `hard.vote` changes from a name only with the term.
/// - `commit` never decreases and never exceeds the last index.
/// - A leader only appends to its log. It becomes a follower, never a candidate.
/// - No answer depends on a write before the write is on disk: such messages leave the step in
///   `messages_durable`.
#[derive(Debug)]
pub(crate) struct Raft {
    pub(super) config: Config,
    pub(super) rng: ChaCha8Rng,
    pub(super) now: Duration,
    pub(super) hard: HardState,
    /// The hard state as last handed to the disk.
    written: HardState,
    pub(super) log: RaftLog,
    pub(super) commit: LogIndex,
    pub(super) state: State,
    pub(super) leader: Option<NodeId>,
    /// The latest snapshot of this node, taken or received.
    pub(super) snapshot: Option<SnapshotMeta>,
    pub(super) receiving: Option<Receiving>,
    pub(super) remote_reads: RemoteReads,
    pub(super) strangers: Strangers,
    /// Requests of a time as leader that a planted bug still answers, by index.
    pub(super) orphans: BTreeMap<LogIndex, Token>,
    /// What the wall clock said, and when by the node's own clock.
    pub(super) wall: (Duration, Duration),
    /// When the known leader last spoke.
    pub(super) heard: Duration,
    pub(super) election_deadline: Duration,
    pub(super) effects: Effects,
}

impl Raft {
    /// A node that starts as a follower with what its disk holds.
    pub(crate) fn new(config: Config, restored: Restored, now: Duration) -> Self {
        let mut effects = Effects::default();
        let begin = restored.begin.unwrap_or_else(|| {
            let begin = (Position::default(), config.bootstrap.clone());
            effects.writes.push(Write::Begin {
                at: begin.0,
                membership: begin.1.clone(),
                keeps: false,
            });
            begin
        });
        let log = RaftLog::restored(begin, restored.entries);
        let mut raft = Self {
            rng: ChaCha8Rng::seed_from_u64(seed_of(&config)),
            now,
            written: restored.hard.clone(),
            hard: restored.hard,
            commit: log.begin().index,
            log,
            state: State::Follower,
            leader: None,
            snapshot: None,
            receiving: None,
            remote_reads: RemoteReads::new(config.life),
            strangers: Strangers::default(),
            orphans: BTreeMap::new(),
            config,
            wall: (Duration::ZERO, now),
            heard: now,
            election_deadline: now,
            effects,
        };
        if let Some(snapshot) = restored.snapshot {
            raft.resume_from(snapshot);
        }
        raft.know_the_term_of_the_log();
        raft.reset_election_timer();
        raft
    }

    /// A received snapshot may have become durable before the term of the leader that sent it, and a node that
    /// carries `vote-no-persist` knows of no term; a term in which it voted it knows.
    fn know_the_term_of_the_log(&mut self) {
        let term = self.log.last().term;
        if term > self.hard.term {
            self.hard.term = term;
            self.hard.vote = None;
        }
    }

    /// Handles one input at `now`. Total: no input from a peer or a client makes it panic.
    pub(crate) fn step(&mut self, now: Duration, input: Input) -> Effects {
        self.effects.id.0 += 1;
        if let Input::Read(ReadLevel::Lease, tokens) = &input
            && self.has(Bug::LeaseCheckThenAct)
        {
            // By the time of the step before.
            self.read(ReadLevel::Lease, tokens.clone());
            return self.finish();
        }
        self.now = self.now.max(now);
        // Timers first: a leader that was suspended must notice before it serves anyone.
        self.check_timers();
        self.expire_remote_reads();
        match input {
            Input::Tick => {}
            Input::Met(node, store) => self.meet(node, store),
            Input::Message { from, .. } if self.is_stranger(&from) => {}
            Input::Message { from, message } => self.receive(from, message),
            Input::Propose(commands) => self.propose(commands),
            Input::Read(level, tokens) => self.read(level, tokens),
            Input::Change(token, change) => self.change(token, change),
            Input::Transfer(token, target) => self.transfer(token, target),
            Input::SnapshotSaved(meta) => self.on_snapshot_saved(meta),
            Input::SnapshotPart {
                to,
                meta,
                offset,
                data,
                done,
            } => self.send_part(to, meta, offset, data, done),
            Input::SnapshotReceived { at, intact } => self.on_snapshot_received(at, intact),
            Input::Persisted(write) => self.persisted(write),
            Input::Wall(says) => self.wall = (says, self.now),
        }
        self.finish()
    }

    /// When the next [`Input::Tick`] is due.
    pub(crate) fn deadline(&self) -> Duration {
        match &self.state {
            State::Leader(leader) => leader.deadline(),
            State::Follower | State::PreCandidate(_) | State::Candidate(_) => {
                self.election_deadline
            }
        }
    }

    pub(crate) const fn role(&self) -> Role {
        match self.state {
            State::Follower => Role::Follower,
            State::PreCandidate(_) => Role::PreCandidate,
            State::Candidate(_) => Role::Candidate,
            State::Leader(_) => Role::Leader,
        }
    }

    pub(crate) const fn id(&self) -> &NodeId {
        &self.config.id
    }

    pub(crate) const fn term(&self) -> Term {
        self.hard.term
    }

    /// The leader of this term, as far as this node knows.
    pub(crate) const fn leader(&self) -> Option<&NodeId> {
        self.leader.as_ref()
    }

    pub(crate) const fn commit(&self) -> LogIndex {
        self.commit
    }

    pub(crate) fn entry(&self, index: LogIndex) -> Option<&Entry> {
        self.log.entry(index)
    }

    pub(crate) fn last_index(&self) -> LogIndex {
        self.log.last().index
    }

    /// The latest members in the log, committed or not.
    pub(crate) fn membership(&self) -> &Membership {
        self.log.membership()
    }

    /// The place the log begins after.
    pub(crate) fn begin(&self) -> Position {
        self.log.begin()
    }

    fn check_timers(&mut self) {
        match self.state {
            State::Leader(_) => self.lead_on_time(),
            State::Follower | State::PreCandidate(_) | State::Candidate(_) => {
                if self.now >= self.election_deadline {
                    self.sound_out();
                }
            }
        }
    }

    fn receive(&mut self, from: NodeId, message: Message) {
        match message {
            Message::VoteRequest(request) => self.on_vote_request(from, &request),
            Message::VoteReply(reply) => self.on_vote_reply(from, &reply),
            Message::AppendRequest(request) => self.on_append_request(from, request),
            Message::AppendReply(reply) => self.on_append_reply(&from, &reply),
            Message::SnapshotPiece(piece) => self.on_snapshot_piece(from, piece),
            Message::SnapshotReply(reply) => self.on_snapshot_reply(&from, &reply),
            Message::TimeoutNow(request) => self.on_timeout_now(&from, &request),
            Message::ReadRequest(request) => self.on_read_request(from, &request),
            Message::ReadReply(reply) => self.on_read_reply(&reply),
        }
    }

    fn finish(&mut self) -> Effects {
        if self.hard != self.written && !self.has(Bug::VoteNoPersist) {
            self.written = self.hard.clone();
            // Before the entries of the same step: an entry on disk implies its term on disk.
            let write = Write::HardState(self.hard.clone());
            self.effects.writes.insert(0, write);
        }
        let id = self.effects.id;
        let done = std::mem::take(&mut self.effects);
        self.effects.id = id;
        done
    }

    /// What is in the log and not committed.
    pub(crate) fn uncommitted(&self) -> impl Iterator<Item = &Entry> {
        let from = self.commit.next();
        (from.0..=self.last_index().0).filter_map(|index| self.log.entry(LogIndex(index)))
    }

    pub(crate) fn has(&self, bug: Bug) -> bool {
        self.config.bugs.has(bug)
    }

    pub(super) fn is_quorum(&self, nodes: &BTreeSet<NodeId>) -> bool {
        self.deciders().is_quorum(self.quorum(), nodes)
    }

    /// How many decide.
    pub(super) fn quorum(&self) -> Quorum {
        if self.has(Bug::QuorumHalf) {
            return Quorum::Half;
        }
        Quorum::Majority
    }

    /// The members by whose voters everything is decided.
    pub(super) fn deciders(&self) -> Cow<'_, Membership> {
        let mut members = Cow::Borrowed(self.log.membership());
        if self.has(Bug::JointNewOnly) && members.is_joint() {
            members.to_mut().outgoing.clear();
        }
        if self.has(Bug::LearnerCounts) && !members.learners.is_empty() {
            let members = members.to_mut();
            members.voters.append(&mut members.learners);
        }
        members
    }

    /// Everyone else who receives the log.
    pub(super) fn peers(&self) -> impl Iterator<Item = &NodeId> {
        let members = self.log.membership().members();
        members.filter(|id| **id != self.config.id)
    }

    /// Draws a new timeout each time, so that split votes do not repeat (§5.2).
    pub(super) fn reset_election_timer(&mut self) {
        let range = self.config.election_min..self.config.election_max;
        self.election_deadline = self.now + self.rng.random_range(range);
    }

    pub(super) fn send_when_durable(&mut self, to: NodeId, message: Message) {
        self.effects.messages_durable.push(Envelope { to, message });
    }

    /// Moves the commit index forward and hands out what became committed.
    pub(super) fn commit_up_to(&mut self, index: LogIndex) {
        while self.commit < index {
            self.commit = self.commit.next();
            let entry = self
                .log
                .entry(self.commit)
                .expect("commit stays in the log");
            let token = match &mut self.state {
                State::Leader(leader) => leader.take_proposal(self.commit),
                State::Follower | State::PreCandidate(_) | State::Candidate(_) => None,
            };
            let token = token.or_else(|| self.orphans.remove(&self.commit));
            let entry = entry.clone();
            let changes_members = matches!(entry.body, Body::Membership(_));
            self.effects.committed.push(Committed { entry, token });
            if changes_members {
                self.forget_former_members();
            }
        }
        self.grant_remote_reads();
    }
}

/// One stream of random numbers per node: the seed of the run with the node's name mixed in.
fn seed_of(config: &Config) -> u64 {
    let name = config.id.as_str().bytes();
    name.fold(config.seed ^ 0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}
