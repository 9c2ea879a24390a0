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
        let operations = around(all, axis, findings);
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

fn around<'a>(all: &'a [Operation], axis: Axis, findings: &[Finding]) -> Vec<&'a Operation> {
    let mut sorted: Vec<&Operation> = all.iter().collect();
    sorted.sort_by_key(|one| begin(one, axis));
    let last = findings
        .first()
        .and_then(|finding| finding.operations.last());
    let moment = last.map_or(0, |id| begin(&all[id.0], axis));
    let middle = sorted.partition_point(|one| begin(one, axis) < moment);
    let spare = sorted.len().saturating_sub(MAX_OPERATIONS);
    sorted.drain(..middle.saturating_sub(MAX_OPERATIONS / 2).min(spare));
    sorted.truncate(MAX_OPERATIONS);
    sorted
}
