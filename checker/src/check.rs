//! From a history to an answer: split by object, reduce, search each, explain.

use crate::budget::Budget;
use crate::explain::{self, Object};
use crate::formats::Format;
use crate::history::{History, Operation};
use crate::models::machine::{Entry, Problem};
use crate::models::register::Register;
use crate::models::{ModelName, ModelSpec, kv_append, multi_register, objects};
use crate::search::{self, Answer};
use crate::unique;
use crate::value::Value;
use crate::verdict::{Analysis, KeyAnalysis, KeyResult, Violation};

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

impl ModelError {
    pub(crate) fn new(operation: &Operation, reason: String) -> Self {
        Self {
            index: operation.invoke_index,
            f: operation.f.clone(),
            process: operation.process,
            reason,
        }
    }
}

/// Judges a history by a model, object by object in the order of the keys.
///
/// # Errors
/// If the model does not know an operation of the history.
pub fn check(
    history: &History,
    spec: &ModelSpec,
    budget: &dyn Budget,
) -> Result<Analysis, ModelError> {
    let keys = objects::split(history, spec)?
        .into_iter()
        .map(|(key, entries)| check_object(history, spec, key, &entries, budget))
        .collect::<Result<_, _>>()?;
    Ok(Analysis {
        model: spec.clone(),
        keys,
    })
}

fn check_object(
    history: &History,
    spec: &ModelSpec,
    key: Option<Value>,
    entries: &[Entry<'_>],
    budget: &dyn Budget,
) -> Result<KeyAnalysis, ModelError> {
    let object = Compiled::new(entries, spec, history.format)?;
    let (register, answer) = match object {
        Compiled::Register(register) => {
            let answer = unique::check(&register)
                .unwrap_or_else(|| search::search(register.problem(), budget));
            (Some(register), answer)
        }
        Compiled::Other(problem) => (None, search::search(problem, budget)),
    };
    let result = match answer {
        Answer::Valid(witness) => KeyResult::Valid { witness },
        Answer::Unknown {
            limit,
            proven_until,
        } => KeyResult::Unknown {
            limit,
            proven_until,
        },
        Answer::Invalid { stuck, states } => {
            let object = Object {
                history,
                key: key.as_ref(),
                register: register.as_ref().filter(|_| spec.name != ModelName::Mutex),
            };
            let anomaly = explain::explain(&object, stuck, &states);
            KeyResult::Invalid(Box::new(Violation {
                operation: stuck,
                states,
                anomaly,
            }))
        }
    };
    Ok(KeyAnalysis {
        key,
        operations: entries.len(),
        result,
    })
}

/// An object in the terms of its model. Registers keep their operations, which is what contradictions are found in.
enum Compiled {
    Register(Register),
    Other(Problem),
}

impl Compiled {
    fn new(entries: &[Entry<'_>], spec: &ModelSpec, format: Format) -> Result<Self, ModelError> {
        match spec.name {
            ModelName::Register | ModelName::CasRegister | ModelName::Kv | ModelName::Mutex => {
                Register::new(entries, spec, format).map(Self::Register)
            }
            ModelName::MultiRegister => {
                multi_register::problem(entries, spec, format).map(Self::Other)
            }
            ModelName::KvAppend => kv_append::problem(entries, spec).map(Self::Other),
        }
    }
}
