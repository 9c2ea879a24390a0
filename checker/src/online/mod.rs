//! The check of a history that is still being written, event by event, in bounded memory.
//!
//! At any time the answer is that of [`check`](crate::check()) for the history so far, where an operation that is open may or may not have taken
//! effect. A violation of a part is one of the whole, since a linearizable history has only linearizable prefixes, so it stands as soon as
//! it is found. After the last event the answer is the one for the whole history.
//!
//! ```
//! use checker::{Event, EventType, ModelName, Nanos, Online, Process, Standing, Unlimited, Value};
//!
//! let event = |event_type, f: &str, value: Value| Event {
//!     index: 0,
//!     time: Nanos(0),
//!     process: Process::Client(0),
//!     event_type,
//!     f: f.into(),
//!     key: None,
//!     value,
//!     node: None,
//!     error: None,
//!     arrival: None,
//! };
//! let mut online = Online::new(&ModelName::CasRegister.into());
//! online.feed(&event(EventType::Invoke, "write", 1.into()))?;
//! online.feed(&event(EventType::Ok, "write", 1.into()))?;
//! assert_eq!(online.poll(&Unlimited), Standing::Holds);
//! online.feed(&event(EventType::Invoke, "read", Value::Nil))?;
//! online.feed(&event(EventType::Ok, "read", 2.into()))?;
//! assert!(matches!(online.poll(&Unlimited), Standing::Violated(found) if found.states == [1.into()]));
//! # Ok::<(), checker::OnlineError>(())
//! ```
//!
//! What needs the future cannot be used: no write is dropped because nobody will read it, so that every indeterminate one is kept; and
//! `nil` is always a value that was read.

mod object;
mod standing;

use std::collections::BTreeMap;

use rustc_hash::FxHashMap;

use crate::budget::{Budget, Ledger};
use crate::check::ModelError;
use crate::event::{Event, EventType, Process};
use crate::history::{OpId, Operation, Outcome};
use crate::models::{self, ModelSpec, objects};
use crate::pairing::{self, MalformedHistory, Record};
use crate::value::Value;
use object::{Object, Outlook};
pub use standing::{OnlineError, OnlineLimit, OnlineViolation, Standing};

/// For so many operations of an object an open one is waited for, unless [`Online::with_longest_tail`] says otherwise.
const LONGEST_TAIL: usize = 4096;

/// A check that is told one event after the other.
pub struct Online {
    spec: ModelSpec,
    longest_tail: usize,
    /// How many events there were.
    position: u64,
    /// How many operations were called.
    called: usize,
    /// The open operation of each process.
    open: FxHashMap<i64, Open>,
    /// The numbers of the objects, in the order of their first operations.
    numbers: BTreeMap<Option<Value>, usize>,
    objects: Vec<Entrant>,
    /// Numbers of objects with news.
    news: Vec<usize>,
    violation: Option<OnlineViolation>,
}

/// An operation without a completion.
struct Open {
    id: OpId,
    call: u64,
    object: usize,
    invocation: Event,
}

struct Entrant {
    key: Option<Value>,
    object: Object,
    has_news: bool,
    /// Why it is not known to be linearizable so far.
    unknown: Option<OnlineLimit>,
}

impl Online {
    /// Nothing has happened yet.
    pub fn new(spec: &ModelSpec) -> Self {
        Self {
            spec: spec.clone(),
            longest_tail: LONGEST_TAIL,
            position: 0,
            called: 0,
            open: FxHashMap::default(),
            numbers: BTreeMap::new(),
            objects: Vec::new(),
            news: Vec::new(),
            violation: None,
        }
    }

    /// For how many operations of its object an open one is waited for. Beyond that it is presumed indeterminate; if it completes
    /// after all, violations can still be proven, but that there is none cannot. Waiting costs memory, and time at each poll.
    #[must_use]
    pub fn with_longest_tail(self, operations: usize) -> Self {
        Self {
            longest_tail: operations,
            ..self
        }
    }

    /// Takes the next event. Nothing is concluded before [`Self::poll`], and what is fed in between is kept.
    ///
    /// # Errors
    /// If the events cannot be those of a history, or the model does not know the operation. The event is left out then; what is found
    /// later may be wrong.
    pub fn feed(&mut self, event: &Event) -> Result<(), OnlineError> {
        let position = self.position;
        self.position += 1;
        let Process::Client(process) = event.process else {
            return Ok(());
        };
        match event.event_type {
            EventType::Invoke => self.invoke(process, position, event),
            EventType::Ok | EventType::Fail | EventType::Info => {
                self.complete(process, position, event)
            }
        }
    }

