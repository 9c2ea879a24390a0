//! From a history to an answer: split by object, then judge each.

use std::collections::BTreeMap;

use crate::budget::{Budget, Limit};
use crate::history::{History, OpId};
use crate::models::ModelSpec;
use crate::value::Value;
use crate::verdict::{Analysis, KeyAnalysis, KeyResult};

/// An operation that the model does not know.
#[derive(Debug, thiserror::Error)]
#[error("operation {index} (`{f}` of process {process}): {reason}")]
pub struct ModelError {
    /// [`crate::Event::index`] of the invocation.
    pub index: u64,
    /// Its function.
    pub f: String,
    /// Its process.
    pub process: i64,
    /// Why it makes no sense to the model.
    pub reason: String,
}

/// Judges a history by a model.
///
/// # Errors
/// If the model does not know an operation of the history.
pub fn check(
    history: &History,
    spec: &ModelSpec,
    budget: &dyn Budget,
) -> Result<Analysis, ModelError> {
    let mut objects: BTreeMap<Option<Value>, Vec<OpId>> = BTreeMap::new();
    for operation in &history.operations {
        objects
            .entry(operation.key.clone())
            .or_default()
            .push(operation.id);
    }
    let keys = objects
        .into_iter()
        .map(|(key, operations)| KeyAnalysis {
            key,
            operations: operations.len(),
            result: KeyResult::Unknown {
                limit: budget.exceeded(0).unwrap_or(Limit::Cancelled),
                proven_until: None,
            },
        })
        .collect();
    Ok(Analysis {
        model: spec.clone(),
        keys,
    })
}
