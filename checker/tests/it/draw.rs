//! Random small histories: clients of a real object, some of whose answers are falsified.

use std::sync::Arc;

use checker::{Event, EventType, History, ModelName, Nanos, Operation, Outcome, Process, Value};
use rand::{Rng, RngExt};
use rand_chacha::ChaCha8Rng;

use crate::oracle;

/// How a history is drawn.
pub(crate) struct Shape {
    pub(crate) model: ModelName,
    pub(crate) operations: usize,
    pub(crate) processes: i64,
    /// Values are drawn from so many; 0 makes every written value unique.
    pub(crate) values: i64,
    /// In percent.
    pub(crate) indeterminate: u32,
    /// Answers that are drawn at random instead of computed, in percent.
    pub(crate) wrong: u32,
}

pub(crate) fn initial(model: ModelName) -> Value {
    match model {
        ModelName::Mutex => Value::from("free"),
        ModelName::KvAppend => Value::from(""),
        ModelName::MultiRegister => [("x", 0), ("y", 0)]
            .into_iter()
            .map(|(key, value)| (Value::from(key), Value::Int(value)))
            .collect(),
        ModelName::Set | ModelName::Queue | ModelName::UnorderedQueue | ModelName::Stack => {
            Value::from(vec![Value::Int(0)])
        }
        ModelName::ListAppend => [("x".into(), numbers(&[0]))].into_iter().collect(),
        ModelName::Register | ModelName::CasRegister | ModelName::Kv | ModelName::Counter => {
            Value::Int(0)
        }
    }
}

fn numbers(numbers: &[i64]) -> Value {
    numbers.iter().map(|&number| Value::Int(number)).collect()
}

/// An operation in flight while a history is drawn.
struct Open {
    invocation: Event,
    result: Option<Option<Value>>,
}

/// How often a history is drawn again that was to be wrong and is not.
const TRIES: usize = 6;

/// A history. Where answers are falsified that often changes nothing, so it is drawn until it is wrong, or a few times.
pub(crate) fn history(shape: &Shape, initial: &Value, random: &mut ChaCha8Rng) -> History {
    let mut drawn =
        || History::from_events(None, draw(shape, initial, random)).expect("a well-formed draw");
    let is_right =
        |drawn: &History| oracle::is_linearizable(&drawn.operations, shape.model, initial);
    let mut history = drawn();
    for _ in 0..TRIES {
        if shape.wrong == 0 || !is_right(&history) {
            break;
        }
        history = drawn();
    }
    history
}

/// Plays clients against a real object: effects happen at a random moment between call and return; some answers are then falsified.
pub(crate) fn draw(shape: &Shape, initial: &Value, random: &mut ChaCha8Rng) -> Vec<Event> {
    let state = oracle::start(shape.model, initial);
    let (mut events, mut state, mut invoked) = (Vec::new(), state, 0);
    let mut open: Vec<Option<Open>> = (0..shape.processes).map(|_| None).collect();
    while invoked < shape.operations || open.iter().any(Option::is_some) {
        let process = random.random_range(0..open.len());
        match open[process].take() {
            None if invoked < shape.operations => {
                invoked += 1;
                let invocation = invocation(shape, process as i64, invoked as i64, random);
                events.push(invocation.clone());
                open[process] = Some(Open {
                    invocation,
                    result: None,
                });
            }
            None => {}
            Some(Open {
                invocation,
                result: None,
            }) if random.random_ratio(3, 4) => {
                let result = play(&mut state, &invocation, shape.model);
                open[process] = Some(Open {
                    invocation,
                    result: Some(result),
                });
            }
            Some(Open { invocation, result }) => {
                events.push(completion(shape, invocation, result, random));
            }
        }
    }
    events
}

