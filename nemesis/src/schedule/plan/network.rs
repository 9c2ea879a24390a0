//! What happens to packets: for each window of a kind, how much of it and on which links.

use super::{Deck, Planner, shuffled};
use crate::net::{Checksum, Disturbance, Permille};
use crate::schedule::lanes::{Window, lane};
use crate::schedule::network::NetworkKind;
use crate::schedule::{Direction, Fault, FaultKind, Links, Target};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use std::ops::RangeInclusive;

/// How late packets may be: from hardly to about as long as a system waits for one.
const DELAYS_MS: RangeInclusive<u32> = 50..=500;
/// How many of a thousand may be lost, doubled or held back: TCP gets through, slowly.
const CHANCES: RangeInclusive<u16> = 50..=500;
/// How many of a thousand may be damaged so that the receiver notices: it is loss in another dress.
const DAMAGES: RangeInclusive<u16> = 10..=200;
/// How many of a thousand may be damaged unnoticed: most of them end a connection.
const UNNOTICED: RangeInclusive<u16> = 5..=50;
const HOLD_BACKS_MS: RangeInclusive<u32> = 5..=100;
const RATES: RangeInclusive<u32> = 20_000..=500_000;
/// A quarter of a large packet.
const BURST_BYTES: u32 = 16_000;
/// Shorter than an election takes, and longer.
const FLAPS_MS: RangeInclusive<u32> = 50..=1_000;

/// Whose links, before names are drawn.
#[derive(Clone, Copy)]
enum Ends {
    Everyone,
    Leader,
    One,
    Minority,
}

/// What may be drawn for a kind.
struct Choices {
    kind: NetworkKind,
    ends: &'static [Ends],
    directions: &'static [Direction],
    disturbance: fn(&mut ChaCha8Rng) -> Disturbance,
}

impl Choices {
    /// Between nodes.
    const fn among(kind: NetworkKind, disturbance: fn(&mut ChaCha8Rng) -> Disturbance) -> Choices {
        Choices {
            kind,
            ends: &[Ends::Everyone, Ends::Leader, Ends::One, Ends::Minority],
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

/// Clients are never cut off from everybody.
const CHOICES: [Choices; 10] = [
    Choices::among(NetworkKind::Delay, |rng| {
        let by_ms = rng.random_range(DELAYS_MS);
        let jitter_ms = rng.random_range(0..=by_ms / 2);
        Disturbance::Delay { by_ms, jitter_ms }
    }),
    Choices::among(NetworkKind::Loss, |rng| Disturbance::Loss {
        permille: chance(rng, CHANCES),
    }),
    Choices::among(NetworkKind::Reorder, |rng| Disturbance::Reorder {
        permille: chance(rng, CHANCES),
        by_ms: rng.random_range(HOLD_BACKS_MS),
    }),
    Choices::among(NetworkKind::Duplicate, |rng| Disturbance::Duplicate {
        permille: chance(rng, CHANCES),
    }),
    Choices::among(NetworkKind::Corrupt, |rng| Disturbance::Corrupt {
        permille: chance(rng, DAMAGES),
        checksum: Checksum::Broken,
    }),
    Choices::among(NetworkKind::CorruptUnnoticed, |rng| Disturbance::Corrupt {
        permille: chance(rng, UNNOTICED),
        checksum: Checksum::Repaired,
    }),
    Choices::among(NetworkKind::Rate, |rng| Disturbance::Rate {
        bytes_per_s: rng.random_range(RATES),
        burst_bytes: BURST_BYTES,
    }),
    Choices {
        ends: &[Ends::Leader, Ends::One, Ends::Minority],
        ..Choices::among(NetworkKind::Flap, |rng| Disturbance::Flap {
            down_ms: rng.random_range(FLAPS_MS),
            up_ms: rng.random_range(FLAPS_MS),
        })
    },
    Choices {
        kind: NetworkKind::ClientPartition,
        ends: &[Ends::Leader, Ends::One, Ends::Minority],
        directions: &[Direction::Both, Direction::Both, Direction::To],
        disturbance: |_| Disturbance::Cut,
    },
    Choices {
        kind: NetworkKind::LostReplies,
        ends: &[Ends::Leader, Ends::Leader, Ends::One, Ends::Minority],
        directions: &[Direction::From],
        disturbance: |_| Disturbance::Cut,
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
        let mut ends = Deck::new(shuffled(choices.ends.to_vec(), &mut rng));
        let mut directions = Deck::new(shuffled(choices.directions.to_vec(), &mut rng));
        let windows = lane(&mut rng, self.config, &[choices.kind()]);
        let draw = |window| {
            let links = Links {
                of: self.owners(ends.draw(&mut rng), &mut rng),
                with: choices.kind.with(),
                direction: directions.draw(&mut rng),
            };
            let disturbance = (choices.disturbance)(&mut rng);
            (window, Fault::Network { disturbance, links })
        };
        windows.into_iter().map(draw).collect()
    }

    fn owners(&self, ends: Ends, rng: &mut ChaCha8Rng) -> Target {
        let count = match ends {
            Ends::Leader => return Target::Leader,
            Ends::Everyone => self.config.nodes.len(),
            Ends::One => 1,
            Ends::Minority => self.minority(),
        };
        let mut nodes = shuffled(self.config.nodes.clone(), rng);
        nodes.truncate(count);
        nodes.sort();
        Target::Nodes(nodes)
    }
}

fn chance(rng: &mut ChaCha8Rng, range: RangeInclusive<u16>) -> Permille {
    Permille::new(rng.random_range(range)).expect("every range here ends below 1000")
}
