//! What clients do: pure generators that turn a seed and what was observed into the next invocation.

mod counter;
mod register;
mod txn;

use std::fmt;
use std::str::FromStr;

use checker::{ModelName, Value};
use rand::SeedableRng as _;
use rand_chacha::ChaCha8Rng;

use counter::Counter;
use register::Register;
use txn::Txn;

/// What every client must be able to change once all faults are healed.
const RECOVERY_KEY: &str = "recovery";

/// What all clients of a run do: the state they share.
pub(crate) trait Workload: fmt::Debug + Send {
    /// The next operation of the client that plays `part` and draws from `rng`.
    fn next(&mut self, part: Part, rng: &mut ChaCha8Rng) -> Invocation;

    /// A change that shows that its client is served, of what only such changes touch.
    fn recovery(&mut self) -> Invocation;

    /// The same change with values that nobody wrote before: what the last one wrote may be there.
    fn anew(&mut self, invocation: Invocation) -> Invocation;

    /// Notes what an acknowledged operation was answered.
    fn observe(&mut self, invocation: &Invocation, seen: &Value);

    /// Reads of everything.
    fn final_reads(&self) -> FinalReads;
}

/// The last reads of a run.
#[derive(Debug)]
pub(crate) struct FinalReads {
    /// Of what is in use.
    pub active: Vec<Invocation>,
    /// Of what was retired, latest first.
    pub retired: Vec<Invocation>,
}

impl FinalReads {
    /// Of everything that was ever made, which is `made` in the order of its making, and of what recovery writes; `read`
    /// reads one by its name.
    fn of(
        active: &[&str],
        made: impl DoubleEndedIterator<Item = String>,
        read: fn(&str) -> Invocation,
    ) -> Self {
        let retired = made.rev().filter(|name| !active.contains(&name.as_str()));
        Self {
            active: active
                .iter()
                .copied()
                .chain([RECOVERY_KEY])
                .map(read)
                .collect(),
            retired: retired.map(|name| read(&name)).collect(),
        }
    }
}

/// What a client does all the time.
///
/// A write to a leader that was cut off waits for its deadline, and its client with it. Only a client that never writes
/// goes on reading there, and so sees what such a leader answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    Everything,
    Reads,
}

/// The workloads by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum WorkloadName {
    Register,
    Txn,
    Counter,
}

impl WorkloadName {
    pub(crate) const ALL: [Self; 3] = [Self::Register, Self::Txn, Self::Counter];

    /// What clients do under it, in a line.
    pub(crate) const fn describe(self) -> &'static str {
        match self {
            Self::Register => {
                "reads, writes of globally unique values and compare-and-set from the last value seen, on several keys that are retired after some operations; every second client of a node only reads"
            }
            Self::Txn => {
                "transactions that write two or three of a group's three registers, or read one and write another, and reads of all of a group and of one register; groups are retired"
            }
            Self::Counter => {
                "additions of one to several counters that are retired after some operations, and reads; every second client of a node only reads"
            }
        }
    }

    /// A workload of this name, before its first operation.
    pub(crate) fn start(self) -> Box<dyn Workload> {
        match self {
            Self::Register => Box::new(Register::new()),
            Self::Txn => Box::new(Txn::new()),
            Self::Counter => Box::new(Counter::new()),
        }
    }

    /// What its histories are judged by.
    pub(crate) const fn model(self) -> ModelName {
        match self {
            Self::Register => ModelName::Kv,
            Self::Txn => ModelName::MultiRegister,
            Self::Counter => ModelName::Counter,
        }
    }
}

impl fmt::Display for WorkloadName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Register => "register",
            Self::Txn => "txn",
            Self::Counter => "counter",
        })
    }
}

impl FromStr for WorkloadName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|name| name.to_string() == text)
            .ok_or_else(|| {
                let names = Self::ALL.map(|name| name.to_string()).join(", ");
                format!("unknown workload {text:?}: choose from {names}")
            })
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
    /// One to a counter.
    Add {
        key: String,
    },
    /// All of it at once. Its registers are those of one group.
    Transact {
        group: String,
        parts: Vec<Micro>,
    },
}

/// One part of a transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Micro {
    Read { register: String },
    Write { register: String, value: i64 },
}

impl Micro {
    const fn read(register: String) -> Self {
        Self::Read { register }
    }

    pub(crate) fn register(&self) -> &str {
        match self {
            Self::Read { register } | Self::Write { register, .. } => register,
        }
    }

    const fn writes(&self) -> bool {
        matches!(self, Self::Write { .. })
    }
}

impl Invocation {
    fn read(key: &str) -> Self {
        Self::Read {
            key: key.to_owned(),
        }
    }

    /// The object it is an operation of.
    pub(crate) fn key(&self) -> &str {
        match self {
            Self::Read { key }
            | Self::Write { key, .. }
            | Self::Cas { key, .. }
            | Self::Add { key } => key,
            Self::Transact { group, .. } => group,
        }
    }

    /// Can the operation change the system? If not, an unanswered one certainly had no effect.
    pub(crate) fn mutates(&self) -> bool {
        match self {
            Self::Read { .. } => false,
            Self::Write { .. } | Self::Cas { .. } | Self::Add { .. } => true,
            Self::Transact { parts, .. } => parts.iter().any(Micro::writes),
        }
    }
}

/// The random stream of one consumer of a run's seed: streams are independent, and each draws in its own order.
pub(crate) fn stream(seed: u64, number: u64) -> ChaCha8Rng {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    rng.set_stream(number);
    rng
}