fn invocation(shape: &Shape, process: i64, number: i64, random: &mut ChaCha8Rng) -> Event {
    let mut value = || match shape.values {
        0 => number,
        values => random.random_range(0..=values),
    };
    let text =
        |number: i64| Value::from(["a", "b", "ab", "c"][usize::try_from(number).expect("small")]);
    let new = value();
    let (f, value) = match (shape.model, random.random_range(0..6)) {
        (ModelName::Mutex, choice) => (if choice < 3 { "acquire" } else { "release" }, Value::Nil),
        (ModelName::MultiRegister, _) => ("txn", transaction(shape.values, random)),
        (ModelName::KvAppend, 0..=2) => ("get", Value::Nil),
        (ModelName::KvAppend, 3) => ("put", text(new)),
        (ModelName::KvAppend, _) => ("append", text(new)),
        (ModelName::Set, 0) => ("add", new.into()),
        (ModelName::Set, 1) => ("insert", new.into()),
        (ModelName::Set, 2) => ("remove", new.into()),
        (ModelName::Set, 3) => ("delete", new.into()),
        (ModelName::Set, 4) => ("contains", new.into()),
        (ModelName::Set, _) => ("read", Value::Nil),
        (ModelName::Queue | ModelName::UnorderedQueue, 0..=2) => ("dequeue", Value::Nil),
        (ModelName::Queue | ModelName::UnorderedQueue, _) => ("enqueue", new.into()),
        (ModelName::Stack, 0..=2) => ("pop", Value::Nil),
        (ModelName::Stack, _) => ("push", new.into()),
        (ModelName::Counter, 0) => ("inc", Value::Nil),
        (ModelName::Counter, 1) => ("dec", new.into()),
        (ModelName::Counter, 2) => ("add", new.into()),
        (ModelName::Counter, _) => ("read", Value::Nil),
        (ModelName::ListAppend, choice) => ("txn", list_transaction(choice < 4, new, random)),
        (_, 0..=2) => ("read", Value::Nil),
        (ModelName::CasRegister | ModelName::Kv, 3) => {
            let expected = random.random_range(0..=shape.operations.min(4) as i64);
            ("cas", Value::from(vec![expected.into(), new.into()]))
        }
        (_, _) => ("write", new.into()),
    };
    let key = (shape.model == ModelName::Kv).then(|| ["x", "y"][random.random_range(0..2)].into());
    event(process, EventType::Invoke, f, key, value)
}

fn transaction(values: i64, random: &mut ChaCha8Rng) -> Value {
    let part = |random: &mut ChaCha8Rng| {
        let register = Value::from(["x", "y"][random.random_range(0..2)]);
        match random.random_ratio(1, 2) {
            true => Value::from(vec!["read".into(), register, Value::Nil]),
            false => Value::from(vec![
                "write".into(),
                register,
                random.random_range(0..=values).into(),
            ]),
        }
    };
    (0..random.random_range(1..=2))
        .map(|_| part(random))
        .collect()
}

fn list_transaction(one_key: bool, new: i64, random: &mut ChaCha8Rng) -> Value {
    let first = random.random_range(0..2);
    let part = |number: i64, random: &mut ChaCha8Rng| {
        let key = match one_key {
            true => first,
            false => random.random_range(0..2),
        };
        let key = Value::from(["x", "y"][key]);
        match random.random_ratio(1, 2) {
            true => Value::from(vec!["r".into(), key, Value::Nil]),
            false => Value::from(vec!["append".into(), key, (10 * number + new).into()]),
        }
    };
    (0..random.random_range(1..=2))
        .map(|number| part(number, random))
        .collect()
}

/// The answer of the object, `None` if it refuses.
fn play(state: &mut Value, invocation: &Event, model: ModelName) -> Option<Value> {
    let operation = Operation {
        outcome: Outcome::Info,
        ..as_operation(invocation)
    };
    if invocation.f == "txn" {
        return Some(play_transaction(state, &invocation.value));
    }
    if model == ModelName::UnorderedQueue
        && let Value::List(values) = state
        && values.len() > 1
    {
        // Which one comes out is the object's choice.
        let last = values.len() - 1;
        Arc::make_mut(values).swap(0, last);
    }
    let before = state.clone();
    let mut possible = oracle::apply(state, &operation, model);
    if invocation.f == "dequeue" || invocation.f == "pop" {
        possible.retain(|after| *after != before || before == Value::from(Vec::new()));
    }
    let after = possible.pop()?;
    let answer = match invocation.f.as_str() {
        "read" if model == ModelName::Kv => {
            oracle::held(&after, &operation.key.unwrap_or_default())
        }
        "read" | "get" => after.clone(),
        "insert" | "delete" => Value::Bool(after != before),
        "contains" => Value::Bool(elements(&before).contains(&invocation.value)),
        "dequeue" if model == ModelName::UnorderedQueue => missing(&before, &after),
        "dequeue" => elements(&before).first().cloned().unwrap_or_default(),
        "pop" => elements(&before).last().cloned().unwrap_or_default(),
        _ => invocation.value.clone(),
    };
    *state = after;
    Some(answer)
}

fn elements(state: &Value) -> &[Value] {
    state.as_list().expect("the state is a list")
}

