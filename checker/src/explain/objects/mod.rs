//! Contradictions of everything that is no register: two or three operations that cannot all be true.
//!
//! Each claim rests on what no order can change: an operation that returned before another was called comes before it, one that was called
//! after another returned comes after it, and what failed took no effect. What an operation without an answer may have done counts
//! as done wherever that would explain what was seen.

mod buffer;
mod counter;
mod lists;
mod lock;
mod reach;
mod set;
#[cfg(test)]
mod soundness;
mod suspects;
mod words;

use crate::budget::{Budget, Limit, Watch};
use crate::certify::meaning::{self, Item, Object};
use crate::history::{History, OpId, Outcome};
use crate::models::{ModelName, ModelSpec};
use crate::verdict::{Anomaly, AnomalyClass, KeyAnalysis, KeyResult};

/// A contradiction that was found.
#[derive(Clone, Debug)]
pub(super) struct Claim {
    class: AnomalyClass,
    /// The one to blame last.
    operations: Vec<OpId>,
    explanation: String,
}

/// Names the contradictions of the objects that are not linearizable and have no name yet, as far as the budget allows.
pub(crate) fn name(
    history: &History,
    spec: &ModelSpec,
    keys: &mut [KeyAnalysis],
    budget: &dyn Budget,
) {
    if !keys.iter_mut().any(|key| nameless(key).is_some()) {
        return;
    }
    let watch = Watch::new(budget, size_of_val(history.operations.as_slice()) as u64);
    let Ok(objects) = meaning::objects(history, spec, &watch) else {
        return;
    };
    for key in keys {
        let found = objects
            .get(&key.key.as_ref())
            .and_then(|object| find(object, &watch).ok()?);
        if let (Some(claim), Some(anomaly)) = (found, nameless(key)) {
            *anomaly = Anomaly {
                class: claim.class,
                operations: claim.operations,
                explanation: claim.explanation,
                staleness: None,
            };
        }
    }
}

fn nameless(key: &mut KeyAnalysis) -> Option<&mut Anomaly> {
    match &mut key.result {
        KeyResult::Invalid(violation) if violation.anomaly.class == AnomalyClass::Other => {
            Some(&mut violation.anomaly)
        }
        KeyResult::Invalid(_) | KeyResult::Valid { .. } | KeyResult::Unknown { .. } => None,
    }
}

/// The first contradiction of a kind, the clearest kind first.
pub(super) fn find(object: &Object<'_>, watch: &Watch<'_>) -> Result<Option<Claim>, Limit> {
    watch.look()?;
    match object.model {
        ModelName::Mutex => lock::find(object, watch),
        ModelName::Set => set::find(object, watch),
        ModelName::Queue | ModelName::UnorderedQueue | ModelName::Stack => {
            buffer::find(object, watch)
        }
        ModelName::Counter => counter::find(object, watch),
        ModelName::ListAppend | ModelName::KvAppend => lists::find(object, watch),
        ModelName::Register | ModelName::CasRegister | ModelName::Kv | ModelName::MultiRegister => {
            Ok(None)
        }
    }
}

/// Whether an operation certainly took effect.
fn is_ok(item: &Item<'_>) -> bool {
    item.operation.outcome == Outcome::Ok
}

/// Whether it may have.
fn may_be(item: &Item<'_>) -> bool {
    item.operation.outcome != Outcome::Fail
}

fn call(item: &Item<'_>) -> u64 {
    item.operation.call
}
