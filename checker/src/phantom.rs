//! Values that cannot have been there, seen before any engine begins.
//!
//! An `ok` operation of a register that observed a value which nobody had begun to write when it returned, and which is not the
//! initial one, fits no order. That takes one pass to see, however many orders there are to try. The history is not linearizable up to that
//! return, so nothing called later matters. Whether an earlier return fails already is for the engines to say, if they can soon.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::budget::{Budget, CheckProgress, Limit};
use crate::engine::Answer;
use crate::models::machine::NEVER;
use crate::models::register::{Register, RegisterOp};
use crate::race;

/// How often the engines may look at the budget before the first failure is given up, at least and for each operation: a few times
/// what they need where nothing explodes.
const LEAST_LOOKS: u64 = 5_000;
const OPERATIONS_PER_LOOK: u64 = 16;

/// Not linearizable, if a value cannot have been there. The states are empty if an earlier operation may fail already.
pub(crate) fn check(register: &Register, budget: &dyn Budget) -> Option<Answer> {
    let impossible = first_impossible(register)?;
    let looks = LEAST_LOOKS + register.operations.len() as u64 / OPERATIONS_PER_LOOK;
    let briefly = Briefly {
        looks: AtomicU64::new(looks),
        budget,
    };
    Some(up_to(register, impossible, &briefly))
}

/// Of the operations that observed what nobody had begun to write, the one that returns first.
fn first_impossible(register: &Register) -> Option<RegisterOp> {
    let mut written = vec![NEVER; register.values.len()];
    written[register.initial as usize] = 0;
    let relevant = register.relevant();
    for operation in &relevant {
        if let Some(value) = operation.action.writes() {
            let first = &mut written[value as usize];
            *first = operation.call.min(*first);
        }
    }
    let impossible = relevant.iter().filter(|operation| {
        let observed = operation.action.observes();
        operation.ret != NEVER
            && observed.is_some_and(|value| written[value as usize] > operation.ret)
    });
    impossible.min_by_key(|operation| operation.ret).copied()
}

/// The first failure up to a return that fails.
fn up_to(register: &Register, impossible: RegisterOp, budget: &dyn Budget) -> Answer {
    let mut prefix = register.problem();
    prefix.steps.retain(|step| step.call < impossible.ret);
    match race::race(prefix, false, budget) {
        answer @ Answer::Invalid { .. } => answer,
        Answer::Valid(_) | Answer::Unknown { .. } => Answer::Invalid {
            stuck: impossible.id,
            states: Vec::new(),
        },
    }
}

/// Ends work that takes long. It counts looks, not time, so that the same history gets the same answer.
struct Briefly<'b> {
    looks: AtomicU64,
    budget: &'b dyn Budget,
}

impl Budget for Briefly<'_> {
    fn exceeded(&self, own_memory_estimate_bytes: u64) -> Option<Limit> {
        let left = self.looks.load(Ordering::Relaxed);
        if left == 0 {
            return Some(Limit::Cancelled);
        }
        self.looks.store(left - 1, Ordering::Relaxed);
        self.budget.exceeded(own_memory_estimate_bytes)
    }

    fn progress(&self, progress: &CheckProgress) {
        self.budget.progress(progress);
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    use super::*;
    use crate::budget::Unlimited;
    use crate::engine;
    use crate::explain::soundness::draw;
    use crate::search;

    #[test]
    fn a_value_that_cannot_be_there_fails_where_the_search_fails_or_behind() {
        let (mut exact, mut later) = (0, 0);
        for seed in 0..40_000 {
            let register = draw(
                &mut ChaCha8Rng::seed_from_u64(8 << 32 | seed),
                seed % 2 == 0,
            );
            let Some(impossible) = first_impossible(&register) else {
                continue;
            };
            let alone = engine::run(search::engine(register.problem()), &Unlimited);
            let told = || format!("seed {seed}: {:#?}", register.operations);
            assert_eq!(
                up_to(&register, impossible, &Unlimited),
                alone,
                "{}",
                told()
            );
            let at_once = Briefly {
                looks: AtomicU64::new(0),
                budget: &Unlimited,
            };
            if let Answer::Invalid { stuck, states } = up_to(&register, impossible, &at_once) {
                let given_up = stuck == impossible.id && states.is_empty();
                assert!(given_up || register.operations.len() < 8, "{}", told());
            }
            let Answer::Invalid { stuck, .. } = alone else {
                panic!("{alone:?} for {}", told())
            };
            match stuck == impossible.id {
                true => exact += 1,
                false => later += 1,
            }
        }
        assert!(exact > 1_000 && later > 200, "one-sided: {exact} {later}");
    }
}
