//! Counters.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::play::{Play, Shape, shape};
use super::{Tally, Trial, check, draws};
use crate::fast::counter::{Count, Counter};
use crate::fast::theory::Timed;

#[test]
fn counters_agree_with_brute_force() {
    for large in [false, true] {
        let draws = draws(if large { 5_000 } else { 20_000 });
        let mut tally = Tally::default();
        for seed in 0..draws {
            let mut random = ChaCha8Rng::seed_from_u64(4 << 32 | u64::from(large) << 40 | seed);
            let shape = shape(&mut random, large);
            let initial = random.random_range(-2..=2);
            Trial {
                theory: Counter {
                    initial: i128::from(initial),
                },
                operations: draw_counts(initial.into(), &shape, &mut random),
                initial: vec![initial],
                apply: &|state, count| match count {
                    Count::Add(amount) => vec![vec![state[0] + small(amount)]],
                    Count::Read(value) if small(value) == state[0] => vec![state.clone()],
                    Count::Read(_) => Vec::new(),
                },
            }
            .hold(&mut tally, seed);
        }
        check(&tally, draws);
    }
}

fn small(number: i128) -> i64 {
    i64::try_from(number).expect("small")
}

fn draw_counts(initial: i128, shape: &Shape, random: &mut ChaCha8Rng) -> Vec<Timed<Count>> {
    let mut state = initial;
    let amount = [1, 1, 3, -2][random.random_range(0..4)];
    let reads = random.random_range(2..=7);
    let mut invoke = |random: &mut ChaCha8Rng| {
        (!random.random_ratio(reads, 10)).then(|| match random.random_range(0..100) {
            0 => amount + 1,
            1..10 => 0,
            _ => amount,
        })
    };
    let mut perform = |asked: &Option<i128>| {
        state += asked.unwrap_or(0);
        asked.map_or(Count::Read(state), Count::Add)
    };
    let mut lose = |asked: &Option<i128>, _, _: &mut ChaCha8Rng| {
        asked.map_or(Count::Read(initial), Count::Add)
    };
    let mut falsify = |_: &Option<i128>, answer, random: &mut ChaCha8Rng| match answer {
        Count::Add(_) => answer,
        Count::Read(value) => {
            Count::Read(value + amount * random.random_range(-2..=2) + random.random_range(0..=1))
        }
    };
    let mut play = Play {
        invoke: &mut invoke,
        perform: &mut perform,
        lose: &mut lose,
        falsify: &mut falsify,
    };
    play.run(shape, random)
}
