//! Faults of clocks: one lane for all of them, in which the kinds that were asked for take turns, so that never more than
//! a minority has a wrong clock. When they happen comes from a stream of its own, and what each does from the stream of its
//! kind. A node with a wrong clock serves like any other, so this minority is not that of the faults that take nodes down.

use super::super::clock::ClockKind;
use super::super::lanes::Window;
use super::super::{Fault, FaultKind, Parameter, Ranges};
use super::aim::USUAL;
use super::{Planner, shuffled, stream};
use crate::clocks::ClockChange;
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use std::ops::RangeInclusive;

/// The stream that says when clocks go wrong.
const WHEN: u64 = 30;

impl Planner<'_> {
    pub(super) fn clock_faults(&self) -> Vec<(Window, Fault)> {
        let wanted = ClockKind::ALL.into_iter().map(FaultKind::Clock);
        let wanted = wanted.filter(|kind| self.wants(*kind) && !self.config.nodes.is_empty());
        let mut when = stream(self.seed, WHEN);
        let kinds = shuffled(wanted.collect(), &mut when);
        if kinds.is_empty() {
            return Vec::new();
        }
        let windows = self.lane(&mut when, &kinds);
        let of_kind = |kind| self.clock_faults_of(kind, &windows);
        ClockKind::ALL.into_iter().flat_map(of_kind).collect()
    }

    fn clock_faults_of(&self, kind: ClockKind, windows: &[Window]) -> Vec<(Window, Fault)> {
        let mut rng = self.rng(FaultKind::Clock(kind));
        let mut aims = self.aims(FaultKind::Clock(kind), &USUAL, &mut rng);
        let windows = windows
            .iter()
            .filter(|window| window.kind == FaultKind::Clock(kind));
        let draw = |window: &Window| {
            let change = change(kind, &self.config.preferences.ranges, &mut rng);
            let target = self.picked(&aims.draw(&mut rng), &mut rng);
            (*window, Fault::Clock { target, change })
        };
        windows.map(draw).collect()
    }
}

fn change(kind: ClockKind, ranges: &Ranges, rng: &mut ChaCha8Rng) -> ClockChange {
    match kind {
        ClockKind::Jump => ClockChange::Jump {
            offset_ns: either_way(ranges.of(Parameter::ClockJump), rng),
        },
        ClockKind::Drift => ClockChange::Drift {
            rate_ppb: either_way(ranges.of(Parameter::ClockDrift), rng),
        },
        ClockKind::Strobe => ClockChange::Strobe {
            offset_ns: either_way(ranges.of(Parameter::ClockStrobe), rng),
            period_ns: by_magnitude(ranges.of(Parameter::ClockStrobePeriod), rng),
        },
        ClockKind::Monotonic => ClockChange::Monotonic {
            rate_ppb: either_way(ranges.of(Parameter::ClockMonotonic), rng),
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
    use rand::SeedableRng;

    #[test]
    fn every_magnitude_comes_and_none_leaves_the_range() {
        let mut rng = ChaCha8Rng::seed_from_u64(0);
        for parameter in [
            Parameter::ClockJump,
            Parameter::ClockDrift,
            Parameter::ClockStrobePeriod,
        ] {
            let range: RangeInclusive<i64> = Ranges::default().of(parameter);
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
