//! Faults of disks, with everything about them decided.

use crate::disk::{Failing, Trouble};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::time::Duration;

/// A kind of disk fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DiskKind {
    /// What was not synced is gone.
    PowerLoss,
    /// Some of what was not synced is gone.
    TornWrite,
    /// All nodes lose power at once.
    Blackout,
    /// Input/output errors.
    Errors,
    /// No space left.
    Full,
    /// Slow syncs.
    Slow,
    /// Syncs that hang.
    Stuck,
    /// Syncs that do nothing.
    Lie,
    /// Reads that are wrong.
    Misread,
    /// Bits that flip at rest.
    BitFlip,
    /// Files that lose their end.
    Truncate,
}

impl DiskKind {
    /// Every kind.
    pub const ALL: [DiskKind; 11] = [
        DiskKind::PowerLoss,
        DiskKind::TornWrite,
        DiskKind::Blackout,
        DiskKind::Errors,
        DiskKind::Full,
        DiskKind::Slow,
        DiskKind::Stuck,
        DiskKind::Lie,
        DiskKind::Misread,
        DiskKind::BitFlip,
        DiskKind::Truncate,
    ];

    pub(super) fn name(self) -> &'static str {
        match self {
            DiskKind::PowerLoss => "power-loss",
            DiskKind::TornWrite => "torn-write",
            DiskKind::Blackout => "blackout",
            DiskKind::Errors => "disk-eio",
            DiskKind::Full => "disk-full",
            DiskKind::Slow => "disk-slow",
            DiskKind::Stuck => "disk-stuck",
            DiskKind::Lie => "disk-lie",
            DiskKind::Misread => "disk-misread",
            DiskKind::BitFlip => "bit-flip",
            DiskKind::Truncate => "truncate",
        }
    }

    pub(super) fn describe(self) -> &'static str {
        match self {
            DiskKind::PowerLoss => {
                "kills the leader, a node or a minority, and takes away what they had not synced, data and names"
            }
            DiskKind::TornWrite => {
                "the same, but some unsynced sectors and names are on the disk all the same"
            }
            DiskKind::Blackout => "power loss of all nodes at once",
            DiskKind::Errors => {
                "reads, writes or syncs fail with EIO; a failed sync drops the data"
            }
            DiskKind::Full => "what writes or makes a file fails with ENOSPC",
            DiskKind::Slow => "syncs take 20 to 250 ms longer",
            DiskKind::Stuck => "syncs hang",
            DiskKind::Lie => {
                "syncs do nothing, then power loss: more than most systems promise to survive"
            }
            DiskKind::Misread => "a restart on a disk that returns wrong bits now and then",
            DiskKind::BitFlip => "a restart with bits flipped in what was written",
            DiskKind::Truncate => "a restart with the end of a file cut off",
        }
    }

    pub(super) fn stream(self) -> u64 {
        match self {
            DiskKind::PowerLoss => 41,
            DiskKind::TornWrite => 42,
            DiskKind::Blackout => 43,
            DiskKind::Errors => 44,
            DiskKind::Full => 45,
            DiskKind::Slow => 46,
            DiskKind::Stuck => 47,
            DiskKind::Lie => 48,
            DiskKind::Misread => 49,
            DiskKind::BitFlip => 50,
            DiskKind::Truncate => 51,
        }
    }
}

/// What goes wrong with the disks of some nodes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DiskFault {
    /// The nodes are killed and what they had not synced is gone; they start again at the end.
    PowerLoss,
    /// The same, and some sectors and names are on the disk although they were not synced.
    TornWrite {
        /// How likely each sector is, in percent.
        kept_percent: u8,
        /// Where the choice comes from.
        seed: u64,
    },
    /// All nodes lose power at once.
    Blackout,
    /// Calls fail with input/output errors.
    Errors {
        /// Which.
        calls: Failing,
    },
    /// There is no space left.
    Full,
    /// Syncs take longer.
    Slow {
        /// By how much, in milliseconds.
        delay_ms: u64,
    },
    /// Syncs do not return before the end.
    Stuck,
    /// Syncs do nothing, and at the end power is lost.
    Lie,
    /// The nodes are started again, and some of what they read then and later is wrong.
    Misread {
        /// One in so many reads.
        one_in: u32,
    },
    /// The nodes are killed, bits of what they wrote are flipped, and they are started again at once.
    BitFlip {
        /// How many bits of each disk.
        bits: u32,
        /// Where the choice comes from.
        seed: u64,
    },
    /// The same, but the end of a file is cut off.
    Truncate {
        /// Where the choice comes from.
        seed: u64,
    },
}

impl DiskFault {
    /// The kind of this fault.
    pub fn kind(&self) -> DiskKind {
        match self {
            DiskFault::PowerLoss => DiskKind::PowerLoss,
            DiskFault::TornWrite { .. } => DiskKind::TornWrite,
            DiskFault::Blackout => DiskKind::Blackout,
            DiskFault::Errors { .. } => DiskKind::Errors,
            DiskFault::Full => DiskKind::Full,
            DiskFault::Slow { .. } => DiskKind::Slow,
            DiskFault::Stuck => DiskKind::Stuck,
            DiskFault::Lie => DiskKind::Lie,
            DiskFault::Misread { .. } => DiskKind::Misread,
            DiskFault::BitFlip { .. } => DiskKind::BitFlip,
            DiskFault::Truncate { .. } => DiskKind::Truncate,
        }
    }

    /// What the disk does wrong from the start to the end of the fault; none where all happens at its start.
    pub fn trouble(&self) -> Option<Trouble> {
        match self {
            DiskFault::Errors { calls } => Some(Trouble::Errors(*calls)),
            DiskFault::Full => Some(Trouble::Full),
            DiskFault::Slow { delay_ms } => Some(Trouble::Slow(Duration::from_millis(*delay_ms))),
            DiskFault::Stuck => Some(Trouble::Stuck),
            DiskFault::Lie => Some(Trouble::Lying),
            DiskFault::Misread { one_in } => Some(Trouble::Misread { one_in: *one_in }),
            DiskFault::PowerLoss
            | DiskFault::TornWrite { .. }
            | DiskFault::Blackout
            | DiskFault::BitFlip { .. }
            | DiskFault::Truncate { .. } => None,
        }
    }
}

impl fmt::Display for DiskFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DiskFault::PowerLoss | DiskFault::Blackout => f.write_str("power lost at"),
            DiskFault::TornWrite { kept_percent, .. } => {
                write!(
                    f,
                    "power lost, {kept_percent} % of unsynced sectors kept, at"
                )
            }
            DiskFault::Errors { calls } => {
                let calls = match calls {
                    Failing::Reads => "reads",
                    Failing::Writes => "writes",
                    Failing::Syncs => "syncs",
                };
                write!(f, "{calls} fail at")
            }
            DiskFault::Full => f.write_str("no space left at"),
            DiskFault::Slow { delay_ms } => write!(f, "syncs take {delay_ms} ms longer at"),
            DiskFault::Stuck => f.write_str("syncs hang at"),
            DiskFault::Lie => f.write_str("syncs do nothing, then power lost, at"),
            DiskFault::Misread { one_in } => write!(f, "one in {one_in} reads is wrong at"),
            DiskFault::BitFlip { bits, .. } => write!(f, "bits flipped ({bits}) at"),
            DiskFault::Truncate { .. } => f.write_str("the end of a file cut off at"),
        }
    }
}
