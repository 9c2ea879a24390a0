//! A snapshot that arrives from another node in chunks.

use super::{
    super::{
        disk::Disk,
        error::{StorageError, io_error},
    },
    reading,
    store::SnapshotId,
    writing::{SYNC_EVERY_BYTES, Sealed},
};
use crate::raft::Term;

/// Which snapshot chunks belong to: a leader's own number for it means something in its term only.
/// A greater one replaces a smaller one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Origin {
    pub(crate) term: Term,
    pub(crate) id: SnapshotId,
}

/// What became of a chunk.
#[derive(Debug)]
pub(crate) enum Receipt {
    /// The chunk to send next starts here; one that starts elsewhere was not taken.
    Next(u64),
    /// The last chunk: the file is whole and durable, and waits to be installed.
    Whole(Sealed),
    /// The last chunk, but together they are no snapshot of this cluster: all is to be sent again.
    Unfit(String),
    /// It belongs to a snapshot that is whole already, or was given up for a newer one.
    Stale,
}

/// A file whose bytes are those of another node's snapshot up to here.
#[derive(Debug)]
pub(super) struct Receiving {
    pub(super) origin: Origin,
    pub(super) file: String,
    /// Bytes so far.
    pub(super) bytes: u64,
    synced_bytes: u64,
}

impl Receiving {
    pub(super) const fn new(origin: Origin, file: String) -> Self {
        Self {
            origin,
            file,
            bytes: 0,
            synced_bytes: 0,
        }
    }

    pub(super) fn write<D: Disk>(
        &mut self,
        disk: &mut D,
        bytes: &[u8],
    ) -> Result<(), StorageError> {
        let written = disk.write_at(&self.file, self.bytes, bytes);
        written.map_err(io_error("write", &self.file))?;
        self.bytes += bytes.len() as u64;
        if self.bytes - self.synced_bytes >= SYNC_EVERY_BYTES {
            self.sync(disk)?;
        }
        Ok(())
    }

    /// Makes the file durable and verifies all of it.
    pub(super) fn finish<D: Disk>(
        mut self,
        disk: &mut D,
        cluster: u64,
    ) -> Result<Receipt, StorageError> {
        self.sync(disk)?;
        let what = match reading::verify(disk.clone(), &self.file) {
            Ok((header, bytes)) if header.identity.cluster == cluster => {
                return Ok(Receipt::Whole(Sealed {
                    file: self.file,
                    meta: header.meta,
                    bytes,
                }));
            }
            Ok((header, _)) => format!("it is of cluster {:016x}", header.identity.cluster),
            Err(StorageError::Damaged { offset, what, .. }) => {
                format!("at offset {offset}: {what}")
            }
            Err(
                error @ (StorageError::Io { .. }
                | StorageError::Foreign { .. }
                | StorageError::Poisoned),
            ) => {
                return Err(error);
            }
        };
        let removed = disk.remove(&self.file);
        removed.map_err(io_error("remove", &self.file))?;
        Ok(Receipt::Unfit(what))
    }

    fn sync<D: Disk>(&mut self, disk: &mut D) -> Result<(), StorageError> {
        self.synced_bytes = self.bytes;
        disk.sync(&self.file).map_err(io_error("sync", &self.file))
    }
}
