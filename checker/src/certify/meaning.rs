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
//!
//! An operation without an answer observes nothing. In Jepsen's EDN a read of nil is one without an answer, where nothing is ever nil.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use crate::certify::CertifyError;
use crate::counterexample::{Effect, Presence, Weakened};
use crate::formats::Format;
use crate::history::{History, OpId, Operation, Outcome};
use crate::models::{ModelName, ModelSpec};
use crate::value::Value;

/// One of the registers of an object, `None` if it has only one.
pub(crate) type RegisterName<'h> = Option<&'h Value>;

/// What an operation does in one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Act<'h> {
    /// Reads and writes, one after the other.
    Parts(Vec<Part<'h>>),
    /// Something with a text.
    Text(Edit<'h>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part<'h> {
    Read(RegisterName<'h>, &'h Value),
    Write(RegisterName<'h>, &'h Value),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Edit<'h> {
    Put(&'h str),
    Append(&'h str),
    Get(&'h str),
    /// A get without an answer.
    Nothing,
}

impl Act<'_> {
    /// Whether it changes anything.
    pub(crate) fn is_mutation(&self) -> bool {
        match self {
            Self::Parts(parts) => parts.iter().any(|part| matches!(part, Part::Write(..))),
            Self::Text(Edit::Put(_) | Edit::Append(_)) => true,
            Self::Text(Edit::Get(_) | Edit::Nothing) => false,
        }
    }

    /// Whether it depends on what was there.
    pub(crate) fn is_observation(&self) -> bool {
        match self {
            Self::Parts(parts) => parts.iter().any(|part| matches!(part, Part::Read(..))),
            Self::Text(Edit::Get(_)) => true,
            Self::Text(Edit::Put(_) | Edit::Append(_) | Edit::Nothing) => false,
        }
    }

    /// What is left if only its writes count.
    pub(crate) fn write_only(&self) -> Self {
        match self {
            Self::Parts(parts) => {
                let writes = parts.iter().filter(|part| matches!(part, Part::Write(..)));
                Self::Parts(writes.copied().collect())
            }
            Self::Text(edit) => Self::Text(*edit),
        }
    }
}

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

/// What an object holds.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum State<'h> {
    /// Registers that were written.
    Registers(BTreeMap<RegisterName<'h>, &'h Value>),
    Text(String),
}

impl<'h> Object<'h> {
    pub(crate) fn initial_state(&self) -> State<'h> {
        match self.model {
            ModelName::KvAppend => {
                State::Text(self.initial.as_text().unwrap_or_default().to_owned())
            }
            ModelName::Register
            | ModelName::CasRegister
            | ModelName::MultiRegister
            | ModelName::Mutex
            | ModelName::Kv => State::Registers(BTreeMap::new()),
        }
    }

    /// Performs an act; false if the object cannot answer so.
    pub(crate) fn accepts(&self, state: &mut State<'h>, act: &Act<'h>) -> bool {
        match (state, act) {
            (State::Registers(registers), Act::Parts(parts)) => {
                parts.iter().all(|part| match *part {
                    Part::Read(register, value) => {
                        let held = registers.get(&register).copied();
                        held.unwrap_or_else(|| self.first_value(register)) == value
                    }
                    Part::Write(register, value) => {
                        registers.insert(register, value);
                        true
                    }
                })
            }
            (State::Text(text), Act::Text(edit)) => match edit {
                Edit::Put(new) => {
                    text.clear();
                    text.push_str(new);
                    true
                }
                Edit::Append(more) => {
                    text.push_str(more);
                    true
                }
                Edit::Get(seen) => text == seen,
                Edit::Nothing => true,
            },
            (State::Registers(_), Act::Text(_)) | (State::Text(_), Act::Parts(_)) => false,
        }
    }

    /// What of an operation counts. The reads of a transaction are its answer, which an optional one does not have.
    pub(crate) fn counted(&self, item: &Item<'h>, weakened: &Weakened) -> Act<'h> {
        match (weakened.presence, weakened.effect) {
            (_, Effect::WriteOnly) => item.act.write_only(),
            (Presence::Optional, Effect::Whole) if self.model == ModelName::MultiRegister => {
                item.act.write_only()
            }
            (Presence::Mandatory | Presence::Optional, Effect::Whole) => item.act.clone(),
        }
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
        let written = self.items.iter().any(|item| match &item.act {
            Act::Parts(parts) => parts.iter().any(writes_nil),
            Act::Text(_) => true,
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

static NIL: Value = Value::Nil;
static EMPTY: LazyLock<Value> = LazyLock::new(|| Value::from(""));
static FREE: LazyLock<Value> = LazyLock::new(|| Value::from("free"));
static HELD: LazyLock<Value> = LazyLock::new(|| Value::from("held"));

/// All objects of a history, in the order of their keys.
pub(crate) fn objects<'h>(
    history: &'h History,
    spec: &'h ModelSpec,
) -> Result<BTreeMap<Option<&'h Value>, Object<'h>>, CertifyError> {
    objects_where(history, spec, |_| true)
}

/// One object of a history.
pub(crate) fn object<'h>(
    history: &'h History,
    spec: &'h ModelSpec,
    key: Option<&Value>,
) -> Result<Option<Object<'h>>, CertifyError> {
    Ok(objects_where(history, spec, |other| other == key)?.remove(&key))
}

fn objects_where<'h>(
    history: &'h History,
    spec: &'h ModelSpec,
    wanted: impl Fn(Option<&Value>) -> bool,
) -> Result<BTreeMap<Option<&'h Value>, Object<'h>>, CertifyError> {
    let mut objects: BTreeMap<_, Object<'h>> = BTreeMap::new();
    for operation in &history.operations {
        let unreadable = |reason| CertifyError::Unreadable {
            id: operation.id,
            reason,
        };
        let (key, input, output) = placed(operation, spec.name).map_err(unreadable)?;
        if !wanted(key) {
            continue;
        }
        let act = act(operation, spec.name, input, output).map_err(unreadable)?;
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
    })
}

/// The object of an operation, its argument and its answer.
fn placed(
    operation: &Operation,
    model: ModelName,
) -> Result<(Option<&Value>, &Value, &Value), String> {
    let (input, output) = (&operation.input, &operation.output);
    match (model, &operation.key) {
        (ModelName::MultiRegister, _) => Ok((None, input, output)),
        (ModelName::Kv, None) => {
            let (key, argument) = pair(input)?;
            let answer = match operation.outcome {
                Outcome::Ok => pair(output)?.1,
                Outcome::Fail | Outcome::Info => argument,
            };
            Ok((Some(key), argument, answer))
        }
        (
            ModelName::Register
            | ModelName::CasRegister
            | ModelName::Mutex
            | ModelName::Kv
            | ModelName::KvAppend,
            key,
        ) => Ok((key.as_ref(), input, output)),
    }
}

fn pair(value: &Value) -> Result<(&Value, &Value), String> {
    match value.as_list() {
        Some([first, second]) => Ok((first, second)),
        Some(_) | None => Err(format!("{value} is no pair")),
    }
}

fn act<'h>(
    operation: &'h Operation,
    model: ModelName,
    input: &'h Value,
    output: &'h Value,
) -> Result<Act<'h>, String> {
    let answered = operation.outcome == Outcome::Ok;
    let parts = match (model, operation.f.as_str()) {
        (ModelName::KvAppend, f) => return edit(f, answered, input, output).map(Act::Text),
        (ModelName::MultiRegister, f) => {
            transaction(f, answered, if answered { output } else { input })?
        }
        (ModelName::Mutex, "acquire") => {
            vec![Part::Read(None, &FREE), Part::Write(None, &HELD)]
        }
        (ModelName::Mutex, "release") => {
            vec![Part::Read(None, &HELD), Part::Write(None, &FREE)]
        }
        (ModelName::Register | ModelName::CasRegister | ModelName::Kv, "read") => answered
            .then_some(Part::Read(None, output))
            .into_iter()
            .collect(),
        (ModelName::Register | ModelName::CasRegister | ModelName::Kv, "write") => {
            vec![Part::Write(None, input)]
        }
        (ModelName::CasRegister | ModelName::Kv, "cas") => {
            let (expected, new) = pair(input)?;
            let write = (expected != new).then_some(Part::Write(None, new));
            [Part::Read(None, expected)]
                .into_iter()
                .chain(write)
                .collect()
        }
        (ModelName::Register | ModelName::CasRegister | ModelName::Kv | ModelName::Mutex, f) => {
            return Err(format!("{model} has no `{f}`"));
        }
    };
    Ok(Act::Parts(parts))
}

