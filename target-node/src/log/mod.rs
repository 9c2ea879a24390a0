//! The write-ahead log: everything a node must remember, in one ordered stream of blocks.
//!
//! Term, vote and entries share the stream, so that an entry on disk implies its term on disk.
//! The log is a row of segment files, each filled with zeros when it is made and its name made
//! durable before it is used: later writes change no file size, and a sync touches data only.
//!
//! One batch of writes is one **block**: CRC-32C over head and content, length, the CRC of the block
//! before it, a sequence number and the number of its segment. A block is there as a whole or not
//! at all. Since a block is written only after the one before it was synced,
//!
//! - a block that does not verify with **nothing valid after it** is a write that a crash cut short;
//!   nobody was told of it, and it is removed. (Damage to the very last block looks the same, and is taken for
//!   a crash.)
//! - a block that does not verify with **something valid after it** is damage to what was promised, and the
//!   node refuses to start: it must not vote with a shortened memory.
//!
//! The first block of a segment says where the log ended before it, the hard state, and where the log begins:
//! when the log begins after all entries of the oldest segments, those are released, used again under the
//! next numbers, or removed. A log takes the segments of the entries in force, the current one, and at most
//! two for use.
//!
//! A failed sync is final: the kernel may have dropped the pages, so a retry would lie. So is every other
//! failed write: nothing more is written, and the node stops.
//!
//! | file | idea |
//! |---|---|
//! | `wal` | appending blocks, segment after segment |
//! | `upkeep` | making segments ahead, releasing and using again |
//! | `recovery`, `replay` | reading them back, telling torn from damaged; what they come to |
//! | `block`, `segment`, `record` | the bytes |
//! | `writer` | the thread that waits for the disk |
//! | `snapshot` | files of the state machine's state, beside the log |
//! | `disk` | the few file operations needed, real ones here and simulated ones in tests |
//! | `probe` | a log by itself, for benchmarks |
//! | `identity`, `error` | whose files these are, and why they cannot be used |

mod block;
mod disk;
mod error;
mod identity;
mod probe;
mod record;
mod recovery;
mod replay;
mod segment;
pub(crate) mod snapshot;
#[cfg(test)]
mod tests;
mod upkeep;
mod wal;
mod writer;

#[cfg(test)]
pub(crate) use disk::sim as sim_disk;
pub(crate) use disk::{Disk, PowerLossDisk, RealDisk, Unsynced};
pub(crate) use error::StorageError;
pub(crate) use identity::Identity;
pub use probe::LogProbe;
pub(crate) use wal::{Settings, Wal};
pub(crate) use writer::Writer;
