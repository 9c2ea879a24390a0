//! What a step asks of the world.

use super::{
    entry::{Entry, HardState, LogIndex, NodeId, Payload, Position, Term},
    membership::Membership,
    message::Message,
    snapshot::SnapshotMeta,
};

/// A client's request while it waits; chosen by the shell, opaque here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Token(pub(crate) u64);

/// The step that asked for a write. Steps are numbered upwards.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct WriteId(pub(crate) u64);

/// Something for the disk. Writes are applied in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Write {
    HardState(HardState),
    /// The log begins after `at`, with these members in force there. The entries behind `at` stay
    /// where `keeps` says so; otherwise the whole log goes.
    Begin {
        at: Position,
        membership: Membership,
        keeps: bool,
    },
    /// Consecutive entries; the first replaces its index and everything after it.
    Append(Vec<Entry>),
}

/// A message on its way to a node. One addressed to the sender itself is handed straight back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Envelope {
    pub(crate) to: NodeId,
    pub(crate) message: Message,
}

/// An entry that is committed and must be applied, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Committed {
    pub(crate) entry: Entry,
    /// The request that proposed it here, if it still waits.
    pub(crate) token: Option<Token>,
}

/// Permission to answer a read from any state that has applied `index`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ReadGrant {
    pub(crate) token: Token,
    pub(crate) index: LogIndex,
}

/// A part of a snapshot that a follower needs; the answer is `Input::SnapshotPart`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PartWanted {
    pub(crate) to: NodeId,
    /// Which snapshot: the one this node took or received at this position.
    pub(crate) at: Position,
    pub(crate) offset: u64,
}

/// A part of a snapshot that has arrived and belongs behind the parts before it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PartReceived {
    /// Of the leader that sent it.
    pub(crate) term: Term,
    pub(crate) meta: SnapshotMeta,
    pub(crate) offset: u64,
    pub(crate) data: Payload,
    /// The last part: once the whole is verified and durable, `Input::SnapshotReceived` says so.
    pub(crate) done: bool,
}

/// Why a request is answered without a result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// Not taken: this node does not lead.
    NotLeader,
    /// Not taken: too much is waiting already, or leadership is being handed over.
    Busy,
    /// Taken, and then leadership was lost: it may or may not be applied later.
    LeadershipLost,
    /// Not taken: the members are being changed already, or this leader has not committed an entry
    /// of its term yet.
    ChangeUnderWay,
    /// Not taken: nobody would be left to vote, or the node named is no voter.
    BadMembers,
    /// Given up: a new server did not catch up, and is no member.
    NotCaughtUp,
    /// Given up: the chosen successor did not take over in time; this node leads on.
    TransferFailed,
}

/// Everything one step asks for, to be carried out in this order: writes are handed to the disk,
/// `messages_now` leave, a snapshot is installed, `committed` is applied, `reads` are answered.
/// `messages_durable` leave once this and all earlier writes are on disk.
#[derive(Debug, Default)]
pub(crate) struct Effects {
    pub(crate) id: WriteId,
    pub(crate) writes: Vec<Write>,
    pub(crate) messages_now: Vec<Envelope>,
    pub(crate) messages_durable: Vec<Envelope>,
    /// The state machine becomes the one of this received snapshot.
    pub(crate) install: Option<SnapshotMeta>,
    pub(crate) committed: Vec<Committed>,
    /// Proposals on this leader's own disk; filled only by a bug.
    pub(crate) local_acks: Vec<Token>,
    pub(crate) reads: Vec<ReadGrant>,
    /// Changes of the members and transfers of leadership that are done.
    pub(crate) done: Vec<Token>,
    pub(crate) refused: Vec<(Token, Refusal)>,
    pub(crate) parts_wanted: Vec<PartWanted>,
    pub(crate) parts_received: Vec<PartReceived>,
    /// A leader contradicts what is committed here: the node must stop.
    pub(crate) fault: Option<CommittedConflict>,
}

/// The one thing a correct cluster never does, so that going on would spread the damage.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("leader {leader} replaces entry {}, which is committed here (up to {}); this node stops \
         so as not to spread the damage", index.0, commit.0)]
pub(crate) struct CommittedConflict {
    pub(crate) leader: NodeId,
    pub(crate) index: LogIndex,
    pub(crate) commit: LogIndex,
}
