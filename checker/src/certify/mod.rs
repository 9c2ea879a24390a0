//! A second opinion: checks the certificates of an analysis, whichever way they were found.
//!
//! It has its own reading of the models' specifications ([`meaning`]) and its own replay; nothing of the engines is used here.
//! - *Valid*: the witness holds every `ok` operation once, no failed and no foreign one, respects real time, and the model accepts it.
//!   One pass.
//! - *Invalid*: what is left of the history follows from it, and no order of the few operations left exists, by trying all.

mod brute;
mod error;
pub(crate) mod meaning;
pub(crate) mod needs;
mod order;
mod rest;
pub(crate) mod visibility;

use std::collections::BTreeMap;

use crate::budget::{Budget, Watch};
use crate::counterexample::Counterexample;
use crate::history::History;
use crate::value::Value;
use crate::verdict::{Analysis, KeyResult};
pub use error::CertifyError;
use meaning::Object;

/// How many objects have which answer. Nothing is certain about those without one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Certified {
    /// Linearizable, by their witness.
    pub valid: usize,
    /// Not linearizable, by their counterexample.
    pub invalid: usize,
    /// Neither was claimed.
    pub unknown: usize,
}

/// Checks the answer for each object of a history: the witness of a valid one, the counterexample of an invalid one.
///
/// # Why a counterexample proves the whole history wrong
/// Let L be an order of the whole history. Leave out of it what the counterexample leaves out, and what is left is an order of the
/// counterexample:
/// - an operation with a wider interval may stand where it stood; an optional one may stand there too, or be left out as it was;
/// - an operation that counts as a write only is accepted in any state;
/// - an operation that observes a value still follows the last one that wrote there: a mutation is only left out if no operation left
///   can observe it, so it was not that one;
/// - sets, queues, stacks, counters and lists have rules of their own (`needs.rs`).
///
/// ```
/// let text = r#"
/// {"process": 0, "type": "invoke", "f": "write", "value": 1}
/// {"process": 0, "type": "ok", "f": "write", "value": 1}
/// {"process": 1, "type": "invoke", "f": "read"}
/// {"process": 1, "type": "ok", "f": "read", "value": 2}
/// "#;
/// let history = checker::formats::read(text.as_bytes(), None, "example.jsonl")?;
/// let spec = history.default_model();
/// let analysis = checker::check(&history, &spec, &checker::Unlimited)?;
/// let counterexamples: Vec<_> = analysis
///     .keys
///     .iter()
///     .filter_map(|key| checker::minimize(&history, &spec, key, &checker::Unlimited))
///     .collect();
/// let certified =
///     checker::certify(&history, &analysis, &counterexamples, &checker::Unlimited)?;
/// assert_eq!((certified.valid, certified.invalid), (0, 1));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// The first certificate that proves nothing, and why. [`CertifyError::TooLarge`] and [`CertifyError::Limit`] are no objection: the
/// certificate may be right.
pub fn certify(
    history: &History,
    analysis: &Analysis,
    counterexamples: &[Counterexample],
    budget: &dyn Budget,
) -> Result<Certified, CertifyError> {
    let watch = Watch::new(budget, size_of_val(history.operations.as_slice()) as u64);
    let objects = meaning::objects(history, &analysis.model, &watch)?;
    let given: BTreeMap<Option<&Value>, &Counterexample> = counterexamples
        .iter()
        .map(|one| (one.key.as_ref(), one))
        .collect();
    let mut certified = Certified::default();
    let mut answered = objects.keys();
    for answer in &analysis.keys {
        let key = answer.key.as_ref();
        if answered.next() != Some(&key) {
            return Err(CertifyError::Objects {
                key: answer.key.clone(),
            });
        }
        let object = &objects[&key];
        match &answer.result {
            KeyResult::Valid { witness } => {
                order::verify(history, object, witness, &watch)?;
                certified.valid += 1;
            }
            KeyResult::Invalid(_) => {
                let counterexample = given
                    .get(&key)
                    .ok_or_else(|| CertifyError::NoCounterexample { key: key.cloned() })?;
                rest::verify(history, object, &counterexample.operations, &watch)?;
                certified.invalid += 1;
            }
            KeyResult::Unknown { .. } => certified.unknown += 1,
        }
    }
    match answered.next() {
        Some(key) => Err(CertifyError::Objects { key: key.cloned() }),
        None => Ok(certified),
    }
}

/// The operation with this identity on this object.
fn find<'o, 'h>(
    history: &'h History,
    object: &'o Object<'h>,
    id: crate::history::OpId,
) -> Result<&'o meaning::Item<'h>, CertifyError> {
    let operation = history
        .operations
        .get(id.0)
        .ok_or(CertifyError::Foreign { id })?;
    let place = object
        .items
        .binary_search_by_key(&operation.id, |item| item.operation.id);
    match place {
        Ok(place) => Ok(&object.items[place]),
        Err(_) => Err(CertifyError::Foreign { id }),
    }
}
