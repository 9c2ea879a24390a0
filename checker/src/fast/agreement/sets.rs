//! Sets from which nothing is removed.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::play::{Play, Shape, shape};
use super::{Tally, Trial, check, draws};
use crate::fast::growing::{GrowingSet, Growth};
use crate::fast::theory::Timed;

/// How many elements there are at most.
const ELEMENTS: usize = 24;

#[test]
fn growing_sets_agree_with_brute_force() {
    for large in [false, true] {
        let draws = draws(if large { 5_000 } else { 20_000 });
        let mut tally = Tally::default();
        for seed in 0..draws {
            let mut random = ChaCha8Rng::seed_from_u64(5 << 32 | u64::from(large) << 40 | seed);
            let shape = shape(&mut random, large);
            let initial = random.random_range(0..=2);
            let (operations, seen) = draw_growth(initial, &shape, &mut random);
            let shown = seen.clone();
            Trial {
                theory: GrowingSet {
                    initial: (0..initial).collect(),
                    elements: ELEMENTS,
                    seen,
                },
                operations,
                initial: (0..i64::from(initial)).collect(),
                apply: &|state, growth| match growth {
                    Growth::Nothing => vec![state.clone()],
                    Growth::Add(element) if state.contains(&i64::from(element)) => {
                        vec![state.clone()]
                    }
                    Growth::Add(element) => {
                        let mut state = [state.as_slice(), &[i64::from(element)]].concat();
                        state.sort_unstable();
                        vec![state]
                    }
                    Growth::Read(number) => {
                        let mut seen: Vec<i64> = shown[number as usize]
                            .iter()
                            .map(|one| i64::from(*one))
                            .collect();
                        seen.sort_unstable();
                        if seen == *state {
                            vec![seen]
                        } else {
                            Vec::new()
                        }
                    }
                },
            }
            .hold(&mut tally, seed);
        }
        check(&tally, draws);
    }
}

fn draw_growth(
    initial: u32,
    shape: &Shape,
    random: &mut ChaCha8Rng,
) -> (Vec<Timed<Growth>>, Vec<Vec<u32>>) {
    let mut state: Vec<u32> = (0..initial).collect();
    let mut fresh = 1;
    let distinct = [100, 100, 60][random.random_range(0..3)];
    let reads = random.random_range(2..=7);
    let mut invoke = |random: &mut ChaCha8Rng| {
        (!random.random_ratio(reads, 10)).then(|| {
            fresh += 1;
            if random.random_ratio(distinct, 100) {
                fresh
            } else {
                random.random_range(0..=fresh)
            }
        })
    };
    let seen = std::cell::RefCell::new(vec![Vec::new()]);
    let see = |elements: Vec<u32>| {
        seen.borrow_mut().push(elements);
        Growth::Read(u32::try_from(seen.borrow().len() - 1).expect("few"))
    };
    let mut perform = |asked: &Option<u32>| {
        if let Some(element) = asked {
            if !state.contains(element) {
                state.push(*element);
            }
            return Growth::Add(*element);
        }
        see(state.clone())
    };
    let mut lose =
        |asked: &Option<u32>, _, _: &mut ChaCha8Rng| asked.map_or(Growth::Nothing, Growth::Add);
    let mut falsify = |_: &Option<u32>, answer, random: &mut ChaCha8Rng| match answer {
        Growth::Add(_) | Growth::Nothing => answer,
        Growth::Read(_) if random.random_ratio(1, 5) => Growth::Nothing,
        Growth::Read(number) => {
            let mut elements = seen.borrow()[number as usize].clone();
            if random.random_ratio(1, 2) && !elements.is_empty() {
                elements.swap_remove(random.random_range(0..elements.len()));
            }
            let other = random.random_range(0..10);
            if random.random_ratio(1, 2) && !elements.contains(&other) {
                elements.push(other);
            }
            see(elements)
        }
    };
    let mut play = Play {
        invoke: &mut invoke,
        perform: &mut perform,
        lose: &mut lose,
        falsify: &mut falsify,
    };
    let operations = play.run(shape, random);
    (operations, seen.into_inner())
}