fn edit<'h>(
    f: &str,
    answered: bool,
    input: &'h Value,
    output: &'h Value,
) -> Result<Edit<'h>, String> {
    match f {
        "put" => text(input).map(Edit::Put),
        "append" => text(input).map(Edit::Append),
        "get" if answered => text(output).map(Edit::Get),
        "get" => Ok(Edit::Nothing),
        _ => Err(format!("kv-append has no `{f}`")),
    }
}

fn text(value: &Value) -> Result<&str, String> {
    match value {
        Value::Nil => Ok(""),
        Value::Text(text) => Ok(text),
        Value::Bool(_)
        | Value::Int(_)
        | Value::Float(_)
        | Value::Number(_)
        | Value::List(_)
        | Value::Map(_) => Err(format!("{value} is no text")),
    }
}

/// A list of `[f register value]`, or for the functions read and write a map from registers to values.
fn transaction<'h>(f: &str, answered: bool, value: &'h Value) -> Result<Vec<Part<'h>>, String> {
    let part = |f: &str, register: &'h Value, value: &'h Value| match f {
        "write" => Ok(Some(Part::Write(Some(register), value))),
        "read" => Ok(answered.then_some(Part::Read(Some(register), value))),
        _ => Err(format!("a transaction has no `{f}`")),
    };
    let parts: Result<Vec<_>, String> = match (f, value) {
        ("read" | "write", Value::Map(entries)) => entries
            .iter()
            .map(|(register, value)| part(f, register, value))
            .collect(),
        ("read" | "write" | "txn", Value::List(parts)) => parts
            .iter()
            .map(|one| match one.as_list() {
                Some([Value::Text(f), register, value]) => part(f, register, value),
                Some(_) | None => Err(format!("{one} is no part of a transaction")),
            })
            .collect(),
        _ => Err(format!("multi-register has no `{f}` of {value}")),
    };
    Ok(parts?.into_iter().flatten().collect())
}
