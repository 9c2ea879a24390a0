//! What was measured, as it was measured, and the settings and the machine it holds for.

use std::time::Duration;

use serde::Serialize;

use super::disk::DiskSpeed;
use super::plan::{Missing, Plan};
use super::summary::Summary;
use super::usage::Memory;
use crate::cli::{Operation, Route, Target};

/// Version of the JSON object; a change of a field's meaning is a new one.
const VERSION: u32 = 1;

/// The JSON object: what was measured and what follows from it.
#[derive(Debug, Serialize)]
pub(super) struct Report<'a> {
    #[serde(flatten)]
    pub record: &'a Record,
    pub summary: &'a Summary,
}

/// Everything that was measured; only added to.
#[derive(Debug, Serialize)]
pub(super) struct Record {
    version: u32,
    adrasteia: &'static str,
    pub settings: Settings,
    machine: Machine,
    pub disk: DiskSpeed,
    pub missing: Vec<Missing>,
    pub interrupted: bool,
    pub loads: Vec<LoadSample>,
    pub outages: Vec<OutageSample>,
    pub memory: Vec<MemorySample>,
}

impl Record {
    pub(super) fn new(settings: Settings, disk: DiskSpeed, missing: Vec<Missing>) -> Self {
        Self {
            version: VERSION,
            adrasteia: env!("CARGO_PKG_VERSION"),
            settings,
            machine: Machine::present(),
            disk,
            missing,
            interrupted: false,
            loads: Vec::new(),
            outages: Vec::new(),
            memory: Vec::new(),
        }
    }
}

/// What was asked for.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Settings {
    /// In the order of the turns.
    pub targets: Vec<Target>,
    pub operations: Vec<Operation>,
    pub clients: Vec<usize>,
    pub route: Route,
    pub value_bytes: usize,
    pub keys: usize,
    pub nodes: usize,
    pub duration_ms: u128,
    pub warm_up_ms: u128,
    pub rounds: u32,
}

impl Settings {
    pub(super) fn of(plan: &Plan) -> Self {
        Self {
            targets: plan
                .targets
                .iter()
                .map(super::plan::Measurable::target)
                .collect(),
            operations: plan.operations.clone(),
            clients: plan.clients.clone(),
            route: plan.route,
            value_bytes: plan.value_bytes,
            keys: plan.keys,
            nodes: plan.nodes,
            duration_ms: plan.duration.as_millis(),
            warm_up_ms: plan.warm_up.as_millis(),
            rounds: plan.rounds,
        }
    }
}

/// Where it was measured.
#[derive(Debug, Serialize)]
struct Machine {
    processors: usize,
    /// Load average of the last minute before: above zero, others were at work too.
    load_before: Option<f64>,
    build: &'static str,
}

impl Machine {
    fn present() -> Self {
        let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
        Self {
            processors: std::thread::available_parallelism().map_or(1, usize::from),
            load_before: load.split(' ').next().and_then(|load| load.parse().ok()),
            build: if cfg!(debug_assertions) {
                "debug"
            } else {
                "release"
            },
        }
    }
}

/// What one system did with one load in one round.
#[derive(Debug, Clone, Serialize)]
pub(super) struct LoadSample {
    /// Counts from 1.
    pub round: u32,
    pub target: Target,
    pub operation: Operation,
    pub clients: usize,
    /// The leader was another one afterwards.
    pub leader_changed: bool,
    pub measure: Measure,
}

/// Throughput and latency of one load.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Measure {
    pub operations: u64,
    pub errors: u64,
    pub per_second: f64,
    pub p50_us: f64,
    pub p99_us: f64,
    pub max_us: f64,
    /// Processor time of the load generator, for each operation.
    pub client_cpu_us: f64,
    /// Processor time of all nodes together, for each operation.
    pub cluster_cpu_us: f64,
    pub first_error: Option<String>,
}

/// What might keep writes from being served.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Cause {
    Kill,
    HandOver,
    StoppedFollower,
    Snapshot,
    RemovedMember,
    AddedMember,
}

impl Cause {
    /// In the order in which they are tried: the last two leave another cluster behind.
    pub(super) const ALL: [Self; 6] = [
        Self::Kill,
        Self::HandOver,
        Self::StoppedFollower,
        Self::Snapshot,
        Self::RemovedMember,
        Self::AddedMember,
    ];

    /// What happened, to follow "no write served after" or "while".
    pub(super) const fn describe(self) -> &'static str {
        match self {
            Self::Kill => "after kill -9 of the leader",
            Self::HandOver => "after a handover of leadership",
            Self::StoppedFollower => "while a follower was stopped",
            Self::Snapshot => "while the leader took a snapshot",
            Self::RemovedMember => "while a removed member ran on",
            Self::AddedMember => "while a member was added that had nothing",
        }
    }
}

/// How long nobody was served.
#[derive(Debug, Clone, Serialize)]
pub(super) struct OutageSample {
    pub round: u32,
    pub target: Target,
    pub cause: Cause,
    pub outage: Outage,
}

/// An outage, or why there is none to measure.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Outage {
    Milliseconds(f64),
    /// The system cannot be asked to do it.
    NotOffered,
}

impl From<Option<Duration>> for Outage {
    fn from(measured: Option<Duration>) -> Self {
        measured.map_or(Self::NotOffered, |gap| {
            Self::Milliseconds(gap.as_secs_f64() * 1e3)
        })
    }
}

/// Memory of a system's nodes after all loads of one round.
#[derive(Debug, Clone, Serialize)]
pub(super) struct MemorySample {
    pub round: u32,
    pub target: Target,
    pub leader: Memory,
    pub sum: Memory,
}
