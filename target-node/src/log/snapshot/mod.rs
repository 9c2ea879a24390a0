//! Snapshots of the state machine: files that are there as a whole or not at all.
//!
//! A snapshot is written under a temporary name, piece by piece, synced, and only then given its name; the
//! log may begin after its position once its name is durable, and the snapshot before it goes last. So a
//! crash at any moment leaves a whole snapshot that the log reaches back to.
//!
//! | bytes | content |
//! |---|---|
//! | 8 | magic `ADRSTSNP` |
//! | 4 | format version u32 |
//! | 4 | CRC-32C of the rest of the header u32 |
//! | 8 | cluster id u64 |
//! | 32 | name of the node that took it, padded with zeros |
//! | 4 | length of the meta bytes u32 |
//! | n | meta: bytes of the caller |
//! | | **blocks**, each: length u32, from 1 to 64 KiB; CRC-32C u32; content |
//! | | **trailer**: zero u32; CRC-32C u32; length of the whole file u64 |
//!
//! The CRC of a block covers its length and content and goes on from the CRC before it, the first from
//! that of the header; that of the trailer goes on to its length. The last one is thus a CRC of the
//! whole: blocks of two snapshots never verify as one, nor does a part of one.
//!
//! All numbers are little-endian. The bytes of the file are what other nodes are sent.
//!
//! | file | idea |
//! |---|---|
//! | `format` | the bytes |
//! | `writing`, `reading` | one snapshot, piece by piece |
//! | `receiving` | one that arrives in chunks |
//! | `store` | which snapshot is in force |

mod format;
mod reading;
mod receiving;
mod store;
#[cfg(test)]
mod tests;
mod writing;

pub(super) use format::number_of;
pub(crate) use receiving::{Origin, Receipt};
pub(crate) use store::{Snapshot, SnapshotId, Snapshots};
pub(crate) use writing::{Sealed, Writing};
