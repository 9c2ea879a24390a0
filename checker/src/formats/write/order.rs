//! The events behind the operations, in the order they were recorded.

use crate::event::{Event, EventType, Nanos, Process};
use crate::history::{History, Operation, Outcome};
use crate::text::Text;
use crate::value::Value;

/// An event of the history.
#[derive(Clone, Copy)]
pub(super) enum Recorded<'h> {
    Invocation(&'h Operation),
    Completion(&'h Operation),
    Fault(&'h Event),
}

impl<'h> Recorded<'h> {
    pub(super) fn index(self) -> u64 {
        match self {
            Self::Invocation(operation) => operation.invoke_index,
            Self::Completion(operation) => operation.complete_index.unwrap_or(u64::MAX),
            Self::Fault(event) => event.index,
        }
    }

    pub(super) fn time(self) -> Option<Nanos> {
        match self {
            Self::Invocation(operation) => operation.call_time,
            Self::Completion(operation) => operation.return_time,
            Self::Fault(event) => Some(event.time),
        }
    }

    pub(super) fn process(self) -> Process {
        match self {
            Self::Invocation(operation) | Self::Completion(operation) => {
                Process::Client(operation.process)
            }
            Self::Fault(event) => event.process,
        }
    }

    pub(super) fn event_type(self) -> EventType {
        match self {
            Self::Invocation(_) => EventType::Invoke,
            Self::Completion(operation) => match operation.outcome {
                Outcome::Ok => EventType::Ok,
                Outcome::Fail => EventType::Fail,
                Outcome::Info => EventType::Info,
            },
            Self::Fault(event) => event.event_type,
        }
    }

    pub(super) fn f(self) -> &'h Text {
        match self {
            Self::Invocation(operation) | Self::Completion(operation) => &operation.f,
            Self::Fault(event) => &event.f,
        }
    }

    pub(super) fn key(self) -> Option<&'h Value> {
        match self {
            Self::Invocation(operation) | Self::Completion(operation) => operation.key.as_ref(),
            Self::Fault(event) => event.key.as_ref(),
        }
    }

    pub(super) fn value(self) -> &'h Value {
        match self {
            Self::Invocation(operation) => &operation.input,
            Self::Completion(operation) => &operation.output,
            Self::Fault(event) => &event.value,
        }
    }

    pub(super) fn node(self) -> Option<&'h Text> {
        match self {
            Self::Invocation(operation) | Self::Completion(operation) => operation.node.as_ref(),
            Self::Fault(event) => event.node.as_ref(),
        }
    }

    /// That of an operation is that of its last event.
    pub(super) fn error(self) -> Option<&'h Text> {
        match self {
            Self::Invocation(operation) if operation.complete_index.is_some() => None,
            Self::Invocation(operation) | Self::Completion(operation) => operation.error.as_ref(),
            Self::Fault(event) => event.error.as_ref(),
        }
    }

    pub(super) fn arrival(self) -> Option<Nanos> {
        match self {
            Self::Invocation(operation) => operation.arrival_time,
            Self::Completion(_) => None,
            Self::Fault(event) => event.arrival,
        }
    }

    /// The client's operation.
    pub(super) fn operation(self) -> Option<&'h Operation> {
        match self {
            Self::Invocation(operation) | Self::Completion(operation) => Some(operation),
            Self::Fault(_) => None,
        }
    }
}

/// All events, in the order of their indexes if these agree with the positions, and else of the positions.
pub(super) fn recorded(history: &History) -> Vec<Recorded<'_>> {
    let mut events: Vec<_> = history.operations.iter().flat_map(both_ends).collect();
    events.extend(history.nemesis.iter().map(Recorded::Fault));
    events.sort_by_key(|event| event.index());
    if is_in_order(&events) {
        return events;
    }
    by_position(history)
}

fn both_ends(operation: &Operation) -> impl Iterator<Item = Recorded<'_>> {
    let completion = operation.complete_index.is_some();
    [Recorded::Invocation(operation)]
        .into_iter()
        .chain(completion.then_some(Recorded::Completion(operation)))
}

fn position(event: Recorded<'_>) -> Option<u64> {
    match event {
        Recorded::Invocation(operation) => Some(operation.call),
        Recorded::Completion(operation) => operation.ret,
        Recorded::Fault(_) => None,
    }
}

/// Indexes are distinct, positions grow with them, and no process has two operations open.
fn is_in_order(events: &[Recorded<'_>]) -> bool {
    let distinct = events
        .windows(2)
        .all(|pair| pair[0].index() < pair[1].index());
    let positions = events.iter().filter_map(|event| position(*event));
    let mut open = rustc_hash::FxHashMap::default();
    distinct
        && positions.is_sorted()
        && events.iter().all(|event| match event {
            Recorded::Invocation(one) => open.insert(one.process, one.id).is_none(),
            Recorded::Completion(one) => open.remove(&one.process) == Some(one.id),
            Recorded::Fault(_) => true,
        })
}

/// The completion of an indeterminate operation has no position: it stands before the next call of its process. Faults come last.
fn by_position(history: &History) -> Vec<Recorded<'_>> {
    let mut events: Vec<(u64, u8, Recorded<'_>)> = Vec::new();
    let mut next_call = rustc_hash::FxHashMap::default();
    for operation in history.operations.iter().rev() {
        let before = next_call.insert(operation.process, operation.call);
        events.push((operation.call, 1, Recorded::Invocation(operation)));
        if operation.complete_index.is_some() {
            let (position, rank) = match operation.ret {
                Some(position) => (position, 1),
                None => (before.unwrap_or(u64::MAX), 0),
            };
            events.push((position, rank, Recorded::Completion(operation)));
        }
    }
    let faults = history
        .nemesis
        .iter()
        .map(|event| (u64::MAX, 2, Recorded::Fault(event)));
    events.extend(faults);
    events.sort_by_key(|(position, rank, _)| (*position, *rank));
    events.into_iter().map(|(_, _, event)| event).collect()
}
