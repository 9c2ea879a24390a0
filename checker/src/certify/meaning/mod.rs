//! What the operations of a history mean, read from the models' specifications.
//!
//! | model | operation | meaning |
//! |---|---|---|
//! | register, cas-register, kv | read → v | the value is v |
//! | | write v | the value becomes v |
//! | | cas \[a b\] | the value is a and becomes b; with a = b it is a read |
//! | mutex | acquire, release | cas from free to held, from held to free |
//! | multi-register | txn | its reads and writes, one after the other |
//! | kv-append | put, append, get | the text becomes t, grows by t, is t |
//! | set | add, remove v | v is in the set from now on, or is not; if it is told that this changed something, or did not, v was not or was in it |
//! | | contains v, read | whether v is in it, or all that is |
//! | queue, unordered-queue, stack | enqueue v, push v | v is put in |
//! | | dequeue, pop → v | v comes out: the first, any, the last |
//! | | dequeue, pop → nil | nothing is there, or nil comes out |
//! | | dequeue, pop without an answer | whatever would come out is gone |
//! | counter | add n, inc, dec | the sum grows by n, by 1 or the value, shrinks by as much |
//! | | read → n | the sum is n |
//! | list-append | txn, append, read | its appends and reads, one after the other |
//!
//! An operation without an answer observes nothing. In Jepsen's EDN a read of nil is one without an answer, where nothing is ever nil.

mod act;
mod collections;
mod registers;
mod state;

use std::collections::BTreeMap;
use std::sync::LazyLock;

use crate::budget::Watch;
use crate::certify::CertifyError;
use crate::counterexample::{Effect, Presence, Weakened};
use crate::formats::Format;
use crate::history::{History, OpId, Operation, Outcome};
use crate::models::{ModelName, ModelSpec};
use crate::value::Value;
pub(crate) use act::{Act, Edit, Element, ListPart, Part, RegisterName, Taken};
pub(crate) use state::State;

/// An operation and its meaning.
pub(crate) struct Item<'h> {
    pub(crate) operation: &'h Operation,
    pub(crate) act: Act<'h>,
}

impl Item<'_> {
    pub(crate) fn id(&self) -> OpId {
        self.operation.id
    }

    /// The last moment at which it can have taken effect.
    pub(crate) fn ret(&self) -> u64 {
        match self.operation.outcome {
            Outcome::Ok => self.operation.ret.unwrap_or(u64::MAX),
            Outcome::Fail | Outcome::Info => u64::MAX,
        }
    }
}

/// One object and everything that was done to it.
pub(crate) struct Object<'h> {
    pub(crate) key: Option<&'h Value>,
    pub(crate) model: ModelName,
    pub(crate) initial: &'h Value,
    /// In the order of the history, failed ones too.
    pub(crate) items: Vec<Item<'h>>,
}

impl<'h> Object<'h> {
    /// What of an operation counts. The reads of a transaction are its answer, which an optional one does not have.
    pub(crate) fn counted(&self, item: &Item<'h>, weakened: &Weakened) -> Act<'h> {
        match (weakened.presence, weakened.effect) {
            (_, Effect::WriteOnly) => item.act.write_only(),
            (Presence::Optional, Effect::Whole) if !self.model.is_single_register() => {
                item.act.unanswered()
            }
            (Presence::Mandatory | Presence::Optional, Effect::Whole) => item.act.clone(),
        }
    }

    /// Whether an observer sees the last mutation before it, and no other.
    pub(crate) fn shows_last(&self) -> bool {
        self.model.is_single_register()
            || matches!(self.model, ModelName::MultiRegister | ModelName::KvAppend)
    }

    /// What a register holds before anything is written.
    pub(crate) fn first_value(&self, register: RegisterName<'_>) -> &'h Value {
        match (register, self.initial) {
            (Some(register), Value::Map(initial)) => initial.get(register).unwrap_or(&NIL),
            (_, initial) => initial,
        }
    }

    /// A read of nil says nothing if nothing can be nil.
    fn forgive_nil(&mut self) {
        let writes_nil = |part: &Part<'_>| matches!(part, Part::Write(_, Value::Nil));
        let starts_nil = match (self.model, self.initial) {
            (ModelName::MultiRegister, Value::Map(initial)) => {
                initial.is_empty() || initial.values().any(|value| *value == Value::Nil)
            }
            (_, initial) => *initial == Value::Nil,
        };
        let can_act = |item: &&Item<'_>| item.operation.outcome != Outcome::Fail;
        let written = self
            .items
            .iter()
            .filter(can_act)
            .any(|item| match &item.act {
                Act::Parts(parts) => parts.iter().any(writes_nil),
                Act::Text(_)
                | Act::Element(_)
                | Act::Listing(_)
                | Act::Put(_)
                | Act::Take(_)
                | Act::Add(_)
                | Act::Total(_)
                | Act::Lists(_)
                | Act::Silent => true,
            });
        if starts_nil || written {
            return;
        }
        for item in &mut self.items {
            // A compare-and-set from nil says what it found.
            if let Act::Parts(parts) = &mut item.act
                && item.operation.f != "cas"
            {
                parts.retain(|part| !matches!(part, Part::Read(_, Value::Nil)));
            }
        }
    }
}

pub(crate) static NIL: Value = Value::Nil;
static EMPTY: LazyLock<Value> = LazyLock::new(|| Value::from(""));
static FREE: LazyLock<Value> = LazyLock::new(|| Value::from("free"));
static ZERO: Value = Value::Int(0);
static NO_VALUES: LazyLock<Value> = LazyLock::new(|| Value::from(Vec::new()));
static NO_LISTS: LazyLock<Value> = LazyLock::new(|| Value::from(BTreeMap::new()));

/// All objects of a history, in the order of their keys.
pub(crate) fn objects<'h>(
    history: &'h History,
    spec: &'h ModelSpec,
    watch: &Watch<'_>,
) -> Result<BTreeMap<Option<&'h Value>, Object<'h>>, CertifyError> {
    objects_where(history, spec, watch, |_| true)
}

/// One object of a history.
pub(crate) fn object<'h>(
    history: &'h History,
    spec: &'h ModelSpec,
    key: Option<&Value>,
    watch: &Watch<'_>,
) -> Result<Option<Object<'h>>, CertifyError> {
    Ok(objects_where(history, spec, watch, |other| other == key)?.remove(&key))
}

