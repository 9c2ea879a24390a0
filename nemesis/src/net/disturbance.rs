//! What may happen to the packets of a link, as data.
//!
//! Several disturbances may lie on one link at once; a packet meets them in the order of [`Disturbance`]'s variants: first
//! what swallows it, then what changes it, then what holds it up (the bottleneck before the distance, as on a real path).

use rand::{Rng, RngExt};
use serde::{Deserialize, Serialize};
use std::fmt;

/// One thing that happens to packets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Disturbance {
    /// Nothing arrives.
    Cut,
    /// Nothing arrives while the link is down, and it is down again and again, at first at once.
    Flap {
        /// Length of each time it is down.
        down_ms: u32,
        /// Length of each time it is up.
        up_ms: u32,
    },
    /// Some packets are lost.
    Loss {
        /// How many of a thousand.
        permille: Permille,
    },
    /// Some packets arrive twice.
    Duplicate {
        /// How many of a thousand.
        permille: Permille,
    },
    /// One bit of some packets is another when they arrive.
    Corrupt {
        /// How many of a thousand.
        permille: Permille,
        /// Whether the receiver's kernel can notice.
        checksum: Checksum,
    },
    /// A bottleneck: a token bucket, and a queue of [`LONGEST_QUEUE_MS`] before it.
    Rate {
        /// Bytes that pass in a second.
        bytes_per_s: u32,
        /// Bytes that may pass at once after a pause.
        burst_bytes: u32,
    },
    /// Every packet arrives later; none overtakes another. (On iptables none does where it waits; processors that carry on
    /// side by side what has waited may still swap it, as they may swap any packets.)
    Delay {
        /// How much later at least.
        by_ms: u32,
        /// What may come on top, evenly spread.
        jitter_ms: u32,
    },
    /// Some packets are held back, and those behind them overtake.
    Reorder {
        /// How many of a thousand.
        permille: Permille,
        /// For how long.
        by_ms: u32,
    },
}

/// A packet that would have to wait longer for a bottleneck is lost there.
pub const LONGEST_QUEUE_MS: u64 = 1_000;

/// What a corrupted packet's checksum says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Checksum {
    /// It shows the damage: the receiver's kernel throws the packet away.
    Broken,
    /// It was made to fit: the program gets the damaged bytes.
    Repaired,
}

/// What the iptables plane needs to do something. The switch needs nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Means {
    /// Rules that drop packets.
    Rules,
    /// A rule that sends packets twice: the kernel's `xt_TEE`.
    Copies,
    /// `tc`, and the kernel's HTB.
    Bottleneck,
    /// `tc`, and the kernel's HTB and netem.
    Netem,
    /// It cannot: only the switch does it.
    Switch,
}

/// A probability in thousandths.
///
/// Invariant: at most 1000.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "u16", into = "u16")]
pub struct Permille(u16);

/// A number that is no probability.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0} thousandths are no probability: use 0 to 1000")]
pub struct TooMany(u16);

/// The number of a disturbance that lies on some links: given when it is laid there, asked for when it is counted and
/// taken away.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct RuleId(pub u32);

/// What a disturbance did to the packets of one link so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Packets that came to it.
    pub seen: u64,
    /// Packets it acted on: swallowed, doubled, damaged, held up; for [`Disturbance::Reorder`] those that really were
    /// overtaken. On iptables, where the kernel does not tell that, those that were held back, and for
    /// [`Disturbance::Rate`] how often packets had to wait.
    pub hit: u64,
    /// How long the packets that were held up waited in all, whatever made them wait, in microseconds. Zero on iptables,
    /// where the kernel does not tell.
    pub waited_us: u64,
}

impl Disturbance {
    /// What iptables needs for it.
    pub fn means(&self) -> Means {
        match self {
            Disturbance::Cut | Disturbance::Loss { .. } => Means::Rules,
            Disturbance::Duplicate { .. } => Means::Copies,
            Disturbance::Rate { .. } => Means::Bottleneck,
            Disturbance::Corrupt {
                checksum: Checksum::Broken,
                ..
            }
            | Disturbance::Delay { .. }
            | Disturbance::Reorder { .. } => Means::Netem,
            Disturbance::Corrupt {
                checksum: Checksum::Repaired,
                ..
            }
            | Disturbance::Flap { .. } => Means::Switch,
        }
    }

