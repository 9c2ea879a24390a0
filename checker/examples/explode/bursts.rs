//! Histories that explode, of every model.
//!
//! All operations of a burst are pending together, nearly every order of them leads to a state of its own, and what is observed behind
//! the burst fits none of these orders, so that each has to be tried.

use checker::{Event, EventType, Header, Nanos, Process, Value};

/// What the file begins with.
pub(crate) fn header(model: &str) -> Header {
    Header {
        model: Some(model.to_owned()),
        initial: initial(model),
        ..Header::new()
    }
}

/// Easy operations one after the other, then a burst, then what contradicts it.
pub(crate) fn events(model: &str, burst: i64, before: i64) -> Vec<Event> {
    let mut events = Vec::new();
    for number in 0..before {
        alone(&mut events, &easy(model, number));
    }
    let burst: Vec<Call> = (0..burst).map(|number| hard(model, number)).collect();
    for event_type in [EventType::Invoke, EventType::Ok] {
        for (client, call) in (1..).zip(&burst) {
            record(&mut events, client, event_type, call);
        }
    }
    for call in contradiction(model) {
        alone(&mut events, &call);
    }
    events
}

fn alone(events: &mut Vec<Event>, call: &Call) {
    record(events, 0, EventType::Invoke, call);
    record(events, 0, EventType::Ok, call);
}

fn record(events: &mut Vec<Event>, client: i64, event_type: EventType, call: &Call) {
    let value = match event_type {
        EventType::Invoke => &call.input,
        EventType::Ok | EventType::Fail | EventType::Info => &call.output,
    };
    let index = events.len() as u64;
    events.push(Event {
        index,
        time: Nanos(index * 100_000),
        process: Process::Client(client),
        event_type,
        f: call.f.into(),
        key: None,
        value: value.clone(),
        node: None,
        error: None,
        arrival: None,
    });
}

/// A function with the value it is called with, and the one it returns.
struct Call {
    f: &'static str,
    input: Value,
    output: Value,
}

impl Call {
    fn new(f: &'static str, value: impl Into<Value>) -> Self {
        let input = value.into();
        Self {
            f,
            output: input.clone(),
            input,
        }
    }

    fn answered(f: &'static str, output: impl Into<Value>) -> Self {
        Self {
            f,
            input: Value::Nil,
            output: output.into(),
        }
    }
}

fn initial(model: &str) -> Option<Value> {
    match model {
        "register" | "cas-register" | "kv" | "counter" => Some(0.into()),
        _ => None,
    }
}

fn list(values: impl IntoIterator<Item = Value>) -> Value {
    Value::from_iter(values)
}

fn write(register: i64, value: i64) -> Value {
    list([list(["write".into(), register.into(), value.into()])])
}

fn read(register: i64, value: i64) -> Value {
    list([list(["read".into(), register.into(), value.into()])])
}

/// What can be placed in one order only, and leaves things as they were.
fn easy(model: &str, number: i64) -> Call {
    match model {
        "mutex" => Call::new(
            ["acquire", "release"][usize::from(number % 2 == 1)],
            Value::Nil,
        ),
        "multi-register" => Call::new("txn", write(0, 0)),
        "kv-append" => Call::new("put", ""),
        "set" => Call::new(["add", "remove"][usize::from(number % 2 == 1)], -1),
        "queue" | "unordered-queue" => turns(number, "enqueue", "dequeue"),
        "stack" => turns(number, "push", "pop"),
        "counter" => Call::new("add", if number % 2 == 0 { 1 } else { -1 }),
        "list-append" => Call::new("txn", list([list(["r".into(), 0.into(), list([])])])),
        _ => Call::new("write", 0),
    }
}

fn turns(number: i64, put: &'static str, take: &'static str) -> Call {
    if number % 2 == 0 {
        Call::new(put, -1)
    } else {
        Call::answered(take, -1)
    }
}

/// How many values compare-and-sets go between.
const VALUES: i64 = 8;

/// One operation of the burst. Values come twice, so that nobody knows whose was seen.
fn hard(model: &str, number: i64) -> Call {
    let half = number / 2;
    match model {
        "register" => match number % 3 {
            0 => Call::answered("read", number % 7),
            _ => Call::new("write", number % 7),
        },
        "mutex" => Call::new(
            ["acquire", "release"][usize::from(number % 2 == 1)],
            Value::Nil,
        ),
        "multi-register" => Call::new("txn", write(number % 6, half)),
        "kv-append" => Call::new("append", format!("{half},")),
        "set" => Call::new(["add", "remove"][usize::from(number % 2 == 1)], half),
        // Where something was found empty and values come twice, no theorem speaks of the order.
        "unordered-queue" if number == 0 => Call::answered("dequeue", Value::Nil),
        "queue" | "unordered-queue" => Call::new("enqueue", half),
        "stack" => Call::new("push", half),
        "counter" => Call::new("add", 1 << (number % 60)),
        "list-append" => Call::new(
            "txn",
            list([list(["append".into(), (number % 2).into(), number.into()])]),
        ),
        // As many lead to each value as lead away from it, so that there is a way through all of them, and never one to the end.
        _ => {
            let (from, round) = (number % VALUES, number / VALUES);
            let to = (from + 1 + round % (VALUES - 1)) % VALUES;
            Call::new("cas", list([from.into(), to.into()]))
        }
    }
}

/// Each of these may be, but not one after the other.
fn contradiction(model: &str) -> Vec<Call> {
    match model {
        "mutex" => vec![
            Call::new("acquire", Value::Nil),
            Call::new("acquire", Value::Nil),
        ],
        "multi-register" => [0, 3].map(|value| Call::new("txn", read(0, value))).into(),
        "kv-append" => ["0,", "1,"].map(|text| Call::answered("get", text)).into(),
        "set" => [false, true]
            .map(|there| Call {
                f: "contains",
                input: 0.into(),
                output: Value::Bool(there),
            })
            .into(),
        "queue" | "unordered-queue" => [0, 0, 0]
            .map(|value| Call::answered("dequeue", value))
            .into(),
        "stack" => [0, 0, 0].map(|value| Call::answered("pop", value)).into(),
        "counter" => [1, 2].map(|sum| Call::answered("read", sum)).into(),
        "list-append" => [0, 1]
            .map(|register| {
                Call::new(
                    "txn",
                    list([list([
                        "r".into(),
                        register.into(),
                        list([(register + 2).into()]),
                    ])]),
                )
            })
            .into(),
        _ => [1, 2].map(|value| Call::answered("read", value)).into(),
    }
}
