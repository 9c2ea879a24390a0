//! Random small histories, most of them nearly right, against the oracle.

use std::num::NonZero;
use std::sync::Arc;

use checker::{
    Algorithm, Analysis, CheckOptions, Event, EventType, History, KeyResult, Limit, ModelName,
    ModelSpec, Nanos, Operation, Outcome, Process, Unlimited, Value, Verdict, check_with,
};
use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::{oracle, witness};

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

/// `ADRASTEIA_DRAWS` makes all draws so many times longer.
pub(crate) fn draws(usual: u64) -> u64 {
    let factor = std::env::var("ADRASTEIA_DRAWS").map(|factor| factor.parse::<u64>());
    usual * factor.map_or(1, |factor| factor.expect("a number"))
}

#[test]
fn small_registers_agree_with_the_oracle() {
    let mut invalid = 0;
    for seed in 0..draws(100_000) {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let shape = Shape {
            model: ModelName::CasRegister,
            operations: random.random_range(2..=8),
            processes: random.random_range(2..=5),
            values: random.random_range(0..=3),
            indeterminate: [0, 20, 50][random.random_range(0..3)],
            wrong: [0, 5, 30][random.random_range(0..3)],
        };
        invalid += u64::from(agrees(&shape, seed, &mut random) == Verdict::Invalid);
    }
    assert!(
        (draws(10_000)..draws(90_000)).contains(&invalid),
        "the draw is one-sided: {invalid} invalid"
    );
}

#[test]
fn registers_of_thirteen_operations_and_more_agree_with_the_oracle() {
    let mut invalid = 0;
    for seed in 0..draws(100_000) {
        let mut random = ChaCha8Rng::seed_from_u64(1 << 32 | seed);
        let shape = Shape {
            model: ModelName::CasRegister,
            operations: random.random_range(13..=15),
            processes: random.random_range(3..=7),
            values: random.random_range(0..=4),
            indeterminate: [0, 10, 40][random.random_range(0..3)],
            wrong: [0, 2, 10][random.random_range(0..3)],
        };
        invalid += u64::from(agrees(&shape, seed, &mut random) == Verdict::Invalid);
    }
    assert!(
        (draws(10_000)..draws(90_000)).contains(&invalid),
        "the draw is one-sided: {invalid} invalid"
    );
}

#[test]
fn other_models_agree_with_the_oracle() {
    for model in [
        ModelName::Register,
        ModelName::Mutex,
        ModelName::KvAppend,
        ModelName::MultiRegister,
    ] {
        let mut invalid = 0;
        for seed in 0..draws(25_000) {
            let mut random = ChaCha8Rng::seed_from_u64(2 << 32 | seed);
            let shape = Shape {
                model,
                operations: random.random_range(2..=8),
                processes: random.random_range(2..=4),
                values: random.random_range(1..=3),
                indeterminate: [0, 20][random.random_range(0..2)],
                wrong: [0, 15][random.random_range(0..2)],
            };
            invalid += u64::from(agrees(&shape, seed, &mut random) == Verdict::Invalid);
        }
        assert!(
            (draws(1_250)..draws(23_750)).contains(&invalid),
            "the draw of {model} is one-sided: {invalid} invalid"
        );
    }
}

/// Compares verdict, witness and the first operation that cannot be placed, of each algorithm.
fn agrees(shape: &Shape, seed: u64, random: &mut ChaCha8Rng) -> Verdict {
    let initial = initial(shape.model);
    let history =
        History::from_events(None, draw(shape, &initial, random)).expect("a well-formed draw");
    let spec = ModelSpec {
        name: shape.model,
        initial: Some(initial.clone()),
    };
    let expected = oracle::is_linearizable(&history.operations, shape.model, &initial);
    let told = |algorithm| {
        format!(
            "{algorithm} on seed {seed}: {}",
            picture(&history.operations)
        )
    };
    let mut violations = Vec::new();
    for algorithm in Algorithm::ALL {
        let options = CheckOptions {
            algorithm,
            workers: NonZero::<usize>::MIN,
        };
        let analysis =
            check_with(&history, &spec, &options, &Unlimited).expect("operations of the model");
        if let Err(wrong) = is_right(&history, &analysis, algorithm, expected, &initial) {
            panic!("{wrong}, {}", told(algorithm));
        }
        if analysis.outcome() == Verdict::Invalid {
            violations.push(serde_json::to_string(&analysis).expect("a verdict is JSON"));
        }
    }
    violations.dedup();
    assert!(
        violations.len() <= 1,
        "algorithms tell different things: {violations:?}, {}",
        told(Algorithm::Auto)
    );
    if expected {
        Verdict::Valid
    } else {
        Verdict::Invalid
    }
}

