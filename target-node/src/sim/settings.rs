//! What kind of world it is: its nodes, its clients, and what may happen to them.

use std::{ops::Range, time::Duration};

use super::trouble::{Kind, Planned};
use crate::{
    bug::{Bug, BugSet},
    replica::SnapshotRule,
};

/// What clients do: how often of each, against the others.
#[derive(Debug, Clone, Copy)]
pub(super) struct Workload {
    pub(super) read: u32,
    pub(super) write: u32,
    pub(super) cas: u32,
    pub(super) append: u32,
    pub(super) transact: u32,
    pub(super) add: u32,
    pub(super) lock: u32,
}

impl Workload {
    pub(super) const EVERYTHING: Self = Self {
        read: 6,
        write: 3,
        cas: 2,
        append: 3,
        transact: 2,
        add: 2,
        lock: 2,
    };
    /// Registers alone, much read.
    pub(super) const REGISTERS: Self = Self {
        read: 6,
        write: 4,
        cas: 2,
        append: 0,
        transact: 0,
        add: 0,
        lock: 0,
    };
    /// What shows that something took place twice.
    pub(super) const ONCE: Self = Self {
        read: 3,
        write: 1,
        cas: 1,
        append: 5,
        transact: 2,
        add: 3,
        lock: 3,
    };
}

/// What kind of world it is.
#[derive(Debug, Clone)]
pub(super) struct Settings {
    pub(super) seed: u64,
    pub(super) nodes: usize,
    pub(super) clients: usize,
    pub(super) bugs: BugSet,
    pub(super) workload: Workload,
    /// Whether half of the clients have sessions, and how long they may be silent.
    pub(super) sessions: Option<Duration>,
    /// Whether reads may rely on leases; clocks are kept within their bounds then.
    pub(super) leases: bool,
    /// How long bad things happen, before all heals.
    pub(super) storm: Duration,
    /// Milliseconds between two of them.
    pub(super) pace: Range<u64>,
    /// What goes wrong, each against the others.
    pub(super) troubles: Vec<(u32, Kind)>,
    /// What goes wrong, if that was decided already.
    pub(super) plan: Option<Vec<Planned>>,
    /// Chances that a message is lost, and that it comes twice.
    pub(super) loss: f64,
    pub(super) repeats: f64,
    pub(super) election_max: Duration,
    pub(super) snapshots: SnapshotRule,
    pub(super) retained_entries: u64,
    /// Bytes of entries in one append request; the least means one entry each.
    pub(super) append_bytes_max: usize,
    /// Nodes connect to all others when they start, and say who they are before there is anything to say.
    pub(super) introductions: bool,
    /// Lives on after a broken rule, so that clients get to see what comes of it.
    pub(super) to_the_end: bool,
}

impl Settings {
    /// A world of the network, crashes and naps; half of all worlds have more than that.
    pub(super) fn new(seed: u64, nodes: usize) -> Self {
        let pick = |salt: u64, of: u64| super::positions::usize_of((seed / salt) % of);
        let mut troubles = Kind::PLAIN.to_vec();
        if pick(2, 2) == 1 {
            troubles.extend(Kind::DISK);
        }
        if pick(4, 2) == 1 {
            troubles.extend(Kind::MEMBERS);
        }
        let leases = pick(3, 2) == 1;
        if pick(5, 2) == 1 && !leases {
            troubles.extend(Kind::CLOCKS);
        }
        Self {
            seed,
            nodes,
            clients: 4,
            bugs: BugSet::default(),
            workload: [Workload::EVERYTHING, Workload::REGISTERS, Workload::ONCE][pick(1, 3)],
            sessions: [
                None,
                Some(Duration::from_secs(60)),
                Some(Duration::from_millis(400)),
            ][pick(7, 3)],
            leases,
            storm: Duration::from_secs(4),
            pace: [20..700, 20..350][pick(2, 2)].clone(),
            troubles,
            plan: None,
            loss: [0.1, 0.0, 0.0][pick(1, 3)],
            repeats: 0.03,
            election_max: Duration::from_millis(300),
            snapshots: SnapshotRule {
                // After every entry in some worlds, so that a log hardly ever has a beginning.
                bytes_min: [0, 300, 3_000][pick(1, 3)],
                factor: seed % 2,
            },
            retained_entries: [0, 3, 20][pick(3, 3)],
            append_bytes_max: [64 << 10, 64 << 10, 1][pick(6, 3)],
            introductions: false,
            to_the_end: false,
        }
    }

    pub(super) fn with_bug(mut self, bug: Bug) -> Self {
        self.bugs = [bug].into_iter().collect();
        self
    }

    pub(super) fn with_troubles(mut self, troubles: &[(u32, Kind)]) -> Self {
        self.troubles = troubles.to_vec();
        self
    }

    /// A world in which this goes wrong and nothing else, and that ends after it.
    pub(super) fn with_plan(mut self, plan: Vec<Planned>) -> Self {
        let end = plan.iter().map(|(at, _)| *at).max();
        self.storm = end.unwrap_or_default();
        self.plan = Some(plan);
        self
    }

    pub(super) const fn with_workload(mut self, workload: Workload) -> Self {
        self.workload = workload;
        self
    }

    /// Leaders crash all the time, timeouts are close together, and in most elections a node
    /// crashes for a moment: votes are split, and voters restart while they are asked.
    pub(super) fn contested(mut self) -> Self {
        self.election_max = Duration::from_millis(160);
        self.pace = 20..250;
        self.with_troubles(&[(1, Kind::CrashLeader), (2, Kind::Ambush)])
    }
}
