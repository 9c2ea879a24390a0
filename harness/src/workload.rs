//! What clients do: pure generators that turn a seed and what was observed into the next invocation.

mod register;

use std::fmt;
use std::str::FromStr;

use rand::SeedableRng as _;
use rand_chacha::ChaCha8Rng;

pub(crate) use register::{Part, Register};

/// The workloads by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum WorkloadName {
    Register,
}

impl WorkloadName {
    pub(crate) const ALL: [Self; 1] = [Self::Register];

    /// What clients do under it, in a line.
    pub(crate) const fn describe(self) -> &'static str {
        match self {
            Self::Register => {
                "reads, writes of globally unique values and compare-and-set from the last value seen, on several keys that are retired after some operations; every second client of a node only reads"
            }
        }
    }
}

impl fmt::Display for WorkloadName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Register => "register",
        })
    }
}

impl FromStr for WorkloadName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|name| name.to_string() == text)
            .ok_or_else(|| format!("unknown workload {text:?}: choose from register"))
    }
}

/// What a client asks of the system. Keys are names, values are integers, `None` is an absent value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Invocation {
    Read {
        key: String,
    },
    Write {
        key: String,
        value: i64,
    },
    Cas {
        key: String,
        expected: Option<i64>,
        value: i64,
    },
}

impl Invocation {
    pub(crate) fn key(&self) -> &str {
        match self {
            Self::Read { key } | Self::Write { key, .. } | Self::Cas { key, .. } => key,
        }
    }

    /// Can the operation change the system? If not, an unanswered one certainly had no effect.
    pub(crate) const fn mutates(&self) -> bool {
        match self {
            Self::Read { .. } => false,
            Self::Write { .. } | Self::Cas { .. } => true,
        }
    }
}

/// The random stream of one consumer of a run's seed: streams are independent, and each draws in its own order.
pub(crate) fn stream(seed: u64, number: u64) -> ChaCha8Rng {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    rng.set_stream(number);
    rng
}