    /// The word for what happens to a packet: `delayed`, `lost`.
    pub fn participle(&self) -> &'static str {
        match self {
            Disturbance::Cut | Disturbance::Flap { .. } => "dropped",
            Disturbance::Loss { .. } => "lost",
            Disturbance::Duplicate { .. } => "duplicated",
            Disturbance::Corrupt { .. } => "corrupted",
            Disturbance::Rate { .. } => "shaped",
            Disturbance::Delay { .. } => "delayed",
            Disturbance::Reorder { .. } => "reordered",
        }
    }
}

impl fmt::Display for Disturbance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Disturbance::Cut => f.write_str("cut"),
            Disturbance::Flap { down_ms, up_ms } => {
                write!(f, "flapping, {down_ms} ms down and {up_ms} ms up")
            }
            Disturbance::Loss { permille } => write!(f, "{permille} of packets lost"),
            Disturbance::Duplicate { permille } => write!(f, "{permille} of packets twice"),
            Disturbance::Corrupt { permille, checksum } => {
                let noticed = match checksum {
                    Checksum::Broken => "",
                    Checksum::Repaired => " unnoticed",
                };
                write!(f, "{permille} of packets corrupted{noticed}")
            }
            Disturbance::Rate { bytes_per_s, .. } => write!(f, "{bytes_per_s} bytes a second"),
            Disturbance::Delay {
                by_ms,
                jitter_ms: 0,
            } => write!(f, "{by_ms} ms late"),
            Disturbance::Delay { by_ms, jitter_ms } => {
                write!(f, "{by_ms} to {} ms late", by_ms.saturating_add(*jitter_ms))
            }
            Disturbance::Reorder { permille, by_ms } => {
                write!(f, "{permille} of packets held back {by_ms} ms")
            }
        }
    }
}

impl Permille {
    /// Always.
    pub(crate) const CERTAIN: Permille = Permille(1000);

    /// So many thousandths.
    ///
    /// # Errors
    /// [`TooMany`] above 1000.
    pub const fn new(thousandths: u16) -> Result<Permille, TooMany> {
        match thousandths {
            0..=1000 => Ok(Permille(thousandths)),
            _ => Err(TooMany(thousandths)),
        }
    }

    /// Whether it happens this time.
    pub(crate) fn happens(self, rng: &mut impl Rng) -> bool {
        rng.random_range(0..1000) < self.0
    }

    /// As a probability.
    pub fn probability(self) -> f64 {
        f64::from(self.0) / 1000.0
    }
}

impl TryFrom<u16> for Permille {
    type Error = TooMany;

    fn try_from(thousandths: u16) -> Result<Permille, TooMany> {
        Permille::new(thousandths)
    }
}

impl From<Permille> for u16 {
    fn from(permille: Permille) -> u16 {
        permille.0
    }
}

impl fmt::Display for Permille {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} %", f64::from(self.0) / 10.0)
    }
}

impl fmt::Display for RuleId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The stored form: a change of it is a change of the schedule's version.
    #[test]
    fn disturbances_are_stored_as_they_are_named() {
        let half = Permille::new(500).unwrap();
        for (disturbance, stored, told) in [
            (Disturbance::Cut, r#""cut""#, "cut"),
            (
                Disturbance::Flap {
                    down_ms: 20,
                    up_ms: 30,
                },
                r#"{"flap":{"down_ms":20,"up_ms":30}}"#,
                "flapping, 20 ms down and 30 ms up",
            ),
            (
                Disturbance::Loss {
                    permille: Permille::new(125).unwrap(),
                },
                r#"{"loss":{"permille":125}}"#,
                "12.5 % of packets lost",
            ),
            (
                Disturbance::Corrupt {
                    permille: half,
                    checksum: Checksum::Repaired,
                },
                r#"{"corrupt":{"permille":500,"checksum":"repaired"}}"#,
                "50 % of packets corrupted unnoticed",
            ),
            (
                Disturbance::Delay {
                    by_ms: 50,
                    jitter_ms: 10,
                },
                r#"{"delay":{"by_ms":50,"jitter_ms":10}}"#,
                "50 to 60 ms late",
            ),
        ] {
            assert_eq!(serde_json::to_string(&disturbance).unwrap(), stored);
            assert_eq!(
                serde_json::from_str::<Disturbance>(stored).unwrap(),
                disturbance
            );
            assert_eq!(disturbance.to_string(), told);
        }
    }

    #[test]
    fn more_than_certain_is_refused() {
        assert_eq!(Permille::new(1001), Err(TooMany(1001)));
        assert!(serde_json::from_str::<Disturbance>(r#"{"loss":{"permille":1001}}"#).is_err());
    }
}
