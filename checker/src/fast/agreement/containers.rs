//! Queues, unordered queues and stacks.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::play::{Play, Shape, shape};
use super::{State, Tally, Trial, check, draws};
use crate::fast::bag::Bag;
use crate::fast::elements::{Access, Contents};
use crate::fast::queue::Queue;
use crate::fast::stack::Stack;
use crate::fast::theory::{Theory, Timed};

#[derive(Clone, Copy, PartialEq)]
enum Discipline {
    Queue,
    Bag,
    Stack,
}

impl Discipline {
    fn apply(self, state: &State, access: Access) -> Vec<State> {
        let without = |at: usize| {
            let mut state = state.clone();
            state.remove(at);
            state
        };
        let offered: Vec<usize> = match self {
            Self::Queue => (0..state.len().min(1)).collect(),
            Self::Bag => (0..state.len()).collect(),
            Self::Stack => (state.len().saturating_sub(1)..state.len()).collect(),
        };
        match access {
            Access::Insert(value) => {
                let mut state = [state.as_slice(), &[i64::from(value)]].concat();
                if self == Self::Bag {
                    state.sort_unstable();
                }
                vec![state]
            }
            Access::Remove(value) => {
                let held = offered
                    .into_iter()
                    .filter(|at| state[*at] == i64::from(value));
                held.map(without).collect()
            }
            Access::RemoveUnknown if state.is_empty() => vec![Vec::new()],
            Access::RemoveUnknown => offered.into_iter().map(without).collect(),
            Access::FindEmpty => {
                if state.is_empty() {
                    vec![Vec::new()]
                } else {
                    Vec::new()
                }
            }
        }
    }
}

const VALUES: u32 = 24;

/// `distinct` in percent.
fn draw_accesses(
    discipline: Discipline,
    contents: &Contents,
    distinct: u32,
    shape: &Shape,
    random: &mut ChaCha8Rng,
) -> Vec<Timed<Access>> {
    let mut state: State = contents
        .initial
        .iter()
        .map(|value| i64::from(*value))
        .collect();
    let mut fresh = 2;
    let inserts = random.random_range(3..=7);
    let mut invoke = |random: &mut ChaCha8Rng| {
        random.random_ratio(inserts, 10).then(|| {
            fresh += 1;
            if random.random_ratio(distinct, 100) {
                fresh
            } else {
                random.random_range(0..=fresh)
            }
        })
    };
    let mut perform = |asked: &Option<u32>| {
        let access = match asked {
            Some(value) => Access::Insert(*value),
            None if state.is_empty() => Access::FindEmpty,
            None => {
                let at = match discipline {
                    Discipline::Queue => 0,
                    Discipline::Stack => state.len() - 1,
                    Discipline::Bag => state.len() / 2,
                };
                Access::Remove(u32::try_from(state[at]).expect("a value"))
            }
        };
        let mut after = discipline.apply(&state, access);
        state = after.swap_remove(0);
        access
    };
    let mut lose =
        |asked: &Option<u32>, done: Option<Access>, random: &mut ChaCha8Rng| match (asked, done) {
            (Some(value), _) => Access::Insert(*value),
            (None, Some(done)) if random.random_ratio(2, 3) => done,
            (None, _) => Access::RemoveUnknown,
        };
    let mut falsify = |asked: &Option<u32>, answer: Access, random: &mut ChaCha8Rng| match asked {
        Some(_) => answer,
        None if random.random_ratio(1, 4) => Access::FindEmpty,
        None => Access::Remove(random.random_range(0..10)),
    };
    let mut play = Play {
        invoke: &mut invoke,
        perform: &mut perform,
        lose: &mut lose,
        falsify: &mut falsify,
    };
    play.run(shape, random)
}

fn containers_agree<T: Theory<Action = Access>>(
    discipline: Discipline,
    theory: impl Fn(Contents) -> T,
    stream: u64,
) {
    for large in [false, true] {
        let draws = draws(if large { 5_000 } else { 20_000 });
        let mut tally = Tally::default();
        for seed in 0..draws {
            let mut random =
                ChaCha8Rng::seed_from_u64(stream << 32 | u64::from(large) << 40 | seed);
            let shape = shape(&mut random, large);
            let contents = Contents {
                initial: (0..random.random_range(0..=2)).collect(),
                values: VALUES as usize,
            };
            let distinct = [100, 100, 90][random.random_range(0..3)];
            Trial {
                operations: draw_accesses(discipline, &contents, distinct, &shape, &mut random),
                initial: contents
                    .initial
                    .iter()
                    .map(|value| i64::from(*value))
                    .collect(),
                theory: theory(contents),
                apply: &|state, access| discipline.apply(state, access),
            }
            .hold(&mut tally, seed);
        }
        check(&tally, draws);
    }
}

#[test]
fn queues_agree_with_brute_force() {
    containers_agree(Discipline::Queue, Queue, 1);
}

#[test]
fn unordered_queues_agree_with_brute_force() {
    containers_agree(Discipline::Bag, Bag, 2);
}

#[test]
fn stacks_agree_with_brute_force() {
    containers_agree(Discipline::Stack, Stack, 3);
}
