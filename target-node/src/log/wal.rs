//! Appending blocks, segment after segment.

use std::collections::VecDeque;

use super::{
    block::{self, Chain},
    disk::Disk,
    error::{StorageError, io_error},
    identity::Identity,
    record,
    recovery::{self, Recovered},
    segment::{Full, HEADER_BYTES, Segment, file_name},
};
use crate::{
    bug::{Bug, BugSet},
    raft::{HardState, LogIndex, Membership, Position, Restored, StoreId, Write},
};

/// How a log is kept.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Settings {
    pub(crate) segment_bytes: u64,
    /// The mark of the data folder if it turns out to be empty.
    pub(crate) new_store: StoreId,
    pub(crate) bugs: BugSet,
}

/// An open log.
///
/// - Everything before `offset` in the current segment, and in the full ones, is durable; behind it
///   nothing verifies as a block.
/// - The names of all segments are durable before a block is written to them.
/// - `hard`, `begin` and `last` are as the durable blocks have it.
/// - After an error nothing more is written.
#[derive(Debug)]
pub(crate) struct Wal<D> {
    pub(super) disk: D,
    pub(super) identity: Identity,
    pub(super) settings: Settings,
    pub(super) store: StoreId,
    /// Oldest first; those that the log no longer needs wait to be released.
    pub(super) full: Full,
    pub(super) current: Segment,
    pub(super) offset: u64,
    /// Segments to go on in, in order.
    pub(super) ahead: VecDeque<Segment>,
    chain: Chain,
    hard: HardState,
    pub(super) begin: Option<(Position, Membership)>,
    last: LogIndex,
    buffer: Vec<u8>,
    poisoned: bool,
}

impl<D: Disk> Wal<D> {
    /// Opens the log of `identity` on a disk, reads it back and removes a torn end; makes one where
    /// there is none.
    pub(crate) fn open(
        mut disk: D,
        identity: Identity,
        settings: Settings,
    ) -> Result<(Self, Restored), StorageError> {
        let recovered = recovery::recover(&mut disk, &identity, settings.bugs)?;
        let is_new = recovered.is_none();
        let found = recovered.unwrap_or_else(|| Recovered::nothing(settings.new_store));
        let mut wal = Self {
            disk,
            identity,
            settings,
            store: found.store,
            full: found.full,
            current: found.current.0,
            offset: found.current.1,
            ahead: found.ahead,
            chain: found.chain,
            hard: found.restored.hard.clone(),
            begin: found.restored.begin.clone(),
            last: found.restored.last_index(),
            buffer: Vec::new(),
            poisoned: false,
        };
        if is_new {
            wal.current = wal.make(1)?;
        }
        Ok((wal, found.restored))
    }

    /// The mark of the data folder, the same for as long as it keeps its memory.
    pub(crate) const fn store(&self) -> StoreId {
        self.store
    }

    /// Makes a batch durable: when this returns without error it survives a crash.
    pub(crate) fn append(&mut self, writes: &[Write]) -> Result<(), StorageError> {
        self.unless_poisoned(|wal| {
            wal.write(writes)?;
            wal.sync()?;
            writes.iter().for_each(|write| wal.note(write));
            Ok(())
        })
    }

    /// Does something with the disk, if nothing ever failed.
    pub(super) fn unless_poisoned(
        &mut self,
        act: impl FnOnce(&mut Self) -> Result<(), StorageError>,
    ) -> Result<(), StorageError> {
        if self.poisoned {
            return Err(StorageError::Poisoned);
        }
        let done = act(self);
        self.poisoned = done.is_err();
        done
    }

    /// Writes a batch without making it durable.
    fn write(&mut self, writes: &[Write]) -> Result<(), StorageError> {
        self.encode(writes);
        let end = self.offset + block::padded(self.buffer.len()) as u64;
        if end > self.current.size && !self.is_unused() {
            self.go_on_in_next()?;
            self.encode(writes);
        }
        let chain = block::seal(&mut self.buffer, self.chain, self.current.number);
        let file = file_name(self.current.number);
        let written = self.disk.write_at(&file, self.offset, &self.buffer);
        written.map_err(io_error("write", &file))?;
        self.chain = chain;
        self.offset += self.buffer.len() as u64;
        // A batch larger than a segment makes its segment larger.
        self.current.size = self.current.size.max(self.offset);
        Ok(())
    }

    const fn is_unused(&self) -> bool {
        self.offset == HEADER_BYTES as u64
    }

    /// Fills the buffer with the content of a block.
    fn encode(&mut self, writes: &[Write]) {
        block::start(&mut self.buffer);
        if self.is_unused() {
            let begin = self.begin.as_ref();
            record::encode_standing(self.last, &self.hard, begin, &mut self.buffer);
        }
        record::encode(writes, &mut self.buffer);
    }

    fn go_on_in_next(&mut self) -> Result<(), StorageError> {
        if self.ahead.is_empty() {
            self.provide()?;
        }
        self.full.push(self.current, self.last);
        self.current = self.ahead.pop_front().expect("provided if need be");
        self.offset = HEADER_BYTES as u64;
        Ok(())
    }

    fn sync(&mut self) -> Result<(), StorageError> {
        let bugs = self.settings.bugs;
        if bugs.has(Bug::NoFsync) {
            return Ok(());
        }
        let file = file_name(self.current.number);
        match self.disk.sync(&file) {
            Err(_) if bugs.has(Bug::FsyncErrorIgnored) => Ok(()),
            done => done.map_err(io_error("sync", &file)),
        }
    }

    /// Keeps in mind what a durable write says.
    fn note(&mut self, write: &Write) {
        match write {
            Write::HardState(hard) => self.hard = hard.clone(),
            Write::Begin {
                at,
                membership,
                keeps,
            } => {
                self.begin = Some((*at, membership.clone()));
                if *keeps {
                    self.last = self.last.max(at.index);
                } else {
                    self.last = at.index;
                    self.full.cut(at.index);
                }
            }
            Write::Append(entries) => {
                if let (Some(first), Some(last)) = (entries.first(), entries.last()) {
                    self.full.cut(first.at.index.previous());
                    self.last = last.at.index;
                }
            }
        }
    }
}

#[cfg(test)]
impl<D: Disk> Wal<D> {
    /// What a crash leaves: the disk, after a last batch that was written but never synced.
    pub(crate) fn crash(mut self, unsynced: Option<&[Write]>) -> D {
        if let Some(writes) = unsynced {
            self.write(writes).expect("a simulated disk takes writes");
        }
        self.disk
    }
}
