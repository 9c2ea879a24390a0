//! The sentences.

use crate::explain::Object;
use crate::history::{OpId, Operation};
use crate::value::Value;

/// How many possible values a sentence lists.
const STATES_SHOWN: usize = 8;

/// `client 9's read returned 16, but the value was 17 or 18 then`
pub(super) fn unplaceable(object: &Object<'_>, stuck: OpId, states: &[Value]) -> String {
    let operation = object.history.operation(stuck);
    let shown: Vec<String> = states
        .iter()
        .take(STATES_SHOWN)
        .map(Value::to_string)
        .collect();
    let more = if states.len() > STATES_SHOWN {
        " or others"
    } else {
        ""
    };
    format!(
        "{} fits no order: in every order of the operations before, the value was {}{more}",
        did(object, operation),
        shown.join(" or ")
    )
}

fn did(_object: &Object<'_>, operation: &Operation) -> String {
    format!(
        "client {}'s {} of {}",
        operation.process, operation.f, operation.output
    )
}
