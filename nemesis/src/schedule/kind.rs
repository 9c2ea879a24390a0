//! The kinds of fault a run can ask for.

use super::clock::ClockKind;
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
    /// Clocks go wrong.
    Clock(ClockKind),
    /// Packets arrive late.
    Delay,
    /// Packets are lost.
    Loss,
    /// Packets overtake each other.
    Reorder,
    /// Packets arrive twice.
    Duplicate,
    /// Packets are damaged, and the receiver's kernel throws them away.
    Corrupt,
    /// Packets are damaged, and the program gets them.
    CorruptUnnoticed,
    /// Few bytes pass in a second.
    Rate,
    /// Links go down and up again and again.
    Flap,
    /// Clients and nodes do not reach each other.
    ClientPartition,
    /// What nodes answer does not reach the clients.
    LostReplies,
}

const WALL_CLOCKS: [FaultKind; 3] = [
    FaultKind::Clock(ClockKind::Jump),
    FaultKind::Clock(ClockKind::Drift),
    FaultKind::Clock(ClockKind::Strobe),
];

const NET: [FaultKind; 10] = [
    FaultKind::Partition,
    FaultKind::Delay,
    FaultKind::Loss,
    FaultKind::Reorder,
    FaultKind::Duplicate,
    FaultKind::Corrupt,
    FaultKind::Rate,
    FaultKind::Flap,
    FaultKind::ClientPartition,
    FaultKind::LostReplies,
];

/// A name that no kind of fault has.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("nemesis {name:?} is not known: use one of {}", names())]
pub struct UnknownFaultKind {
    name: String,
}

impl FaultKind {
    /// Every kind.
    pub const ALL: [FaultKind; 30] = [
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
        FaultKind::Clock(ClockKind::Jump),
        FaultKind::Clock(ClockKind::Drift),
        FaultKind::Clock(ClockKind::Strobe),
        FaultKind::Clock(ClockKind::Monotonic),
        FaultKind::Delay,
        FaultKind::Loss,
        FaultKind::Reorder,
        FaultKind::Duplicate,
        FaultKind::Corrupt,
        FaultKind::CorruptUnnoticed,
        FaultKind::Rate,
        FaultKind::Flap,
        FaultKind::ClientPartition,
        FaultKind::LostReplies,
    ];

    /// Words that stand for several kinds on command lines. `net` is all of the network but what no checksum of TCP's
    /// shows, which only a system with checksums of its own survives; `clock` is all of wall clocks.
    pub const GROUPS: [(&'static str, &'static [FaultKind]); 2] =
        [("net", &NET), ("clock", &WALL_CLOCKS)];

    /// The kinds a word stands for.
    pub fn group(name: &str) -> Option<&'static [FaultKind]> {
        let group = FaultKind::GROUPS.iter().find(|(word, _)| *word == name);
        group.map(|(_, kinds)| *kinds)
    }

    /// The name on command lines and in files.
    pub fn name(self) -> &'static str {
        match self {
            FaultKind::Partition => "partition",
            FaultKind::Kill => "kill",
            FaultKind::Pause => "pause",
            FaultKind::Member => "member",
            FaultKind::Transfer => "transfer",
            FaultKind::Disk(kind) => kind.name(),
            FaultKind::Clock(kind) => kind.name(),
            FaultKind::Delay => "delay",
            FaultKind::Loss => "loss",
            FaultKind::Reorder => "reorder",
            FaultKind::Duplicate => "duplicate",
            FaultKind::Corrupt => "corrupt",
            FaultKind::CorruptUnnoticed => "corrupt-unnoticed",
            FaultKind::Rate => "rate",
            FaultKind::Flap => "flap",
            FaultKind::ClientPartition => "client-partition",
            FaultKind::LostReplies => "lost-replies",
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
            FaultKind::Clock(kind) => kind.describe(),
            FaultKind::Delay => {
                "makes packets between nodes 50 to 500 ms late, and up to half as much again"
            }
            FaultKind::Loss => "loses 5 to 50 % of the packets between nodes",
            FaultKind::Reorder => {
                "holds back 5 to 50 % of the packets between nodes for 5 to 100 ms, so that others overtake them"
            }
            FaultKind::Duplicate => "delivers 5 to 50 % of the packets between nodes twice",
            FaultKind::Corrupt => {
                "flips a bit in 1 to 20 % of the packets between nodes, which their checksum shows"
            }
            FaultKind::CorruptUnnoticed => {
                "flips a bit in 0.5 to 5 % of the packets between nodes and makes their checksum fit: for protocols with checksums of their own"
            }
            FaultKind::Rate => "lets 20 to 500 kB/s pass between nodes",
            FaultKind::Flap => {
                "cuts links between nodes and heals them, each for 50 to 1000 ms, in turn"
            }
            FaultKind::ClientPartition => {
                "cuts the leader, a node or a minority off from the clients, both ways or for requests only"
            }
            FaultKind::LostReplies => {
                "loses every answer of the leader, a node or a minority to the clients"
            }
        }
    }

    /// What the host must permit for it.
    pub fn requirements(self) -> &'static str {
        match self {
            FaultKind::Partition | FaultKind::ClientPartition | FaultKind::LostReplies => {
                "namespaces, and one of: /dev/net/tun, packet sockets on veth, iptables"
            }
            FaultKind::Loss => {
                "namespaces, and one of: /dev/net/tun, packet sockets on veth, iptables with xt_statistic"
            }
            FaultKind::Delay
            | FaultKind::Reorder
            | FaultKind::Duplicate
            | FaultKind::Corrupt
            | FaultKind::CorruptUnnoticed
            | FaultKind::Rate
            | FaultKind::Flap => "namespaces, and one of: /dev/net/tun, packet sockets on veth",
            FaultKind::Kill | FaultKind::Pause => "namespaces",
            FaultKind::Member | FaultKind::Transfer => {
                "namespaces, and a system that can do it, as the bundled node can"
            }
            FaultKind::Disk(_) => "namespaces and /dev/fuse",
            FaultKind::Clock(_) => "namespaces, ptrace and x86-64",
        }
    }

    /// Whether only the switch can do it.
    pub fn needs_switch(self) -> bool {
        matches!(
            self,
            FaultKind::Delay
                | FaultKind::Reorder
                | FaultKind::Duplicate
                | FaultKind::Corrupt
                | FaultKind::CorruptUnnoticed
                | FaultKind::Rate
                | FaultKind::Flap
        )
    }

    /// The smallest cluster with links it could act on, or nodes it could hit.
    pub fn min_nodes(self) -> usize {
        let between_nodes = self == FaultKind::Partition || self == FaultKind::Loss;
        if between_nodes || self.needs_switch() {
            2
        } else {
            1
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
            FaultKind::Clock(kind) => kind.stream(),
            FaultKind::Delay => 10,
            FaultKind::Loss => 11,
            FaultKind::Reorder => 12,
            FaultKind::Duplicate => 13,
            FaultKind::Corrupt => 14,
            FaultKind::CorruptUnnoticed => 15,
            FaultKind::Rate => 16,
            FaultKind::Flap => 17,
            FaultKind::ClientPartition => 18,
            FaultKind::LostReplies => 19,
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
