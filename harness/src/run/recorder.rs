//! The one ordered history of a run, on disk as it happens.
//!
//! Every event gets its index and its time under one lock and reaches the file in a single write before the lock is
//! released. So the order of the file is the order in which things were observed, and a harness that is killed
//! leaves every event but at most a cut last line.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context as _, Result};
use checker::{Event, EventType, Header, Nanos, Process, Text, Value};

use crate::clock::Clock;
use crate::workload::{Invocation, Micro};

/// A handle to the history; clones write to the same file.
#[derive(Debug, Clone)]
pub(crate) struct Recorder {
    shared: Arc<Mutex<Shared>>,
    clock: Clock,
}

#[derive(Debug)]
struct Shared {
    file: File,
    path: PathBuf,
    next_index: u64,
    line: Vec<u8>,
    failed: Option<String>,
    /// Operations that were acknowledged, by the node that did.
    acknowledged: BTreeMap<String, u64>,
}

/// How an operation ended, as the client saw it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Completion {
    /// It took effect; a read carries what it saw, whatever that is.
    Ok(Value),
    /// It certainly had no effect.
    Fail(String),
    /// It may have taken effect, may do so later, or never.
    Info(String),
}

impl Recorder {
    /// Creates the file and writes its header line.
    pub(crate) fn create(path: &Path, header: &Header, clock: Clock) -> Result<Self> {
        let mut file =
            File::create(path).with_context(|| format!("cannot create {}", path.display()))?;
        let mut line = serde_json::to_vec(header).context("cannot encode the history's header")?;
        line.push(b'\n');
        file.write_all(&line)
            .with_context(|| format!("cannot write {}", path.display()))?;
        let shared = Shared {
            file,
            path: path.to_owned(),
            next_index: 0,
            line,
            failed: None,
            acknowledged: BTreeMap::new(),
        };
        Ok(Self {
            shared: Arc::new(Mutex::new(shared)),
            clock,
        })
    }

    /// A client calls an operation that was due at `arrival`.
    pub(crate) fn invoke(&self, process: i64, invocation: &Invocation, node: &str, arrival: Nanos) {
        self.append(|index, time| Event {
            arrival: Some(arrival),
            ..client_event(
                index,
                time,
                process,
                EventType::Invoke,
                invocation,
                input(invocation),
                node,
            )
        });
    }

    /// The operation `process` called last has ended; `node` is the one that answered, or was asked.
    pub(crate) fn complete(
        &self,
        process: i64,
        invocation: &Invocation,
        node: &str,
        completion: &Completion,
    ) {
        if let Completion::Ok(_) = completion {
            let mut shared = self.lock();
            *shared.acknowledged.entry(node.to_owned()).or_default() += 1;
        }
        let (event_type, value, error) = match completion {
            Completion::Ok(seen) => (EventType::Ok, output(invocation, seen), None),
            Completion::Fail(error) => (EventType::Fail, input(invocation), Some(error.clone())),
            Completion::Info(error) => (EventType::Info, input(invocation), Some(error.clone())),
        };
        self.append(|index, time| Event {
            error: error.map(Text::from),
            ..client_event(index, time, process, event_type, invocation, value, node)
        });
    }

    /// Something was done to the system, or seen to happen to it; the time it is recorded at is returned.
    pub(crate) fn nemesis(&self, name: &str, details: serde_json::Value) -> Nanos {
        let value =
            serde_json::from_value(details).expect("every JSON value is a value of a history");
        self.append(|index, time| Event {
            index,
            time,
            process: Process::Nemesis,
            event_type: EventType::Info,
            f: name.into(),
            key: None,
            value,
            node: None,
            error: None,
            arrival: None,
        })
    }

    /// How many operations a node has acknowledged so far.
    pub(crate) fn acknowledged(&self, node: &str) -> u64 {
        let shared = self.lock();
        shared.acknowledged.get(node).copied().unwrap_or(0)
    }

    /// Why the history could not be written, if it could not; what follows such a failure is not recorded.
    pub(crate) fn failure(&self) -> Option<String> {
        self.lock().failed.clone()
    }

    fn append(&self, event: impl FnOnce(u64, Nanos) -> Event) -> Nanos {
        let mut shared = self.lock();
        let time = self.clock.nanos();
        if shared.failed.is_none() {
            let event = event(shared.next_index, time);
            shared.write(&event);
        }
        time
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Shared> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Shared {
    fn write(&mut self, event: &Event) {
        self.next_index += 1;
        self.line.clear();
        let written = serde_json::to_writer(&mut self.line, event)
            .map_err(std::io::Error::from)
            .and_then(|()| {
                self.line.push(b'\n');
                self.file.write_all(&self.line)
            });
        if let Err(error) = written {
            let path = self.path.display();
            self.failed = Some(format!(
                "cannot write {path}: {error}; free space there, or choose another folder with --out"
            ));
        }
    }
}

fn client_event(
    index: u64,
    time: Nanos,
    process: i64,
    event_type: EventType,
    invocation: &Invocation,
    value: Value,
    node: &str,
) -> Event {
    Event {
        index,
        time,
        process: Process::Client(process),
        event_type,
        f: function(invocation).into(),
        key: Some(Value::from(invocation.key())),
        value,
        node: Some(node.into()),
        error: None,
        arrival: None,
    }
}

const fn function(invocation: &Invocation) -> &'static str {
    match invocation {
        Invocation::Read { .. } => "read",
        Invocation::Write { .. } => "write",
        Invocation::Cas { .. } => "cas",
        Invocation::Add { .. } => "add",
        Invocation::Transact { .. } => "txn",
    }
}

fn input(invocation: &Invocation) -> Value {
    match invocation {
        Invocation::Read { .. } => Value::Nil,
        Invocation::Write { value, .. } => Value::Int(*value),
        Invocation::Add { .. } => Value::Int(1),
        Invocation::Cas {
            expected, value, ..
        } => Value::from(vec![datum(*expected), Value::Int(*value)]),
        Invocation::Transact { parts, .. } => parts.iter().map(|part| triple(part, None)).collect(),
    }
}

fn output(invocation: &Invocation, seen: &Value) -> Value {
    match invocation {
        Invocation::Read { .. } => seen.clone(),
        Invocation::Write { .. } | Invocation::Cas { .. } | Invocation::Add { .. } => {
            input(invocation)
        }
        Invocation::Transact { parts, .. } => {
            let values = seen.as_list().unwrap_or_default();
            let parts = parts.iter().enumerate();
            parts
                .map(|(at, part)| triple(part, values.get(at)))
                .collect()
        }
    }
}

/// `[f register value]`, with what was read if it was.
fn triple(part: &Micro, seen: Option<&Value>) -> Value {
    let (f, value) = match part {
        Micro::Read { .. } => ("read", seen.cloned().unwrap_or(Value::Nil)),
        Micro::Write { value, .. } => ("write", Value::Int(*value)),
    };
    [Value::from(f), Value::from(part.register()), value]
        .into_iter()
        .collect()
}

fn datum(value: Option<i64>) -> Value {
    value.map_or(Value::Nil, Value::Int)
}
