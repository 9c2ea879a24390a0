//! Clients at work, some of whose answers are lost or falsified.

use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use crate::fast::theory::Timed;
use crate::history::OpId;
use crate::models::machine::NEVER;

/// How histories are drawn.
pub(super) struct Shape {
    operations: usize,
    processes: usize,
    /// In percent.
    indeterminate: u32,
    /// How many at most: brute force tries all orders of them.
    lost: u32,
    wrong: u32,
}

pub(super) fn shape(random: &mut ChaCha8Rng, large: bool) -> Shape {
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

/// Runs processes: `invoke` draws what one asks, `perform` does it, `lose` says what is known of one without an answer, `falsify`
/// invents an answer.
pub(super) struct Play<'p, I, A> {
    pub(super) invoke: &'p mut dyn FnMut(&mut ChaCha8Rng) -> I,
    pub(super) perform: &'p mut dyn FnMut(&I) -> A,
    pub(super) lose: &'p mut dyn FnMut(&I, Option<A>, &mut ChaCha8Rng) -> A,
    pub(super) falsify: &'p mut dyn FnMut(&I, A, &mut ChaCha8Rng) -> A,
}

impl<I: Clone, A: Copy> Play<'_, I, A> {
    pub(super) fn run(&mut self, shape: &Shape, random: &mut ChaCha8Rng) -> Vec<Timed<A>> {
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
