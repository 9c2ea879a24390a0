//! The exit codes: every way a command can end, and nothing else.

use std::process::ExitCode;

/// How a command ended, as the caller of the process sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// The history is linearizable (or the command did what was asked).
    Valid,
    /// The history is not linearizable.
    Violation,
    /// A limit was reached before an answer.
    Unknown,
    /// The test did not try hard enough for its answer to count.
    Strength,
    /// The system did not recover, or a node died by itself.
    Liveness,
    /// The arguments or the input cannot be used.
    Usage,
    /// The harness itself failed.
    Harness,
}

impl Exit {
    /// The process exit code.
    pub(crate) const fn code(self) -> u8 {
        match self {
            Self::Valid => 0,
            Self::Violation => 1,
            Self::Unknown => 2,
            Self::Strength => 3,
            Self::Liveness => 4,
            Self::Usage => 254,
            Self::Harness => 255,
        }
    }

    /// The end that has this code; an unknown code is a failure of the harness.
    pub(crate) fn of_code(code: u8) -> Self {
        [
            Self::Valid,
            Self::Violation,
            Self::Unknown,
            Self::Strength,
            Self::Liveness,
            Self::Usage,
        ]
        .into_iter()
        .find(|exit| exit.code() == code)
        .unwrap_or(Self::Harness)
    }

    /// How loudly this end must be heard when several are combined: a violation dominates everything.
    const fn weight(self) -> u8 {
        match self {
            Self::Valid => 0,
            Self::Strength => 1,
            Self::Unknown => 2,
            Self::Liveness => 3,
            Self::Usage => 4,
            Self::Harness => 5,
            Self::Violation => 6,
        }
    }

    /// The end that must be reported for two that happened.
    pub(crate) const fn worst(self, other: Self) -> Self {
        if other.weight() > self.weight() {
            other
        } else {
            self
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

#[cfg(test)]
mod tests {
    use super::Exit::{Harness, Liveness, Strength, Unknown, Usage, Valid, Violation};

    #[test]
    fn a_violation_is_never_hidden_by_another_end() {
        for other in [Valid, Unknown, Strength, Liveness, Usage, Harness] {
            assert_eq!(Violation.worst(other), Violation);
            assert_eq!(other.worst(Violation), Violation);
        }
    }

    #[test]
    fn any_trouble_is_worse_than_valid_and_unknown_is_worse_than_a_weak_test() {
        for other in [Violation, Unknown, Strength, Liveness, Usage, Harness] {
            assert_eq!(Valid.worst(other), other);
        }
        assert_eq!(Strength.worst(Unknown), Unknown);
    }
}
