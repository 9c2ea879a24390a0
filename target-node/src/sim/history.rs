//! What clients saw and nothing else, for the checker: it knows neither Raft nor the log, and says whether any
//! order of the operations explains all answers.

use std::{
    num::NonZero,
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use checker::{
    AnomalyClass, Budget, CheckOptions, Event, EventType, History, Limit, ModelName, ModelSpec,
    Nanos, Process, Text, Value,
};

use super::action::{Action, LISTS, Level, Mark, Object};
use crate::{
    kv::JsonText,
    replica::{Answer, Outcome, Reason},
};

/// What is judged together, by a model of its own.
const MODELS: [ModelName; 4] = [
    ModelName::CasRegister,
    ModelName::ListAppend,
    ModelName::Counter,
    ModelName::Mutex,
];

/// Questions of the checker whether it may go on, in one history; it asks every few hundred steps.
const QUESTIONS_MAX: u32 = 2_000;

/// So much and no more, whatever the machine.
#[derive(Debug, Default)]
struct Patience(AtomicU32);

impl Budget for Patience {
    fn exceeded(&self, _: u64) -> Option<Limit> {
        let asked = self.0.fetch_add(1, Ordering::Relaxed);
        (asked > QUESTIONS_MAX).then_some(Limit::Cancelled)
    }
}

/// The record of a world, one for each model.
#[derive(Debug, Default)]
pub(super) struct Record {
    events: [Vec<Event>; MODELS.len()],
}

/// How the checker is told of an operation.
struct Told {
    model: usize,
    f: &'static str,
    key: Option<Object>,
    input: Value,
}

/// Nothing for what no model knows: sessions, and reads that are promised nothing.
fn told(action: &Action, mark: Mark) -> Option<Told> {
    let value = Value::Int(mark.0);
    let (model, f, key, input) = match action {
        Action::Read(_, Level::Local) | Action::Register { .. } => return None,
        Action::Read(object @ Object::Register(_), _) => (0, "read", Some(*object), Value::Nil),
        Action::Read(Object::List(list), _) => (1, "txn", None, list_of([read(*list, Value::Nil)])),
        Action::Read(Object::Counter, _) => (2, "read", None, Value::Nil),
        Action::Write(register) => (0, "write", Some(Object::Register(*register)), value),
        Action::Cas { register, expected } => {
            let both = list_of([value_of(expected), value]);
            (0, "cas", Some(Object::Register(*register)), both)
        }
        Action::Append(list) => (1, "txn", None, list_of([append(*list, mark)])),
        Action::AppendAll => {
            let appends = (0..LISTS).map(|list| append(list, mark));
            let reads = (0..LISTS).map(|list| read(list, Value::Nil));
            (1, "txn", None, list_of(appends.chain(reads)))
        }
        Action::ReadAll => {
            let reads = (0..LISTS).map(|list| read(list, Value::Nil));
            (1, "txn", None, list_of(reads))
        }
        Action::Add => (2, "add", None, value),
        Action::Acquire => (3, "acquire", None, Value::Nil),
        Action::Release(..) => (3, "release", None, Value::Nil),
    };
    Some(Told {
        model,
        f,
        key,
        input,
    })
}

/// What the operation gave, as its model has it.
fn output(action: &Action, mark: Mark, answer: &Answer) -> Value {
    let given = answer.gift.value.as_ref().map(value_of).unwrap_or_default();
    let mut values = answer.gift.values.iter().flatten().map(value_of);
    match action {
        Action::Read(Object::List(list), _) => list_of([read(*list, given)]),
        Action::Read(Object::Counter, _) if given == Value::Nil => Value::Int(0),
        Action::Read(Object::Register(_) | Object::Counter, _) => given,
        Action::AppendAll => {
            let appends = (0..LISTS).map(|list| append(list, mark));
            let lists = values.by_ref().skip(LISTS).enumerate();
            list_of(appends.chain(lists.map(|(list, value)| read(list, value))))
        }
        Action::ReadAll => list_of(values.enumerate().map(|(list, value)| read(list, value))),
        Action::Write(_)
        | Action::Cas { .. }
        | Action::Append(_)
        | Action::Add
        | Action::Acquire
        | Action::Release(..)
        | Action::Register { .. } => told(action, mark)
            .map(|told| told.input)
            .unwrap_or_default(),
    }
}

fn list_of(values: impl IntoIterator<Item = Value>) -> Value {
    Value::List(values.into_iter().collect::<Vec<_>>().into())
}

fn append(list: usize, mark: Mark) -> Value {
    let key = Value::Text(Object::List(list).name().into());
    list_of([Value::Text("append".into()), key, Value::Int(mark.0)])
}

fn read(list: usize, value: Value) -> Value {
    let key = Value::Text(Object::List(list).name().into());
    list_of([Value::Text("r".into()), key, value])
}

fn value_of(text: &JsonText) -> Value {
    Value::parse_literal(text.as_str()).expect("nodes answer in JSON")
}

impl Record {
    pub(super) fn invoke(&mut self, now: Duration, process: i64, action: &Action, mark: Mark) {
        if let Some(told) = told(action, mark) {
            let input = told.input.clone();
            self.push(now, process, EventType::Invoke, &told, input);
        }
    }

    /// `tries` is how often it was asked.
    pub(super) fn complete(
        &mut self,
        now: Duration,
        process: i64,
        (action, mark): (&Action, Mark),
        (answer, tries): (&Answer, u32),
    ) -> EventType {
        let reason = answer.error.as_ref().map(|(reason, _)| *reason);
        let released = matches!(action, Action::Release(..)) && reason == Some(Reason::LockNotHeld);
        let certain = tries == 1 || !super::oracle::is_refusal(answer);
        let end = match answer.outcome {
            Outcome::Ok => EventType::Ok,
            Outcome::Fail if released && tries > 1 => EventType::Ok,
            Outcome::Fail if reason == Some(Reason::SessionExpired) && tries > 1 => EventType::Info,
            Outcome::Fail if certain => EventType::Fail,
            Outcome::Fail | Outcome::Unknown => EventType::Info,
        };
        if let Some(told) = told(action, mark) {
            let value = match end {
                EventType::Ok => output(action, mark, answer),
                EventType::Fail | EventType::Info | EventType::Invoke => told.input.clone(),
            };
            self.push(now, process, end, &told, value);
        }
        end
    }

    fn push(
        &mut self,
        now: Duration,
        process: i64,
        event_type: EventType,
        told: &Told,
        value: Value,
    ) {
        let nanos = u64::try_from(now.as_nanos()).expect("worlds are short");
        let events = &mut self.events[told.model];
        events.push(Event {
            index: events.len() as u64,
            time: Nanos(nanos),
            process: Process::Client(process),
            event_type,
            f: Text::from(told.f),
            key: told.key.map(|key| Value::Text(key.name().into())),
            value,
            node: None,
            error: None,
            arrival: None,
        });
    }

    /// The class of the first contradiction, and what it is in words.
    pub(super) fn judge(self) -> Option<(AnomalyClass, String)> {
        let options = CheckOptions {
            workers: NonZero::<usize>::MIN,
            ..CheckOptions::default()
        };
        MODELS
            .into_iter()
            .zip(self.events)
            .find_map(|(name, events)| {
                let history = History::from_events(None, events).expect("clients take turns");
                let spec = ModelSpec {
                    name,
                    initial: None,
                };
                let analysis = checker::check_with(&history, &spec, &options, &Patience::default());
                let analysis = analysis.expect("the models know what clients do");
                let (_, violation) = analysis.violations().next()?;
                let anomaly = &violation.anomaly;
                Some((anomaly.class, format!("{name}: {}", anomaly.explanation)))
            })
    }
}
