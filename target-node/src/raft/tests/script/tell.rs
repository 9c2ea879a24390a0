//! The words of a trace: one short line for each thing that happens. `2@1` is index 2 of term 1.

use super::machine::text;
use crate::raft::{
    Body, Change, Entry, LogIndex, Membership, Message, NodeId, Position, Raft, Refusal, Role,
    Term, Write,
    entry::HardState,
    message::{AppendOutcome, AppendReply, AppendRequest, Ballot, SnapshotReply, Wanted},
};

pub(super) fn position(at: Position) -> String {
    format!("{}@{}", at.index.0, at.term.0)
}

fn entry(entry: &Entry) -> String {
    let body = match &entry.body {
        Body::Noop => "noop".into(),
        Body::Command(word) => text(word),
        Body::Membership(members) => format!("({})", membership(members)),
    };
    format!("{} {body}", position(entry.at))
}

pub(super) fn entries(entries: &[Entry]) -> String {
    let entries: Vec<String> = entries.iter().map(entry).collect();
    entries.join(", ")
}

fn names<'a>(names: impl IntoIterator<Item = &'a NodeId>) -> String {
    let names: Vec<&str> = names.into_iter().map(NodeId::as_str).collect();
    names.join(" ")
}

/// The voters, before an arrow those of before, behind a plus the learners.
pub(super) fn membership(members: &Membership) -> String {
    let voters = names(&members.voters);
    let joint = match members.is_joint() {
        true => format!("{} → {voters}", names(&members.outgoing)),
        false => voters,
    };
    match members.learners.is_empty() {
        true => joint,
        false => format!("{joint} + {}", names(&members.learners)),
    }
}

/// The role of a node in words.
pub(super) fn role(raft: &Raft) -> String {
    let term = raft.term().0;
    match (raft.role(), raft.leader()) {
        (Role::Follower, Some(leader)) => format!("follows {leader} in term {term}"),
        (Role::Follower, None) => format!("follows nobody in term {term}"),
        (Role::PreCandidate, _) => format!("sounds out term {}", term + 1),
        (Role::Candidate, _) => format!("stands in term {term}"),
        (Role::Leader, _) => format!("leads in term {term}"),
    }
}

pub(super) fn write(write: &Write) -> String {
    match write {
        Write::HardState(HardState { term, vote, met: _ }) => {
            let vote = vote.as_ref().map_or("none", NodeId::as_str);
            format!("term {} vote {vote}", term.0)
        }
        Write::Begin {
            at,
            membership: members,
            keeps,
        } => {
            let kept = if *keeps { "kept" } else { "gone" };
            let (at, members) = (position(*at), membership(members));
            format!("log begins after {at} ({members}), the rest {kept}")
        }
        Write::Append(written) => entries(written),
    }
}

pub(super) fn message(message: &Message) -> String {
    match message {
        Message::VoteRequest(ask) => {
            let (term, last) = (ask.term.0, position(ask.last));
            format!("{} for term {term}, last {last}", ballot(ask.ballot))
        }
        Message::VoteReply(reply) => {
            let word = if reply.granted { "yes" } else { "no" };
            let (ballot, own) = (ballot(reply.ballot), in_term(reply.term));
            format!("{ballot} {word} for term {}{own}", reply.election.0)
        }
        Message::AppendRequest(request) => append(request),
        Message::AppendReply(reply) => append_reply(reply),
        Message::SnapshotPiece(piece) => {
            let (at, from) = (position(piece.meta.at), piece.offset);
            let bytes = piece.data.bytes().len();
            let end = if piece.done { ", end" } else { "" };
            let term = in_term(piece.term);
            format!("snapshot {at} bytes {from}+{bytes}{end}{term}")
        }
        Message::SnapshotReply(reply) => snapshot_reply(reply),
        Message::TimeoutNow(order) => {
            let last = position(order.last);
            format!("stand now, last {last}{}", in_term(order.term))
        }
        Message::ReadRequest(ask) => format!("read? {}", ticket(ask.ticket)),
        Message::ReadReply(reply) => {
            let ticket = ticket(reply.ticket);
            match reply.index {
                Some(LogIndex(index)) => format!("read {ticket} from {index}"),
                None => format!("read {ticket} not here"),
            }
        }
    }
}

/// The kind of a message, as scripts name it.
pub(super) const fn kind(message: &Message) -> &'static str {
    match message {
        Message::VoteRequest(_) => "vote",
        Message::VoteReply(_) => "vote-reply",
        Message::AppendRequest(_) => "append",
        Message::AppendReply(_) => "append-reply",
        Message::SnapshotPiece(_) => "piece",
        Message::SnapshotReply(_) => "piece-reply",
        Message::TimeoutNow(_) => "stand-now",
        Message::ReadRequest(_) => "read",
        Message::ReadReply(_) => "read-reply",
    }
}

fn ballot(ballot: Ballot) -> &'static str {
    match ballot {
        Ballot::Pre => "pre-vote",
        Ballot::Real => "vote",
        Ballot::Transfer => "vote (transfer)",
    }
}

fn in_term(term: Term) -> String {
    format!(" (term {})", term.0)
}

/// A ticket as the life of the asker and its count.
fn ticket(ticket: u128) -> String {
    format!("#{}.{}", ticket >> 64, ticket & u128::from(u64::MAX))
}

fn append(request: &AppendRequest) -> String {
    let content = match request.entries.is_empty() {
        true => String::new(),
        false => format!(": {}", entries(&request.entries)),
    };
    let (prev, term) = (position(request.prev), in_term(request.term));
    let (commit, round) = (request.commit.0, request.round);
    format!("append after {prev}{content} | commit {commit} round {round}{term}")
}

fn append_reply(reply: &AppendReply) -> String {
    let outcome = match reply.outcome {
        AppendOutcome::Matched(index) => format!("matched {}", index.0),
        AppendOutcome::Mismatch { prev, hint } => {
            let (prev, at) = (prev.0, hint.index.0);
            match hint.term {
                Some(Term(term)) => format!("mismatch {prev}, term {term} from {at} on"),
                None => format!("mismatch {prev}, log ends before {at}"),
            }
        }
        AppendOutcome::StaleTerm => "stale".into(),
    };
    format!("{outcome} | round {}{}", reply.round, in_term(reply.term))
}

fn snapshot_reply(reply: &SnapshotReply) -> String {
    let wanted = match reply.wanted {
        Wanted::From(offset) => format!("wanted from {offset}"),
        Wanted::Nothing => "complete".into(),
        Wanted::StaleTerm => "stale".into(),
    };
    let (at, term) = (position(reply.at), in_term(reply.term));
    format!("snapshot {at} {wanted} | round {}{term}", reply.round)
}

pub(super) const fn refusal(refusal: Refusal) -> &'static str {
    match refusal {
        Refusal::NotLeader => "not the leader",
        Refusal::Busy => "busy",
        Refusal::LeadershipLost => "leadership lost",
        Refusal::ChangeUnderWay => "a change is under way",
        Refusal::BadMembers => "bad members",
        Refusal::NotCaughtUp => "not caught up",
        Refusal::TransferFailed => "transfer failed",
    }
}

/// A change in words.
pub(super) fn change(change: &Change) -> String {
    match change {
        Change::Add(node, _) => format!("add {node}"),
        Change::AddLearner(node, _) => format!("learn {node}"),
        Change::Remove(node) => format!("remove {node}"),
        Change::Replace(nodes) => format!("replace by {}", names(nodes.keys())),
    }
}
