//! The log as people want to see it.

use schemars::JsonSchema;
use serde::Serialize;
use tokio::sync::oneshot;

use crate::raft::{Body, Entry, LogIndex, Raft};

/// A wish to see part of the log.
#[derive(Debug)]
pub(super) struct Dump {
    /// The first entry wanted; none for the first that is there.
    pub(super) from: Option<LogIndex>,
    pub(super) limit: usize,
    pub(super) reply: oneshot::Sender<LogDump>,
}

/// Part of a node's log.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct LogDump {
    /// Index of the last entry of the whole log.
    last_index: u64,
    /// Index of the last entry that this node knows to be committed.
    commit: u64,
    entries: Vec<Line>,
}

/// One entry.
#[derive(Debug, Serialize, JsonSchema)]
struct Line {
    index: u64,
    term: u64,
    kind: Kind,
    /// Bytes of its command.
    bytes: usize,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Kind {
    Noop,
    Command,
    Membership,
}

impl Dump {
    pub(super) fn answer(self, raft: &Raft) {
        // Who asked may be gone.
        let _ = self.reply.send(LogDump::take(raft, self.from, self.limit));
    }
}

impl LogDump {
    fn take(raft: &Raft, from: Option<LogIndex>, limit: usize) -> Self {
        let first = raft.begin().index.next();
        let from = from.map_or(first, |from| from.max(first));
        let entries = (from.0..).map_while(|index| raft.entry(LogIndex(index)));
        Self {
            last_index: raft.last_index().0,
            commit: raft.commit().0,
            entries: entries.take(limit).map(Line::new).collect(),
        }
    }
}

impl Line {
    fn new(entry: &Entry) -> Self {
        let (kind, bytes) = match &entry.body {
            Body::Noop => (Kind::Noop, 0),
            Body::Command(payload) => (Kind::Command, payload.bytes().len()),
            Body::Membership(_) => (Kind::Membership, 0),
        };
        Self {
            index: entry.at.index.0,
            term: entry.at.term.0,
            kind,
            bytes,
        }
    }
}
