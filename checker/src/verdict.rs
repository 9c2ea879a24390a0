//! What a check found out, object by object.

use std::fmt;

use serde::Serialize;

use crate::budget::Limit;
use crate::history::OpId;
use crate::models::ModelSpec;
use crate::value::Value;

/// The answer for a history, in the order of the keys.
#[derive(Clone, Debug, Serialize)]
pub struct Analysis<M = ModelSpec> {
    /// What the history was judged by: one of the models with a name, or a [`crate::Model`].
    pub model: M,
    /// The answer for each object.
    pub keys: Vec<KeyAnalysis>,
}

impl<M> Analysis<M> {
    /// Invalid over unknown over valid.
    pub fn outcome(&self) -> Verdict {
        self.keys
            .iter()
            .map(|key| key.result.verdict())
            .max()
            .unwrap_or(Verdict::Valid)
    }

    /// The objects that are not linearizable.
    pub fn violations(&self) -> impl Iterator<Item = (&KeyAnalysis, &Violation)> {
        self.keys.iter().filter_map(|key| match &key.result {
            KeyResult::Invalid(violation) => Some((key, violation.as_ref())),
            KeyResult::Valid { .. } | KeyResult::Unknown { .. } => None,
        })
    }
}

/// One of three words, worse ones greater.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// Linearizable; there is a witness.
    Valid,
    /// A limit was reached first.
    Unknown,
    /// Not linearizable.
    Invalid,
}

impl fmt::Display for Verdict {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.pad(match self {
            Self::Valid => "valid",
            Self::Unknown => "unknown",
            Self::Invalid => "invalid",
        })
    }
}

/// The answer for one object.
#[derive(Clone, Debug, Serialize)]
pub struct KeyAnalysis {
    /// The object; `None` where the history has only one.
    pub key: Option<Value>,
    /// How many operations concern it, with failed ones.
    pub operations: usize,
    /// The answer.
    pub result: KeyResult,
}

impl KeyAnalysis {
    /// Why there is no answer, in a sentence, if there is none: the limit, the object, and what is proven all the same.
    pub fn unknown_reason(&self) -> Option<String> {
        let KeyResult::Unknown {
            limit,
            proven_until,
            peak_configurations,
        } = &self.result
        else {
            return None;
        };
        let object = self
            .key
            .as_ref()
            .map_or_else(String::new, |key| format!("{key}: "));
        let proven = match proven_until {
            Some(operation) => format!("linearizable up to operation {}", operation.0),
            None => format!("nothing is proven, because {}", why_nothing(*limit)),
        };
        let held = match peak_configurations {
            0 => String::new(),
            peak => format!("; at most {peak} configurations were held at once"),
        };
        Some(format!("{object}{limit}; {proven}{held}"))
    }
}

/// Why not even a beginning of an object is known to be linearizable.
fn why_nothing(limit: Limit) -> &'static str {
    match limit {
        Limit::Time(_) | Limit::Memory(_) | Limit::Cancelled => {
            "no order had reached a completion by then"
        }
        Limit::Pending(_) => "the search did not begin",
        Limit::NotFast(_) => "no other algorithm was tried",
    }
}

/// The answer for one object, with what supports it.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "verdict", rename_all = "lowercase")]
pub enum KeyResult {
    /// Linearizable.
    Valid {
        /// An order of all `ok` operations and those indeterminate ones that took effect, which the model accepts and which
        /// respects real time.
        witness: Vec<OpId>,
    },
    /// Not linearizable.
    Invalid(Box<Violation>),
    /// A limit was reached first.
    Unknown {
        /// Which.
        limit: Limit,
        /// The history up to the return of this operation is linearizable.
        proven_until: Option<OpId>,
        /// How many ways the history can have gone so far were held at once, at most.
        peak_configurations: usize,
    },
}

impl KeyResult {
    /// The word for it.
    pub fn verdict(&self) -> Verdict {
        match self {
            Self::Valid { .. } => Verdict::Valid,
            Self::Invalid(_) => Verdict::Invalid,
            Self::Unknown { .. } => Verdict::Unknown,
        }
    }
}

/// Why an object is not linearizable.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Violation {
    /// The first operation that could not be placed: up to any earlier return an order exists, with pending operations optional but
    /// answering as they later did; up to its return none does.
    pub operation: OpId,
    /// The values the object may have had just before, none of which lets the operation return what it did. In order. Indeterminate
    /// operations whose effect nobody ever saw are left out.
    ///
    /// Empty if `operation` observed a value that nobody had begun to write and the history before it explodes: no order reaches
    /// the return of `operation`, but it may not be the first such return. Empty as well for queues, stacks, sets and counters
    /// judged by a theorem, where it is the first but nobody enumerated what the object may have held.
    pub states: Vec<Value>,
    /// The contradiction in words. It may lie elsewhere than at `operation`.
    pub anomaly: Anomaly,
}

/// A contradiction between a few operations.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Anomaly {
    /// What kind of contradiction it is.
    pub class: AnomalyClass,
    /// The operations that make it, the one to blame last.
    pub operations: Vec<OpId>,
    /// One sentence for people.
    pub explanation: String,
    /// How far behind a stale value was.
    pub staleness: Option<Staleness>,
}

/// How far behind the present a value was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Staleness {
    /// Nanoseconds from the completion that made it old to the call that still saw it; 0 where the history has no times.
    pub late_ns: u64,
    /// How many writes completed in between.
    pub versions: u64,
}

/// Kinds of contradiction. A class is only given where the operations of the anomaly prove it by themselves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum AnomalyClass {
    /// A read returned a value that had been overwritten before it began.
    StaleRead,
    /// An acknowledged write is gone: nobody ever sees it, and others go on from the value before it.
    LostUpdate,
    /// A value was seen whose write certainly failed.
    DirtyRead,
    /// A value was seen that nobody had written.
    PhantomValue,
    /// One operation took effect twice.
    DoubleApply,
    /// Reads one after the other saw a value, then a newer one, then the older one again.
    NonMonotonicRead,
    /// Reads one after the other saw different values although nothing was written.
    Divergence,
    /// A compare-and-set succeeded although the value was another.
    CasMismatch,
    /// None of the above is proven.
    Other,
}

impl fmt::Display for AnomalyClass {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.pad(match self {
            Self::StaleRead => "stale-read",
            Self::LostUpdate => "lost-update",
            Self::DirtyRead => "dirty-read",
            Self::PhantomValue => "phantom-value",
            Self::DoubleApply => "double-apply",
            Self::NonMonotonicRead => "non-monotonic-read",
            Self::Divergence => "divergence",
            Self::CasMismatch => "cas-mismatch",
            Self::Other => "other",
        })
    }
}
