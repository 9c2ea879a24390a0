//! What one run came to: the versioned contents of `result.json`.
//!
//! The format is a contract with whoever reads a run folder later. Five answers are kept apart, each as one
//! word in a field of its own; details of an answer stand in sibling fields, so the words stay plain strings:
//!
//! ```json
//! {"version":1,"exit_code":0,"consistency":"valid","liveness":"recovered","recovery_ms":310,…}
//! ```
//!
//! Times are nanoseconds since the start of the run, on the clock of the history. Fields are written in the order
//! of their declaration; fields a reader does not know are ignored, so adding one is not a new version.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::availability::Availability;
use crate::counterexample::{CounterexampleRecord, WeakerRecord};
use crate::tried::Tried;

/// The version of `result.json` this crate writes, and the only one it reads.
pub const RESULT_VERSION: u32 = 1;

/// The outcome of one run.
///
/// - `consistency` is [`Consistency::Violation`] exactly when `anomalies` is not empty.
/// - `unknown` is set exactly when `consistency` is [`Consistency::Unknown`].
/// - `infrastructure_error` is set exactly when `infrastructure` is [`Infrastructure::Failed`].
/// - `faults` are ordered by `id`, `leaders` by `from_ns`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunResult {
    /// [`RESULT_VERSION`] when written by this crate.
    pub version: u32,
    /// The exit code of the process that wrote this.
    pub exit_code: u8,
    /// Was every key linearizable?
    pub consistency: Consistency,
    /// Which limit stopped the check, in words.
    pub unknown: Option<String>,
    /// Did the system serve while it could, and again after the last fault was healed?
    pub liveness: Liveness,
    /// Time from the final heal to the first acknowledged operation of every kind that was tried.
    pub recovery_ms: Option<u64>,
    /// How available it was before that, while clients worked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub availability: Option<Availability>,
    /// Did every node stay up, except where a fault took it down?
    pub health: Health,
    /// What happened to the nodes that did not stay up.
    pub health_events: Vec<HealthEvent>,
    /// How hard the run tried.
    pub strength: Strength,
    /// The numbers behind `strength`, in words, one reason each.
    pub strength_reasons: Vec<String>,
    /// The same numbers, for programs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tried: Option<Tried>,
    /// Did the harness itself work?
    pub infrastructure: Infrastructure,
    /// What the harness failed at, and the remedy.
    pub infrastructure_error: Option<String>,
    /// Every contradiction that was found, clearest first.
    pub anomalies: Vec<AnomalyRecord>,
    /// For each key that is not linearizable, the few operations that prove it.
    #[serde(default)]
    pub counterexamples: Vec<CounterexampleRecord>,
    /// Which weaker models a history that is not linearizable follows all the same.
    #[serde(default)]
    pub weaker: Vec<WeakerRecord>,
    /// Completed operations by outcome.
    pub operations: Counts,
    /// Every fault of the schedule, with what it really did.
    pub faults: Vec<FaultRecord>,
    /// Changes of leadership observed after the first election.
    pub leader_changes: u32,
    /// Who led when, as far as it was observed.
    pub leaders: Vec<LeaderSpan>,
    /// The seed all choices of the run came from.
    pub seed: u64,
    /// The command line that replays the run.
    pub command: String,
    /// The workload's name.
    pub workload: String,
    /// The kinds of faults asked for; empty when there were none.
    pub nemesis: Vec<String>,
    /// Names of the nodes.
    pub nodes: Vec<String>,
    /// Names of the bugs switched on in the nodes; empty for a healthy node.
    pub bugs: Vec<String>,
    /// How the nodes' network was made.
    pub net: Net,
    /// How nodes were given clocks of their own, if a fault of clocks was asked for and they could be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clocks: Option<Clocks>,
    /// Length of the run.
    pub duration_ns: u64,
    /// The user ended the run early.
    pub interrupted: bool,
    /// Where the check beside the run ended it at the first proven violation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stopped_online: Option<StoppedOnline>,
    /// What else a reader should know, one sentence each.
    pub notes: Vec<String>,
    /// Where the run took place.
    pub environment: Environment,
}

/// The violation that a check beside the run ended it at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoppedOnline {
    /// When it was proven.
    pub at_ns: u64,
    /// The key it was found on.
    pub key: Option<String>,
    /// The first operation that no order reaches, by its number in the history.
    pub operation: usize,
    /// When that operation completed.
    pub completed_ns: u64,
}

/// Was every key linearizable?
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Consistency {
    /// Yes, and a witness order proves it.
    Valid,
    /// No, and an anomaly shows it.
    Violation,
    /// The check reached a limit before it could tell.
    Unknown,
}

/// Did the system serve while it could, and again after the last fault was healed?
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Liveness {
    /// Operations succeeded within the recovery window, and before it nothing was amiss.
    Recovered,
    /// It recovered, but there was an outage beyond the limit.
    Unavailable,
    /// It recovered, but leaders lost their office for nothing more often than is allowed.
    Disturbed,
    /// No operation succeeded within the recovery window.
    NotRecovered,
    /// The run ended before this could be seen.
    NotMeasured,
}

/// Did every node stay up, except where a fault took it down?
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Health {
    /// Yes.
    Healthy,
    /// No; see [`RunResult::health_events`].
    Unhealthy,
}

