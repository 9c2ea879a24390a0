//! The faults a node can be told to carry: one enum, one set, one branch where each acts.
//!
//! A bug never changes what a healthy node does: every switch is read at exactly one place of the
//! code, and a node without bugs takes the other branch there.

use std::{fmt, str::FromStr};

/// A planted bug, by the name that `--bug` takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Bug {
    /// `read-no-quorum`: a leader answers reads without asking whether it still leads.
    ReadNoQuorum,
    /// `ack-on-local-append`: a leader confirms a write once its own disk has it.
    AckOnLocalAppend,
    /// `follower-read-local`: any node answers reads from what it has applied so far.
    FollowerReadLocal,
    /// `vote-no-persist`: term and vote are never written to disk.
    VoteNoPersist,
}

impl Bug {
    /// Every bug, in the order of the lists shown to people.
    pub const ALL: [Self; 4] = [
        Self::ReadNoQuorum,
        Self::AckOnLocalAppend,
        Self::FollowerReadLocal,
        Self::VoteNoPersist,
    ];

    /// The name on the command line and in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::ReadNoQuorum => "read-no-quorum",
            Self::AckOnLocalAppend => "ack-on-local-append",
            Self::FollowerReadLocal => "follower-read-local",
            Self::VoteNoPersist => "vote-no-persist",
        }
    }

    /// What the bug breaks, in one line.
    pub const fn breaks(self) -> &'static str {
        match self {
            Self::ReadNoQuorum => {
                "the leader answers reads from local state without a heartbeat round to a majority"
            }
            Self::AckOnLocalAppend => {
                "the leader confirms a write when only its own log has it, before a majority"
            }
            Self::FollowerReadLocal => {
                "every node answers reads from its own applied state, however far behind it is"
            }
            Self::VoteNoPersist => {
                "term and vote are not written to disk, so a killed node forgets whom it voted for"
            }
        }
    }

    /// The nemesis that brings the bug to light, in one line.
    pub const fn exposed_by(self) -> &'static str {
        match self {
            Self::ReadNoQuorum => "partition (leader cut off while clients still reach it)",
            Self::AckOnLocalAppend => "partition or kill of the leader under write load",
            Self::FollowerReadLocal => "none needed; any load with reads on several nodes",
            Self::VoteNoPersist => "kill of voters during elections (kill,partition)",
        }
    }

    /// The anomaly class that the checker is expected to name.
    pub const fn expected_class(self) -> &'static str {
        match self {
            Self::ReadNoQuorum | Self::FollowerReadLocal => "stale-read",
            Self::AckOnLocalAppend | Self::VoteNoPersist => "lost-update",
        }
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
pub struct BugSet(u32);

impl BugSet {
    /// Whether `bug` is switched on.
    pub const fn has(self, bug: Bug) -> bool {
        self.0 & (1 << bug as u32) != 0
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
        Self(bugs.into_iter().fold(0, |set, bug| set | 1 << bug as u32))
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
