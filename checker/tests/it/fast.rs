//! Histories of some hundred operations of the objects about which there is a theorem, all of which the fast algorithm must answer.

use std::num::NonZero;

use checker::{
    Algorithm, CheckOptions, Event, EventType, History, KeyResult, ModelName, ModelSpec, Nanos,
    Process, Unlimited, Value, Verdict, certify, check_with,
};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::witness;

const MODELS: [ModelName; 5] = [
    ModelName::Set,
    ModelName::Queue,
    ModelName::UnorderedQueue,
    ModelName::Stack,
    ModelName::Counter,
];

const FAST: CheckOptions = CheckOptions {
    algorithm: Algorithm::Fast,
    workers: NonZero::<usize>::MIN,
};

#[test]
fn what_an_object_does_is_valid_with_a_witness() {
    for model in MODELS {
        for seed in 0..20 {
            let history = Run::new(model, seed, false).play();
            let spec = ModelSpec::from(model);
            let analysis = check_with(&history, &spec, &FAST, &Unlimited).expect("a model's own");
            let KeyResult::Valid { witness } = &analysis.keys[0].result else {
                panic!("{model}, seed {seed}: {:?}", analysis.keys[0].result);
            };
            let initial = initial(model);
            witness::verify(&history, &history.operations, witness, model, &initial);
            certify(&history, &analysis, &[], &Unlimited).expect("the witness of another reading");
        }
    }
}

#[test]
fn one_wrong_answer_is_found_where_it_returns_or_later() {
    for model in MODELS {
        for seed in 0..20 {
            let mut run = Run::new(model, seed, true);
            let history = run.play();
            let spec = ModelSpec::from(model);
            let analysis = check_with(&history, &spec, &FAST, &Unlimited).expect("a model's own");
            assert_eq!(analysis.outcome(), Verdict::Invalid, "{model}, seed {seed}");
            let (_, violation) = analysis.violations().next().expect("it is invalid");
            let wrong = run.wrong.expect("one answer was wrong");
            let found = history.operation(violation.operation).ret;
            assert!(
                found >= Some(wrong),
                "{model}, seed {seed}: {found:?} before {wrong}"
            );
        }
    }
}

#[test]
fn values_put_in_twice_are_left_to_others() {
    let event = |kind, f| {
        format!("{{\"process\": 0, \"type\": \"{kind}\", \"f\": \"{f}\", \"value\": 1}}\n")
    };
    let text = ["enqueue", "enqueue", "dequeue", "dequeue"]
        .map(|f| event("invoke", f) + &event("ok", f))
        .concat();
    let history =
        checker::formats::read(text.as_bytes(), None, "twice.jsonl").expect("well-formed");
    let spec = ModelSpec::from(ModelName::Queue);
    let analysis = check_with(&history, &spec, &FAST, &Unlimited).expect("a queue's own");
    assert_eq!(
        analysis.keys[0]
            .unknown_reason()
            .expect("no theorem applies"),
        "the fast algorithm does not apply, because a value that was removed was inserted twice; use auto; nothing is proven, \
         because no other algorithm was tried"
    );
    let auto = CheckOptions {
        algorithm: Algorithm::Auto,
        ..FAST
    };
    let analysis = check_with(&history, &spec, &auto, &Unlimited).expect("a queue's own");
    assert_eq!(analysis.outcome(), Verdict::Valid);
}

fn initial(model: ModelName) -> Value {
    if model == ModelName::Counter {
        Value::Int(0)
    } else {
        Value::from(Vec::new())
    }
}

const OPERATIONS: usize = 600;
const CLIENTS: usize = 8;

/// Clients of one object, one in thirty of which crashes while it puts something in.
struct Run {
    model: ModelName,
    random: ChaCha8Rng,
    events: Vec<Event>,
    /// What was put in and not taken.
    inside: Vec<i64>,
    called: i64,
    /// Whether an answer is to be wrong in the second half.
    falsify: bool,
    /// The position at which it was given.
    wrong: Option<u64>,
}

