//! What nodes say to each other. Every message is safe to lose, repeat, delay and reorder.

use serde::{Deserialize, Serialize};

use super::{
    entry::{Entry, LogIndex, Payload, Position, Term},
    snapshot::SnapshotMeta,
};

/// A message between two nodes; the sender is known from the connection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Message {
    VoteRequest(VoteRequest),
    VoteReply(VoteReply),
    AppendRequest(AppendRequest),
    AppendReply(AppendReply),
    SnapshotPiece(SnapshotPiece),
    SnapshotReply(SnapshotReply),
    TimeoutNow(TimeoutNow),
    ReadRequest(ReadRequest),
    ReadReply(ReadReply),
}

/// Whether votes are asked for real or only sounded out (thesis §9.6).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Ballot {
    Pre,
    Real,
    /// For real, and at the wish of the leader: who has just heard from it votes all the same (thesis §4.2.3).
    Transfer,
}

/// "Would you vote for me in `term`?"
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct VoteRequest {
    pub(crate) ballot: Ballot,
    /// The term of the election, which in a pre-vote is not yet the sender's.
    pub(crate) term: Term,
    /// Where the candidate's log ends.
    pub(crate) last: Position,
}

/// The answer to a [`VoteRequest`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct VoteReply {
    pub(crate) ballot: Ballot,
    /// The voter's own term.
    pub(crate) term: Term,
    /// The term of the election the answer belongs to.
    pub(crate) election: Term,
    pub(crate) granted: bool,
}

/// Entries for a follower, or none: then it is a heartbeat or a probe.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct AppendRequest {
    pub(crate) term: Term,
    /// The entry before the first of `entries`.
    pub(crate) prev: Position,
    pub(crate) entries: Vec<Entry>,
    pub(crate) commit: LogIndex,
    /// The leader's count of heartbeat rounds when this was sent; the reply returns it.
    pub(crate) round: u64,
}

impl AppendRequest {
    /// Whether the entries follow `prev` without a gap and no term goes back or past the sender's.
    pub(crate) fn is_well_formed(&self) -> bool {
        let mut before = self.prev;
        let ordered = self.entries.iter().all(|entry| {
            let fits = entry.at.index == before.index.next() && entry.at.term >= before.term;
            before = entry.at;
            fits
        });
        ordered && before.term <= self.term
    }
}

/// The answer to an [`AppendRequest`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct AppendReply {
    pub(crate) term: Term,
    pub(crate) round: u64,
    pub(crate) outcome: AppendOutcome,
}

/// What a follower did with an append request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum AppendOutcome {
    /// The logs agree, durably, up to this index: the last that the request covered.
    Matched(LogIndex),
    /// The follower has no such entry at `prev`.
    Mismatch { prev: LogIndex, hint: Hint },
    /// The sender's term is over.
    StaleTerm,
}

/// Where a leader should look for agreement next (§5.3, the fast way back).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Hint {
    /// The term of the follower's conflicting entry; none when its log is too short.
    pub(crate) term: Option<Term>,
    /// The first index the follower has of that term, or the end of its log plus one.
    pub(crate) index: LogIndex,
}

/// A part of a snapshot for a follower whose next entry is compacted away (§7, figure 13).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SnapshotPiece {
    pub(crate) term: Term,
    pub(crate) round: u64,
    pub(crate) meta: SnapshotMeta,
    /// Bytes of the snapshot before this part.
    pub(crate) offset: u64,
    pub(crate) data: Payload,
    /// Whether the snapshot ends with this part.
    pub(crate) done: bool,
}

/// The answer to a [`SnapshotPiece`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SnapshotReply {
    pub(crate) term: Term,
    pub(crate) round: u64,
    /// Which snapshot it is about.
    pub(crate) at: Position,
    pub(crate) wanted: Wanted,
}

/// What a follower wants of a snapshot next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Wanted {
    /// The part from this byte on.
    From(u64),
    /// Nothing: it is installed, or all of it was known already.
    Nothing,
    /// The sender's term is over.
    StaleTerm,
}

/// "Stand for election now": the leader hands over (thesis §3.10).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct TimeoutNow {
    pub(crate) term: Term,
    /// Where the leader's log ends; a receiver that lacks something does not stand.
    pub(crate) last: Position,
}

/// "From which index on may I answer reads that have arrived here?" (thesis §6.4)
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ReadRequest {
    /// Chosen by the asker and never used again, not even after a restart.
    pub(crate) ticket: u128,
}

/// The answer to a [`ReadRequest`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ReadReply {
    pub(crate) ticket: u128,
    /// None: the node that was asked does not lead.
    pub(crate) index: Option<LogIndex>,
}

/// A message with something of everything in it.
#[cfg(test)]
pub(crate) fn sample_append(bytes: usize) -> Message {
    use super::entry::Body;
    let entry = |index, body| Entry {
        at: Position {
            term: Term(7),
            index: LogIndex(index),
        },
        body,
    };
    let command = Body::Command(Payload::new(&vec![0xa5; bytes]));
    Message::AppendRequest(AppendRequest {
        term: Term(7),
        prev: Position {
            term: Term(6),
            index: LogIndex(41),
        },
        entries: vec![entry(42, Body::Noop), entry(43, command)],
        commit: LogIndex(40),
        round: 9,
    })
}
