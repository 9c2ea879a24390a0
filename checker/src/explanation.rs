//! What there is to say of a violation beyond that there is one.

use serde::Serialize;

use crate::budget::Budget;
use crate::counterexample::Counterexample;
use crate::history::History;
use crate::minimize::minimize;
use crate::verdict::Analysis;
use crate::weaker::{Weaker, weaker};

/// How a history that is not linearizable contradicts itself, and how bad that is. Empty for any other.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Explanation {
    /// For each object that is not linearizable the few operations that contradict each other, in the order of the keys.
    pub counterexamples: Vec<Counterexample>,
    /// Which weaker models the whole history follows all the same.
    pub weaker: Vec<Weaker>,
}

/// Explains the violations of an analysis, as well as the budget allows: where it ends, counterexamples are true ones, but not minimal,
/// and weaker models are unknown.
pub fn explain(history: &History, analysis: &Analysis, budget: &dyn Budget) -> Explanation {
    let first = analysis.violations().next();
    let near = first.map(|(_, violation)| violation.operation);
    let spec = &analysis.model;
    let smallest = |key| minimize(history, spec, key, budget);
    Explanation {
        counterexamples: analysis.keys.iter().filter_map(smallest).collect(),
        weaker: match near {
            Some(near) => weaker(history, spec, Some(near), budget),
            None => Vec::new(),
        },
    }
}
