//! The state machine and the disk of a node in a script.

use crate::raft::{
    Body, Entry, HardState, LogIndex, Membership, Payload, Position, Restored, SnapshotMeta, Write,
};

/// A state machine that remembers every command.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Machine {
    pub(super) applied: LogIndex,
    pub(super) words: Vec<String>,
}

impl Machine {
    pub(super) fn apply(&mut self, entry: &Entry) {
        assert_eq!(entry.at.index, self.applied.next(), "applied in order");
        self.applied = entry.at.index;
        if let Body::Command(word) = &entry.body {
            self.words.push(text(word));
        }
    }
}

/// The word that a command is.
pub(super) fn text(word: &Payload) -> String {
    String::from_utf8_lossy(word.bytes()).into_owned()
}

/// A snapshot with its bytes: the words, by spaces.
#[derive(Debug, Clone)]
pub(super) struct Stored {
    pub(super) meta: SnapshotMeta,
    pub(super) bytes: Vec<u8>,
}

impl Stored {
    pub(super) fn of(meta: SnapshotMeta, machine: &Machine) -> Self {
        let bytes = machine.words.join(" ").into_bytes();
        Self { meta, bytes }
    }

    pub(super) fn machine(&self) -> Machine {
        let words = String::from_utf8_lossy(&self.bytes);
        Machine {
            applied: self.meta.at.index,
            words: words.split_whitespace().map(str::to_owned).collect(),
        }
    }

    /// The part from `offset` on, and whether it is the last.
    pub(super) fn part(&self, offset: u64, bytes_max: usize) -> (Payload, bool) {
        let offset = usize::try_from(offset).expect("small snapshots");
        let end = self.bytes.len().min(offset + bytes_max);
        let part = self.bytes.get(offset..end).unwrap_or_default();
        (Payload::new(part), end == self.bytes.len())
    }
}

/// What a node keeps when it loses power.
#[derive(Debug, Clone, Default)]
pub(super) struct Disk {
    pub(super) hard: HardState,
    pub(super) begin: Option<(Position, Membership)>,
    pub(super) entries: Vec<Entry>,
    /// Oldest first; the last is the one that counts.
    pub(super) snapshots: Vec<Stored>,
}

impl Disk {
    pub(super) fn write(&mut self, write: Write) {
        match write {
            Write::HardState(hard) => self.hard = hard,
            Write::Begin {
                at,
                membership,
                keeps,
            } => {
                self.entries.retain(|e| keeps && e.at.index > at.index);
                self.begin = Some((at, membership));
            }
            Write::Append(entries) => {
                let first = entries.first().expect("writes are not empty").at.index;
                self.entries.retain(|entry| entry.at.index < first);
                self.entries.extend(entries);
            }
        }
    }

    pub(super) fn restored(&self) -> Restored {
        Restored {
            hard: self.hard.clone(),
            begin: self.begin.clone(),
            entries: self.entries.clone(),
            snapshot: self.snapshots.last().map(|stored| stored.meta.clone()),
        }
    }

    /// Whether the entry at `at` is here, or behind the beginning of the log.
    pub(super) fn has(&self, at: Position) -> bool {
        let is_before = |begin: &(Position, Membership)| at.index <= begin.0.index;
        self.begin.as_ref().is_some_and(is_before) || self.entries.iter().any(|e| e.at == at)
    }

    pub(super) fn snapshot_at(&self, at: Position) -> Option<&Stored> {
        self.snapshots.iter().find(|stored| stored.meta.at == at)
    }
}
