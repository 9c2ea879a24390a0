//! Why a history is not linearizable, in one sentence.
//!
//! The search proves *that* there is no order. The operation that could not be placed is named with the states that were
//! possible.

mod words;

use crate::history::{History, OpId};
use crate::value::Value;
use crate::verdict::{Anomaly, AnomalyClass};

/// An object that is not linearizable.
pub(crate) struct Object<'o> {
    pub(crate) history: &'o History,
}

/// The clearest contradiction.
pub(crate) fn explain(object: &Object<'_>, stuck: OpId, states: &[Value]) -> Anomaly {
    Anomaly {
        class: AnomalyClass::Other,
        operations: vec![stuck],
        explanation: words::unplaceable(object, stuck, states),
        staleness: None,
    }
}
