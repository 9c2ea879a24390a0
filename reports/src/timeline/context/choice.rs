//! Which operations a page carries, and how their moments are counted.

use checker::Operation;

use super::super::scale::Axis;
use super::super::scene::{axis_of, begin, end};
use crate::finding::Finding;

/// Most operations a page carries, so that it stays under 25 MB.
const MAX_OPERATIONS: usize = 1_200_000;
/// The largest moment that a script's numbers count exactly.
const LARGEST_MOMENT: u64 = (1 << 53) - 1;

/// The operations of a page, sorted by their beginnings.
#[derive(Debug)]
pub(super) struct Choice<'a> {
    pub(super) operations: Vec<&'a Operation>,
    pub(super) axis: Axis,
    /// The clients that have operations, sorted.
    pub(super) processes: Vec<i64>,
    /// Subtracted from every moment; 0 unless moments are too large for a script's numbers.
    pub(super) origin: u64,
    /// The last moment of any operation.
    pub(super) latest: u64,
}

impl<'a> Choice<'a> {
    /// All operations, or as many as a page can carry: those around the first contradiction, without gaps.
    pub(super) fn of(all: &'a [Operation], findings: &[Finding]) -> Self {
        let axis = axis_of(all);
        let operations = around(all, axis, findings, MAX_OPERATIONS);
        let mut processes: Vec<i64> = operations.iter().map(|one| one.process).collect();
        processes.sort_unstable();
        processes.dedup();
        let first = operations.first().map_or(0, |one| begin(one, axis));
        let last = |one: &&Operation| end(one, axis).unwrap_or(begin(one, axis));
        let latest = operations.iter().map(last).max().unwrap_or(0);
        let origin = if latest > LARGEST_MOMENT { first } else { 0 };
        Choice {
            operations,
            axis,
            processes,
            origin,
            latest,
        }
    }

    /// A moment as the page counts it.
    pub(super) fn moment(&self, moment: u64) -> u64 {
        moment.saturating_sub(self.origin)
    }
}

fn around<'a>(
    all: &'a [Operation],
    axis: Axis,
    findings: &[Finding],
    most: usize,
) -> Vec<&'a Operation> {
    let mut sorted: Vec<&Operation> = all.iter().collect();
    sorted.sort_by_key(|one| begin(one, axis));
    let last = findings
        .first()
        .and_then(|finding| finding.operations.last());
    let moment = last.map_or(0, |id| begin(&all[id.0], axis));
    let middle = sorted.partition_point(|one| begin(one, axis) < moment);
    let spare = sorted.len().saturating_sub(most);
    sorted.drain(..middle.saturating_sub(most / 2).min(spare));
    sorted.truncate(most);
    sorted
}

#[cfg(test)]
mod tests {
    use checker::{Event, EventType, History, Nanos, OpId, Process, Value};

    use super::*;

    /// Reads of one client, one a nanosecond.
    fn history(count: u64) -> History {
        let event = |time, event_type| Event {
            index: time,
            time: Nanos(time),
            process: Process::Client(0),
            event_type,
            f: "read".into(),
            key: None,
            value: Value::Nil,
            node: None,
            error: None,
            arrival: None,
        };
        let pair = |time| {
            [
                event(2 * time, EventType::Invoke),
                event(2 * time + 1, EventType::Ok),
            ]
        };
        History::from_events(None, (0..count).flat_map(pair).collect()).expect("it is well-formed")
    }

    fn finding(last: usize) -> Finding {
        Finding::stale_read(vec![OpId(0), OpId(last)])
    }

    #[test]
    fn too_many_operations_are_cut_to_those_around_the_contradiction() {
        let history = history(100);
        let ids = |findings: &[Finding], most| -> (usize, usize, usize) {
            let chosen = around(&history.operations, Axis::Time, findings, most);
            (chosen.len(), chosen[0].id.0, chosen[chosen.len() - 1].id.0)
        };
        assert_eq!(ids(&[finding(50)], 10), (10, 45, 54));
        assert_eq!(ids(&[finding(99)], 10), (10, 90, 99));
        assert_eq!(ids(&[finding(2)], 10), (10, 0, 9));
        assert_eq!(ids(&[], 10), (10, 0, 9));
        assert_eq!(ids(&[finding(50)], 100), (100, 0, 99));
    }
}
