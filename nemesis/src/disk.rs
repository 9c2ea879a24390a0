//! A disk that can fail: a file system of our own around the folder of one node.
//!
//! [`Disk::mount`] lays a FUSE file system over a folder. What the node writes goes into the folder at once, and what a
//! loss of power would take away is remembered beside it, so that [`Disk::lose_power`] can take it away:
//!
//! * **data**: each sector as it was when it was last synced, and the length; `fsync` and `fdatasync` of the
//!   file, and writes with `O_SYNC` or `O_DSYNC`, forget that;
//! * **names**: each file made, removed or renamed since its folder was last synced. To sync a file
//!   does not make its name durable: that is the strict reading of POSIX, and kernels promise no more.
//!
//! A sync that fails drops what was to be written and says so once, as Linux does: the data stays readable, and is gone
//! after a loss of power even though the next sync succeeds.
//!
//! The kernel caches what was read; every change made behind its back is followed by an invalidation. There is no
//! write-back cache, so the node's writes are all here when it is dead. Pages that it mapped and wrote are flushed by the kernel
//! when they are synced and when it dies.

mod control;
mod damage;
mod error;
mod evidence;
mod names;
mod node;
mod shell;
mod tree;
mod trouble;
mod unsynced;

pub use control::Disk;
pub(crate) use control::try_disk;
pub use damage::{Damage, Repaired};
pub use error::DiskError;
pub use evidence::{Lost, Served};
pub use trouble::{Failing, Trouble};
