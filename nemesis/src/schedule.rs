//! What goes wrong and when, as data.
//!
//! A [`Schedule`] is drawn once from a seed by [`plan`], written to `schedule.json`, and followed step by step. Every
//! [`Step`] carries its own end, so nothing that is broken stays broken. Who leads at that moment is the one thing a
//! schedule cannot know; [`Target::Leader`], [`Target::Followers`] and two shapes of partition leave it open.

mod clock;
mod disk;
mod kind;
mod lanes;
mod links;
mod network;
mod parameter;
mod plan;
mod process;
mod ranges;
mod reconfigure;
mod selector;
mod shrink;
pub mod steps;
mod stored;
mod targets;
mod unit;

pub use clock::ClockKind;
pub use disk::{DiskFault, DiskKind};
pub use kind::{FaultKind, UnknownFaultKind};
pub use links::{Direction, Links, Others};
pub use network::NetworkKind;
pub use parameter::{Parameter, UnknownParameter};
pub use plan::{PlanConfig, Preferences, Spans, plan};
pub use process::ProcessKind;
pub use ranges::{RangeError, Ranges};
pub use reconfigure::{Rearrangement, Roles};
pub use selector::{Selector, UnknownSelector};
pub use shrink::Shrinking;
pub use stored::ScheduleError;
pub use targets::{Aim, TargetError, Targets};
pub use unit::Unit;

use crate::NodeName;
use crate::clocks::ClockChange;
use crate::net::Disturbance;
use crate::partition::{Link, Shape};
use crate::process::Pace;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::fmt;

/// The version of the JSON form of a [`Schedule`] written by this release.
pub const SCHEDULE_VERSION: u32 = 1;

/// Every fault of a run.
///
/// Invariants, kept by [`plan`]:
/// * `steps` are ordered by `start_ns`, then by `id`; the ids are `1, 2, 3, …` in that order;
/// * steps of one kind do not overlap; steps of different kinds may;
/// * the same seed and configuration give the same bytes of JSON.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Schedule {
    /// Version of this format.
    pub version: u32,
    /// The seed all choices were drawn from.
    pub seed: u64,
    /// The faults in the order in which they start.
    pub steps: Vec<Step>,
}

/// One fault and its end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// One-based number, in order of start.
    pub id: u32,
    /// When the fault begins, in nanoseconds since the start of the run.
    pub start_ns: u64,
    /// When it ends (heal, restart or resume), in nanoseconds since the start of the run.
    pub stop_ns: u64,
    /// What goes wrong.
    pub fault: Fault,
}

/// One thing that goes wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Fault {
    /// Some nodes no longer hear some others.
    Partition {
        /// The kind of partition.
        shape: Shape,
        /// A permutation of the nodes, from which the shape reads who is on which side.
        order: Vec<NodeName>,
    },
    /// Processes are killed, and started again on the same disk at the end.
    Kill {
        /// Whose.
        target: Target,
    },
    /// Processes are stopped, and continue at the end.
    Pause {
        /// Whose.
        target: Target,
    },
    /// Processes are stopped and continued in turn, and run on at the end.
    SlowCpu {
        /// Whose.
        target: Target,
        /// For how long each.
        pace: Pace,
    },
    /// Processes are killed and started again on the same disk, again and again; at the end they run.
    CrashLoop {
        /// Whose.
        target: Target,
        /// How long each life lasts after a start, one after the other.
        lives_ms: Vec<u32>,
    },
    /// Every process is asked to end and started again, one after the other, each when the one before serves. The end of
    /// the step is that of the round, which then leaves out the rest.
    RollingRestart {
        /// Whose, in this order.
        order: Vec<NodeName>,
        /// How long each may take to end before it is killed.
        grace_ms: u32,
    },
    /// Processes are killed and started again at once on empty disks. At the end they are removed from the cluster and added
    /// anew.
    Wipe {
        /// Whose.
        target: Target,
    },
    /// Several members change at once or in quick succession, and all are members again at the end. Their processes run on.
    Reconfigure {
        /// How.
        way: Rearrangement,
        /// Every node; from it and from who leads the way reads who does what.
        order: Vec<NodeName>,
        /// Time between two requests in quick succession.
        gap_ms: u32,
    },
    /// One node is asked, once, to have exactly these vote. All are members again at the end. Their processes run on.
    Voters {
        /// Who is asked.
        asked: NodeName,
        /// Who is to vote.
        voters: Vec<NodeName>,
    },
    /// A node is removed from the cluster, and added again at the end. Its process runs on.
    Member {
        /// Which; one node.
        target: Target,
    },
    /// Disks fail.
    Disk {
        /// Whose.
        target: Target,
        /// How.
        fault: DiskFault,
    },
    /// Something happens to the packets of some links.
    Network {
        /// What.
        disturbance: Disturbance,
        /// Of which.
        links: Links,
    },
    /// Something happens to the packets of these links and no others.
    Links {
        /// What.
        disturbance: Disturbance,
        /// Of which.
        links: BTreeSet<Link>,
    },
    /// Clocks go wrong, and are set right at the end.
    Clock {
        /// Whose.
        target: Target,
        /// How.
        change: ClockChange,
    },
    /// Leadership is handed over; nothing has to be undone.
    Transfer {
        /// To whom.
        to: NodeName,
    },
}

