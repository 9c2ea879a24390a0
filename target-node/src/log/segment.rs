//! Segment files: their names and their headers.
//!
//! | offset | content |
//! |---|---|
//! | 0 | magic `ADRSTWAL` |
//! | 8 | format version u32 |
//! | 12 | CRC-32C of everything from offset 16 to the end of the header u32 |
//! | 16 | number of the segment u64, from 1 |
//! | 24 | sequence number of the last block before it u64 |
//! | 32 | CRC of that block u32, zero u32 |
//! | 40 | last log index before it u64 |
//! | 48 | cluster id u64 |
//! | 56 | store id u64: drawn when the data folder was formatted |
//! | 64 | name of the node, padded with zeros, 32 bytes |

use super::{
    block::{Chain, u32_at, u64_at},
    identity::{Identity, StoreId, decode_name, encode_name},
};
use crate::raft::LogIndex;

/// Bytes of a segment before its first block.
pub(super) const HEADER_BYTES: usize = 96;
const MAGIC: &[u8; 8] = b"ADRSTWAL";
const VERSION: u32 = 2;
const SUFFIX: &str = ".wal";
/// Suffix of a segment that is being made.
pub(super) const UNFINISHED_SUFFIX: &str = ".wal.tmp";

/// The header of a segment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) number: u64,
    /// The chain of blocks as it stood when the segment was made.
    pub(super) before: Chain,
    pub(super) last_index: LogIndex,
    pub(super) identity: Identity,
    pub(super) store: StoreId,
}

/// The file name of a segment; names sort like numbers.
pub(super) fn file_name(number: u64) -> String {
    format!("{number:016}{SUFFIX}")
}

/// The name of a segment that is being made.
pub(super) fn unfinished_name(number: u64) -> String {
    format!("{number:016}{UNFINISHED_SUFFIX}")
}

/// Whether a file is a segment.
pub(super) fn is_segment(name: &str) -> bool {
    name.ends_with(SUFFIX)
}

impl Header {
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(HEADER_BYTES);
        bytes.extend(MAGIC);
        bytes.extend(VERSION.to_le_bytes());
        bytes.extend([0; 4]);
        bytes.extend(self.number.to_le_bytes());
        bytes.extend(self.before.sequence.to_le_bytes());
        bytes.extend(self.before.crc.to_le_bytes());
        bytes.extend([0; 4]);
        bytes.extend(self.last_index.0.to_le_bytes());
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
            before: Chain {
                sequence: u64_at(head, 24),
                crc: u32_at(head, 32),
            },
            last_index: LogIndex(u64_at(head, 40)),
            identity: Identity {
                cluster: u64_at(head, 48),
                node: decode_name(&head[64..]),
            },
            store: StoreId(u64_at(head, 56)),
        })
    }
}
