//! Well-formedness: invocations and completions become operations.

use std::num::NonZero;

use rustc_hash::FxHashMap;

use crate::budget::Limit;
use crate::event::{Event, EventType, Nanos, Process};
use crate::history::{OpId, Operation, Outcome};
use crate::text::Text;
use crate::value::Value;

/// An event as a format yields it; what other formats lack is optional.
pub(crate) struct Record {
    pub(crate) line: Option<NonZero<u32>>,
    pub(crate) index: Option<u64>,
    pub(crate) time: Option<Nanos>,
    pub(crate) process: Process,
    pub(crate) event_type: EventType,
    pub(crate) f: Text,
    pub(crate) key: Option<Value>,
    pub(crate) value: Value,
    pub(crate) node: Option<Text>,
    pub(crate) error: Option<Text>,
    pub(crate) arrival: Option<Nanos>,
}

impl From<Event> for Record {
    fn from(event: Event) -> Self {
        Self {
            line: None,
            index: Some(event.index),
            time: Some(event.time),
            process: event.process,
            event_type: event.event_type,
            f: event.f,
            key: event.key,
            value: event.value,
            node: event.node,
            error: event.error,
            arrival: event.arrival,
        }
    }
}

/// The number of a line, which memory bounds long before it ends.
pub(crate) fn line_number(number: usize) -> Option<NonZero<u32>> {
    u32::try_from(number).ok().and_then(NonZero::new)
}

/// A sequence of events that no set of clients can have produced.
#[derive(Debug, thiserror::Error)]
#[error("{reason}")]
pub struct MalformedHistory {
    pub(crate) line: Option<usize>,
    pub(crate) reason: String,
    /// The limit that was reached, if it is one that ended the reading.
    pub(crate) limit: Option<Limit>,
}

impl MalformedHistory {
    fn of(record: &Record, reason: String) -> Self {
        Self {
            line: record.line.map(|line| line.get() as usize),
            reason,
            limit: None,
        }
    }
}

/// Pairs the events of each process, one after the other. An operation without a completion stays open: its outcome is
/// [`Outcome::Info`].
#[derive(Default)]
pub(crate) struct Pairing {
    pub(crate) operations: Vec<Operation>,
    pub(crate) nemesis: Vec<Event>,
    /// How many records were accepted.
    records: u64,
    /// The open operation of each process, and the line of its invocation.
    open: FxHashMap<i64, (usize, Option<NonZero<u32>>)>,
}

/// Pairs all records.
pub(crate) fn pair(records: impl Iterator<Item = Record>) -> Result<Pairing, MalformedHistory> {
    let mut pairing = Pairing::default();
    for record in records {
        pairing.accept(record)?;
    }
    Ok(pairing)
}

impl Pairing {
    /// How many records were accepted.
    pub(crate) fn records(&self) -> u64 {
        self.records
    }

    /// Takes the next record; its position is the number of those before.
    pub(crate) fn accept(&mut self, record: Record) -> Result<(), MalformedHistory> {
        let position = self.records;
        self.records += 1;
        let Process::Client(process) = record.process else {
            self.nemesis.push(nemesis_event(position, record));
            return Ok(());
        };
        match record.event_type {
            EventType::Invoke => self.invoke(position, process, record),
            EventType::Ok => self.complete(position, process, record, Outcome::Ok),
            EventType::Fail => self.complete(position, process, record, Outcome::Fail),
            EventType::Info => self.complete(position, process, record, Outcome::Info),
        }
    }

    fn invoke(
        &mut self,
        position: u64,
        process: i64,
        record: Record,
    ) -> Result<(), MalformedHistory> {
        let id = self.operations.len();
        if let Some((open, line)) = self.open.insert(process, (id, record.line)) {
            let f = &self.operations[open].f;
            return Err(MalformedHistory::of(
                &record,
                format!(
                    "process {process} invokes `{}` while its `{f}`{} is still open",
                    record.f,
                    of_line(line)
                ),
            ));
        }
        self.operations.push(Operation {
            id: OpId(id),
            process,
            f: record.f,
            key: record.key,
            output: record.value.clone(),
            input: record.value,
            outcome: Outcome::Info,
            call: position,
            ret: None,
            arrival_time: record.arrival,
            call_time: record.time,
            return_time: None,
            line: record.line,
            invoke_index: record.index.unwrap_or(position),
            complete_index: None,
            node: record.node,
            error: record.error,
        });
        Ok(())
    }

    fn complete(
        &mut self,
        position: u64,
        process: i64,
        record: Record,
        outcome: Outcome,
    ) -> Result<(), MalformedHistory> {
        let Some((open, invoked)) = self.open.remove(&process) else {
            return Err(MalformedHistory::of(
                &record,
                format!(
                    "process {process} completes `{}` but has no open invocation",
                    record.f
                ),
            ));
        };
        let operation = &mut self.operations[open];
        if operation.f != record.f {
            return Err(MalformedHistory::of(
                &record,
                format!(
                    "process {process} completes `{}` but its open invocation{} is `{}`",
                    record.f,
                    of_line(invoked),
                    operation.f
                ),
            ));
        }
        if let (Some(asked), Some(answered)) = (&operation.key, &record.key)
            && asked != answered
        {
            return Err(MalformedHistory::of(
                &record,
                format!(
                    "process {process} completes `{}` on key {answered} but its open invocation{} is on {asked}",
                    record.f,
                    of_line(invoked),
                ),
            ));
        }
        finish(operation, position, record, outcome);
        Ok(())
    }
}

fn finish(operation: &mut Operation, position: u64, record: Record, outcome: Outcome) {
    operation.outcome = outcome;
    operation.ret = (outcome != Outcome::Info).then_some(position);
    operation.return_time = record.time;
    operation.complete_index = Some(record.index.unwrap_or(position));
    // An indeterminate completion knows no result: the invocation's value is kept.
    if outcome != Outcome::Info && operation.input != record.value {
        operation.output = record.value;
    }
    operation.key = operation.key.take().or(record.key);
    operation.node = record.node.or(operation.node.take());
    operation.error = record.error;
}

fn of_line(line: Option<NonZero<u32>>) -> String {
    line.map_or_else(String::new, |line| format!(" of line {line}"))
}

fn nemesis_event(position: u64, record: Record) -> Event {
    Event {
        index: record.index.unwrap_or(position),
        time: record.time.unwrap_or_default(),
        process: record.process,
        event_type: record.event_type,
        f: record.f,
        key: record.key,
        value: record.value,
        node: record.node,
        error: record.error,
        arrival: record.arrival,
    }
}
