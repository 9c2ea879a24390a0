//! The frontier's answer is the search's answer.

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use crate::budget::Unlimited;
use crate::engine::{self, Answer};
use crate::explain::soundness::draw;
use crate::search;

#[test]
fn frontier_and_search_agree_on_verdict_failure_and_states() {
    let (mut valid, mut invalid) = (0, 0);
    for seed in 0..100_000 {
        let register = draw(
            &mut ChaCha8Rng::seed_from_u64(3 << 32 | seed),
            seed % 8 == 0,
        );
        let frontier = engine::run(super::engine(register.problem()), &Unlimited);
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
        valid > 10_000 && invalid > 10_000,
        "one-sided: {valid} {invalid}"
    );
}
