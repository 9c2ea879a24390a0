//! Reading a snapshot back, verified block by block.

use std::io;

use super::{
    super::{
        disk::Disk,
        error::{StorageError, damaged, io_error},
    },
    format::{self, BLOCK_BYTES_MAX, BLOCK_HEAD_BYTES, Chain, Header, TRAILER_BYTES},
};

/// The body of a snapshot, as it was written. Every byte that comes out of it has been verified; the last
/// read, which gives nothing, also says that the file is whole.
#[derive(Debug)]
pub(crate) struct Body<D> {
    disk: D,
    file: String,
    offset: u64,
    chain: Chain,
    block: Vec<u8>,
    /// Bytes of the block that were given out.
    given: usize,
    ended: bool,
}

/// Opens a snapshot file.
pub(super) fn open<D: Disk>(mut disk: D, file: &str) -> Result<(Header, Body<D>), StorageError> {
    let mut read = |bytes: usize| {
        let mut start = vec![0; bytes];
        let filled = disk.fill(file, 0, &mut start);
        start.truncate(filled.map_err(io_error("read", file))?);
        Ok(start)
    };
    let start = read(Header::start_bytes())?;
    let bytes = Header::bytes(&start).map_err(|what| damaged(file, 0, what))?;
    let (header, chain) = Header::decode(&read(bytes)?).map_err(|what| damaged(file, 0, what))?;
    let body = Body {
        disk,
        file: file.into(),
        offset: bytes as u64,
        chain,
        block: Vec::new(),
        given: 0,
        ended: false,
    };
    Ok((header, body))
}

/// Reads a whole file and says whether it is one snapshot; returns its header and its bytes.
pub(super) fn verify<D: Disk>(disk: D, file: &str) -> Result<(Header, u64), StorageError> {
    let (header, mut body) = open(disk, file)?;
    while body.next_block()? {}
    Ok((header, body.offset))
}

impl<D: Disk> Body<D> {
    /// Goes on to the next block; false after the trailer.
    fn next_block(&mut self) -> Result<bool, StorageError> {
        if self.ended {
            return Ok(false);
        }
        let mut head = [0; BLOCK_HEAD_BYTES];
        self.fill(0, &mut head)?;
        let (length, chain) = format::decode_block_head(&head);
        if length == 0 {
            return self.end(chain).map(|()| false);
        }
        if length > BLOCK_BYTES_MAX {
            return Err(self.damaged(format!("a block of {length} bytes cannot be")));
        }
        let mut block = std::mem::take(&mut self.block);
        block.resize(length, 0);
        self.fill(BLOCK_HEAD_BYTES, &mut block)?;
        if format::block_head(&block, self.chain) != (head, chain) {
            return Err(self.damaged("the checksum of a block is wrong"));
        }
        self.block = block;
        self.given = 0;
        self.chain = chain;
        self.offset += (BLOCK_HEAD_BYTES + length) as u64;
        Ok(true)
    }

    /// Checks the trailer, and that nothing comes after it.
    fn end(&mut self, chain: Chain) -> Result<(), StorageError> {
        let mut whole = [0; 8];
        self.fill(BLOCK_HEAD_BYTES, &mut whole)?;
        if format::link(0, &whole, self.chain) != chain {
            return Err(self.damaged("the checksum of the whole is wrong"));
        }
        let end = self.offset + TRAILER_BYTES as u64;
        let size = self
            .disk
            .size(&self.file)
            .map_err(io_error("read", &self.file))?;
        if u64::from_le_bytes(whole) != end || size != end {
            return Err(self.damaged(format!("the file has {size} bytes, not {end}")));
        }
        self.block.clear();
        self.given = 0;
        self.offset = end;
        self.ended = true;
        Ok(())
    }

    fn fill(&mut self, ahead: usize, into: &mut [u8]) -> Result<(), StorageError> {
        let filled = self.disk.fill(&self.file, self.offset + ahead as u64, into);
        if filled.map_err(io_error("read", &self.file))? < into.len() {
            return Err(self.damaged("the file is cut short"));
        }
        Ok(())
    }

    fn damaged(&self, what: impl Into<String>) -> StorageError {
        damaged(&self.file, self.offset, what)
    }
}

/// An error holds a [`StorageError`].
impl<D: Disk> io::Read for Body<D> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.given == self.block.len() && !self.next_block().map_err(io::Error::other)? {
            return Ok(0);
        }
        let left = &self.block[self.given..];
        let bytes = left.len().min(into.len());
        into[..bytes].copy_from_slice(&left[..bytes]);
        self.given += bytes;
        Ok(bytes)
    }
}
