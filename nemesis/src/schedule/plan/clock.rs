//! Faults of clocks: one lane for all of them, in which the kinds that were asked for take turns, so that never more than
//! a minority has a wrong clock. When they happen comes from a stream of its own, and what each does from the stream of its
//! kind. A node with a wrong clock serves like any other, so this minority is not that of the faults that take nodes down.

use super::super::clock::ClockKind;
use super::super::lanes::{Window, lane};
use super::super::{Fault, FaultKind, Target};
use super::{Aim, Deck, Planner, shuffled};
use crate::clocks::ClockChange;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::ops::RangeInclusive;

/// The stream that says when clocks go wrong.
const WHEN: u64 = 30;

const MS: i64 = 1_000_000;

/// How far a clock jumps: what Jepsen's tests have done for years.
const JUMP_NS: RangeInclusive<i64> = 11 * MS..=288_000 * MS;
/// How much faster or slower it runs, in parts per billion.
const RATE_PPB: RangeInclusive<i64> = 10_000_000..=500_000_000;
/// How long a flipping clock shows either time.
const PERIOD_NS: RangeInclusive<i64> = MS..=250 * MS;

impl Planner<'_> {
    pub(super) fn clock_faults(&self) -> Vec<(Window, Fault)> {
        let wanted = ClockKind::ALL.into_iter().map(FaultKind::Clock);
        let wanted = wanted.filter(|kind| self.wants(*kind) && !self.config.nodes.is_empty());
        let mut when = ChaCha8Rng::seed_from_u64(self.seed);
        when.set_stream(WHEN);
        let kinds = shuffled(wanted.collect(), &mut when);
        if kinds.is_empty() {
            return Vec::new();
        }
        let windows = lane(&mut when, self.config, &kinds);
        let of_kind = |kind| self.clock_faults_of(kind, &windows);
        ClockKind::ALL.into_iter().flat_map(of_kind).collect()
    }

    fn clock_faults_of(&self, kind: ClockKind, windows: &[Window]) -> Vec<(Window, Fault)> {
        let mut rng = self.rng(FaultKind::Clock(kind));
        let mut aims = Deck::new(shuffled(Aim::ALL.to_vec(), &mut rng));
        let windows = windows
            .iter()
            .filter(|window| window.kind == FaultKind::Clock(kind));
        let draw = |window: &Window| {
            let change = change(kind, &mut rng);
            let target = self.wrong_clocks(aims.draw(&mut rng), &mut rng);
            (*window, Fault::Clock { target, change })
        };
        windows.map(draw).collect()
    }

    fn wrong_clocks(&self, aim: Aim, rng: &mut ChaCha8Rng) -> Target {
        let count = match aim {
            Aim::Leader => return Target::Leader,
            Aim::One => 1,
            Aim::Minority => self.minority(),
        };
        let mut nodes = shuffled(self.config.nodes.clone(), rng);
        nodes.truncate(count);
        nodes.sort();
        Target::Nodes(nodes)
    }
}

fn change(kind: ClockKind, rng: &mut ChaCha8Rng) -> ClockChange {
    match kind {
        ClockKind::Jump => ClockChange::Jump {
            offset_ns: either_way(JUMP_NS, rng),
        },
        ClockKind::Drift => ClockChange::Drift {
            rate_ppb: either_way(RATE_PPB, rng),
        },
        ClockKind::Strobe => ClockChange::Strobe {
            offset_ns: either_way(JUMP_NS, rng),
            period_ns: by_magnitude(PERIOD_NS, rng),
        },
        ClockKind::Monotonic => ClockChange::Monotonic {
            rate_ppb: either_way(RATE_PPB, rng),
        },
    }
}

/// A number of this size or its negative.
fn either_way(range: RangeInclusive<i64>, rng: &mut ChaCha8Rng) -> i64 {
    let size = by_magnitude(range, rng);
    match rng.random() {
        true => size,
        false => -size,
    }
}

/// Small numbers as likely as large ones: first one of the doublings that the range is made of, then a number within it.
fn by_magnitude(range: RangeInclusive<i64>, rng: &mut ChaCha8Rng) -> i64 {
    let (least, most) = range.into_inner();
    let doublings = (most / least).ilog2();
    let low = least << rng.random_range(0..=doublings);
    rng.random_range(low..=(2 * low).min(most))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_magnitude_comes_and_none_leaves_the_range() {
        let mut rng = ChaCha8Rng::seed_from_u64(0);
        for range in [JUMP_NS, RATE_PPB, PERIOD_NS] {
            let (least, most) = range.clone().into_inner();
            let drawn: Vec<i64> = (0..2_000)
                .map(|_| either_way(range.clone(), &mut rng))
                .collect();
            assert!(drawn.iter().all(|number| range.contains(&number.abs())));
            assert!(drawn.iter().any(|number| number.abs() < 2 * least));
            assert!(drawn.iter().any(|number| number.abs() > most / 2));
            let negative = drawn.iter().filter(|number| **number < 0).count();
            assert!((800..1_200).contains(&negative));
        }
    }
}