/// An operation without an answer yet: what it puts in, and what it took or saw.
type Open = (Option<i64>, Option<Value>);

impl Run {
    fn new(model: ModelName, seed: u64, falsify: bool) -> Self {
        Self {
            model,
            random: ChaCha8Rng::seed_from_u64(seed),
            events: Vec::new(),
            inside: Vec::new(),
            called: 0,
            falsify,
            wrong: None,
        }
    }

    fn play(&mut self) -> History {
        let mut open: Vec<Option<Open>> = vec![None; CLIENTS];
        let mut processes: Vec<i64> = (0..8).collect();
        while self.called < OPERATIONS as i64 || open.iter().any(Option::is_some) {
            let client = self.random.random_range(0..CLIENTS);
            let process = processes[client];
            open[client] = match open[client].take() {
                None if self.called < OPERATIONS as i64 => Some(self.invoke(process)),
                None => None,
                Some((put, None)) => Some((put, Some(self.effect(put)))),
                Some((Some(put), Some(_))) if self.random.random_ratio(1, 30) => {
                    self.record(process, EventType::Info, Some(put), Value::Int(put));
                    processes[client] += 8;
                    None
                }
                Some((put, Some(answer))) => {
                    let answer = self.answer(put, answer);
                    self.record(process, EventType::Ok, put, answer);
                    None
                }
            };
        }
        History::from_events(None, std::mem::take(&mut self.events)).expect("well-formed")
    }

    fn invoke(&mut self, process: i64) -> Open {
        self.called += 1;
        let value = if self.model == ModelName::Counter {
            3
        } else {
            self.called
        };
        let put = self.random.random_ratio(6, 10).then_some(value);
        self.record(
            process,
            EventType::Invoke,
            put,
            put.map_or(Value::Nil, Value::Int),
        );
        (put, None)
    }

    fn effect(&mut self, put: Option<i64>) -> Value {
        if let Some(value) = put {
            self.inside.push(value);
            return Value::Int(value);
        }
        if self.model == ModelName::Counter {
            return Value::Int(self.inside.iter().sum());
        }
        if self.model == ModelName::Set {
            return self.inside.iter().copied().map(Value::Int).collect();
        }
        let taken = if self.model == ModelName::Stack {
            self.inside.pop()
        } else if self.inside.is_empty() {
            None
        } else if self.model == ModelName::UnorderedQueue {
            let at = self.random.random_range(0..self.inside.len());
            Some(self.inside.swap_remove(at))
        } else {
            Some(self.inside.remove(0))
        };
        taken.map_or(Value::Nil, Value::Int)
    }

    /// A wrong one is of what nobody put in.
    fn answer(&mut self, put: Option<i64>, answer: Value) -> Value {
        let due = self.falsify && self.wrong.is_none() && self.called > OPERATIONS as i64 / 2;
        if !due || put.is_some() {
            return answer;
        }
        self.wrong = Some(self.events.len() as u64);
        if self.model == ModelName::Set {
            Value::from(vec![Value::Int(-1)])
        } else {
            Value::Int(-1)
        }
    }

    fn record(&mut self, process: i64, event_type: EventType, put: Option<i64>, value: Value) {
        let names = [
            ("add", "read", [ModelName::Set, ModelName::Counter]),
            ("push", "pop", [ModelName::Stack; 2]),
            (
                "enqueue",
                "dequeue",
                [ModelName::Queue, ModelName::UnorderedQueue],
            ),
        ];
        let names = names
            .iter()
            .find(|(_, _, models)| models.contains(&self.model));
        let (puts, takes, _) = names.expect("one of the models");
        self.events.push(Event {
            index: 0,
            time: Nanos(0),
            process: Process::Client(process),
            event_type,
            f: if put.is_some() { *puts } else { *takes }.into(),
            key: None,
            value,
            node: None,
            error: None,
            arrival: None,
        });
    }
}