/// Whom a process fault hits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Target {
    /// The leader of the moment the fault begins.
    Leader,
    /// These nodes.
    Nodes(Vec<NodeName>),
    /// Those of these nodes that do not lead at the moment the fault begins.
    Followers(Vec<NodeName>),
}

impl Fault {
    /// The kind of this fault.
    pub fn kind(&self) -> FaultKind {
        match self {
            Fault::Partition { .. } => FaultKind::Partition,
            Fault::Kill { .. } => FaultKind::Kill,
            Fault::Pause { .. } => FaultKind::Pause,
            Fault::SlowCpu { .. } => FaultKind::Process(ProcessKind::SlowCpu),
            Fault::CrashLoop { .. } => FaultKind::Process(ProcessKind::CrashLoop),
            Fault::RollingRestart { .. } => FaultKind::Process(ProcessKind::RollingRestart),
            Fault::Wipe { .. } => FaultKind::Process(ProcessKind::Wipe),
            Fault::Reconfigure { .. } | Fault::Voters { .. } => FaultKind::Reconfigure,
            Fault::Member { .. } => FaultKind::Member,
            Fault::Disk { fault, .. } => FaultKind::Disk(fault.kind()),
            Fault::Clock { change, .. } => FaultKind::Clock(change.kind()),
            Fault::Transfer { .. } => FaultKind::Transfer,
            Fault::Network { disturbance, links } => {
                of_packets(disturbance, links.with, links.direction)
            }
            Fault::Links { disturbance, links } => of_links(disturbance, links),
        }
    }
}

fn of_packets(disturbance: &Disturbance, with: Others, direction: Direction) -> FaultKind {
    let kind = NetworkKind::of(disturbance, with, direction);
    kind.map_or(FaultKind::Partition, FaultKind::Network)
}

fn of_links(disturbance: &Disturbance, links: &BTreeSet<Link>) -> FaultKind {
    let from = links.iter().any(|link| link.from.node().is_none());
    let to = links.iter().any(|link| link.to.node().is_none());
    let (with, direction) = match (from, to) {
        (false, false) => (Others::Nodes, Direction::Both),
        (false, true) => (Others::Clients, Direction::From),
        (true, false) => (Others::Clients, Direction::To),
        (true, true) => (Others::Clients, Direction::Both),
    };
    of_packets(disturbance, with, direction)
}

impl Target {
    /// The nodes that are really hit: those asked for, without the ones another fault already keeps `down`.
    /// Empty when there is nobody to hit, for example because no leader is known.
    pub fn resolve(&self, leader: Option<&NodeName>, down: &BTreeSet<NodeName>) -> Vec<NodeName> {
        let asked = match self {
            Target::Leader => leader.cloned().into_iter().collect(),
            Target::Nodes(nodes) => nodes.clone(),
            Target::Followers(nodes) => followers(nodes, leader),
        };
        asked
            .into_iter()
            .filter(|node| !down.contains(node))
            .collect()
    }

    /// How many processes it takes down at most.
    fn size(&self) -> usize {
        match self {
            Target::Leader => 1,
            Target::Nodes(nodes) => nodes.len(),
            Target::Followers(nodes) => nodes.len().saturating_sub(1),
        }
    }
}

/// Nobody follows while nobody is known to lead.
fn followers(nodes: &[NodeName], leader: Option<&NodeName>) -> Vec<NodeName> {
    let known = leader.into_iter();
    known
        .flat_map(|leader| nodes.iter().filter(move |node| *node != leader))
        .cloned()
        .collect()
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Fault::Partition { shape, .. } => write!(f, "partition {shape}"),
            Fault::Kill { target } => write!(f, "kill {target}"),
            Fault::Pause { target } => write!(f, "pause {target}"),
            Fault::SlowCpu { target, pace } => write!(f, "slow {target} down to {pace}"),
            Fault::CrashLoop { target, .. } => write!(f, "crash {target} again and again"),
            Fault::RollingRestart { .. } => f.write_str("restart every node in turn"),
            Fault::Wipe { target } => write!(f, "wipe {target}"),
            Fault::Reconfigure { way, .. } => way.fmt(f),
            Fault::Voters { asked, voters } => {
                let voters: Vec<&str> = voters.iter().map(NodeName::as_str).collect();
                write!(f, "ask {asked} to have {} vote", voters.join(" "))
            }
            Fault::Member { target } => write!(f, "remove {target} from the cluster"),
            Fault::Disk { target, fault } => write!(f, "{fault} {target}"),
            Fault::Clock { target, change } => write!(f, "{change} on {target}"),
            Fault::Transfer { to } => write!(f, "hand leadership to {to}"),
            Fault::Network { disturbance, links } => write!(f, "{disturbance}, {links}"),
            Fault::Links { disturbance, links } => {
                let links: Vec<String> = links.iter().map(Link::to_string).collect();
                write!(f, "{disturbance}, {}", links.join(" "))
            }
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Target::Leader => f.write_str("the leader"),
            Target::Followers(_) => f.write_str("the followers"),
            Target::Nodes(nodes) => {
                let names: Vec<&str> = nodes.iter().map(NodeName::as_str).collect();
                f.write_str(&names.join(" "))
            }
        }
    }
}
