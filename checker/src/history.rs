//! A history: what the clients of a system asked, when, and what they were told.

use std::num::NonZero;

use serde::Serialize;

use crate::event::{Event, Header, Nanos};
use crate::formats::Format;
use crate::models::{self, ModelChoice, ModelSpec};
use crate::pairing::{self, MalformedHistory, Record};
use crate::text::Text;
use crate::value::Value;

/// The operations of a history, in the order of their calls.
///
/// - `operations[i].id == OpId(i)`.
/// - Calls and returns are positions in one order; no two are equal. The position, not the clock, is the truth about real time.
/// - A process has at most one operation open at a time.
#[derive(Clone, Debug)]
pub struct History {
    /// The first line of an own history.
    pub header: Option<Header>,
    /// Everything the clients did.
    pub operations: Vec<Operation>,
    /// Everything the nemesis did.
    pub nemesis: Vec<Event>,
    /// Where it came from.
    pub format: Format,
    /// The last line was cut in the middle, as by a crash of the recorder; everything before it was read.
    pub truncated: bool,
}

/// The place of an operation in [`History::operations`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct OpId(pub usize);

/// What is known about the effect of an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// It took effect once between its call and its return.
    Ok,
    /// It certainly had no effect. It takes no part in the check, but a value that only it wrote must not be seen.
    Fail,
    /// It may take effect at any time after its call, or never.
    Info,
}

/// One operation of one client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Operation {
    /// Its place in the history.
    pub id: OpId,
    /// The client.
    pub process: i64,
    /// The name of the function, such as `read`.
    pub f: Text,
    /// The object, where the record names one.
    pub key: Option<Value>,
    /// The value of the invocation.
    pub input: Value,
    /// The value of the completion; that of the invocation if there is none.
    pub output: Value,
    /// What is known about its effect.
    pub outcome: Outcome,
    /// The position of the call.
    pub call: u64,
    /// The position of the return; `None` if it never returned or nobody knows what it did.
    pub ret: Option<u64>,
    /// When it was due, where arrivals do not wait for answers. Latency counts from here.
    pub arrival_time: Option<Nanos>,
    /// When it was called, where the history has times.
    pub call_time: Option<Nanos>,
    /// When it was completed, with whatever outcome.
    pub return_time: Option<Nanos>,
    /// The line of the invocation in its file, where it came from one.
    pub line: Option<NonZero<u32>>,
    /// [`Event::index`] of the invocation.
    pub invoke_index: u64,
    /// [`Event::index`] of the completion.
    pub complete_index: Option<u64>,
    /// The node of the completion, or else of the invocation.
    pub node: Option<Text>,
    /// The error of the completion.
    pub error: Option<Text>,
}

/// A million operations are held at once, beside what judges them.
const OPERATION_BYTES: usize = 192;
const _: () = assert!(size_of::<Operation>() <= OPERATION_BYTES);

impl History {
    /// Pairs invocations and completions of recorded events.
    ///
    /// # Errors
    /// If a completion has no invocation, or a process has two open calls.
    pub fn from_events(
        header: Option<Header>,
        events: Vec<Event>,
    ) -> Result<Self, MalformedHistory> {
        let paired = pairing::pair(events.into_iter().map(Record::from))?;
        Ok(Self {
            header,
            operations: paired.operations,
            nemesis: paired.nemesis,
            format: Format::Jsonl,
            truncated: false,
        })
    }

    /// The operation with this identity.
    pub fn operation(&self, id: OpId) -> &Operation {
        &self.operations[id.0]
    }

    /// How to judge the history if nobody says: as its header says, or else by its functions, or else by its format.
    ///
    /// A header with a model that this release does not know counts as silent; [`Header::model`] has the name.
    pub fn default_model(&self) -> ModelSpec {
        self.model_choice().spec
    }

    /// [`Self::default_model`], and why it is that one.
    pub fn model_choice(&self) -> ModelChoice {
        models::choose(self)
    }

    /// How many operations ended this way.
    pub fn count(&self, outcome: Outcome) -> usize {
        self.operations
            .iter()
            .filter(|operation| operation.outcome == outcome)
            .count()
    }
}
