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
    let placed: BTreeSet<OpId> = witness.iter().copied().collect();
    assert_eq!(placed.len(), witness.len(), "an operation is placed twice");
    for operation in operations {
        match operation.outcome {
            Outcome::Ok => assert!(
                placed.contains(&operation.id),
                "{operation:?} is not placed"
            ),
            Outcome::Fail => assert!(
                !placed.contains(&operation.id),
                "{operation:?} failed but is placed"
            ),
            Outcome::Info => {}
        }
    }
    let mut latest_call = 0;
    let mut state = initial.clone();
    for &id in witness {
        let operation = history.operation(id);
        let returned = operation.ret.unwrap_or(u64::MAX);
        assert!(
            returned >= latest_call,
            "{operation:?} is placed behind an operation called after its return"
        );
        latest_call = latest_call.max(operation.call);
        state = oracle::apply(&state, operation, model)
            .unwrap_or_else(|| panic!("the model refuses {operation:?} in state {state}"));
    }
}
