//! What a look at the system shows.

use crate::NodeName;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// Everything that conditions may speak of, at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct View {
    /// When that is, in nanoseconds since the start of the run.
    pub now_ns: u64,
    /// Every node of the cluster.
    pub nodes: BTreeMap<NodeName, Seen>,
    /// What has come of the steps so far.
    pub moments: BTreeSet<Moment>,
}

/// One node as it was seen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// Whether it answers now.
    pub answers: bool,
    /// What it said last of itself.
    pub said: Said,
    /// Operations that clients got acknowledged by it.
    pub acknowledged: u64,
}

/// What a node says of itself, as far as it says it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Said {
    /// Its role, in its own words.
    pub role: Option<String>,
    /// Its term.
    pub term: Option<u64>,
    /// How far it knows the log to be committed.
    pub commit: Option<u64>,
    /// How far it has applied it.
    pub applied: Option<u64>,
    /// How far its log reaches.
    pub log: Option<u64>,
}

/// What can come of a step.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Moment {
    /// What it does has begun.
    Begun(String),
    /// It is over, whatever came of it.
    Ended(String),
}

impl View {
    /// Who leads: of the nodes that say so, the one with the highest term. Nobody, if that one does not answer any more.
    pub fn leader(&self) -> Option<&NodeName> {
        let leaders = self.nodes.iter().filter(|(_, seen)| seen.says_it_leads());
        let (node, seen) = leaders.max_by_key(|(_, seen)| seen.said.term)?;
        seen.answers.then_some(node)
    }
}

impl Seen {
    fn says_it_leads(&self) -> bool {
        self.said.role.as_deref() == Some("leader")
    }

    /// Whether it answers now and says this of its role.
    pub(super) fn says_it_is(&self, role: &str) -> bool {
        self.answers && self.said.role.as_deref() == Some(role)
    }
}

impl Moment {
    /// The step it is of.
    pub fn step(&self) -> &str {
        match self {
            Moment::Begun(step) | Moment::Ended(step) => step,
        }
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Moment::Begun(step) => write!(f, "{step} begun"),
            Moment::Ended(step) => write!(f, "{step} ended"),
        }
    }
}
