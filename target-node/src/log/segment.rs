//! Segment files: their names, their headers, and which of them are still needed.
//!
//! | offset | content |
//! |---|---|
//! | 0 | magic `ADRSTWAL` |
//! | 8 | format version u32 |
//! | 12 | CRC-32C of everything from offset 16 to the end of the header u32 |
//! | 16 | number of the segment u64, from 1, never used twice |
//! | 24 | cluster id u64 |
//! | 32 | store id u64: drawn when the data folder was formatted |
//! | 40 | name of the node, padded with zeros, 32 bytes |
//! | 72 | blocks; behind them whatever the file held before |

use std::collections::VecDeque;

use super::{
    block::{u32_at, u64_at},
    identity::{Identity, decode_name, encode_name},
};
use crate::raft::{LogIndex, StoreId};

/// Bytes of a segment before its first block.
pub(super) const HEADER_BYTES: usize = 72;
const MAGIC: &[u8; 8] = b"ADRSTWAL";
const VERSION: u32 = 2;
const SUFFIX: &str = ".wal";
/// Suffix of a segment that is being made.
pub(super) const UNFINISHED_SUFFIX: &str = ".wal.tmp";

/// The file name of a segment; names sort like numbers.
pub(super) fn file_name(number: u64) -> String {
    format!("{number:016}{SUFFIX}")
}

/// The name of a segment that is being made.
pub(super) fn unfinished_name(number: u64) -> String {
    format!("{number:016}{UNFINISHED_SUFFIX}")
}

/// The number of a segment by its file name.
pub(super) fn number_of(name: &str) -> Option<u64> {
    let number = name.strip_suffix(SUFFIX)?.parse().ok()?;
    (file_name(number) == name).then_some(number)
}

/// The header of a segment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) number: u64,
    pub(super) identity: Identity,
    pub(super) store: StoreId,
}

impl Header {
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(HEADER_BYTES);
        bytes.extend(MAGIC);
        bytes.extend(VERSION.to_le_bytes());
        bytes.extend([0; 4]);
        bytes.extend(self.number.to_le_bytes());
        bytes.extend(self.identity.cluster.to_le_bytes());
        bytes.extend(self.store.0.to_le_bytes());
        bytes.extend(encode_name(&self.identity.node));
        let crc = crc32c::crc32c(&bytes[16..]);
        bytes[12..16].copy_from_slice(&crc.to_le_bytes());
        bytes
    }

    /// Reads a header; says what is wrong with it.
    pub(super) fn decode(bytes: &[u8]) -> Result<Self, String> {
        let head: &[u8; HEADER_BYTES] = bytes
            .first_chunk()
            .ok_or("the file is shorter than a header")?;
        if &head[..8] != MAGIC {
            return Err("the file does not start as a log segment".into());
        }
        let version = u32_at(head, 8);
        if version != VERSION {
            return Err(format!("format version {version} is not {VERSION}"));
        }
        if u32_at(head, 12) != crc32c::crc32c(&head[16..]) {
            return Err("the checksum of the header is wrong".into());
        }
        Ok(Self {
            number: u64_at(head, 16),
            identity: Identity {
                cluster: u64_at(head, 24),
                node: decode_name(&head[40..]),
            },
            store: StoreId(u64_at(head, 32)),
        })
    }
}

/// A segment file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Segment {
    pub(super) number: u64,
    /// Bytes of the file.
    pub(super) size: u64,
}

/// Segments that are full, oldest first, each with the last index that it or an earlier one holds
/// for good: what was replaced later does not count.
///
/// - These indexes never decrease from one segment to the next.
/// - Where the log begins at or after such an index, the segment and all before it are needed no more:
///   what was in force when the next one began stands there too.
#[derive(Debug, Default)]
pub(super) struct Full {
    segments: VecDeque<(Segment, LogIndex)>,
}

impl Full {
    /// A segment became full when the log ended at `last`.
    pub(super) fn push(&mut self, segment: Segment, last: LogIndex) {
        self.segments.push_back((segment, last));
    }

    /// Everything after `last` was replaced.
    pub(super) fn cut(&mut self, last: LogIndex) {
        let mut later = self.segments.iter_mut().rev();
        while let Some((_, end)) = later.next().filter(|(_, end)| *end > last) {
            *end = last;
        }
    }

    /// Takes out the oldest segment, if it is needed no more by a log that begins after `begin`.
    pub(super) fn release(&mut self, begin: LogIndex) -> Option<Segment> {
        let oldest = self.segments.pop_front_if(|(_, last)| *last <= begin);
        oldest.map(|(segment, _)| segment)
    }
}
