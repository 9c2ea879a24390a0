//! How much a check may cost.

use std::fmt;
use std::time::Duration;

use serde::{Serialize, Serializer};

/// A bound that was reached before there was an answer. Serialises as the sentence it displays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    /// The time allowed.
    Time(Duration),
    /// The memory allowed, in bytes.
    Memory(u64),
    /// Someone asked to stop.
    Cancelled,
    /// More operations were pending at once than the search can tell apart.
    Pending(usize),
}

impl fmt::Display for Limit {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Time(time) => write!(
                out,
                "the time limit of {} s was reached",
                time.as_secs_f64()
            ),
            Self::Memory(bytes) => {
                write!(out, "the memory limit of {} MiB was reached", bytes >> 20)
            }
            Self::Cancelled => out.write_str("the check was cancelled"),
            Self::Pending(operations) => {
                write!(out, "more than {operations} operations are pending at once")
            }
        }
    }
}

impl Serialize for Limit {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// Asked every few thousand steps whether to go on. The caller owns the clock; the checker has none.
pub trait Budget: Sync {
    /// The bound that was reached, if any, given an estimate of the bytes the search holds by itself.
    fn exceeded(&self, own_memory_estimate_bytes: u64) -> Option<Limit>;
}

/// No bound at all.
#[derive(Clone, Copy, Debug)]
pub struct Unlimited;

impl Budget for Unlimited {
    fn exceeded(&self, _own_memory_estimate_bytes: u64) -> Option<Limit> {
        None
    }
}
