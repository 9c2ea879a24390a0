//! A log by itself, so that benchmarks can tell what it and its disk cost.

use std::path::Path;

use anyhow::Context as _;

use super::{Identity, RealDisk, Settings, Wal};
use crate::{
    bug::BugSet,
    raft::{Body, Entry, LogIndex, Payload, Position, Term, Write},
};

/// A log in a folder of its own, with entries that mean nothing.
#[derive(Debug)]
pub struct LogProbe {
    wal: Wal<RealDisk>,
    last: LogIndex,
}

impl LogProbe {
    /// Opens the log in a folder, making it if need be, and reads it back.
    ///
    /// # Errors
    /// Whatever keeps a node from using its data folder.
    pub fn open(folder: &Path, segment_bytes: u64) -> anyhow::Result<Self> {
        let disk = RealDisk::open(folder).context("cannot use the folder")?;
        let identity = Identity {
            node: "probe".into(),
            cluster: 0,
        };
        let settings = Settings {
            segment_bytes,
            new_store: RealDisk::draw_store_id().context("cannot draw a random number")?,
            bugs: BugSet::default(),
        };
        let (wal, restored) = Wal::open(disk, identity, settings)?;
        let last = restored.last_index();
        Ok(Self { wal, last })
    }

    /// Makes a batch of entries durable, each with so many bytes of command.
    ///
    /// # Errors
    /// Failures of the disk.
    pub fn append(&mut self, entries: u64, bytes: usize) -> anyhow::Result<()> {
        let payload = Payload::new(&vec![7; bytes]);
        let entry = |index| Entry {
            at: Position {
                term: Term(1),
                index: LogIndex(index),
            },
            body: Body::Command(payload.clone()),
        };
        let first = self.last.next().0;
        let batch: Vec<Entry> = (first..first + entries).map(entry).collect();
        self.wal.append(&[Write::Append(batch)])?;
        self.last = LogIndex(self.last.0 + entries);
        Ok(())
    }

    /// What the thread that writes does when it is idle.
    ///
    /// # Errors
    /// Failures of the disk.
    pub fn upkeep(&mut self) -> anyhow::Result<()> {
        Ok(self.wal.upkeep()?)
    }

    /// The index of the last entry.
    pub fn last_index(&self) -> u64 {
        self.last.0
    }
}
