//! What the models are called.

use std::fmt;
use std::str::FromStr;

use serde::Serialize;

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
    /// `add`, `remove`, `contains` and `read` of all elements.
    Set,
    /// `enqueue` and `dequeue`, first in, first out.
    Queue,
    /// `enqueue` and `dequeue` in any order.
    UnorderedQueue,
    /// `push` and `pop`, last in, first out.
    Stack,
    /// `add`, `inc`, `dec` and `read` of a number.
    Counter,
    /// Transactions of appends to and reads of several lists.
    ListAppend,
}

impl ModelName {
    /// Every model.
    pub const ALL: [Self; 12] = [
        Self::Register,
        Self::CasRegister,
        Self::MultiRegister,
        Self::Mutex,
        Self::Kv,
        Self::KvAppend,
        Self::Set,
        Self::Queue,
        Self::UnorderedQueue,
        Self::Stack,
        Self::Counter,
        Self::ListAppend,
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
            Self::Set => "a set: add, remove, contains, read of all elements",
            Self::Queue => "first in, first out: enqueue, dequeue (nil if empty)",
            Self::UnorderedQueue => "out in any order: enqueue, dequeue (nil if empty)",
            Self::Stack => "last in, first out: push, pop (nil if empty)",
            Self::Counter => "a number: add, inc, dec, read",
            Self::ListAppend => "lists under keys: txn with [[:append k v] [:r k [v …]] …]",
        }
    }

    /// Whether an object of the model is one register: every operation is a read, a write or a compare-and-set, which says with its
    /// argument what it observes.
    pub(crate) fn is_single_register(self) -> bool {
        match self {
            Self::Register | Self::CasRegister | Self::Mutex | Self::Kv => true,
            Self::MultiRegister
            | Self::KvAppend
            | Self::Set
            | Self::Queue
            | Self::UnorderedQueue
            | Self::Stack
            | Self::Counter
            | Self::ListAppend => false,
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
            Self::Set => "set",
            Self::Queue => "queue",
            Self::UnorderedQueue => "unordered-queue",
            Self::Stack => "stack",
            Self::Counter => "counter",
            Self::ListAppend => "list-append",
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
#[error("no model is called `{0}`; the models are {names}", names = ModelName::ALL.map(ModelName::name).join(", "))]
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
