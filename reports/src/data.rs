//! What a report is made from, and the few questions every part of it asks.

use checker::{Analysis, Counterexample, Explanation, History, Operation};

use crate::log::LogExcerpt;
use crate::result::{FaultRecord, LeaderSpan, RunResult};

/// The input of every rendering: a history, and what is known about it.
#[derive(Clone, Copy, Debug)]
pub struct ReportData<'a> {
    /// Names the run or the file.
    pub title: &'a str,
    /// The run's result; `None` when only a history was checked.
    pub result: Option<&'a RunResult>,
    /// Everything that was observed.
    pub history: &'a History,
    /// What the checker found; `None` when it did not run.
    pub analysis: Option<&'a Analysis>,
    /// How what it found can be explained; `None` when nobody asked.
    pub explanation: Option<&'a Explanation>,
    /// What the nodes wrote around the moment it went wrong; `None` when nobody looked.
    pub logs: Option<&'a LogExcerpt>,
}

impl<'a> ReportData<'a> {
    pub(crate) fn faults(&self) -> &'a [FaultRecord] {
        self.result.map_or(&[], |result| &result.faults)
    }

    pub(crate) fn leaders(&self) -> &'a [LeaderSpan] {
        self.result.map_or(&[], |result| &result.leaders)
    }

    /// The counterexample of an object.
    pub(crate) fn counterexample(
        &self,
        key: Option<&serde_json::Value>,
    ) -> Option<&'a Counterexample> {
        let json = |key: &checker::Value| serde_json::to_value(key).ok();
        let mut all = self.explanation?.counterexamples.iter();
        all.find(|one| one.key.as_ref().and_then(json).as_ref() == key)
    }

    /// The last moment anything happened, at least 1 ns.
    pub(crate) fn end_ns(&self) -> u64 {
        let operations = self.history.operations.iter().filter_map(last_ns).max();
        let faults = self.faults().iter().map(|fault| fault.end_ns).max();
        let run = self.result.map(|result| result.duration_ns);
        [operations, faults, run, Some(1)]
            .into_iter()
            .flatten()
            .max()
            .unwrap_or(1)
    }
}

fn last_ns(operation: &Operation) -> Option<u64> {
    operation
        .return_time
        .or(operation.call_time)
        .map(|time| time.0)
}
