//! Making segments before they are needed, and releasing those that are needed no more.
//!
//! A new segment is filled with zeros, so that later writes change no file size. A released one is used
//! again under the next number: its blocks are on disk already, and that they name their segment tells
//! them from new ones, so nothing needs to be erased.
//!
//! | step of using again | after a crash |
//! |---|---|
//! | the old name is given up, and that made durable | the oldest segment is there, or it is unfinished |
//! | a header with the new number is written and synced | unfinished files are removed |
//! | the new name is given, and that made durable | unfinished, or a segment without a block |

use super::{
    disk::Disk,
    error::{StorageError, io_error},
    segment::{HEADER_BYTES, Header, Segment, file_name, unfinished_name},
    wal::Wal,
};
use crate::raft::LogIndex;

/// Released segments that are kept for use.
const AHEAD_MAX: usize = 2;
/// Bytes of zeros written at a time.
const FILL_BYTES: usize = 64 << 10;

impl<D: Disk> Wal<D> {
    /// Releases segments and sees to it that there is one to go on in. For moments when nothing waits for the
    /// disk; the log does it by itself where there are none.
    pub(crate) fn upkeep(&mut self) -> Result<(), StorageError> {
        self.unless_poisoned(Self::provide)
    }

    pub(super) fn provide(&mut self) -> Result<(), StorageError> {
        let begin = self.begin.as_ref().map_or(LogIndex(0), |(at, _)| at.index);
        while let Some(released) = self.full.release(begin) {
            if self.ahead.len() < AHEAD_MAX && released.size == self.settings.segment_bytes {
                let again = self.use_again(released)?;
                self.ahead.push_back(again);
            } else {
                let file = file_name(released.number);
                let removed = self.disk.remove(&file);
                removed.map_err(io_error("remove", &file))?;
            }
        }
        if self.ahead.is_empty() {
            let made = self.make(self.current.number + 1)?;
            self.ahead.push_back(made);
        }
        Ok(())
    }

    fn use_again(&mut self, released: Segment) -> Result<Segment, StorageError> {
        let number = self.current.number + 1 + self.ahead.len() as u64;
        let old = file_name(released.number);
        let unfinished = unfinished_name(number);
        self.disk
            .rename(&old, &unfinished)
            .and_then(|()| self.disk.sync_names())
            .map_err(io_error("rename", &old))?;
        self.write_header(number)?;
        self.end_making(number)?;
        Ok(Segment { number, ..released })
    }

    /// Makes a segment from nothing.
    pub(super) fn make(&mut self, number: u64) -> Result<Segment, StorageError> {
        let size = self.settings.segment_bytes;
        let unfinished = unfinished_name(number);
        self.write_header(number)?;
        let zeros = [0; FILL_BYTES];
        let mut offset = HEADER_BYTES as u64;
        while offset < size {
            let left = usize::try_from(size - offset).unwrap_or(FILL_BYTES);
            let piece = &zeros[..left.min(FILL_BYTES)];
            let written = self.disk.write_at(&unfinished, offset, piece);
            written.map_err(io_error("make", &unfinished))?;
            offset += piece.len() as u64;
        }
        self.end_making(number)?;
        Ok(Segment { number, size })
    }

    fn write_header(&mut self, number: u64) -> Result<(), StorageError> {
        let header = Header {
            number,
            identity: self.identity.clone(),
            store: self.store,
        };
        let unfinished = unfinished_name(number);
        let written = self.disk.write_at(&unfinished, 0, &header.encode());
        written.map_err(io_error("make", &unfinished))
    }

    /// A segment gets its name only when it is whole.
    fn end_making(&mut self, number: u64) -> Result<(), StorageError> {
        let unfinished = unfinished_name(number);
        self.disk
            .sync(&unfinished)
            .and_then(|()| self.disk.rename(&unfinished, &file_name(number)))
            .and_then(|()| self.disk.sync_names())
            .map_err(io_error("make", &file_name(number)))
    }
}
