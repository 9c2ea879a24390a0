//! The kinds of fault a run can ask for.

use super::clock::ClockKind;
use super::disk::DiskKind;
use super::links::Others;
use super::network::{CUTS, NetworkKind};
use super::process::ProcessKind;
use crate::net::Means;
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
    /// Processes get into further trouble.
    Process(ProcessKind),
    /// Remove nodes from the cluster and add them again.
    Member,
    /// Change several members at once or in quick succession.
    Reconfigure,
    /// Hand leadership over.
    Transfer,
    /// Disks fail.
    Disk(DiskKind),
    /// Clocks go wrong.
    Clock(ClockKind),
    /// Packets meet trouble.
    Network(NetworkKind),
}

/// Among whom a kind of fault chooses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Victims {
    /// There is no choice.
    Nobody,
    /// Sides of a partition.
    Sides,
    /// One node at a time.
    One,
    /// Nodes, which serve on as well as they can.
    Nodes,
    /// Nodes, which then are down: of all these faults together a minority.
    Down,
}

const WALL_CLOCKS: [FaultKind; 3] = [
    FaultKind::Clock(ClockKind::Jump),
    FaultKind::Clock(ClockKind::Drift),
    FaultKind::Clock(ClockKind::Strobe),
];

const DISKS: [FaultKind; 9] = [
    FaultKind::Disk(DiskKind::PowerLoss),
    FaultKind::Disk(DiskKind::TornWrite),
    FaultKind::Disk(DiskKind::Errors),
    FaultKind::Disk(DiskKind::Full),
    FaultKind::Disk(DiskKind::Slow),
    FaultKind::Disk(DiskKind::Stuck),
    FaultKind::Disk(DiskKind::Misread),
    FaultKind::Disk(DiskKind::BitFlip),
    FaultKind::Disk(DiskKind::Truncate),
];

const NET: [FaultKind; 10] = [
    FaultKind::Partition,
    FaultKind::Network(NetworkKind::Delay),
    FaultKind::Network(NetworkKind::Loss),
    FaultKind::Network(NetworkKind::Reorder),
    FaultKind::Network(NetworkKind::Duplicate),
    FaultKind::Network(NetworkKind::Corrupt),
    FaultKind::Network(NetworkKind::Rate),
    FaultKind::Network(NetworkKind::Flap),
    FaultKind::Network(NetworkKind::ClientPartition),
    FaultKind::Network(NetworkKind::LostReplies),
];

/// A name that no kind of fault has.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("nemesis {name:?} is not known: use one of {}", names())]
pub struct UnknownFaultKind {
    name: String,
}

impl FaultKind {
    /// Every kind.
    pub const ALL: [FaultKind; 35] = [
        FaultKind::Partition,
        FaultKind::Kill,
        FaultKind::Pause,
        FaultKind::Process(ProcessKind::SlowCpu),
        FaultKind::Process(ProcessKind::CrashLoop),
        FaultKind::Process(ProcessKind::RollingRestart),
        FaultKind::Process(ProcessKind::Wipe),
        FaultKind::Member,
        FaultKind::Reconfigure,
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
        FaultKind::Network(NetworkKind::Delay),
        FaultKind::Network(NetworkKind::Loss),
        FaultKind::Network(NetworkKind::Reorder),
        FaultKind::Network(NetworkKind::Duplicate),
        FaultKind::Network(NetworkKind::Corrupt),
        FaultKind::Network(NetworkKind::CorruptUnnoticed),
        FaultKind::Network(NetworkKind::Rate),
        FaultKind::Network(NetworkKind::Flap),
        FaultKind::Network(NetworkKind::ClientPartition),
        FaultKind::Network(NetworkKind::LostReplies),
    ];

    /// Words that stand for several kinds on command lines. `net` is all of the network but what no checksum of TCP's
    /// shows, which only a system with checksums of its own survives; `disk` is all of disks but syncs that lie, against
    /// which no system can keep what it has acknowledged, and blackouts, which every such system survives but which have
    /// a timeline of their own: with all nodes down half of the time, little else would meet a node that is up. `clock`
    /// is all of wall clocks.
    pub const GROUPS: [(&'static str, &'static [FaultKind]); 3] =
        [("net", &NET), ("disk", &DISKS), ("clock", &WALL_CLOCKS)];

