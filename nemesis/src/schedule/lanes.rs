//! When faults happen: one lane of non-overlapping windows per kind of fault.

use super::{FaultKind, PlanConfig};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

/// A stretch of time in which one fault acts.
#[derive(Clone, Copy, Debug)]
pub(super) struct Window {
    pub(super) kind: FaultKind,
    pub(super) start_ns: u64,
    pub(super) stop_ns: u64,
}

impl Window {
    pub(super) fn overlaps(&self, other: &Window) -> bool {
        self.start_ns < other.stop_ns && other.start_ns < self.stop_ns
    }
}

/// Fills the run with windows, fault then quiet, giving each window the next of `kinds` in turn. The last window is
/// shortened to end in time, or left out when less than the shortest fault would remain.
pub(super) fn lane(rng: &mut ChaCha8Rng, config: &PlanConfig, kinds: &[FaultKind]) -> Vec<Window> {
    let spans = &config.spans;
    let end_ns = config.time_limit_ns.saturating_sub(spans.quiet_end_ns);
    let mut start_ns = config.quiet_start_ns;
    let mut windows = Vec::new();
    for &kind in kinds.iter().cycle() {
        let length = rng.random_range(spans.fault_min_ns..=spans.fault_max_ns);
        let stop_ns = start_ns.saturating_add(length).min(end_ns);
        if stop_ns < start_ns.saturating_add(spans.fault_min_ns.max(1)) {
            break;
        }
        windows.push(Window {
            kind,
            start_ns,
            stop_ns,
        });
        start_ns = stop_ns + rng.random_range(spans.quiet_min_ns..=spans.quiet_max_ns);
    }
    windows
}
