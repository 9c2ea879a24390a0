//! The records of a history: one header, then one event after the other in the order they were observed.
//!
//! These are the shapes of a line of `history.jsonl`. Unknown fields are ignored, so that older readers read newer files.

use std::fmt;

use serde::de::{Error as _, Unexpected, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::text::Text;
use crate::value::Value;

/// The first line of a history: what was recorded, and how to judge it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// Always [`Header::FORMAT`].
    pub format: String,
    /// The version of the record shapes, at most [`Header::VERSION`].
    pub version: u32,
    /// The name of the sequential model the system should follow.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// The value every object starts with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub initial: Option<Value>,
    /// The nodes of the system, in order.
    #[serde(default)]
    pub nodes: Vec<String>,
    /// The seed of the run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seed: Option<u64>,
}

impl Header {
    /// The mark of the format.
    pub const FORMAT: &'static str = "adrasteia-history";
    /// The newest version of the format that is understood.
    pub const VERSION: u32 = 1;

    /// A header of the current version that says nothing more.
    pub fn new() -> Self {
        Self {
            format: Self::FORMAT.to_owned(),
            version: Self::VERSION,
            model: None,
            initial: None,
            nodes: Vec::new(),
            seed: None,
        }
    }
}

impl Default for Header {
    fn default() -> Self {
        Self::new()
    }
}

/// One thing that was observed: an operation's invocation or completion, or an act of the nemesis.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// The position of the event in the history.
    pub index: u64,
    /// When it was observed.
    pub time: Nanos,
    /// Who did it.
    pub process: Process,
    /// Which end of an operation it is.
    #[serde(rename = "type")]
    pub event_type: EventType,
    /// The name of the function, such as `read`.
    pub f: Text,
    /// The object it concerns, where a history has several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<Value>,
    /// The arguments of an invocation, the result of a completion.
    #[serde(default)]
    pub value: Value,
    /// The node that was asked, or that answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node: Option<Text>,
    /// Why a completion is not `ok`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<Text>,
    /// When an invocation was due. It is called later if its client was still waiting for an earlier answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arrival: Option<Nanos>,
}

/// Nanoseconds since the start of the run.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Nanos(pub u64);

/// Seconds with three places: `12.401 s`.
impl fmt::Display for Nanos {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let millis = self.0 / 1_000_000;
        write!(out, "{}.{:03} s", millis / 1000, millis % 1000)
    }
}

/// Who an event belongs to. In JSON a number, or `"nemesis"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Process {
    /// A client; each has at most one operation open.
    Client(i64),
    /// The one that injects faults; its events are not operations.
    Nemesis,
}

const NEMESIS: &str = "nemesis";

impl fmt::Display for Process {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Client(number) => write!(out, "{number}"),
            Self::Nemesis => out.write_str(NEMESIS),
        }
    }
}

impl Serialize for Process {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Client(number) => serializer.serialize_i64(*number),
            Self::Nemesis => serializer.serialize_str(NEMESIS),
        }
    }
}

impl<'de> Deserialize<'de> for Process {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ProcessVisitor)
    }
}

struct ProcessVisitor;

impl Visitor<'_> for ProcessVisitor {
    type Value = Process;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("the number of a client or \"nemesis\"")
    }

    fn visit_i64<E>(self, number: i64) -> Result<Process, E> {
        Ok(Process::Client(number))
    }

    fn visit_u64<E: serde::de::Error>(self, number: u64) -> Result<Process, E> {
        i64::try_from(number)
            .map(Process::Client)
            .map_err(|_| E::invalid_value(Unexpected::Unsigned(number), &self))
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Process, E> {
        if text == NEMESIS {
            Ok(Process::Nemesis)
        } else {
            Err(E::invalid_value(Unexpected::Str(text), &self))
        }
    }
}

/// Which end of an operation an event is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EventType {
    /// The operation was called.
    Invoke,
    /// It took effect, and this is its result.
    Ok,
    /// It certainly did not and never will take effect.
    Fail,
    /// It may have taken effect, may do so later, or never.
    Info,
}

impl fmt::Display for EventType {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Invoke => "invoke",
            Self::Ok => "ok",
            Self::Fail => "fail",
            Self::Info => "info",
        })
    }
}

impl EventType {
    /// Reads `invoke`, `ok`, `fail` or `info`.
    ///
    /// # Errors
    /// With a message that lists the four names.
    pub(crate) fn parse(name: &str) -> Result<Self, String> {
        Self::deserialize(serde::de::value::StrDeserializer::<serde::de::value::Error>::new(name))
            .map_err(|error| serde::de::value::Error::custom(error).to_string())
    }
}
