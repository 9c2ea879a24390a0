//! The kinds of failure.

use crate::result::{Consistency, Health, Infrastructure, Liveness, RunResult, Strength};
use serde::{Deserialize, Serialize};
use std::fmt;

/// Why a run is no pass. Each kind asks for somebody else: the system's authors, those who wait for its answers, those
/// who chose the test, those who run the machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FailureClass {
    /// The system answered what it must not.
    Violation,
    /// The harness could not do its work. The only kind that is worth trying again.
    Infrastructure,
    /// A node ended by itself.
    Crash,
    /// The system did not come back, or served nobody for too long.
    Liveness,
    /// The check reached a limit.
    Unknown,
    /// Nothing was tested.
    Vacuous,
    /// Less was tested than was asked for.
    Weak,
}

impl FailureClass {
    /// Every kind.
    pub const ALL: [FailureClass; 7] = [
        FailureClass::Violation,
        FailureClass::Infrastructure,
        FailureClass::Crash,
        FailureClass::Liveness,
        FailureClass::Unknown,
        FailureClass::Vacuous,
        FailureClass::Weak,
    ];

    /// The kind of failure that a run is; none for one that did what was asked of it.
    #[must_use]
    pub fn of(result: &RunResult) -> Option<FailureClass> {
        if result.consistency == Consistency::Violation {
            return Some(FailureClass::Violation);
        }
        if result.exit_code == 0 {
            return None;
        }
        if result.infrastructure == Infrastructure::Failed {
            return Some(FailureClass::Infrastructure);
        }
        if result.health == Health::Unhealthy {
            return Some(FailureClass::Crash);
        }
        if result.liveness != Liveness::Recovered {
            return Some(FailureClass::Liveness);
        }
        if result.consistency == Consistency::Unknown {
            return Some(FailureClass::Unknown);
        }
        Some(match result.strength {
            Strength::Vacuous => FailureClass::Vacuous,
            Strength::Weak | Strength::Strong => FailureClass::Weak,
        })
    }

    /// The word for it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            FailureClass::Violation => "violation",
            FailureClass::Infrastructure => "infrastructure",
            FailureClass::Crash => "crash",
            FailureClass::Liveness => "liveness",
            FailureClass::Unknown => "unknown",
            FailureClass::Vacuous => "vacuous",
            FailureClass::Weak => "weak",
        }
    }

    /// Whether the system was shown to do wrong, in contrast to a test that came to nothing.
    #[must_use]
    pub fn is_of_the_system(self) -> bool {
        match self {
            FailureClass::Violation | FailureClass::Crash | FailureClass::Liveness => true,
            FailureClass::Infrastructure
            | FailureClass::Unknown
            | FailureClass::Vacuous
            | FailureClass::Weak => false,
        }
    }
}

impl fmt::Display for FailureClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}
