//! The sequential models a history can be judged by.

pub(crate) mod kv_append;
pub(crate) mod machine;
pub(crate) mod multi_register;
pub(crate) mod objects;
pub(crate) mod register;

use std::fmt;
use std::str::FromStr;

use serde::Serialize;

use crate::value::Value;

/// The name of a sequential model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ModelName {
    /// `read` and `write` of one value.
    Register,
    /// `read`, `write` and `cas` of one value.
    CasRegister,
    /// Transactions of reads and writes over several registers.
    MultiRegister,
    /// `acquire` and `release`.
    Mutex,
    /// A map of cas-registers.
    Kv,
    /// A map of strings: `put`, `get` and `append`.
    KvAppend,
}

impl ModelName {
    /// Every model.
    pub const ALL: [Self; 6] = [
        Self::Register,
        Self::CasRegister,
        Self::MultiRegister,
        Self::Mutex,
        Self::Kv,
        Self::KvAppend,
    ];

    /// One line about what the model's operations are.
    pub fn describe(self) -> &'static str {
        match self {
            Self::Register => "one value: read, write",
            Self::CasRegister => "one value: read, write, cas with [expected new]",
            Self::MultiRegister => "several values at once: txn with [[:read k v] [:write k v] …]",
            Self::Mutex => "a lock: acquire, release",
            Self::Kv => "a map of cas-registers, keys in a `key` field or as [k v] tuples",
            Self::KvAppend => "a map of strings, initially empty: put, get, append",
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Register => "register",
            Self::CasRegister => "cas-register",
            Self::MultiRegister => "multi-register",
            Self::Mutex => "mutex",
            Self::Kv => "kv",
            Self::KvAppend => "kv-append",
        }
    }
}

impl fmt::Display for ModelName {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.pad(self.name())
    }
}

/// A name that no model has.
#[derive(Debug, thiserror::Error)]
#[error(
    "no model is called `{0}`; the models are register, cas-register, multi-register, mutex, kv and kv-append"
)]
pub struct UnknownModel(String);

impl FromStr for ModelName {
    type Err = UnknownModel;

    fn from_str(name: &str) -> Result<Self, UnknownModel> {
        Self::ALL
            .into_iter()
            .find(|model| model.name() == name)
            .ok_or_else(|| UnknownModel(name.to_owned()))
    }
}

/// A model and the value its objects start with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ModelSpec {
    /// Which model.
    pub name: ModelName,
    /// The first value of every object; `None` is the model's own: nil, a free lock, an empty string or map.
    pub initial: Option<Value>,
}

/// A first value that no object of the model can have.
#[derive(Debug, thiserror::Error)]
#[error(
    "{value} is no initial value of {model}: a string for kv-append, \"free\" or \"held\" for mutex, a map for multi-register"
)]
pub struct BadInitial {
    model: ModelName,
    value: Value,
}

impl ModelSpec {
    /// Whether the objects of the model can start with the initial value.
    ///
    /// # Errors
    /// [`BadInitial`] if they cannot.
    pub fn check_initial(&self) -> Result<(), BadInitial> {
        let Some(value) = &self.initial else {
            return Ok(());
        };
        let fits = match self.name {
            ModelName::KvAppend => value.as_text().is_some(),
            ModelName::Mutex => matches!(value.as_text(), Some(register::FREE | register::HELD)),
            ModelName::MultiRegister => matches!(value, Value::Map(_)),
            ModelName::Register | ModelName::CasRegister | ModelName::Kv => true,
        };
        if fits {
            return Ok(());
        }
        Err(BadInitial {
            model: self.name,
            value: value.clone(),
        })
    }
}

impl From<ModelName> for ModelSpec {
    fn from(name: ModelName) -> Self {
        Self {
            name,
            initial: None,
        }
    }
}

/// An object that nothing was done to yet.
pub(crate) fn machine_of(spec: &ModelSpec) -> Box<dyn machine::Machine> {
    match spec.name {
        ModelName::Register | ModelName::CasRegister | ModelName::Kv | ModelName::Mutex => {
            register::machine(spec)
        }
        ModelName::MultiRegister => multi_register::machine(spec),
        ModelName::KvAppend => kv_append::machine(spec),
    }
}
