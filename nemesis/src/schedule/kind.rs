//! The kinds of fault a run can ask for.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// A kind of fault, as named on the command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FaultKind {
    /// Cut links between nodes.
    Partition,
    /// Kill processes and start them again.
    Kill,
    /// Stop processes and let them continue.
    Pause,
    /// Remove nodes from the cluster and add them again.
    Member,
    /// Hand leadership over.
    Transfer,
}

/// A name that no kind of fault has.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("nemesis {name:?} is not known: use one of {}", names())]
pub struct UnknownFaultKind {
    name: String,
}

impl FaultKind {
    /// Every kind.
    pub const ALL: [FaultKind; 5] = [
        FaultKind::Partition,
        FaultKind::Kill,
        FaultKind::Pause,
        FaultKind::Member,
        FaultKind::Transfer,
    ];

    /// The name on command lines and in files.
    pub fn name(self) -> &'static str {
        match self {
            FaultKind::Partition => "partition",
            FaultKind::Kill => "kill",
            FaultKind::Pause => "pause",
            FaultKind::Member => "member",
            FaultKind::Transfer => "transfer",
        }
    }

    /// One sentence for people.
    pub fn describe(self) -> &'static str {
        match self {
            FaultKind::Partition => {
                "cuts links between nodes in seven shapes, both ways or one way, and heals them"
            }
            FaultKind::Kill => {
                "kills the leader, a node or a minority with SIGKILL and restarts it on the same disk"
            }
            FaultKind::Pause => {
                "stops the leader, a node or a minority with SIGSTOP and lets it continue"
            }
            FaultKind::Member => {
                "removes the leader or another node from the cluster while it runs on, and adds it again"
            }
            FaultKind::Transfer => "hands leadership over to a node that is drawn",
        }
    }

    /// What the host must permit for it.
    pub fn requirements(self) -> &'static str {
        match self {
            FaultKind::Partition => {
                "namespaces, and one of: /dev/net/tun, packet sockets on veth, iptables"
            }
            FaultKind::Kill | FaultKind::Pause => "namespaces",
            FaultKind::Member | FaultKind::Transfer => {
                "namespaces, and a system that can do it, as the bundled node can"
            }
        }
    }

    /// The number of its own stream of random numbers. Part of the schedule's stability: a number is never reused.
    pub(super) fn stream(self) -> u64 {
        match self {
            FaultKind::Partition => 1,
            FaultKind::Kill => 2,
            FaultKind::Pause => 3,
            FaultKind::Member => 4,
            FaultKind::Transfer => 5,
        }
    }
}

fn names() -> String {
    FaultKind::ALL.map(FaultKind::name).join(", ")
}

impl fmt::Display for FaultKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for FaultKind {
    type Err = UnknownFaultKind;

    fn from_str(text: &str) -> Result<FaultKind, UnknownFaultKind> {
        FaultKind::ALL
            .into_iter()
            .find(|kind| kind.name() == text)
            .ok_or_else(|| UnknownFaultKind {
                name: text.to_owned(),
            })
    }
}
