//! Small histories and faults for tests, in milliseconds.

use checker::{Event, EventType, History, Nanos, Process, Text, Value};
use reports::{Effect, FaultRecord, LeaderSpan};
use serde_json::json;

/// One operation: who asked what, from when to when, and why it was refused; `Err("…?")` for an end nobody knows.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asked {
    pub process: i64,
    pub f: &'static str,
    pub ms: [u64; 2],
    pub end: Result<(), &'static str>,
    pub node: &'static str,
}

/// A change that process `process` asked for, answered by `n1`.
pub(super) fn change(process: i64, ms: [u64; 2], end: Result<(), &'static str>) -> Asked {
    Asked {
        process,
        f: "write",
        ms,
        end,
        node: "n1",
    }
}

/// The history of these operations.
pub(super) fn history(asked: &[Asked]) -> History {
    let mut events: Vec<Event> = asked.iter().flat_map(events).collect();
    events.sort_by_key(|event| event.time);
    for (index, event) in (0..).zip(&mut events) {
        event.index = index;
    }
    History::from_events(None, events).unwrap()
}

fn events(asked: &Asked) -> [Event; 2] {
    let (event_type, error) = match asked.end {
        Ok(()) => (EventType::Ok, None),
        Err(why) if why.ends_with('?') => (EventType::Info, Some(why)),
        Err(why) => (EventType::Fail, Some(why)),
    };
    let event = |ms, event_type, error: Option<&str>| Event {
        index: 0,
        time: Nanos(ms * 1_000_000),
        process: Process::Client(asked.process),
        event_type,
        f: asked.f.into(),
        key: Some(Value::from("k1")),
        value: Value::Int(1),
        node: Some(asked.node.into()),
        error: error.map(Text::from),
        arrival: None,
    };
    let [called, returned] = asked.ms;
    [
        event(called, EventType::Invoke, None),
        event(returned, event_type, error),
    ]
}

/// The names of `count` nodes.
pub(super) fn nodes(count: usize) -> Vec<String> {
    (1..=count).map(|number| format!("n{number}")).collect()
}

/// A fault of processes, disks or clocks that acted on these nodes.
pub(super) fn on_nodes(id: u32, name: &str, hit: &[&str], ms: [u64; 2]) -> FaultRecord {
    let nodes: serde_json::Map<_, _> = hit
        .iter()
        .map(|node| ((*node).to_owned(), json!({})))
        .collect();
    fault(id, name, json!({ "nodes": nodes }), ms)
}

/// A fault of these links that acted.
pub(super) fn on_links(id: u32, name: &str, links: &[&str], ms: [u64; 2]) -> FaultRecord {
    let counts: serde_json::Map<_, _> = links
        .iter()
        .map(|link| ((*link).to_owned(), json!(1)))
        .collect();
    fault(id, name, json!({ "dropped_packets": counts }), ms)
}

/// Both directions between each of `ones` and each of `others`.
pub(super) fn apart(ones: &[&str], others: &[&str]) -> Vec<String> {
    let both = |one: &&str| {
        let ways = others
            .iter()
            .filter(|other| *other != one)
            .flat_map(|other| [format!("{one}->{other}"), format!("{other}->{one}")]);
        ways.collect::<Vec<_>>()
    };
    ones.iter().flat_map(both).collect()
}

/// A fault that acted, with this evidence.
pub(super) fn fault(id: u32, name: &str, evidence: serde_json::Value, ms: [u64; 2]) -> FaultRecord {
    let serde_json::Value::Object(evidence) = evidence else {
        panic!("evidence is an object");
    };
    FaultRecord {
        id,
        name: name.to_owned(),
        effect: Effect::Installed,
        description: format!("{name} n9"),
        evidence,
        start_ns: ms[0] * 1_000_000,
        end_ns: ms[1] * 1_000_000,
    }
}

/// A node that was seen leading a term.
pub(super) fn led(node: &str, term: u64, ms: [u64; 2]) -> LeaderSpan {
    LeaderSpan {
        node: node.to_owned(),
        term,
        from_ns: ms[0] * 1_000_000,
        to_ns: ms[1] * 1_000_000,
    }
}
