//! A snapshot on its way to the disk, never in memory as a whole.

use std::{io, mem};

use super::{
    super::{
        disk::Disk,
        error::{StorageError, io_error},
    },
    format::{self, BLOCK_BYTES_MAX, BLOCK_HEAD_BYTES, Chain, Header},
};

/// Bytes after which what was written is synced, so that neither the last sync nor those of the log
/// meanwhile have much to wait for.
pub(super) const SYNC_EVERY_BYTES: u64 = 4 << 20;

/// A file that grows under a temporary name. Dropped, it is abandoned: the store removes what is left of it.
#[derive(Debug)]
pub(crate) struct Writing<D> {
    disk: D,
    file: String,
    meta: Vec<u8>,
    chain: Chain,
    /// Bytes of the file so far.
    bytes: u64,
    synced_bytes: u64,
    /// Content that does not fill a block yet, behind the room for its head.
    block: Vec<u8>,
}

/// A snapshot that is whole and durable under a temporary name, and not in force yet.
#[derive(Debug)]
pub(crate) struct Sealed {
    pub(super) file: String,
    pub(super) meta: Vec<u8>,
    pub(super) bytes: u64,
}

impl Sealed {
    /// What the caller gave to `begin`, here or on the node it comes from.
    pub(crate) fn meta(&self) -> &[u8] {
        &self.meta
    }
}

impl<D: Disk> Writing<D> {
    pub(super) fn start(mut disk: D, file: String, header: Header) -> Result<Self, StorageError> {
        let (bytes, chain) = header.encode();
        disk.write_at(&file, 0, &bytes)
            .map_err(io_error("write", &file))?;
        Ok(Self {
            disk,
            file,
            meta: header.meta,
            chain,
            bytes: bytes.len() as u64,
            synced_bytes: 0,
            block: vec![0; BLOCK_HEAD_BYTES],
        })
    }

    /// Adds to the body.
    pub(crate) fn append(&mut self, mut bytes: &[u8]) -> Result<(), StorageError> {
        while !bytes.is_empty() {
            let room = BLOCK_HEAD_BYTES + BLOCK_BYTES_MAX - self.block.len();
            let (taken, left) = bytes.split_at(room.min(bytes.len()));
            self.block.extend(taken);
            bytes = left;
            if taken.len() == room {
                self.end_block()?;
            }
        }
        Ok(())
    }

    /// Makes the content durable, still under its temporary name.
    pub(crate) fn finish(mut self) -> Result<Sealed, StorageError> {
        if self.block.len() > BLOCK_HEAD_BYTES {
            self.end_block()?;
        }
        let trailer = format::trailer(self.bytes, self.chain);
        self.write(&trailer)?;
        self.sync()?;
        Ok(Sealed {
            file: self.file,
            meta: self.meta,
            bytes: self.bytes,
        })
    }

    fn end_block(&mut self) -> Result<(), StorageError> {
        let (head, content) = self.block.split_at_mut(BLOCK_HEAD_BYTES);
        let (bytes, chain) = format::block_head(content, self.chain);
        head.copy_from_slice(&bytes);
        self.chain = chain;
        let mut block = mem::take(&mut self.block);
        self.write(&block)?;
        block.truncate(BLOCK_HEAD_BYTES);
        self.block = block;
        if self.bytes - self.synced_bytes >= SYNC_EVERY_BYTES {
            self.sync()?;
        }
        Ok(())
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), StorageError> {
        let written = self.disk.write_at(&self.file, self.bytes, bytes);
        written.map_err(io_error("write", &self.file))?;
        self.bytes += bytes.len() as u64;
        Ok(())
    }

    fn sync(&mut self) -> Result<(), StorageError> {
        self.synced_bytes = self.bytes;
        let synced = self.disk.sync(&self.file);
        synced.map_err(io_error("sync", &self.file))
    }
}

impl<D: Disk> io::Write for Writing<D> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.append(bytes).map_err(io::Error::other)?;
        Ok(bytes.len())
    }

    /// What makes a snapshot durable is its end.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
