//! Why a history is not linearizable, in one sentence.
//!
//! The search proves *that* there is no order. People want to see two or three operations that cannot all be true. For registers those
//! are looked for in the whole history of the object ([`find`]); where none is found the operation that could not be placed is
//! named with the states that were possible.

mod chains;
mod contradiction;
mod facts;
mod find;
mod latest;
pub(crate) mod objects;
#[cfg(test)]
pub(crate) mod soundness;
mod words;

use crate::budget::Watch;
use crate::history::{History, OpId};
use crate::models::register::Register;
use crate::value::Value;
use crate::verdict::{Anomaly, AnomalyClass, Staleness};
use contradiction::Contradiction;
use facts::Facts;

/// An object that is not linearizable.
pub(crate) struct Object<'o> {
    pub(crate) history: &'o History,
    pub(crate) key: Option<&'o Value>,
    /// Its operations, if it is a register of values.
    pub(crate) register: Option<&'o Register>,
}

/// The clearest contradiction.
pub(crate) fn explain(
    object: &Object<'_>,
    stuck: OpId,
    states: &[Value],
    watch: &Watch<'_>,
) -> Anomaly {
    object
        .register
        .and_then(|register| contradiction(object, register, watch))
        .unwrap_or_else(|| Anomaly {
            class: AnomalyClass::Other,
            operations: vec![stuck],
            explanation: words::unplaceable(object, stuck, states),
            staleness: None,
        })
}

fn contradiction(object: &Object<'_>, register: &Register, watch: &Watch<'_>) -> Option<Anomaly> {
    watch.look().ok()?;
    let found = find::find(&Facts::new(register), object.history, watch)?;
    Some(Anomaly {
        class: found.class(),
        operations: found.operations(),
        explanation: words::sentence(object, register, &found),
        staleness: staleness(object.history, &found),
    })
}

fn staleness(history: &History, found: &Contradiction<'_>) -> Option<Staleness> {
    let Contradiction::Overwritten { observer, by, .. } = found else {
        return None;
    };
    let replaced = history.operation(by.first()?.id).return_time;
    let called = history.operation(observer.id).call_time;
    let late_ns = called
        .zip(replaced)
        .map_or(0, |(called, replaced)| called.0.saturating_sub(replaced.0));
    Some(Staleness {
        late_ns,
        versions: by.len() as u64,
    })
}
