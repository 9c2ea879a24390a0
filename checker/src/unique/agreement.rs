//! The fast answer is the search's answer.

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use crate::budget::Unlimited;
use crate::engine::{self, Answer};
use crate::explain::soundness::draw;
use crate::search;

#[test]
fn blocks_and_search_agree_on_verdict_failure_and_states() {
    let (mut valid, mut invalid, mut passed) = (0, 0, 0);
    for seed in 0..100_000 {
        let register = draw(&mut ChaCha8Rng::seed_from_u64(seed), seed % 8 != 0);
        let Some(fast) = super::check(&register, &Unlimited) else {
            passed += 1;
            continue;
        };
        match (
            fast,
            engine::run(search::engine(register.problem()), &Unlimited),
        ) {
            // That the witness is one is seen by replay, in the tests of the whole checker.
            (Answer::Valid(_), Answer::Valid(_)) => valid += 1,
            (fast @ Answer::Invalid { .. }, slow) => {
                invalid += 1;
                assert_eq!(fast, slow, "seed {seed}: {:#?}", register.operations);
            }
            (fast, slow) => panic!(
                "seed {seed}: {fast:?} but {slow:?} for {:#?}",
                register.operations
            ),
        }
    }
    assert!(
        valid > 10_000 && invalid > 10_000 && passed > 1_000,
        "one-sided: {valid} {invalid} {passed}"
    );
}