/// One thing that happened to a node and that no fault explains.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HealthEvent {
    /// The node.
    pub node: String,
    /// When it was noticed.
    pub time_ns: u64,
    /// What happened, with the place to look: `exited with code 101 (log: n2.log)`.
    pub message: String,
}

/// How hard the run tried to break the system.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Strength {
    /// Nothing was tested: no fault acted, or no operation counted.
    Vacuous,
    /// Something was tested, less than was asked for.
    Weak,
    /// The faults acted while operations ran.
    Strong,
}

/// Did the harness itself work?
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Infrastructure {
    /// Yes.
    Ok,
    /// No; see [`RunResult::infrastructure_error`].
    Failed,
}

/// One contradiction in the history.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AnomalyRecord {
    /// The class by the checker's name for it. Text, so that a reader survives classes it does not know.
    pub class: String,
    /// The key; `None` when the whole history is one object.
    pub key: Option<Value>,
    /// The operations involved, each by the `index` of its invocation in the history.
    pub operations: Vec<u64>,
    /// What happened, in words.
    pub explanation: String,
    /// The fault that was active, by [`FaultRecord::id`].
    pub fault: Option<u32>,
}

/// Completed operations by outcome.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Took effect.
    pub ok: u64,
    /// Certainly did not take effect.
    pub fail: u64,
    /// May or may not have taken effect.
    pub info: u64,
}

impl Counts {
    /// All operations.
    #[must_use]
    pub fn total(self) -> u64 {
        self.ok + self.fail + self.info
    }
}

/// One fault of the schedule and what it really did.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FaultRecord {
    /// Position in the schedule.
    pub id: u32,
    /// The kind: `partition`, `kill`, `pause`.
    pub name: String,
    /// Was it proven to act?
    pub effect: Effect,
    /// Who was hit and how: `n1 | n2 n3 n4 n5`.
    pub description: String,
    /// Measurements that prove the effect, by name. A map of numbers is shown as its total and its largest entries.
    pub evidence: Map<String, Value>,
    /// When it began.
    pub start_ns: u64,
    /// When it was undone.
    pub end_ns: u64,
}

/// Was a fault proven to act?
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Effect {
    /// Yes; the evidence is in the record.
    Installed,
    /// It was not installed; the evidence says why.
    Skipped,
    /// It was installed, and nothing showed that it acted.
    Indeterminate,
}

impl fmt::Display for Effect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Effect::Installed => "installed",
            Effect::Skipped => "skipped",
            Effect::Indeterminate => "indeterminate",
        })
    }
}

/// A time in which one node was seen to lead.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeaderSpan {
    /// The leader.
    pub node: String,
    /// Its term.
    pub term: u64,
    /// First seen leading.
    pub from_ns: u64,
    /// Last seen leading.
    pub to_ns: u64,
}

/// How the nodes' network was made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Net {
    /// `iptables` or `switch`.
    pub plane: String,
    /// Why this one.
    pub reason: String,
}

/// How nodes were given clocks of their own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Clocks {
    /// `vdso` or `preload`.
    pub way: String,
    /// Why in this way.
    pub reason: String,
}

/// Where the run took place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Environment {
    /// Version of this program.
    pub version: String,
    /// Release of the kernel.
    pub kernel: String,
    /// Wall-clock time of the start, RFC 3339 in UTC.
    pub started: String,
}

/// Why a `result.json` could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ResultError {
    /// Not the JSON of a result.
    #[error("result.json cannot be read: {0}; is the run folder complete?")]
    Malformed(#[from] serde_json::Error),
    /// Written by another release.
    #[error(
        "result.json has version {0}, this program reads version {RESULT_VERSION}: use the release that wrote it"
    )]
    Version(u32),
}

impl RunResult {
    /// The text of `result.json`: indented JSON that ends with a newline.
    #[must_use]
    pub fn to_json(&self) -> String {
        let mut text = serde_json::to_string_pretty(self)
            .expect("strings, numbers and maps with string keys always serialise");
        text.push('\n');
        text
    }

    /// Reads a `result.json`.
    ///
    /// # Errors
    /// The text is not a result, or has another version.
    pub fn from_json(text: &str) -> Result<Self, ResultError> {
        #[derive(Deserialize)]
        struct Versioned {
            version: u32,
        }
        let Versioned { version } = serde_json::from_str(text)?;
        if version != RESULT_VERSION {
            return Err(ResultError::Version(version));
        }
        Ok(serde_json::from_str(text)?)
    }

    /// The record of a fault.
    #[must_use]
    pub fn fault(&self, id: u32) -> Option<&FaultRecord> {
        self.faults.iter().find(|fault| fault.id == id)
    }
}

impl FaultRecord {
    /// Did the fault cover this moment? A skipped fault covers none.
    #[must_use]
    pub fn active_at(&self, time_ns: u64) -> bool {
        self.effect != Effect::Skipped && (self.start_ns..self.end_ns).contains(&time_ns)
    }

    /// Does the fault's time touch this one?
    pub(crate) fn overlaps(&self, from_ns: u64, to_ns: u64) -> bool {
        self.start_ns <= to_ns && self.end_ns >= from_ns
    }
}
