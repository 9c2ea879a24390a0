//! Faults of processes that take turns with kills: one lane for all that end processes, in which the kinds that were asked
//! for come one after the other, and with wipes the changes of members. Slow nodes serve like any other, so they have a lane of their own, and the minority that
//! may be slow is not that of the faults that take nodes down.

use super::super::lanes::Window;
use super::super::process::ProcessKind;
use super::super::{Fault, FaultKind, Target};
use super::aim::USUAL;
use super::{MS, Planner};
use crate::process::Pace;
use rand::RngExt;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use std::ops::RangeInclusive;

/// What ends processes, in the order of their turns.
const ENDS: [FaultKind; 4] = [
    FaultKind::Kill,
    FaultKind::Process(ProcessKind::CrashLoop),
    FaultKind::Process(ProcessKind::Wipe),
    FaultKind::Process(ProcessKind::RollingRestart),
];

const SLOW_CPU: FaultKind = FaultKind::Process(ProcessKind::SlowCpu);

/// How long a slowed node takes to run and to stand still once.
const PERIOD_MS: RangeInclusive<u32> = 20..=200;
/// For how much of that it runs.
const SHARE_PERCENT: RangeInclusive<u32> = 10..=50;
/// How long a node in a crash loop lives.
const LIFE_MS: RangeInclusive<u32> = 100..=1_000;
/// How long a node may take to end when it is asked to.
const GRACE_MS: RangeInclusive<u32> = 100..=1_000;

impl Planner<'_> {
    /// The wanted kinds that take turns in the lane of what ends processes.
    pub(super) fn ending_kinds(&self) -> Vec<FaultKind> {
        let mut kinds = self.wanted_ends();
        if self.changes_wait_for_wipes() {
            kinds.extend(self.change_kinds());
        }
        kinds
    }

    /// No member can be spared while one is without its disk.
    pub(super) fn changes_wait_for_wipes(&self) -> bool {
        let wipe = FaultKind::Process(ProcessKind::Wipe);
        self.wanted_ends().contains(&wipe)
    }

    fn wanted_ends(&self) -> Vec<FaultKind> {
        let fits =
            |kind: &FaultKind| self.wants(*kind) && self.config.nodes.len() >= kind.min_nodes();
        ENDS.into_iter().filter(fits).collect()
    }

    /// What happens to processes in the `windows`; `rngs` are of the kinds that are wanted.
    pub(super) fn process_faults(
        &mut self,
        windows: &[Window],
        rngs: &mut [(FaultKind, ChaCha8Rng)],
    ) -> Vec<(Window, Fault)> {
        let mut faults = Vec::new();
        for (kind, rng) in rngs {
            faults.extend(match kind {
                FaultKind::Kill => {
                    self.aimed(*kind, windows, rng, |target, _, _| Fault::Kill { target })
                }
                FaultKind::Pause => {
                    self.aimed(*kind, windows, rng, |target, _, _| Fault::Pause { target })
                }
                FaultKind::Process(ProcessKind::CrashLoop) => {
                    self.aimed(*kind, windows, rng, |target, window, rng| {
                        let lives_ms = lives(window, rng);
                        Fault::CrashLoop { target, lives_ms }
                    })
                }
                FaultKind::Process(ProcessKind::Wipe) => {
                    self.aimed(*kind, windows, rng, |target, _, _| Fault::Wipe { target })
                }
                FaultKind::Process(ProcessKind::RollingRestart) => self.restarts(windows, rng),
                // These are no faults of processes that share a budget.
                FaultKind::Process(ProcessKind::SlowCpu)
                | FaultKind::Partition
                | FaultKind::Member
                | FaultKind::Reconfigure
                | FaultKind::Transfer
                | FaultKind::Disk(_)
                | FaultKind::Clock(_)
                | FaultKind::Network(_) => Vec::new(),
            });
        }
        faults
    }

    /// One node is down at a time, and nobody knows which when.
    fn restarts(&mut self, windows: &[Window], rng: &mut ChaCha8Rng) -> Vec<(Window, Fault)> {
        let kind = FaultKind::Process(ProcessKind::RollingRestart);
        let mut faults = Vec::new();
        for window in windows.iter().filter(|window| window.kind == kind) {
            self.taken.push((*window, Target::Leader));
            let mut order = self.config.nodes.clone();
            order.shuffle(rng);
            let grace_ms = rng.random_range(GRACE_MS);
            faults.push((*window, Fault::RollingRestart { order, grace_ms }));
        }
        faults
    }

    pub(super) fn slow_nodes(&self) -> Vec<(Window, Fault)> {
        if !self.wants(SLOW_CPU) || self.config.nodes.is_empty() {
            return Vec::new();
        }
        let mut rng = self.rng(SLOW_CPU);
        let mut aims = self.aims(SLOW_CPU, &USUAL, &mut rng);
        let windows = self.lane(&mut rng, &[SLOW_CPU]);
        let draw = |window| {
            let pace = pace(&mut rng);
            let target = self.picked(&aims.draw(&mut rng), &mut rng);
            (window, Fault::SlowCpu { target, pace })
        };
        windows.into_iter().map(draw).collect()
    }
}

fn pace(rng: &mut ChaCha8Rng) -> Pace {
    let period_ms = rng.random_range(PERIOD_MS);
    let run_ms = (period_ms * rng.random_range(SHARE_PERCENT) / 100).max(1);
    Pace {
        run_ms,
        stop_ms: period_ms - run_ms,
    }
}

/// As many lives as there is room for in the window.
fn lives(window: &Window, rng: &mut ChaCha8Rng) -> Vec<u32> {
    let mut left_ns = window.stop_ns - window.start_ns;
    let mut lives_ms = Vec::new();
    while left_ns > 0 {
        let life_ms = rng.random_range(LIFE_MS);
        lives_ms.push(life_ms);
        left_ns = left_ns.saturating_sub(u64::from(life_ms) * MS);
    }
    lives_ms
}