    /// The kinds that a name stands for: one, or those of a group.
    ///
    /// # Errors
    /// [`UnknownFaultKind`] for a name of neither.
    pub fn named(name: &str) -> Result<Vec<FaultKind>, UnknownFaultKind> {
        match FaultKind::group(name) {
            Some(group) => Ok(group.to_vec()),
            None => name.parse().map(|kind| vec![kind]),
        }
    }

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
            FaultKind::Process(kind) => kind.name(),
            FaultKind::Member => "member",
            FaultKind::Reconfigure => "reconfigure",
            FaultKind::Transfer => "transfer",
            FaultKind::Disk(kind) => kind.name(),
            FaultKind::Clock(kind) => kind.name(),
            FaultKind::Network(kind) => kind.name(),
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
            FaultKind::Process(kind) => kind.describe(),
            FaultKind::Reconfigure => {
                "changes several members in one change, or one right after the other at a leader that is cut off, and adds them again"
            }
            FaultKind::Transfer => "hands leadership over to a node that is drawn",
            FaultKind::Disk(kind) => kind.describe(),
            FaultKind::Clock(kind) => kind.describe(),
            FaultKind::Network(kind) => kind.describe(),
        }
    }

    /// What the host must permit for it.
    pub fn requirements(self) -> &'static str {
        match self {
            FaultKind::Partition => CUTS,
            FaultKind::Network(kind) => kind.requirements(),
            FaultKind::Kill | FaultKind::Pause => "namespaces",
            FaultKind::Process(kind) => kind.requirements(),
            FaultKind::Member | FaultKind::Reconfigure | FaultKind::Transfer => {
                "namespaces, and a system that can do it, as the bundled node can"
            }
            FaultKind::Disk(_) => "namespaces and /dev/fuse",
            FaultKind::Clock(_) => "namespaces, ptrace and x86-64",
        }
    }

    /// What iptables needs for it. Where it asks nothing of the network, the rules that every network on iptables has are
    /// enough.
    pub fn means(self) -> Means {
        match self {
            FaultKind::Network(kind) => kind.means(),
            FaultKind::Partition
            | FaultKind::Kill
            | FaultKind::Pause
            | FaultKind::Process(_)
            | FaultKind::Member
            | FaultKind::Reconfigure
            | FaultKind::Transfer
            | FaultKind::Disk(_)
            | FaultKind::Clock(_) => Means::Rules,
        }
    }

    /// The smallest cluster with links it could act on, or nodes it could hit.
    pub fn min_nodes(self) -> usize {
        match self {
            FaultKind::Partition => 2,
            FaultKind::Network(kind) if kind.with() == Others::Nodes => 2,
            FaultKind::Reconfigure => 3,
            FaultKind::Process(kind) => kind.min_nodes(),
            FaultKind::Kill
            | FaultKind::Pause
            | FaultKind::Member
            | FaultKind::Transfer
            | FaultKind::Disk(_)
            | FaultKind::Clock(_)
            | FaultKind::Network(_) => 1,
        }
    }

    /// Among whom it chooses.
    pub(super) fn victims(self) -> Victims {
        match self {
            FaultKind::Partition => Victims::Sides,
            FaultKind::Member => Victims::One,
            FaultKind::Reconfigure
            | FaultKind::Process(ProcessKind::RollingRestart)
            | FaultKind::Transfer
            | FaultKind::Disk(DiskKind::Blackout) => Victims::Nobody,
            FaultKind::Process(ProcessKind::SlowCpu)
            | FaultKind::Network(_)
            | FaultKind::Clock(_) => Victims::Nodes,
            FaultKind::Process(ProcessKind::CrashLoop | ProcessKind::Wipe)
            | FaultKind::Kill
            | FaultKind::Pause
            | FaultKind::Disk(_) => Victims::Down,
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
            FaultKind::Reconfigure => 6,
            FaultKind::Process(kind) => kind.stream(),
            FaultKind::Disk(kind) => kind.stream(),
            FaultKind::Clock(kind) => kind.stream(),
            FaultKind::Network(kind) => kind.stream(),
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
