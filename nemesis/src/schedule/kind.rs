//! The kinds of fault a run can ask for.

use super::disk::DiskKind;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// A kind of fault, as named on the command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
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
    /// Disks fail.
    Disk(DiskKind),
}

/// A name that no kind of fault has.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("nemesis {name:?} is not known: use one of {}", names())]
pub struct UnknownFaultKind {
    name: String,
}

impl FaultKind {
    /// Every kind.
    pub const ALL: [FaultKind; 16] = [
        FaultKind::Partition,
        FaultKind::Kill,
        FaultKind::Pause,
        FaultKind::Member,
        FaultKind::Transfer,
        FaultKind::Disk(DiskKind::PowerLoss),
        FaultKind::Disk(DiskKind::TornWrite),
        FaultKind::Disk(DiskKind::Blackout),
        FaultKind::Disk(DiskKind::Errors),
        FaultKind::Disk(DiskKind::Full),
        FaultKind::Disk(DiskKind::Slow),
        FaultKind::Disk(DiskKind::Stuck),
        FaultKind::Disk(DiskKind::Lie),
        FaultKind::Disk(DiskKind::Misread),
        FaultKind::Disk(DiskKind::BitFlip),
        FaultKind::Disk(DiskKind::Truncate),
    ];

    /// The name on command lines and in files.
    pub fn name(self) -> &'static str {
        match self {
            FaultKind::Partition => "partition",
            FaultKind::Kill => "kill",
            FaultKind::Pause => "pause",
            FaultKind::Member => "member",
            FaultKind::Transfer => "transfer",
            FaultKind::Disk(kind) => kind.name(),
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
            FaultKind::Disk(kind) => kind.describe(),
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
            FaultKind::Disk(_) => "namespaces and /dev/fuse",
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
            FaultKind::Disk(kind) => kind.stream(),
        }
    }
}

impl From<FaultKind> for String {
    fn from(kind: FaultKind) -> String {
        kind.name().to_owned()
    }
}

impl TryFrom<String> for FaultKind {
    type Error = UnknownFaultKind;

    fn try_from(name: String) -> Result<FaultKind, UnknownFaultKind> {
        name.parse()
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