fn objects_where<'h>(
    history: &'h History,
    spec: &'h ModelSpec,
    watch: &Watch<'_>,
    wanted: impl Fn(Option<&Value>) -> bool,
) -> Result<BTreeMap<Option<&'h Value>, Object<'h>>, CertifyError> {
    let mut objects: BTreeMap<_, Object<'h>> = BTreeMap::new();
    let lists_apart = spec.name == ModelName::ListAppend && lists_are_apart(history, watch)?;
    for operation in &history.operations {
        watch.step()?;
        let unreadable = |reason| CertifyError::Unreadable {
            id: operation.id,
            reason,
        };
        let placed = placed(operation, spec.name).map_err(unreadable)?;
        if spec.name != ModelName::ListAppend && !wanted(placed.key) {
            continue;
        }
        let act = act(&operation.f, spec.name, &placed).map_err(unreadable)?;
        let key = if let Act::Lists(parts) = &act {
            parts.first().filter(|_| lists_apart).map(list_key)
        } else {
            placed.key
        };
        if !wanted(key) {
            continue;
        }
        let object = objects.entry(key).or_insert_with(|| Object {
            key,
            model: spec.name,
            initial: initial(spec),
            items: Vec::new(),
        });
        object.items.push(Item { operation, act });
    }
    if history.format == Format::Edn {
        objects.values_mut().for_each(Object::forgive_nil);
    }
    Ok(objects)
}

fn initial(spec: &ModelSpec) -> &Value {
    spec.initial.as_ref().unwrap_or(match spec.name {
        ModelName::KvAppend => &EMPTY,
        ModelName::Mutex => &FREE,
        ModelName::Register | ModelName::CasRegister | ModelName::MultiRegister | ModelName::Kv => {
            &NIL
        }
        ModelName::Set | ModelName::Queue | ModelName::UnorderedQueue | ModelName::Stack => {
            &NO_VALUES
        }
        ModelName::Counter => &ZERO,
        ModelName::ListAppend => &NO_LISTS,
    })
}

/// An operation, freed from the key of its object.
struct Placed<'h> {
    key: Option<&'h Value>,
    input: &'h Value,
    /// If there is one.
    answer: Option<&'h Value>,
}

fn placed(operation: &Operation, model: ModelName) -> Result<Placed<'_>, String> {
    let input = &operation.input;
    let answer = (operation.outcome == Outcome::Ok).then_some(&operation.output);
    match (model, &operation.key) {
        (ModelName::Kv, None) => {
            let (key, input) = registers::pair(input)?;
            let answer = answer.map(registers::pair).transpose()?;
            Ok(Placed {
                key: Some(key),
                input,
                answer: answer.map(|(_, answer)| answer),
            })
        }
        (_, key) => Ok(Placed {
            key: key.as_ref(),
            input,
            answer,
        }),
    }
}

fn act<'h>(f: &str, model: ModelName, placed: &Placed<'h>) -> Result<Act<'h>, String> {
    let &Placed { key, input, answer } = placed;
    match model {
        ModelName::Register | ModelName::CasRegister | ModelName::Kv => {
            registers::register(model, f, input, answer)
        }
        ModelName::Mutex => registers::lock(f),
        ModelName::MultiRegister => registers::transaction(f, input, answer),
        ModelName::KvAppend => registers::edit(f, input, answer),
        ModelName::Set => collections::set(f, input, answer),
        ModelName::Queue | ModelName::UnorderedQueue => {
            collections::buffer(["enqueue", "dequeue"], f, input, answer)
        }
        ModelName::Stack => collections::buffer(["push", "pop"], f, input, answer),
        ModelName::Counter => collections::counter(f, input, answer),
        ModelName::ListAppend => {
            collections::lists(f, key.unwrap_or(&NIL), input, answer).map(Act::Lists)
        }
    }
}

fn list_key<'h>(part: &ListPart<'h>) -> &'h Value {
    match *part {
        ListPart::Read(key, _) | ListPart::Look(key) | ListPart::Append(key, _) => key,
    }
}

/// Whether no transaction touches two lists.
fn lists_are_apart(history: &History, watch: &Watch<'_>) -> Result<bool, CertifyError> {
    for operation in &history.operations {
        watch.step()?;
        let parts = placed(operation, ModelName::ListAppend)
            .and_then(|placed| act(&operation.f, ModelName::ListAppend, &placed))
            .map_err(|reason| CertifyError::Unreadable {
                id: operation.id,
                reason,
            })?;
        if let Act::Lists(parts) = parts
            && parts
                .windows(2)
                .any(|two| list_key(&two[0]) != list_key(&two[1]))
        {
            return Ok(false);
        }
    }
    Ok(true)
}
