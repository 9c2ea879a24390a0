//! Appending blocks, segment after segment.

use super::{
    block::{self, Chain},
    disk::Disk,
    error::{StorageError, io_error},
    identity::{Identity, StoreId},
    record, recovery,
    segment::{HEADER_BYTES, Header, file_name, unfinished_name},
};
use crate::raft::{LogIndex, Restored, Write};

/// How a log is kept.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Settings {
    pub(crate) segment_bytes: u64,
    /// The mark of the data folder if it turns out to be empty.
    pub(crate) new_store: StoreId,
}

/// An open log.
///
/// - Everything before `offset` in the segment, and in all earlier ones, is durable.
/// - Everything after it in the segment is zero.
/// - After an error nothing more is written.
#[derive(Debug)]
pub(crate) struct Wal<D> {
    disk: D,
    identity: Identity,
    settings: Settings,
    pub(super) store: StoreId,
    pub(super) segment: u64,
    pub(super) offset: u64,
    /// Size of the current segment file.
    pub(super) size: u64,
    pub(super) chain: Chain,
    pub(super) last_index: LogIndex,
    poisoned: bool,
}

impl<D: Disk> Wal<D> {
    /// Opens the log of `identity` on a disk, reads it back and repairs a torn end.
    pub(crate) fn open(
        disk: D,
        identity: Identity,
        settings: Settings,
    ) -> Result<(Self, Restored), StorageError> {
        let mut wal = Self {
            disk,
            identity,
            settings,
            store: settings.new_store,
            segment: 0,
            offset: 0,
            size: 0,
            chain: Chain::default(),
            last_index: LogIndex(0),
            poisoned: false,
        };
        let restored = recovery::recover(&mut wal)?;
        if wal.segment == 0 {
            wal.start_segment(0)?;
        }
        Ok((wal, restored))
    }

    /// The mark of the data folder, the same for as long as it keeps its memory.
    pub(crate) const fn store(&self) -> StoreId {
        self.store
    }

    /// Makes a batch durable: when this returns without error it survives a crash.
    pub(crate) fn append(&mut self, writes: &[Write]) -> Result<(), StorageError> {
        if self.poisoned {
            return Err(StorageError::Poisoned);
        }
        let done = self.write(writes).and_then(|()| self.sync());
        self.poisoned = done.is_err();
        done
    }

    /// Writes a batch without making it durable.
    pub(super) fn write(&mut self, writes: &[Write]) -> Result<(), StorageError> {
        let mut content = Vec::new();
        record::encode(writes, &mut content);
        let need = (block::HEAD_BYTES + content.len()).next_multiple_of(block::ALIGNMENT) as u64;
        if self.offset + need > self.size {
            self.start_segment(need)?;
        }
        let (bytes, chain) = block::encode(&content, self.chain, self.segment);
        let file = file_name(self.segment);
        let written = self.disk.write_at(&file, self.offset, &bytes);
        written.map_err(io_error("write", &file))?;
        self.offset += bytes.len() as u64;
        self.chain = chain;
        self.last_index = last_index(writes).unwrap_or(self.last_index);
        Ok(())
    }

    fn sync(&mut self) -> Result<(), StorageError> {
        let file = file_name(self.segment);
        self.disk.sync(&file).map_err(io_error("sync", &file))
    }

    /// Makes the next segment: filled and synced under another name first, so that a segment is
    /// never seen half made.
    fn start_segment(&mut self, need: u64) -> Result<(), StorageError> {
        let number = self.segment + 1;
        let header = Header {
            number,
            before: self.chain,
            last_index: self.last_index,
            identity: self.identity.clone(),
            store: self.store,
        };
        self.size = self.settings.segment_bytes.max(HEADER_BYTES as u64 + need);
        let mut bytes = header.encode();
        bytes.resize(usize::try_from(self.size).unwrap_or(usize::MAX), 0);
        let file = file_name(number);
        let unfinished = unfinished_name(number);
        self.disk
            .write_at(&unfinished, 0, &bytes)
            .and_then(|()| self.disk.sync(&unfinished))
            .and_then(|()| self.disk.rename(&unfinished, &file))
            .and_then(|()| self.disk.sync_names())
            .map_err(io_error("create", &file))?;
        self.segment = number;
        self.offset = HEADER_BYTES as u64;
        Ok(())
    }

    pub(super) const fn disk(&mut self) -> &mut D {
        &mut self.disk
    }

    pub(super) const fn identity(&self) -> &Identity {
        &self.identity
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

/// The end of the log after `writes`, if they touch it.
fn last_index(writes: &[Write]) -> Option<LogIndex> {
    writes.iter().rev().find_map(|write| match write {
        Write::HardState(_) => None,
        Write::Begin { at, keeps, .. } => (!keeps).then_some(at.index),
        Write::Append(entries) => entries.last().map(|entry| entry.at.index),
    })
}
