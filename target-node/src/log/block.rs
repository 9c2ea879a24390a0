//! One block: what one sync makes durable.
//!
//! | offset | content |
//! |---|---|
//! | 0 | CRC-32C of everything from offset 4 to the end of the content u32 |
//! | 4 | length of the content u32; never 0 |
//! | 8 | CRC of the block before u32: the chain |
//! | 12 | zero u32 |
//! | 16 | sequence number u64, counting from 1 through all segments |
//! | 24 | number of the segment u64: bytes left over from another life of the file never verify |
//! | 32 | content, padded with zeros to a multiple of 8 |

use crate::bug::{Bug, BugSet};

/// Bytes before the content.
pub(super) const HEAD_BYTES: usize = 32;
/// Blocks start at multiples of this.
pub(super) const ALIGNMENT: usize = 8;

/// Where a chain of blocks stands.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Chain {
    /// CRC of the last block; 0 before the first.
    pub(super) crc: u32,
    /// Number of the last block; 0 before the first.
    pub(super) sequence: u64,
}

/// A block found in a segment.
#[derive(Debug)]
pub(super) struct Block<'a> {
    previous_crc: u32,
    pub(super) chain: Chain,
    pub(super) content: &'a [u8],
    /// Bytes it takes with its padding.
    pub(super) bytes: usize,
}

impl Block<'_> {
    /// Whether this block is the next one after `before`.
    pub(super) fn follows(&self, before: Chain) -> bool {
        self.previous_crc == before.crc && self.chain.sequence == before.sequence + 1
    }
}

/// Empties a buffer but for the room of a head, behind which content is to be put.
pub(super) fn start(buffer: &mut Vec<u8>) {
    buffer.clear();
    buffer.resize(HEAD_BYTES, 0);
}

/// Makes the content of a buffer the block that follows `before`; returns the chain after it.
pub(super) fn seal(buffer: &mut Vec<u8>, before: Chain, segment: u64) -> Chain {
    let length = u32::try_from(buffer.len() - HEAD_BYTES).expect("a batch is below 4 GiB");
    let sequence = before.sequence + 1;
    buffer[4..8].copy_from_slice(&length.to_le_bytes());
    buffer[8..12].copy_from_slice(&before.crc.to_le_bytes());
    buffer[12..16].fill(0);
    buffer[16..24].copy_from_slice(&sequence.to_le_bytes());
    buffer[24..32].copy_from_slice(&segment.to_le_bytes());
    let crc = crc32c::crc32c(&buffer[4..]);
    buffer[..4].copy_from_slice(&crc.to_le_bytes());
    buffer.resize(padded(buffer.len()), 0);
    Chain { crc, sequence }
}

/// The block at the start of `bytes`, if one verifies by itself.
pub(super) fn decode(bytes: &[u8], segment: u64, bugs: BugSet) -> Option<Block<'_>> {
    let head: &[u8; HEAD_BYTES] = bytes.first_chunk()?;
    if u64_at(head, 24) != segment {
        return None;
    }
    let length = usize::try_from(u32_at(head, 4)).ok()?;
    let end = HEAD_BYTES.checked_add(length)?;
    let crc = u32_at(head, 0);
    let covered = bytes.get(4..end)?;
    let verifies = crc32c::crc32c(covered) == crc || bugs.has(Bug::NoCrc);
    (length > 0 && verifies).then(|| Block {
        previous_crc: u32_at(head, 8),
        chain: Chain {
            crc,
            sequence: u64_at(head, 16),
        },
        content: &bytes[HEAD_BYTES..end],
        bytes: padded(end),
    })
}

/// Bytes that something takes with its padding.
pub(super) const fn padded(bytes: usize) -> usize {
    bytes.next_multiple_of(ALIGNMENT)
}

pub(super) fn u32_at(bytes: &[u8], offset: usize) -> u32 {
    u32::from_le_bytes(*bytes[offset..].first_chunk().expect("within a fixed head"))
}

pub(super) fn u64_at(bytes: &[u8], offset: usize) -> u64 {
    u64::from_le_bytes(*bytes[offset..].first_chunk().expect("within a fixed head"))
}
