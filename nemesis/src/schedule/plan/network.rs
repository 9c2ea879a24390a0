//! What happens to packets: for each window of a kind, how much of it and on which links.

use super::{Deck, Planner, shuffled};
use crate::net::{Checksum, Disturbance, Permille};
use crate::schedule::lanes::Window;
use crate::schedule::network::NetworkKind;
use crate::schedule::selector::Selector;
use crate::schedule::{Direction, Fault, FaultKind, Links, Parameter, Ranges};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use std::ops::RangeInclusive;

/// A quarter of a large packet.
const BURST_BYTES: u32 = 16_000;
/// How one is drawn.
type Drawn = fn(&Ranges, &mut ChaCha8Rng) -> Disturbance;

/// What may be drawn for a kind.
struct Choices {
    kind: NetworkKind,
    ends: &'static [Selector],
    directions: &'static [Direction],
    disturbance: Drawn,
}

impl Choices {
    /// Between nodes.
    const fn among(kind: NetworkKind, disturbance: Drawn) -> Choices {
        Choices {
            kind,
            ends: &[
                Selector::All,
                Selector::Leader,
                Selector::One,
                Selector::Minority,
            ],
            directions: &[
                Direction::Both,
                Direction::Both,
                Direction::To,
                Direction::From,
            ],
            disturbance,
        }
    }

    fn kind(&self) -> FaultKind {
        FaultKind::Network(self.kind)
    }
}

/// Clients are not cut off from everybody, unless that was chosen.
const CHOICES: [Choices; 10] = [
    Choices::among(NetworkKind::Delay, |ranges, rng| {
        let by_ms = rng.random_range(ranges.of::<u32>(Parameter::Delay));
        let jitter_ms = rng.random_range(0..=by_ms / 2);
        Disturbance::Delay { by_ms, jitter_ms }
    }),
    Choices::among(NetworkKind::Loss, |ranges, rng| Disturbance::Loss {
        permille: chance(ranges.of(Parameter::Loss), rng),
    }),
    Choices::among(NetworkKind::Reorder, |ranges, rng| Disturbance::Reorder {
        permille: chance(ranges.of(Parameter::Reorder), rng),
        by_ms: rng.random_range(ranges.of::<u32>(Parameter::ReorderBy)),
    }),
    Choices::among(NetworkKind::Duplicate, |ranges, rng| {
        Disturbance::Duplicate {
            permille: chance(ranges.of(Parameter::Duplicate), rng),
        }
    }),
    Choices::among(NetworkKind::Corrupt, |ranges, rng| Disturbance::Corrupt {
        permille: chance(ranges.of(Parameter::Corrupt), rng),
        checksum: Checksum::Broken,
    }),
    Choices::among(NetworkKind::CorruptUnnoticed, |ranges, rng| {
        Disturbance::Corrupt {
            permille: chance(ranges.of(Parameter::CorruptUnnoticed), rng),
            checksum: Checksum::Repaired,
        }
    }),
    Choices::among(NetworkKind::Rate, |ranges, rng| Disturbance::Rate {
        bytes_per_s: rng.random_range(ranges.of::<u32>(Parameter::Rate)),
        burst_bytes: BURST_BYTES,
    }),
    Choices {
        ends: &[Selector::Leader, Selector::One, Selector::Minority],
        ..Choices::among(NetworkKind::Flap, |ranges, rng| Disturbance::Flap {
            down_ms: rng.random_range(ranges.of::<u32>(Parameter::Flap)),
            up_ms: rng.random_range(ranges.of::<u32>(Parameter::Flap)),
        })
    },
    Choices {
        kind: NetworkKind::ClientPartition,
        ends: &[Selector::Leader, Selector::One, Selector::Minority],
        directions: &[Direction::Both, Direction::Both, Direction::To],
        disturbance: |_, _| Disturbance::Cut,
    },
    Choices {
        kind: NetworkKind::LostReplies,
        ends: &[
            Selector::Leader,
            Selector::Leader,
            Selector::One,
            Selector::Minority,
        ],
        directions: &[Direction::From],
        disturbance: |_, _| Disturbance::Cut,
    },
];

impl Planner<'_> {
    /// Every fault of the network but partitions. Each kind has its own lane: they may overlap.
    pub(super) fn network_faults(&self) -> Vec<(Window, Fault)> {
        let nodes = self.config.nodes.len();
        let wanted = CHOICES
            .iter()
            .filter(|choices| self.wants(choices.kind()) && nodes >= choices.kind().min_nodes());
        wanted
            .flat_map(|choices| self.disturbances(choices))
            .collect()
    }

    fn disturbances(&self, choices: &Choices) -> Vec<(Window, Fault)> {
        let mut rng = self.rng(choices.kind());
        let mut ends = self.aims(choices.kind(), choices.ends, &mut rng);
        let mut directions = Deck::new(shuffled(choices.directions.to_vec(), &mut rng));
        let windows = self.lane(&mut rng, &[choices.kind()]);
        let draw = |window| {
            let links = Links {
                of: self.picked(&ends.draw(&mut rng), &mut rng),
                with: choices.kind.with(),
                direction: directions.draw(&mut rng),
            };
            let disturbance = (choices.disturbance)(&self.config.preferences.ranges, &mut rng);
            (window, Fault::Network { disturbance, links })
        };
        windows.into_iter().map(draw).collect()
    }
}

fn chance(range: RangeInclusive<u16>, rng: &mut ChaCha8Rng) -> Permille {
    Permille::new(rng.random_range(range)).expect("ranges end at 1000")
}
