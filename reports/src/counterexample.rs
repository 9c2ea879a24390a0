//! Counterexamples and weaker models as `result.json` has them: by events of the history, in words.

use checker::{Counterexample, Effect, History, Operation, Presence, Verdict, Weakened, Weaker};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The few operations that prove a key not to be linearizable.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CounterexampleRecord {
    /// The key; `None` when the whole history is one object.
    pub key: Option<Value>,
    /// The operations, in the order of their calls. Each is needed if `minimal`.
    pub operations: Vec<OperationRecord>,
    /// Nothing can be left out or weakened any further; otherwise a limit was reached first.
    pub minimal: bool,
    /// The contradiction in a few sentences.
    pub explanation: String,
}

/// An operation of a counterexample.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OperationRecord {
    /// The `index` of its invocation in the history.
    pub operation: u64,
    /// What of it may be otherwise, and the history contradicts itself all the same.
    pub whatever: Vec<String>,
}

/// Whether a history follows a weaker model.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WeakerRecord {
    /// The model, such as `monotonic reads`.
    pub model: String,
    /// `valid`, `invalid` or `unknown`.
    pub verdict: String,
    /// Why it is unknown.
    pub limit: Option<String>,
}

impl CounterexampleRecord {
    /// The record of what the checker found.
    #[must_use]
    pub fn new(found: &Counterexample, history: &History) -> Self {
        let record = |weakened: &Weakened| {
            let operation = history.operation(weakened.id);
            OperationRecord {
                operation: operation.invoke_index,
                whatever: whatever(weakened, operation),
            }
        };
        Self {
            key: found
                .key
                .as_ref()
                .map(|key| serde_json::to_value(key).unwrap_or_else(|_| key.to_string().into())),
            operations: found.operations.iter().map(record).collect(),
            minimal: found.minimal,
            explanation: found.explanation.clone(),
        }
    }
}

impl WeakerRecord {
    /// The record of what the checker found.
    #[must_use]
    pub fn new(found: &Weaker) -> Self {
        Self {
            model: found.model.to_string(),
            verdict: found.verdict.to_string(),
            limit: found.limit.map(|limit| limit.to_string()),
        }
    }

    pub(crate) fn mark(found: &Weaker) -> String {
        match (found.verdict, found.limit) {
            (Verdict::Valid, _) => "✓ holds".to_owned(),
            (Verdict::Invalid, _) => "✗ broken".to_owned(),
            (Verdict::Unknown, None) => "! unknown".to_owned(),
            (Verdict::Unknown, Some(limit)) => format!("! unknown: {limit}"),
        }
    }
}

/// What was weakened, in plain words.
pub(crate) fn whatever(weakened: &Weakened, operation: &Operation) -> Vec<String> {
    let mut words = Vec::new();
    if weakened.effect == Effect::WriteOnly {
        words.push("whatever it saw");
    }
    if weakened.presence == Presence::Optional {
        if operation.ret.is_some() {
            words.push("even if it took no effect");
        }
    } else if let Some(ret) = operation.ret {
        match weakened.ret {
            None => words.push("even if it took effect at any later time"),
            Some(later) if later > ret => words.push("even if it returned later"),
            Some(_) => {}
        }
    }
    match weakened.call {
        0 if operation.call > 0 => words.push("even if it was called at the start"),
        earlier if earlier < operation.call => words.push("even if it was called earlier"),
        _ => {}
    }
    words.into_iter().map(str::to_owned).collect()
}
