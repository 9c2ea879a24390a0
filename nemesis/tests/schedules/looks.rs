//! What tests ask of schedules, whatever made them.

use nemesis::NodeName;
use nemesis::schedule::{
    DiskFault, Fault, FaultKind, PlanConfig, Preferences, Schedule, Spans, Step, Target,
};

pub(crate) const SECOND: u64 = 1_000_000_000;

/// A run of so many nodes and seconds.
pub(crate) fn config(
    nodes: usize,
    kinds: &[FaultKind],
    seconds: u64,
    preferences: Preferences,
) -> PlanConfig {
    PlanConfig {
        nodes: NodeName::first(nodes),
        kinds: kinds.to_vec(),
        quiet_start_ns: 2 * SECOND,
        time_limit_ns: seconds * SECOND,
        spans: Spans::default(),
        preferences,
    }
}

pub(crate) fn of_kind(schedule: &Schedule, kind: FaultKind) -> Vec<&Step> {
    let steps = schedule.steps.iter();
    steps.filter(|step| step.fault.kind() == kind).collect()
}

/// Whom a fault hits, where it says so.
pub(crate) fn target(fault: &Fault) -> Option<&Target> {
    match fault {
        Fault::Kill { target }
        | Fault::Pause { target }
        | Fault::SlowCpu { target, .. }
        | Fault::CrashLoop { target, .. }
        | Fault::Wipe { target }
        | Fault::Member { target }
        | Fault::Disk { target, .. }
        | Fault::Clock { target, .. } => Some(target),
        Fault::Network { links, .. } => Some(&links.of),
        Fault::Partition { .. }
        | Fault::RollingRestart { .. }
        | Fault::Reconfigure { .. }
        | Fault::Voters { .. }
        | Fault::Transfer { .. }
        | Fault::Links { .. } => None,
    }
}

/// How many nodes are down at a time, whoever leads, and the named ones.
pub(crate) fn down_at(schedule: &Schedule, time_ns: u64) -> (usize, Vec<&NodeName>) {
    let active = |step: &&Step| (step.start_ns..step.stop_ns).contains(&time_ns);
    let steps = schedule.steps.iter().filter(active);
    let targets = steps.filter_map(|step| taken_down(&step.fault));
    let (mut unnamed, mut named) = (0, Vec::new());
    for target in targets {
        match target {
            Target::Leader => unnamed += 1,
            Target::Nodes(nodes) => named.extend(nodes),
            Target::Followers(nodes) => named.extend(&nodes[1..]),
        }
    }
    (unnamed + named.len(), named)
}

/// Whom a fault takes down. A loss of power of everybody is not counted: then nobody else can be.
fn taken_down(fault: &Fault) -> Option<&Target> {
    match fault {
        Fault::Disk {
            fault: DiskFault::Blackout,
            ..
        } => None,
        Fault::Kill { .. }
        | Fault::Pause { .. }
        | Fault::CrashLoop { .. }
        | Fault::Wipe { .. }
        | Fault::Disk { .. } => target(fault),
        // Some one node.
        Fault::RollingRestart { .. } => Some(&Target::Leader),
        Fault::Partition { .. }
        | Fault::SlowCpu { .. }
        | Fault::Reconfigure { .. }
        | Fault::Voters { .. }
        | Fault::Member { .. }
        | Fault::Clock { .. }
        | Fault::Transfer { .. }
        | Fault::Network { .. }
        | Fault::Links { .. } => None,
    }
}
