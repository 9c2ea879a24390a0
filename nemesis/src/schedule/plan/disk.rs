//! Faults of disks: one lane for all of them, in which the kinds that were asked for take turns, since a cluster cannot
//! spare nodes for several at once. When they happen comes from a stream of its own, and what each does from the stream of
//! its kind. Blackouts have a lane of their own: they are of all nodes, and meet disks that fail already.

use super::super::disk::{DiskFault, DiskKind};
use super::super::lanes::Window;
use super::super::{Fault, FaultKind, Parameter, Ranges, Target};
use super::aim::USUAL;
use super::{Deck, Planner, shuffled, stream};
use crate::disk::Failing;
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

/// The stream that says when disks fail.
const WHEN: u64 = 40;

const BLACKOUT: FaultKind = FaultKind::Disk(DiskKind::Blackout);

impl Planner<'_> {
    /// The wanted kinds of disk faults but blackouts, in the order in which they take turns.
    pub(super) fn disk_kinds(&self) -> Vec<FaultKind> {
        let wanted = DiskKind::ALL.into_iter().map(FaultKind::Disk);
        let wanted = wanted.filter(|kind| *kind != BLACKOUT && self.wants(*kind));
        let wanted = wanted.filter(|_| !self.config.nodes.is_empty());
        shuffled(wanted.collect(), &mut self.when_disks_fail())
    }

    /// A lane of their own for faults of disks.
    pub(super) fn disk_lane(&self) -> Vec<Window> {
        let kinds = self.disk_kinds();
        match kinds.is_empty() {
            true => Vec::new(),
            false => self.lane(&mut self.when_disks_fail(), &kinds),
        }
    }

    /// Says of each of the `windows` of a disk fault what happens in it, and to whom.
    pub(super) fn disk_faults(&mut self, windows: &[Window]) -> Vec<(Window, Fault)> {
        let mut faults = Vec::new();
        for kind in DiskKind::ALL {
            let mut rng = self.rng(FaultKind::Disk(kind));
            let mut aims = self.aims(FaultKind::Disk(kind), &USUAL, &mut rng);
            let mut calls = Deck::new(shuffled(Failing::ALL.to_vec(), &mut rng));
            for window in windows
                .iter()
                .filter(|window| window.kind == FaultKind::Disk(kind))
            {
                let budget = self.budget(window, windows);
                let fault = draw(kind, &self.config.preferences.ranges, &mut rng, &mut calls);
                let target = self.target(&aims.draw(&mut rng), budget, window, &mut rng);
                self.taken.push((*window, target.clone()));
                faults.push((*window, Fault::Disk { target, fault }));
            }
        }
        faults
    }

    /// All nodes lose power at once.
    pub(super) fn blackouts(&self) -> Vec<(Window, Fault)> {
        if !self.wants(BLACKOUT) || self.config.nodes.is_empty() {
            return Vec::new();
        }
        let of_all = |window| {
            let fault = Fault::Disk {
                target: Target::Nodes(self.config.nodes.clone()),
                fault: DiskFault::Blackout,
            };
            (window, fault)
        };
        let windows = self.lane(&mut self.rng(BLACKOUT), &[BLACKOUT]);
        windows.into_iter().map(of_all).collect()
    }

    fn when_disks_fail(&self) -> ChaCha8Rng {
        stream(self.seed, WHEN)
    }
}

/// A fault of this kind.
fn draw(
    kind: DiskKind,
    ranges: &Ranges,
    rng: &mut ChaCha8Rng,
    calls: &mut Deck<Failing>,
) -> DiskFault {
    match kind {
        DiskKind::PowerLoss => DiskFault::PowerLoss,
        DiskKind::TornWrite => DiskFault::TornWrite {
            kept_percent: rng.random_range(ranges.of::<u8>(Parameter::TornWrite)),
            seed: rng.random(),
        },
        DiskKind::Blackout => DiskFault::Blackout,
        DiskKind::Errors => DiskFault::Errors {
            calls: calls.draw(rng),
        },
        DiskKind::Full => DiskFault::Full,
        DiskKind::Slow => DiskFault::Slow {
            delay_ms: rng.random_range(ranges.of::<u64>(Parameter::DiskSlow)),
        },
        DiskKind::Stuck => DiskFault::Stuck,
        DiskKind::Lie => DiskFault::Lie,
        DiskKind::Misread => DiskFault::Misread {
            one_in: rng.random_range(ranges.of::<u32>(Parameter::DiskMisread)),
        },
        DiskKind::BitFlip => DiskFault::BitFlip {
            bits: rng.random_range(ranges.of::<u32>(Parameter::BitFlip)),
            seed: rng.random(),
        },
        DiskKind::Truncate => DiskFault::Truncate { seed: rng.random() },
    }
}
