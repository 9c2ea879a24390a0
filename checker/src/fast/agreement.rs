//! Every theory against brute force: the verdict, the witness and the first failing return.

use std::fmt::Debug;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rustc_hash::FxHashSet;

use super::bag::Bag;
use super::counter::{Count, Counter};
use super::elements::{Access, Contents};
use super::growing::{GrowingSet, Growth};
use super::queue::Queue;
use super::stack::Stack;
use super::theory::{Theory, Timed, solve};
use crate::budget::Unlimited;
use crate::engine::Answer;
use crate::history::OpId;
use crate::models::machine::NEVER;

/// What an object holds: numbers.
type State = Vec<i64>;

/// The possible states after an action.
type Apply<'a, A> = dyn Fn(&State, A) -> Vec<State> + 'a;

/// A drawn history and what to hold against its answer.
struct Trial<'a, T: Theory> {
    theory: T,
    operations: Vec<Timed<T::Action>>,
    initial: State,
    apply: &'a Apply<'a, T::Action>,
}

#[derive(Default, Debug)]
struct Tally {
    valid: u64,
    invalid: u64,
    passed: u64,
}

impl<T: Theory> Trial<'_, T>
where
    T::Action: Debug,
{
    fn hold(&self, tally: &mut Tally, seed: u64) {
        let expected = self.first_failure();
        let told = format!("seed {seed}: {:#?}", self.operations);
        match solve(&self.theory, self.operations.clone(), &Unlimited) {
            Err(_) => tally.passed += 1,
            Ok(Answer::Valid(order)) => {
                tally.valid += 1;
                assert_eq!(expected, None, "{order:?} for {told}");
                self.replay(&order, &told);
            }
            Ok(Answer::Invalid { stuck, .. }) => {
                tally.invalid += 1;
                assert_eq!(expected, Some(stuck), "{told}");
            }
            Ok(unknown @ Answer::Unknown { .. }) => panic!("{unknown:?} without a limit"),
        }
    }

    /// By trying every order of every prefix.
    fn first_failure(&self) -> Option<OpId> {
        if self.is_legal(&self.operations) {
            return None;
        }
        let mut returning: Vec<_> = self
            .operations
            .iter()
            .filter(|one| one.ret != NEVER)
            .collect();
        returning.sort_by_key(|one| one.ret);
        let illegal = returning.iter().find(|last| {
            let called = self.operations.iter().filter(|one| one.call < last.ret);
            let known = called.map(|one| Timed {
                ret: if one.ret <= last.ret { one.ret } else { NEVER },
                ..*one
            });
            !self.is_legal(&known.collect::<Vec<_>>())
        });
        Some(illegal.expect("illegal in the end").id)
    }

    fn is_legal(&self, operations: &[Timed<T::Action>]) -> bool {
        self.reaches_the_end(operations, 0, &self.initial, &mut FxHashSet::default())
    }

    fn reaches_the_end(
        &self,
        operations: &[Timed<T::Action>],
        done: u32,
        state: &State,
        seen: &mut FxHashSet<(u32, State)>,
    ) -> bool {
        if !seen.insert((done, state.clone())) {
            return false;
        }
        let left = || (0..operations.len()).filter(|at| done & 1 << at == 0);
        let deadline = left().map(|at| operations[at].ret).min().unwrap_or(NEVER);
        deadline == NEVER
            || left()
                .filter(|at| operations[*at].call < deadline)
                .any(|at| {
                    let after = (self.apply)(state, operations[at].action);
                    after
                        .iter()
                        .any(|state| self.reaches_the_end(operations, done | 1 << at, state, seen))
                })
    }

    fn replay(&self, order: &[OpId], told: &str) {
        let placed: FxHashSet<OpId> = order.iter().copied().collect();
        assert_eq!(placed.len(), order.len(), "twice in {order:?}, {told}");
        let mandatory = self.operations.iter().filter(|one| one.ret != NEVER);
        assert!(
            mandatory.map(|one| one.id).all(|id| placed.contains(&id)),
            "lacks one: {order:?}, {told}"
        );
        let mut states = vec![self.initial.clone()];
        let mut point = 0;
        for id in order {
            let one = &self.operations[id.0];
            point = point.max(one.call);
            assert!(point <= one.ret, "against real time: {order:?}, {told}");
            states = states
                .iter()
                .flat_map(|state| (self.apply)(state, one.action))
                .collect();
        }
        assert!(!states.is_empty(), "no such order: {order:?}, {told}");
    }
}

