//! What happens to a clock, as data.

use serde::{Deserialize, Serialize};
use std::fmt;

/// A change of a clock of a node; [`NodeClock`](super::NodeClock) makes it and takes it back. Changes of different kinds add up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ClockChange {
    /// The wall clock is ahead by this much, or behind where it is negative, from one moment to the next.
    Jump {
        /// How much.
        offset_ns: i64,
    },
    /// The wall clock runs fast, or slow where the rate is negative.
    Drift {
        /// By how many parts per billion.
        rate_ppb: i64,
    },
    /// The wall clock jumps to and fro.
    Strobe {
        /// How far.
        offset_ns: i64,
        /// How long it shows either time.
        period_ns: i64,
    },
    /// The monotonic clock runs fast or slow.
    Monotonic {
        /// By how many parts per billion.
        rate_ppb: i64,
    },
}

impl fmt::Display for ClockChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            ClockChange::Jump { offset_ns } => {
                write!(f, "wall clock jumps by {} s", seconds(offset_ns))
            }
            ClockChange::Drift { rate_ppb } => write!(f, "wall clock runs at {}", speed(rate_ppb)),
            ClockChange::Strobe {
                offset_ns,
                period_ns,
            } => write!(
                f,
                "wall clock flips by {} s every {:.0} ms",
                seconds(offset_ns),
                period_ns as f64 / 1e6
            ),
            ClockChange::Monotonic { rate_ppb } => {
                write!(f, "monotonic clock runs at {}", speed(rate_ppb))
            }
        }
    }
}

fn seconds(ns: i64) -> String {
    format!("{:+.3}", ns as f64 / 1e9)
}

fn speed(rate_ppb: i64) -> String {
    format!("{:.1} %", 100.0 + rate_ppb as f64 / 1e7)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_are_told_with_their_units() {
        let rows = [
            (
                ClockChange::Jump {
                    offset_ns: -11_000_000,
                },
                "wall clock jumps by -0.011 s",
            ),
            (
                ClockChange::Drift {
                    rate_ppb: 250_000_000,
                },
                "wall clock runs at 125.0 %",
            ),
            (
                ClockChange::Strobe {
                    offset_ns: 2_500_000_000,
                    period_ns: 40_000_000,
                },
                "wall clock flips by +2.500 s every 40 ms",
            ),
            (
                ClockChange::Monotonic {
                    rate_ppb: -100_000_000,
                },
                "monotonic clock runs at 90.0 %",
            ),
        ];
        for (change, told) in rows {
            assert_eq!(change.to_string(), told);
        }
    }
}
