//! Every theory against brute force: the verdict, the witness and the first failing return.

mod containers;
mod counters;
mod play;
mod sets;

use std::fmt::Debug;

use rustc_hash::FxHashSet;

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