    fn invoke(&mut self, process: i64, call: u64, event: &Event) -> Result<(), OnlineError> {
        let operation = self.pair(process, event)?;
        let id = OpId(self.called);
        self.called += 1;
        let operation = Operation {
            id,
            call,
            ..operation
        };
        let refused = |reason| ModelError::new(&operation, reason);
        let (key, entry) = objects::place(&operation, self.spec.name).map_err(refused)?;
        let object = self.number(key);
        let called = self.objects[object].object.call(&entry);
        called.map_err(refused)?;
        let open = Open {
            id,
            call,
            object,
            invocation: event.clone(),
        };
        self.open.insert(process, open);
        self.note(object);
        Ok(())
    }

    fn complete(&mut self, process: i64, ret: u64, event: &Event) -> Result<(), OnlineError> {
        let operation = self.pair(process, event)?;
        let open = self.open.remove(&process);
        let open = open.expect("a completion without an invocation is no pair");
        let operation = Operation {
            id: open.id,
            call: open.call,
            ret: operation.ret.map(|_| ret),
            ..operation
        };
        let refused = |reason| ModelError::new(&operation, reason);
        let (key, entry) = objects::place(&operation, self.spec.name).map_err(refused)?;
        let entrant = &mut self.objects[open.object];
        if key != entrant.key {
            let reason = "names its object only when it completes".to_owned();
            return Err(refused(reason).into());
        }
        match operation.outcome {
            Outcome::Ok => entrant.object.succeed(&entry).map_err(refused)?,
            Outcome::Fail => entrant.object.fail(&entry).map_err(refused)?,
            Outcome::Info => entrant.object.lose(&entry),
        }
        self.note(open.object);
        Ok(())
    }

    /// The operation of an event, as far as it is known; its positions are not those in the history.
    fn pair(&self, process: i64, event: &Event) -> Result<Operation, MalformedHistory> {
        let open = self.open.get(&process).map(|open| open.invocation.clone());
        let events = open.into_iter().chain([event.clone()]);
        let mut paired = pairing::pair(events.map(Record::from))?;
        Ok(paired.operations.remove(0))
    }

    /// The number of an object, a new one if there was none with the key.
    fn number(&mut self, key: Option<Value>) -> usize {
        let spec = &self.spec;
        let objects = &mut self.objects;
        *self.numbers.entry(key).or_insert_with_key(|key| {
            objects.push(Entrant {
                key: key.clone(),
                object: Object::new(models::machine_of(spec)),
                has_news: false,
                unknown: None,
            });
            objects.len() - 1
        })
    }

    fn note(&mut self, object: usize) {
        if !std::mem::replace(&mut self.objects[object].has_news, true) {
            self.news.push(object);
        }
    }

    /// What is known now. Looks at the objects with news only, and at none any more when a violation is proven.
    pub fn poll(&mut self, budget: &dyn Budget) -> Standing {
        if self.violation.is_none() {
            self.look(budget);
        }
        self.standing()
    }

    fn look(&mut self, budget: &dyn Budget) {
        let ledger = Ledger::new(budget);
        let mut found = Vec::new();
        for number in std::mem::take(&mut self.news) {
            let entrant = &mut self.objects[number];
            entrant.has_news = false;
            found.extend(entrant.look(self.longest_tail, &ledger.share()));
            if matches!(entrant.unknown, Some(OnlineLimit::Budget(_))) {
                self.note(number);
            }
        }
        // The one that was called first, whatever order the objects have.
        self.violation = found
            .into_iter()
            .min_by_key(|violation: &OnlineViolation| violation.operation);
    }

    fn standing(&self) -> Standing {
        if let Some(violation) = &self.violation {
            return Standing::Violated(violation.clone());
        }
        let unknown = self
            .objects
            .iter()
            .filter_map(|entrant| entrant.unknown.map(|limit| (&entrant.key, limit)))
            .min_by_key(|(key, _)| *key);
        match unknown {
            Some((key, limit)) => Standing::Unknown {
                key: key.clone(),
                limit,
            },
            None => Standing::Holds,
        }
    }

    /// An estimate of what the check occupies.
    pub fn bytes(&self) -> u64 {
        let objects = self.objects.iter();
        objects.map(|entrant| entrant.object.bytes()).sum()
    }
}

impl Entrant {
    fn look(&mut self, longest_tail: usize, budget: &dyn Budget) -> Option<OnlineViolation> {
        let outlook = self.object.look(longest_tail, budget);
        self.unknown = match outlook {
            Ok(Outlook::Clear) => None,
            Ok(Outlook::Mistaken(operation)) => Some(OnlineLimit::CompletedLate(operation)),
            Err(limit) => Some(OnlineLimit::Budget(limit)),
            Ok(Outlook::Stuck(stuck)) => {
                return Some(OnlineViolation {
                    key: self.key.clone(),
                    operation: stuck.operation,
                    states: stuck.states,
                });
            }
        };
        None
    }
}
