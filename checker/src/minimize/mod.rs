//! From a long history that is not linearizable to the few operations that contradict each other.
//!
//! What may be left out or weakened without making an illegal history of a legal one is decided by the rules that [`crate::certify`]
//! checks; whether the rest is still illegal, by the engines. Operations go by binary chunks (after Zeller and Hildebrandt 2002,
//! "Simplifying and isolating failure-inducing input"), then one by one; then what is left is weakened as far as it goes.

mod judge;
mod reasons;
mod shrink;
mod words;

use crate::budget::{Budget, Watch};
use crate::certify::meaning;
use crate::counterexample::Counterexample;
use crate::history::History;
use crate::models::ModelSpec;
use crate::verdict::{KeyAnalysis, KeyResult};
use judge::Judge;
use shrink::Shrink;

/// How many operations a counterexample has at most that is not minimal.
const MOST_KEPT: usize = 4096;

/// The smallest counterexample that can be found for an object that is not linearizable; `None` for any other.
///
/// Where the budget ends first the counterexample is a true one, but not minimal; `None` if it is
/// still too large for anyone to look at.
pub fn minimize(
    history: &History,
    spec: &ModelSpec,
    answer: &KeyAnalysis,
    budget: &dyn Budget,
) -> Option<Counterexample> {
    let KeyResult::Invalid(violation) = &answer.result else {
        return None;
    };
    let watch = Watch::new(budget, size_of_val(history.operations.as_slice()) as u64);
    let object = meaning::object(history, spec, answer.key.as_ref(), &watch).ok()??;
    let mut shrink = Shrink::new(&object, Judge::new(&object, budget));
    shrink.start(violation);
    let minimal = shrink.run();
    let operations = shrink.operations();
    if !minimal && operations.len() > MOST_KEPT {
        return None;
    }
    Some(Counterexample {
        key: answer.key.clone(),
        explanation: words::explain(&object, &operations),
        operations,
        minimal,
    })
}