/// How histories are drawn.
struct Shape {
    operations: usize,
    processes: usize,
    /// In percent.
    indeterminate: u32,
    /// How many at most: brute force tries all orders of them.
    lost: u32,
    wrong: u32,
}

fn shape(random: &mut ChaCha8Rng, large: bool) -> Shape {
    Shape {
        operations: if large {
            random.random_range(13..=15)
        } else {
            random.random_range(2..=8)
        },
        processes: random.random_range(2..=if large { 4 } else { 5 }),
        indeterminate: [0, 10, 40][random.random_range(0..3)],
        lost: if large { 2 } else { 8 },
        wrong: if large { [0, 10, 20] } else { [0, 20, 40] }[random.random_range(0..3)],
    }
}

/// Runs processes: `invoke` draws what one asks, `perform` does it, `lose` says what is known of one without an answer, `falsify` invents an answer.
struct Play<'p, I, A> {
    invoke: &'p mut dyn FnMut(&mut ChaCha8Rng) -> I,
    perform: &'p mut dyn FnMut(&I) -> A,
    lose: &'p mut dyn FnMut(&I, Option<A>, &mut ChaCha8Rng) -> A,
    falsify: &'p mut dyn FnMut(&I, A, &mut ChaCha8Rng) -> A,
}

impl<I: Clone, A: Copy> Play<'_, I, A> {
    fn run(&mut self, shape: &Shape, random: &mut ChaCha8Rng) -> Vec<Timed<A>> {
        let mut operations: Vec<(u64, u64, Option<A>)> = Vec::new();
        let mut open: Vec<Option<(usize, I)>> = vec![None; shape.processes];
        let (mut now, mut lost) = (0, 0);
        while operations.len() < shape.operations || open.iter().any(Option::is_some) {
            let process = random.random_range(0..open.len());
            match open[process].take() {
                None if operations.len() < shape.operations => {
                    open[process] = Some((operations.len(), (self.invoke)(random)));
                    operations.push((now, NEVER, None));
                    now += 1;
                }
                None => {}
                Some((at, asked)) if operations[at].2.is_none() && random.random_ratio(3, 4) => {
                    operations[at].2 = Some((self.perform)(&asked));
                    open[process] = Some((at, asked));
                }
                Some((at, asked)) => {
                    let done = operations[at].2;
                    if lost < shape.lost && random.random_ratio(shape.indeterminate, 100) {
                        lost += 1;
                        operations[at].2 = Some((self.lose)(&asked, done, random));
                        continue;
                    }
                    if done.is_none() {
                        open[process] = Some((at, asked));
                        continue;
                    }
                    operations[at].1 = now;
                    now += 1;
                    if random.random_ratio(shape.wrong, 100) {
                        operations[at].2 = operations[at]
                            .2
                            .map(|answer| (self.falsify)(&asked, answer, random));
                    }
                }
            }
        }
        operations
            .into_iter()
            .enumerate()
            .map(|(id, (call, ret, action))| Timed {
                id: OpId(id),
                call,
                ret,
                action: action.expect("performed or lost"),
            })
            .collect()
    }
}

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

fn check(tally: &Tally, draws: u64) {
    assert!(
        tally.valid > draws / 8 && tally.invalid > draws / 8 && tally.passed < draws / 3,
        "one-sided: {tally:?}"
    );
}

/// `ADRASTEIA_DRAWS` makes all draws so many times longer.
fn draws(usual: u64) -> u64 {
    let factor = std::env::var("ADRASTEIA_DRAWS").map(|factor| factor.parse::<u64>());
    usual * factor.map_or(1, |factor| factor.expect("a number"))
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
                    elements: VALUES as usize,
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
