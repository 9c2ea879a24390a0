//! From a long history that is not linearizable to the few operations that contradict each other.
//!
//! What may be left out or weakened without making an illegal history of a legal one is decided by the rules that [`crate::certify`]
//! checks; whether the rest is still illegal, by the engines. Operations go by binary chunks (after Zeller and Hildebrandt 2002,
//! "Simplifying and isolating failure-inducing input"), then one by one; then what is left is weakened as far as it goes.

mod judge;
mod reasons;
mod shrink;
mod words;

use crate::budget::Budget;
use crate::certify::meaning;
use crate::counterexample::Counterexample;
use crate::history::History;
use crate::models::ModelSpec;
use crate::verdict::{KeyAnalysis, KeyResult};
use judge::Judge;
use shrink::Shrink;

/// The smallest counterexample that can be found for an object that is not linearizable; `None` for any other.
///
/// Where the budget ends first the counterexample is a true one, but not minimal.
pub fn minimize(
    history: &History,
    spec: &ModelSpec,
    answer: &KeyAnalysis,
    budget: &dyn Budget,
) -> Option<Counterexample> {
    let KeyResult::Invalid(violation) = &answer.result else {
        return None;
    };
    let object = meaning::object(history, spec, answer.key.as_ref()).ok()??;
    let mut shrink = Shrink::new(&object, Judge::new(&object, budget));
    shrink.start(violation);
    let minimal = shrink.run();
    let operations = shrink.operations();
    Some(Counterexample {
        key: answer.key.clone(),
        explanation: words::explain(&object, &operations),
        operations,
        minimal,
    })
}
