//! When faults happen: lanes of windows that do not overlap, one per kind of fault or one for several that take turns.

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

/// Fills the run with windows, fault then quiet, giving each window the kind that `next` says. The last window is shortened
/// to end in time, or left out when less than the shortest fault would remain.
pub(super) fn lane(
    rng: &mut ChaCha8Rng,
    config: &PlanConfig,
    mut next: impl FnMut() -> FaultKind,
) -> Vec<Window> {
    let spans = &config.spans;
    let end_ns = config.time_limit_ns.saturating_sub(spans.quiet_end_ns);
    let mut start_ns = config.quiet_start_ns;
    let mut windows = Vec::new();
    loop {
        let length = rng.random_range(spans.fault_min_ns..=spans.fault_max_ns);
        let stop_ns = start_ns.saturating_add(length).min(end_ns);
        if stop_ns < start_ns.saturating_add(spans.fault_min_ns.max(1)) {
            return windows;
        }
        windows.push(Window {
            kind: next(),
            start_ns,
            stop_ns,
        });
        start_ns = stop_ns + rng.random_range(spans.quiet_min_ns..=spans.quiet_max_ns);
    }
}