/// What one bag has more than the other.
fn missing(more: &Value, less: &Value) -> Value {
    let mut more = elements(more).to_vec();
    for value in elements(less) {
        let place = more.iter().position(|other| other == value);
        more.remove(place.expect("it has less"));
    }
    more.pop().unwrap_or_default()
}

fn play_transaction(state: &mut Value, parts: &Value) -> Value {
    let Value::Map(registers) = state else {
        panic!("the state is a map")
    };
    let registers = Arc::make_mut(registers);
    let answered = parts.as_list().expect("a list").iter().map(|part| {
        let [f, register, value] = part.as_list().expect("a part") else {
            panic!("a part has three")
        };
        let held = registers.entry(register.clone()).or_default();
        let answer = match (f.as_text(), &mut *held) {
            (Some("write"), held) => {
                *held = value.clone();
                value.clone()
            }
            (Some("append"), Value::List(list)) => {
                Arc::make_mut(list).push(value.clone());
                value.clone()
            }
            (Some("append"), held) => {
                *held = Value::from(vec![value.clone()]);
                value.clone()
            }
            _ => held.clone(),
        };
        Value::from(vec![f.clone(), register.clone(), answer])
    });
    answered.collect()
}

fn completion(
    shape: &Shape,
    invocation: Event,
    result: Option<Option<Value>>,
    random: &mut ChaCha8Rng,
) -> Event {
    let Process::Client(process) = invocation.process else {
        panic!("clients only")
    };
    let lost = random.random_ratio(shape.indeterminate, 100);
    let falsify = random.random_ratio(shape.wrong, 100);
    let (event_type, value) = match result {
        _ if lost => (EventType::Info, invocation.value),
        Some(Some(answer)) if falsify => (
            EventType::Ok,
            falsified(shape, &invocation.f, answer, random),
        ),
        None | Some(None) if falsify => {
            let answer = falsified(shape, &invocation.f, invocation.value, random);
            (EventType::Ok, answer)
        }
        Some(Some(answer)) => (EventType::Ok, answer),
        None | Some(None) => (EventType::Fail, invocation.value),
    };
    event(process, event_type, &invocation.f, invocation.key, value)
}

fn falsified(shape: &Shape, f: &str, answer: Value, random: &mut impl Rng) -> Value {
    match (f, answer) {
        ("read", Value::List(elements)) if shape.model == ModelName::Set => {
            let mut elements = elements.to_vec();
            let other = Value::Int(random.random_range(0..=3));
            match elements.iter().position(|element| *element == other) {
                Some(place) => drop(elements.remove(place)),
                None => elements.push(other),
            }
            Value::from(elements)
        }
        ("read", answer) if shape.model == ModelName::Set => answer,
        ("insert" | "delete" | "contains", Value::Bool(answer)) => Value::Bool(!answer),
        ("contains", _) => Value::Bool(random.random_ratio(1, 2)),
        ("dequeue" | "pop", _) => match random.random_range(0..=4) {
            4 => Value::Nil,
            number => Value::Int(number),
        },
        ("read", _) => Value::Int(random.random_range(0..=4)),
        ("get", _) => Value::from(["", "a", "ab"][random.random_range(0..3)]),
        ("txn", Value::List(mut parts)) => {
            if let Some(Value::List(part)) = Arc::make_mut(&mut parts).first_mut()
                && part[0] == Value::from("read")
            {
                Arc::make_mut(part)[2] = random.random_range(0..=shape.values).into();
            } else if let Some(Value::List(part)) = Arc::make_mut(&mut parts).first_mut()
                && part[0] == Value::from("r")
            {
                let part = Arc::make_mut(part);
                part[2] = falsified_list(&part[2], random);
            }
            Value::List(parts)
        }
        (_, answer) => answer,
    }
}

/// Without its first or last element, or the other way round.
fn falsified_list(list: &Value, random: &mut impl Rng) -> Value {
    let mut list = list.as_list().unwrap_or_default().to_vec();
    match random.random_range(0..3) {
        0 => drop(list.pop()),
        1 if !list.is_empty() => drop(list.remove(0)),
        _ => list.reverse(),
    }
    Value::from(list)
}

fn event(process: i64, event_type: EventType, f: &str, key: Option<Value>, value: Value) -> Event {
    Event {
        index: 0,
        time: Nanos(0),
        process: Process::Client(process),
        event_type,
        f: f.into(),
        key,
        value,
        node: None,
        error: None,
        arrival: None,
    }
}

fn as_operation(invocation: &Event) -> Operation {
    let history = History::from_events(None, vec![invocation.clone()])
        .expect("one invocation is well-formed");
    history.operations[0].clone()
}
