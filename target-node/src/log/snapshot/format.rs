//! The bytes of a snapshot file; the module above has the table.

use super::super::{
    block::{u32_at, u64_at},
    identity::{Identity, NAME_BYTES, decode_name, encode_name},
};

const MAGIC: &[u8; 8] = b"ADRSTSNP";
const VERSION: u32 = 1;
/// Bytes of the header before the meta bytes.
const FIXED_BYTES: usize = 60;
/// Most bytes of meta that a reader takes for real.
const META_BYTES_MAX: usize = 1 << 20;
/// Bytes before the content of a block.
pub(super) const BLOCK_HEAD_BYTES: usize = 8;
/// Most bytes of content in a block.
pub(super) const BLOCK_BYTES_MAX: usize = 64 << 10;
/// Bytes of the trailer.
pub(super) const TRAILER_BYTES: usize = 16;
const SUFFIX: &str = ".snap";
/// Suffix of a file that is not whole yet.
pub(super) const UNFINISHED_SUFFIX: &str = ".snap.tmp";

/// The file name of a snapshot; names sort like numbers.
pub(super) fn file_name(number: u64) -> String {
    format!("{number:016}{SUFFIX}")
}

/// The number of a snapshot by its file name.
pub(in super::super) fn number_of(name: &str) -> Option<u64> {
    let number = name.strip_suffix(SUFFIX)?.parse().ok()?;
    (file_name(number) == name).then_some(number)
}

/// The header of a snapshot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Header {
    /// Who took it, which need not be who has it.
    pub(super) identity: Identity,
    pub(super) meta: Vec<u8>,
}

/// The CRC over everything so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Chain(u32);

impl Header {
    /// The header as bytes, and the CRC that blocks go on from.
    pub(super) fn encode(&self) -> (Vec<u8>, Chain) {
        let length = u32::try_from(self.meta.len()).expect("meta is a position and some members");
        let mut bytes = Vec::with_capacity(FIXED_BYTES + self.meta.len());
        bytes.extend(MAGIC);
        bytes.extend(VERSION.to_le_bytes());
        bytes.extend([0; 4]);
        bytes.extend(self.identity.cluster.to_le_bytes());
        bytes.extend(encode_name(&self.identity.node));
        bytes.extend(length.to_le_bytes());
        bytes.extend(&self.meta);
        let crc = crc32c::crc32c(&bytes[16..]);
        bytes[12..16].copy_from_slice(&crc.to_le_bytes());
        (bytes, Chain(crc))
    }

    /// Bytes of the header as a whole, by its first bytes.
    pub(super) fn bytes(start: &[u8]) -> Result<usize, String> {
        let head: &[u8; FIXED_BYTES] = start
            .first_chunk()
            .ok_or("the file is shorter than a header")?;
        if &head[..8] != MAGIC {
            return Err("the file does not start as a snapshot".into());
        }
        let version = u32_at(head, 8);
        if version != VERSION {
            return Err(format!("format version {version} is not {VERSION}"));
        }
        let meta = usize::try_from(u32_at(head, 56)).unwrap_or(usize::MAX);
        if meta > META_BYTES_MAX {
            return Err(format!("{meta} bytes of meta cannot be"));
        }
        Ok(FIXED_BYTES + meta)
    }

    /// Reads a header; `bytes` are what [`Header::bytes`] asks for.
    pub(super) fn decode(bytes: &[u8]) -> Result<(Self, Chain), String> {
        let whole = Self::bytes(bytes)?;
        let bytes = bytes.get(..whole).ok_or("the header is cut short")?;
        let crc = u32_at(bytes, 12);
        if crc != crc32c::crc32c(&bytes[16..]) {
            return Err("the checksum of the header is wrong".into());
        }
        let identity = Identity {
            cluster: u64_at(bytes, 16),
            node: decode_name(&bytes[24..24 + NAME_BYTES]),
        };
        let meta = bytes[FIXED_BYTES..].to_vec();
        Ok((Self { identity, meta }, Chain(crc)))
    }

    /// Bytes from which the length of any header can be told.
    pub(super) const fn start_bytes() -> usize {
        FIXED_BYTES
    }
}

/// What stands before the content of a block, and the chain after it.
pub(super) fn block_head(content: &[u8], before: Chain) -> ([u8; BLOCK_HEAD_BYTES], Chain) {
    let length = u32::try_from(content.len()).expect("blocks are small");
    let chain = link(length, content, before);
    let mut head = [0; BLOCK_HEAD_BYTES];
    head[..4].copy_from_slice(&length.to_le_bytes());
    head[4..].copy_from_slice(&chain.0.to_le_bytes());
    (head, chain)
}

/// The end of a snapshot whose header and blocks take `bytes`.
pub(super) fn trailer(bytes: u64, before: Chain) -> [u8; TRAILER_BYTES] {
    let whole = (bytes + TRAILER_BYTES as u64).to_le_bytes();
    let mut trailer = [0; TRAILER_BYTES];
    trailer[4..8].copy_from_slice(&link(0, &whole, before).0.to_le_bytes());
    trailer[8..].copy_from_slice(&whole);
    trailer
}

/// Length and CRC as they stand before the content of a block.
pub(super) fn decode_block_head(head: &[u8; BLOCK_HEAD_BYTES]) -> (usize, Chain) {
    let length = usize::try_from(u32_at(head, 0)).unwrap_or(usize::MAX);
    (length, Chain(u32_at(head, 4)))
}

/// The chain after content of a given length.
pub(super) fn link(length: u32, content: &[u8], before: Chain) -> Chain {
    let crc = crc32c::crc32c_append(before.0, &length.to_le_bytes());
    Chain(crc32c::crc32c_append(crc, content))
}
