//! The faults a node can be told to carry: one enum, one set, one branch where each acts.
//!
//! A bug never changes what a healthy node does: a node without bugs takes the other branch everywhere.

mod catalogue;

use std::{fmt, str::FromStr};

pub use catalogue::Bug;

/// What a bug breaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BugClass {
    /// A read misses what was complete before it began.
    StaleRead,
    /// A read shows what never took place.
    DirtyRead,
    /// What was confirmed is gone.
    LostUpdate,
    /// What was asked once took place twice.
    DoubleApply,
    /// Nodes have different states.
    Divergence,
    /// A read shows what nobody wrote.
    PhantomValue,
    /// Nothing is wrong, but nobody is served.
    Unavailable,
}

impl BugClass {
    /// The name in reports; that of the anomaly where there is one.
    pub const fn name(self) -> &'static str {
        match self {
            Self::StaleRead => "stale-read",
            Self::DirtyRead => "dirty-read",
            Self::LostUpdate => "lost-update",
            Self::DoubleApply => "double-apply",
            Self::Divergence => "divergence",
            Self::PhantomValue => "phantom-value",
            Self::Unavailable => "unavailable",
        }
    }
}

impl Bug {
    /// The name on the command line and in reports.
    pub const fn name(self) -> &'static str {
        self.entry().name
    }

    /// What the bug breaks, in one line.
    pub const fn breaks(self) -> &'static str {
        self.entry().breaks
    }

    /// The nemesis that brings the bug to light, in one line.
    pub const fn exposed_by(self) -> &'static str {
        self.entry().exposed_by
    }

    /// The class of trouble that is expected to be seen.
    pub const fn class(self) -> BugClass {
        self.entry().class
    }
}

impl fmt::Display for Bug {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// A `--bug` name that no bug has.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown bug {name:?} (known: {})", known_names())]
pub struct UnknownBug {
    name: String,
}

fn known_names() -> String {
    Bug::ALL.map(Bug::name).join(", ")
}

impl FromStr for Bug {
    type Err = UnknownBug;

    fn from_str(name: &str) -> Result<Self, UnknownBug> {
        Self::ALL
            .into_iter()
            .find(|bug| bug.name() == name)
            .ok_or_else(|| UnknownBug { name: name.into() })
    }
}

/// The bugs one node carries.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct BugSet(u64);

impl BugSet {
    /// Whether `bug` is switched on.
    pub const fn has(self, bug: Bug) -> bool {
        self.0 & (1 << bug as u64) != 0
    }

    /// The bugs of the set, in the order of [`Bug::ALL`].
    pub fn iter(self) -> impl Iterator<Item = Bug> {
        Bug::ALL.into_iter().filter(move |&bug| self.has(bug))
    }

    /// The names of the set, in the order of [`Bug::ALL`].
    pub fn names(self) -> Vec<&'static str> {
        self.iter().map(Bug::name).collect()
    }
}

impl FromIterator<Bug> for BugSet {
    fn from_iter<I: IntoIterator<Item = Bug>>(bugs: I) -> Self {
        Self(bugs.into_iter().fold(0, |set, bug| set | 1 << bug as u64))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_round_trip_and_unknown_ones_list_the_known() {
        for bug in Bug::ALL {
            assert_eq!(bug.to_string().parse(), Ok(bug));
        }
        let error = "read-no-quroum".parse::<Bug>().unwrap_err().to_string();
        assert!(error.contains("read-no-quroum") && error.contains("vote-no-persist"));
    }

    #[test]
    fn a_set_holds_exactly_what_was_put_in() {
        let set: BugSet = [Bug::VoteNoPersist, Bug::ReadNoQuorum]
            .into_iter()
            .collect();
        assert_eq!(set.names(), ["read-no-quorum", "vote-no-persist"]);
        assert!(!set.has(Bug::AckOnLocalAppend));
        assert_eq!(BugSet::default().iter().count(), 0);
    }
}
