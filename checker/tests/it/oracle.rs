//! The definition itself, by trying all orders: slow, tiny, and without a line of the checker's engine.

use std::collections::HashSet;
use std::sync::Arc;

use checker::{ModelName, Operation, Outcome, Value};

/// Whether an order exists.
pub(crate) fn is_linearizable(operations: &[Operation], model: ModelName, initial: &Value) -> bool {
    let kept: Vec<&Operation> = operations
        .iter()
        .filter(|operation| operation.outcome != Outcome::Fail)
        .collect();
    assert!(kept.len() < 32, "the oracle is for small histories");
    place(&kept, model, initial, 0, &mut HashSet::new())
}

fn place(
    operations: &[&Operation],
    model: ModelName,
    state: &Value,
    placed: u32,
    seen: &mut HashSet<(u32, Value)>,
) -> bool {
    let open: Vec<usize> = (0..operations.len())
        .filter(|number| placed >> number & 1 == 0)
        .collect();
    let deadline = open
        .iter()
        .filter_map(|&number| deadline(operations[number]))
        .min();
    let Some(deadline) = deadline else {
        return true;
    };
    if !seen.insert((placed, state.clone())) {
        return false;
    }
    open.iter()
        .filter(|&&number| operations[number].call < deadline)
        .any(|&number| {
            apply(state, operations[number], model)
                .is_some_and(|after| place(operations, model, &after, placed | 1 << number, seen))
        })
}

/// Where a mandatory operation must be placed at the latest.
fn deadline(operation: &Operation) -> Option<u64> {
    match operation.outcome {
        Outcome::Ok => operation.ret,
        Outcome::Fail | Outcome::Info => None,
    }
}

/// One step of the sequential object.
pub(crate) fn apply(state: &Value, operation: &Operation, model: ModelName) -> Option<Value> {
    let answered = operation.outcome == Outcome::Ok;
    let text = |value: &Value| value.as_text().unwrap_or_default().to_owned();
    match (model, operation.f.as_str()) {
        (ModelName::MultiRegister, "txn") => transaction(state, operation),
        (ModelName::Mutex, "acquire") => {
            (*state == Value::from("free")).then(|| Value::from("held"))
        }
        (ModelName::Mutex, "release") => {
            (*state == Value::from("held")).then(|| Value::from("free"))
        }
        (ModelName::KvAppend, "put") => Some(operation.input.clone()),
        (ModelName::KvAppend, "append") => Some(Value::from(text(state) + &text(&operation.input))),
        (_, "read" | "get") => (!answered || operation.output == *state).then(|| state.clone()),
        (_, "write") => Some(operation.input.clone()),
        (_, "cas") => {
            let pair = operation.input.as_list().expect("a cas has two values");
            (pair[0] == *state).then(|| pair[1].clone())
        }
        (model, f) => panic!("{model} has no {f}"),
    }
}

fn transaction(state: &Value, operation: &Operation) -> Option<Value> {
    let answered = operation.outcome == Outcome::Ok;
    let Value::Map(mut registers) = state.clone() else {
        panic!("the state is a map")
    };
    let parts = if answered {
        &operation.output
    } else {
        &operation.input
    };
    for part in parts.as_list().expect("a transaction is a list") {
        let [f, register, value] = part.as_list().expect("a part is a list") else {
            panic!("a part has three")
        };
        if *f == Value::from("write") {
            Arc::make_mut(&mut registers).insert(register.clone(), value.clone());
        } else if answered && registers.get(register) != Some(value) {
            return None;
        }
    }
    Some(Value::Map(registers))
}
