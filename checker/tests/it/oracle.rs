//! The definition itself, by trying all orders: slow, tiny, and without a line of the checker's engine.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use checker::{ModelName, Operation, Outcome, Value};

/// Whether an order exists.
pub(crate) fn is_linearizable(operations: &[Operation], model: ModelName, initial: &Value) -> bool {
    let kept: Vec<&Operation> = operations
        .iter()
        .filter(|operation| operation.outcome != Outcome::Fail)
        .collect();
    assert!(kept.len() < 32, "the oracle is for small histories");
    place(&kept, model, &start(model, initial), 0, &mut HashSet::new())
}

/// The first state. That of a map has the initial value of every key, under no key.
pub(crate) fn start(model: ModelName, initial: &Value) -> Value {
    match model == ModelName::Kv {
        true => [(Value::Nil, initial.clone())].into_iter().collect(),
        false => initial.clone(),
    }
}

/// What a map holds under a key.
pub(crate) fn held(map: &Value, key: &Value) -> Value {
    let Value::Map(map) = map else {
        panic!("the state is a map")
    };
    let held = map.get(key).or_else(|| map.get(&Value::Nil));
    held.expect("every key has an initial value").clone()
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
                .iter()
                .any(|after| place(operations, model, after, placed | 1 << number, seen))
        })
}

/// Where a mandatory operation must be placed at the latest.
fn deadline(operation: &Operation) -> Option<u64> {
    match operation.outcome {
        Outcome::Ok => operation.ret,
        Outcome::Fail | Outcome::Info => None,
    }
}

/// The operations on one object, where the answers name several.
pub(crate) fn object(operations: &[Operation], key: Option<&Value>) -> Vec<Operation> {
    let touches = |one: &&Operation| match one.input.as_list().and_then(<[Value]>::first) {
        _ if one.key.is_some() => one.key.as_ref() == key,
        Some(Value::List(part)) => part.get(1) == key,
        _ => false,
    };
    match key {
        Some(_) => operations.iter().filter(touches).cloned().collect(),
        None => operations.to_vec(),
    }
}

/// One step of the sequential object: every state it may have afterwards.
pub(crate) fn apply(state: &Value, operation: &Operation, model: ModelName) -> Vec<Value> {
    let answered = operation.outcome == Outcome::Ok;
    let text = |value: &Value| value.as_text().unwrap_or_default().to_owned();
    let if_so = |so: bool, after: Value| if so { vec![after] } else { Vec::new() };
    let (input, answer) = (&operation.input, &operation.output);
    match (model, operation.f.as_str()) {
        (ModelName::Kv, _) => register_of_map(state, operation),
        (ModelName::MultiRegister, "txn") => transaction(state, operation).into_iter().collect(),
        (ModelName::Mutex, "acquire") => if_so(*state == Value::from("free"), "held".into()),
        (ModelName::Mutex, "release") => if_so(*state == Value::from("held"), "free".into()),
        (ModelName::KvAppend, "put") => vec![input.clone()],
        (ModelName::KvAppend, "append") => vec![Value::from(text(state) + &text(input))],
        (ModelName::Set, _) => set(state, operation).into_iter().collect(),
        (ModelName::Queue | ModelName::UnorderedQueue | ModelName::Stack, "enqueue" | "push") => {
            let mut after = elements(state);
            after.push(input.clone());
            if model == ModelName::UnorderedQueue {
                after.sort();
            }
            vec![Value::from(after)]
        }
        (ModelName::Queue | ModelName::UnorderedQueue | ModelName::Stack, "dequeue" | "pop") => {
            outs(state, model)
                .into_iter()
                .filter(|(out, _)| !answered || out == answer)
                .map(|(_, after)| after)
                .collect()
        }
        (ModelName::Counter, "read") => if_so(!answered || answer == state, state.clone()),
        (ModelName::Counter, f) => {
            let by = match (f, input) {
                ("dec", Value::Int(by)) => -by,
                (_, Value::Int(by)) => *by,
                _ => 1,
            };
            let Value::Int(sum) = state else {
                panic!("the state is a number")
            };
            vec![Value::Int(sum + by)]
        }
        (ModelName::ListAppend, "txn") => lists(state, operation).into_iter().collect(),
        (_, "read" | "get") => if_so(!answered || answer == state, state.clone()),
        (_, "write") => vec![input.clone()],
        (_, "cas") => {
            let pair = input.as_list().expect("a cas has two values");
            if_so(pair[0] == *state, pair[1].clone())
        }
        (model, f) => panic!("{model} has no {f}"),
    }
}

fn register_of_map(map: &Value, operation: &Operation) -> Vec<Value> {
    let key = operation.key.clone().unwrap_or_default();
    let put = |after| {
        let mut changed = map.clone();
        if let Value::Map(entries) = &mut changed {
            Arc::make_mut(entries).insert(key.clone(), after);
        }
        changed
    };
    let after = apply(&held(map, &key), operation, ModelName::CasRegister);
    after.into_iter().map(put).collect()
}

fn elements(state: &Value) -> Vec<Value> {
    state.as_list().expect("the state is a list").to_vec()
}

/// What may come out, and what stays.
fn outs(state: &Value, model: ModelName) -> Vec<(Value, Value)> {
    let held = elements(state);
    if held.is_empty() {
        return vec![(Value::Nil, state.clone())];
    }
    let places = if model == ModelName::Queue {
        0..1
    } else if model == ModelName::Stack {
        held.len() - 1..held.len()
    } else {
        0..held.len()
    };
    places
        .map(|place| {
            let mut rest = held.clone();
            let out = rest.remove(place);
            (out, Value::from(rest))
        })
        .collect()
}

/// Elements in order, each once.
fn set(state: &Value, operation: &Operation) -> Option<Value> {
    let mut held = elements(state);
    let is = held.contains(&operation.input);
    let answer = (operation.outcome == Outcome::Ok).then_some(&operation.output);
    let saw = match (operation.f.as_str(), answer) {
        ("read", Some(seen)) if *seen != Value::Nil => {
            let mut seen = elements(seen);
            seen.sort();
            return (seen == held).then(|| state.clone());
        }
        ("add" | "insert", Some(Value::Bool(new))) => Some(!new),
        ("contains" | "remove" | "delete", Some(Value::Bool(old))) => Some(*old),
        _ => None,
    };
    match operation.f.as_str() {
        "add" | "insert" if !is => held.push(operation.input.clone()),
        "remove" | "delete" => held.retain(|element| *element != operation.input),
        _ => {}
    }
    held.sort();
    saw.is_none_or(|saw| saw == is).then_some(Value::from(held))
}

fn lists(state: &Value, operation: &Operation) -> Option<Value> {
    let answered = operation.outcome == Outcome::Ok;
    let Value::Map(lists) = state else {
        panic!("the state is a map")
    };
    let mut lists = BTreeMap::clone(lists);
    let parts = if answered {
        &operation.output
    } else {
        &operation.input
    };
    for part in parts.as_list().expect("a transaction is a list") {
        let [f, key, value] = part.as_list().expect("a part is a list") else {
            panic!("a part has three")
        };
        let mut list = lists.get(key).map(elements).unwrap_or_default();
        if *f == Value::from("append") {
            list.push(value.clone());
        } else if answered && list != value.as_list().unwrap_or_default() {
            return None;
        }
        lists.insert(key.clone(), Value::from(list));
    }
    Some(Value::from(lists))
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
