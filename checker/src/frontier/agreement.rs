//! The frontier's answer is the search's answer.

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use super::{Patience, USUAL};
use crate::budget::Unlimited;
use crate::engine::{self, Answer};
use crate::explain::soundness::{draw, draw_sized};
use crate::models::register::Register;
use crate::search;

/// So little is kept that almost always too much is left out.
const NONE: Patience = Patience {
    beams: [1, 2, usize::MAX],
    returns_per_mark: 1,
    attempts: &[(1, 1), (2, 2), (5, 3)],
};

fn agree(draw: impl Fn(u64) -> Register, draws: u64, patience: Patience) {
    let (mut valid, mut invalid) = (0, 0);
    for seed in 0..draws {
        let register = draw(seed);
        let frontier = super::engine_with(register.problem(), patience);
        let frontier = engine::run(frontier, &Unlimited);
        let search = engine::run(search::engine(register.problem()), &Unlimited);
        match (frontier, search) {
            // That the witness is one is seen by replay, in the tests of the whole checker.
            (Answer::Valid(_), Answer::Valid(_)) => valid += 1,
            (frontier @ Answer::Invalid { .. }, search) => {
                invalid += 1;
                assert_eq!(frontier, search, "seed {seed}: {:#?}", register.operations);
            }
            (frontier, search) => panic!(
                "seed {seed}: {frontier:?} but {search:?} for {:#?}",
                register.operations
            ),
        }
    }
    assert!(
        valid > draws / 50 && invalid > draws / 50,
        "one-sided: {valid} {invalid}"
    );
}

#[test]
fn frontier_and_search_agree_on_verdict_failure_and_states() {
    let draw = |seed| {
        draw(
            &mut ChaCha8Rng::seed_from_u64(3 << 32 | seed),
            seed % 8 == 0,
        )
    };
    agree(draw, 100_000, USUAL);
}

#[test]
fn a_frontier_that_must_look_again_agrees_as_well() {
    let small = |seed| draw(&mut ChaCha8Rng::seed_from_u64(5 << 32 | seed), false);
    agree(small, 50_000, NONE);
    let large = |seed| {
        let mut random = ChaCha8Rng::seed_from_u64(6 << 32 | seed);
        draw_sized(&mut random, false, 8 + seed % 7)
    };
    agree(large, 50_000, NONE);
}
