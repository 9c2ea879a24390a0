//! What the scripts have to know beside the operations: clients, faults, leaders, contradictions.

use serde::Serialize;

use super::super::scale::Axis;
use super::choice::Choice;
use crate::clip::{CELL_CHARS, clip};
use crate::data::ReportData;
use crate::finding::Finding;

/// Most contradictions that are marked.
const MAX_CONTRADICTIONS: usize = 1_000;

/// Moments are counted from [`Choice::origin`].
#[derive(Debug, Serialize)]
pub(super) struct Head<'a> {
    /// `time`, or `order` where a history has no times.
    axis: &'static str,
    count: usize,
    origin: u64,
    /// The last moment.
    end: u64,
    processes: &'a [i64],
    faults: Vec<Fault>,
    leaders: Vec<Leader>,
    /// The events of the operations that contradict each other.
    contradictions: Vec<Vec<u64>>,
}

#[derive(Debug, Serialize)]
struct Fault {
    id: u32,
    name: String,
    description: String,
    effect: String,
    from: u64,
    to: u64,
}

#[derive(Debug, Serialize)]
struct Leader {
    node: String,
    term: u64,
    from: u64,
    to: u64,
}

impl<'a> Head<'a> {
    pub(super) fn of(data: &ReportData<'_>, findings: &[Finding], choice: &'a Choice<'_>) -> Self {
        let events = |finding: &Finding| -> Vec<u64> {
            let operations = finding.operations.iter();
            operations
                .map(|id| data.history.operation(*id).invoke_index)
                .collect()
        };
        let (axis, end) = match choice.axis {
            Axis::Time => ("time", data.end_ns().max(choice.latest)),
            Axis::Order => ("order", choice.latest),
        };
        let contradictions = findings.iter().take(MAX_CONTRADICTIONS);
        Head {
            axis,
            count: choice.operations.len(),
            origin: choice.origin,
            end: choice.moment(end),
            processes: &choice.processes,
            faults: faults(data, choice),
            leaders: leaders(data, choice),
            contradictions: contradictions.map(events).collect(),
        }
    }
}

/// None where there is no time to draw them against.
fn faults(data: &ReportData<'_>, choice: &Choice<'_>) -> Vec<Fault> {
    let timed = data.faults().iter().filter(|_| choice.axis == Axis::Time);
    let faults = timed.map(|fault| Fault {
        id: fault.id,
        name: clip(&fault.name, CELL_CHARS),
        description: clip(&fault.description, CELL_CHARS),
        effect: fault.effect.to_string(),
        from: choice.moment(fault.start_ns),
        to: choice.moment(fault.end_ns),
    });
    faults.collect()
}

fn leaders(data: &ReportData<'_>, choice: &Choice<'_>) -> Vec<Leader> {
    let timed = data.leaders().iter().filter(|_| choice.axis == Axis::Time);
    let leaders = timed.map(|span| Leader {
        node: clip(&span.node, CELL_CHARS),
        term: span.term,
        from: choice.moment(span.from_ns),
        to: choice.moment(span.to_ns),
    });
    leaders.collect()
}
