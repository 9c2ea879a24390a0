//! No contradiction is claimed of what has an order, and the operations named have none by themselves.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::budget::{Unlimited, Watch};
use crate::certify::meaning;
use crate::check::check;
use crate::event::{Event, EventType, Nanos, Process};
use crate::history::{History, OpId, Outcome};
use crate::models::{ModelName, ModelSpec};
use crate::value::Value;
use crate::verdict::Verdict;

const MODELS: [ModelName; 8] = [
    ModelName::Mutex,
    ModelName::Set,
    ModelName::Queue,
    ModelName::UnorderedQueue,
    ModelName::Stack,
    ModelName::Counter,
    ModelName::ListAppend,
    ModelName::KvAppend,
];

/// An operation: its function, its argument and its answer.
fn operation(model: ModelName, random: &mut ChaCha8Rng) -> (&'static str, Value, Value) {
    let value = Value::Int(random.random_range(1..4));
    let puts = random.random_ratio(1, 2);
    let some: Vec<Value> = (0..random.random_range(0..3))
        .map(|_| Value::Int(random.random_range(1..4)))
        .collect();
    let taken = match random.random_range(0..5) {
        0 => Value::Nil,
        _ => value.clone(),
    };
    match model {
        ModelName::Mutex if puts => ("acquire", Value::Nil, Value::Nil),
        ModelName::Mutex => ("release", Value::Nil, Value::Nil),
        ModelName::Set => match random.random_range(0..4) {
            0..2 => ("add", value.clone(), value),
            2 => {
                let was = Value::Bool(random.random_ratio(1, 2));
                (
                    ["contains", "remove"][random.random_range(0..2)],
                    value,
                    was,
                )
            }
            _ => ("read", Value::Nil, Value::from(some)),
        },
        ModelName::Queue | ModelName::UnorderedQueue if puts => ("enqueue", value.clone(), value),
        ModelName::Queue | ModelName::UnorderedQueue => ("dequeue", Value::Nil, taken),
        ModelName::Stack if puts => ("push", value.clone(), value),
        ModelName::Stack => ("pop", Value::Nil, taken),
        ModelName::Counter if puts => ("add", value.clone(), value),
        ModelName::Counter => ("read", Value::Nil, Value::Int(random.random_range(0..8))),
        ModelName::ListAppend if puts => ("append", value.clone(), value),
        ModelName::ListAppend => ("read", Value::Nil, Value::from(some)),
        ModelName::KvAppend if puts => {
            let piece = Value::from(["x", "yy", "z"][random.random_range(0..3)]);
            ("append", piece.clone(), piece)
        }
        ModelName::KvAppend => {
            let pieces: String = (0..random.random_range(0..3))
                .map(|_| ["x", "yy", "z"][random.random_range(0..3)])
                .collect();
            ("get", Value::Nil, Value::from(pieces))
        }
        ModelName::Register | ModelName::CasRegister | ModelName::Kv | ModelName::MultiRegister => {
            unreachable!("registers have explanations of their own")
        }
    }
}

fn event(process: i64, event_type: EventType, f: &str, value: Value) -> Event {
    Event {
        index: 0,
        time: Nanos(0),
        process: Process::Client(process),
        event_type,
        f: f.into(),
        key: Some(Value::Int(0)),
        value,
        node: None,
        error: None,
        arrival: None,
    }
}

/// A few operations of three clients, one call and one return at a time.
fn draw(model: ModelName, random: &mut ChaCha8Rng) -> History {
    let mut events = Vec::new();
    let mut open: Vec<Option<(&'static str, Value, i64)>> = vec![None; 3];
    let mut process = 0;
    for _ in 0..2 * random.random_range(2..=6) {
        let client = random.random_range(0..open.len());
        match open[client].take() {
            None => {
                let (f, input, output) = operation(model, random);
                process += 1;
                events.push(event(process, EventType::Invoke, f, input));
                open[client] = Some((f, output, process));
            }
            Some((f, output, process)) => {
                let end = match random.random_range(0..10) {
                    0 => EventType::Fail,
                    1 => EventType::Info,
                    _ => EventType::Ok,
                };
                events.push(event(process, end, f, output));
            }
        }
    }
    History::from_events(None, events).expect("well-formed events")
}

/// Only what did not fail of some operations.
fn only(history: &History, some: &[OpId]) -> History {
    let mut operations: Vec<_> = history
        .operations
        .iter()
        .filter(|one| some.contains(&one.id) && one.outcome != Outcome::Fail)
        .cloned()
        .collect();
    for (place, operation) in operations.iter_mut().enumerate() {
        operation.id = OpId(place);
    }
    History {
        operations,
        ..history.clone()
    }
}

#[test]
fn contradictions_are_true_and_stand_by_themselves() {
    for model in MODELS {
        let spec = ModelSpec::from(model);
        let watch = Watch::new(&Unlimited, 1);
        let (mut valid, mut invalid, mut named) = (0, 0, 0);
        for seed in 0..6_000 {
            let history = draw(model, &mut ChaCha8Rng::seed_from_u64(seed));
            let Ok(analysis) = check(&history, &spec, &Unlimited) else {
                continue;
            };
            let objects = meaning::objects(&history, &spec, &watch).expect("the model knows them");
            let found = objects
                .values()
                .find_map(|object| super::find(object, &watch).expect("no limit"));
            match (analysis.outcome(), found) {
                (Verdict::Valid, None) => valid += 1,
                (Verdict::Invalid, None) => invalid += 1,
                (Verdict::Invalid, Some(claim)) => {
                    invalid += 1;
                    named += 1;
                    let few = only(&history, &claim.operations);
                    let alone = check(&few, &spec, &Unlimited).expect("the model knows them");
                    assert_eq!(
                        alone.outcome(),
                        Verdict::Invalid,
                        "{model}, seed {seed}: {claim:?}"
                    );
                }
                (Verdict::Valid | Verdict::Unknown, found) => {
                    panic!(
                        "{model}, seed {seed}: {found:?} of {:?}",
                        history.operations
                    )
                }
            }
        }
        assert!(
            valid > 300 && invalid > 300 && named * 3 > invalid,
            "{model}: {valid} valid, {invalid} invalid, {named} named"
        );
    }
}
