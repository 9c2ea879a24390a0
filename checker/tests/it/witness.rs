//! An independent look at a witness: is it an order of the right operations, in real time, that the model accepts?

use std::collections::BTreeSet;

use checker::{History, ModelName, OpId, Operation, Outcome, Value};

use crate::oracle;

/// Panics with what is wrong.
pub(crate) fn verify(
    history: &History,
    operations: &[Operation],
    witness: &[OpId],
    model: ModelName,
    initial: &Value,
) {
    if let Some(flaw) = flaw(history, operations, witness, model, initial) {
        panic!("{flaw}");
    }
}

/// What is wrong, if anything.
pub(crate) fn flaw(
    history: &History,
    operations: &[Operation],
    witness: &[OpId],
    model: ModelName,
    initial: &Value,
) -> Option<String> {
    let placed: BTreeSet<OpId> = witness.iter().copied().collect();
    if placed.len() != witness.len() {
        return Some("an operation is placed twice".to_owned());
    }
    for operation in operations {
        match (operation.outcome, placed.contains(&operation.id)) {
            (Outcome::Ok, false) => return Some(format!("{operation:?} is not placed")),
            (Outcome::Fail, true) => return Some(format!("{operation:?} failed but is placed")),
            (Outcome::Ok | Outcome::Fail | Outcome::Info, _) => {}
        }
    }
    let mut latest_call = 0;
    let mut states = BTreeSet::from([oracle::start(model, initial)]);
    for &id in witness {
        let operation = history.operation(id);
        if operation.ret.unwrap_or(u64::MAX) < latest_call {
            return Some(format!(
                "{operation:?} is placed behind an operation called after its return"
            ));
        }
        latest_call = latest_call.max(operation.call);
        let after = |state| oracle::apply(state, operation, model);
        let possible: BTreeSet<Value> = states.iter().flat_map(after).collect();
        if possible.is_empty() {
            return Some(format!("the model refuses {operation:?} in {states:?}"));
        }
        states = possible;
    }
    None
}