fn is_right(
    history: &History,
    analysis: &Analysis,
    algorithm: Algorithm,
    expected: bool,
    initial: &Value,
) -> Result<(), String> {
    let model = analysis.model.name;
    let operations = &history.operations;
    match analysis.keys.iter().map(|key| &key.result).next() {
        None if expected => Ok(()),
        Some(KeyResult::Valid { witness }) if expected => {
            witness::verify(history, operations, witness, model, initial);
            Ok(())
        }
        Some(KeyResult::Invalid(violation)) if !expected => {
            let returned = history.operation(violation.operation).ret;
            let ret = returned.ok_or("the operation never returned")?;
            let legal = |end| oracle::is_linearizable(&prefix(operations, end), model, initial);
            if legal(ret) && !legal(ret + 1) {
                Ok(())
            } else {
                Err(format!("{:?} is not the first", violation.operation))
            }
        }
        Some(KeyResult::Unknown { limit, .. })
            if algorithm == Algorithm::Fast && *limit == Limit::NotFast =>
        {
            Ok(())
        }
        other => Err(format!("{other:?} against the oracle")),
    }
}

/// The history for a failed assertion, one operation a line.
pub(crate) fn picture(operations: &[Operation]) -> String {
    let line = |one: &Operation| {
        let Operation {
            process,
            f,
            input,
            output,
            outcome,
            call,
            ret,
            ..
        } = one;
        format!("\n{process}: {f} {input} -> {output} {outcome:?} {call}..{ret:?}")
    };
    operations.iter().map(line).collect()
}

/// What was observed before a position. What is still open there is optional, but answers as it later did.
fn prefix(operations: &[Operation], end: u64) -> Vec<Operation> {
    let called = operations.iter().filter(|operation| operation.call < end);
    called
        .map(|operation| Operation {
            ret: operation.ret.filter(|&ret| ret < end),
            ..operation.clone()
        })
        .collect()
}

pub(crate) fn initial(model: ModelName) -> Value {
    match model {
        ModelName::Mutex => Value::from("free"),
        ModelName::KvAppend => Value::from(""),
        ModelName::MultiRegister => [("x", 0), ("y", 0)]
            .into_iter()
            .map(|(key, value)| (Value::from(key), Value::Int(value)))
            .collect(),
        ModelName::Register | ModelName::CasRegister | ModelName::Kv => Value::Int(0),
    }
}

/// An operation in flight while a history is drawn.
struct Open {
    invocation: Event,
    result: Option<Option<Value>>,
}

/// Plays clients against a real object: effects happen at a random moment between call and return; some answers are then falsified.
pub(crate) fn draw(shape: &Shape, initial: &Value, random: &mut ChaCha8Rng) -> Vec<Event> {
    let (mut events, mut state, mut invoked) = (Vec::new(), initial.clone(), 0);
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
        (_, 0..=2) => ("read", Value::Nil),
        (ModelName::CasRegister, 3) => {
            let expected = random.random_range(0..=shape.operations.min(4) as i64);
            ("cas", Value::from(vec![expected.into(), new.into()]))
        }
        (_, _) => ("write", new.into()),
    };
    event(process, EventType::Invoke, f, value)
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

/// The answer of the object, `None` if it refuses.
fn play(state: &mut Value, invocation: &Event, model: ModelName) -> Option<Value> {
    let operation = Operation {
        outcome: Outcome::Info,
        ..as_operation(invocation)
    };
    if invocation.f == "txn" {
        return Some(play_transaction(state, &invocation.value));
    }
    let after = oracle::apply(state, &operation, model)?;
    let answer = if matches!(invocation.f.as_str(), "read" | "get") {
        after.clone()
    } else {
        invocation.value.clone()
    };
    *state = after;
    Some(answer)
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
        let value = if *f == Value::from("write") {
            value.clone()
        } else {
            registers[register].clone()
        };
        registers.insert(register.clone(), value.clone());
        Value::from(vec![f.clone(), register.clone(), value])
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
    event(process, event_type, &invocation.f, value)
}

fn falsified(shape: &Shape, f: &str, answer: Value, random: &mut impl Rng) -> Value {
    match (f, answer) {
        ("read", _) => Value::Int(random.random_range(0..=4)),
        ("get", _) => Value::from(["", "a", "ab"][random.random_range(0..3)]),
        ("txn", Value::List(mut parts)) => {
            if let Some(Value::List(part)) = Arc::make_mut(&mut parts).first_mut()
                && part[0] == Value::from("read")
            {
                Arc::make_mut(part)[2] = random.random_range(0..=shape.values).into();
            }
            Value::List(parts)
        }
        (_, answer) => answer,
    }
}

fn event(process: i64, event_type: EventType, f: &str, value: Value) -> Event {
    Event {
        index: 0,
        time: Nanos(0),
        process: Process::Client(process),
        event_type,
        f: f.into(),
        key: None,
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
