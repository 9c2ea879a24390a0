//! Reading histories: our own, and those of others.
//!
//! A format turns text into records with line numbers; pairing them into operations, with all its errors, is common to all. Text is
//! read piece by piece, plain or compressed with zstd or gzip, so that the history is all that is held.

mod container;
mod detect;
pub(crate) mod edn;
mod edn_text;
mod etcd_log;
mod input;
mod json;
mod json_event;
pub(crate) mod json_value;
mod jsonl;
mod names;
mod porcupine;
mod rounds;
mod sink;
mod write;

use std::fmt;
use std::io::Read;
use std::num::NonZero;
use std::str::FromStr;

use serde::Serialize;

use crate::budget::{Budget, Limit, Unlimited};
use crate::formats::input::Input;
use crate::formats::sink::Sink;
use crate::history::History;
use crate::pairing::MalformedHistory;

pub use write::{WriteError, write};

/// The shapes of history files that can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Format {
    /// One JSON object a line; our own files open with a header line.
    Jsonl,
    /// The same objects in any layout: in one array, such as Jepsen's `history.json`, or over several lines.
    Json,
    /// Jepsen's operation maps, one a line or in one vector or list.
    Edn,
    /// The logs of Jepsen's first etcd tests.
    EtcdLog,
    /// Porcupine's key-value histories: put, get and append on strings, one map a line.
    PorcupineKv,
    /// Go's JSON of Porcupine's `[]Operation`.
    PorcupineOperations,
}

impl Format {
    /// Every format.
    pub const ALL: [Self; 6] = [
        Self::Jsonl,
        Self::Json,
        Self::Edn,
        Self::EtcdLog,
        Self::PorcupineKv,
        Self::PorcupineOperations,
    ];

    /// All names, for people.
    pub(crate) fn names() -> String {
        Self::ALL.map(Self::name).join(", ")
    }

    fn name(self) -> &'static str {
        match self {
            Self::Jsonl => "jsonl",
            Self::Json => "json",
            Self::Edn => "edn",
            Self::EtcdLog => "etcd-log",
            Self::PorcupineKv => "porcupine-kv",
            Self::PorcupineOperations => "porcupine-operations",
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.pad(self.name())
    }
}

/// A name that no format has.
#[derive(Debug, thiserror::Error)]
#[error("no format is called `{0}`; the formats are {names}", names = Format::names())]
pub struct UnknownFormat(String);

impl FromStr for Format {
    type Err = UnknownFormat;

    fn from_str(name: &str) -> Result<Self, UnknownFormat> {
        Self::ALL
            .into_iter()
            .find(|format| format.name() == name)
            .ok_or_else(|| UnknownFormat(name.to_owned()))
    }
}

/// A history that cannot be read. Displays `FILE:LINE: reason`, or `FILE: reason` where no line is to blame.
#[derive(Debug, thiserror::Error)]
#[error("{source_name}{}: {reason}", .line.map_or_else(String::new, |line| format!(":{line}")))]
pub struct ReadError {
    /// The file.
    pub source_name: String,
    /// The line, counted from 1.
    pub line: Option<usize>,
    /// What is wrong with it.
    pub reason: String,
    /// The limit that ended the reading, if nothing is wrong with the history so far.
    pub limit: Option<Limit>,
}

/// What is kept of either end of a reason.
const QUOTED_CHARS: usize = 200;

/// Reads a history. The format is found out from the content unless it is given; `source` names the file in errors.
///
/// # Errors
/// If the file is empty, not UTF-8, not of the format, or if no set of clients can have produced it.
pub fn read(bytes: &[u8], format: Option<Format>, source: &str) -> Result<History, ReadError> {
    read_from(bytes, format, source, &Unlimited)
}

/// Reads a history piece by piece: what is held is the history, and the budget may end it. Otherwise like [`read()`].
///
/// # Errors
/// As [`read()`]; if the reader fails; or with [`ReadError::limit`] if the budget is used up.
pub fn read_from(
    reader: impl Read,
    format: Option<Format>,
    source: &str,
    budget: &dyn Budget,
) -> Result<History, ReadError> {
    read_by(NonZero::<usize>::MIN, reader, format, source, budget)
}

/// Reads a history by several threads, as far as the format allows that: JSON lines. The outcome is that of [`read_from`].
///
/// # Errors
/// As [`read_from`].
pub fn read_by(
    workers: NonZero<usize>,
    reader: impl Read,
    format: Option<Format>,
    source: &str,
    budget: &dyn Budget,
) -> Result<History, ReadError> {
    read_anonymous(workers, reader, format, budget).map_err(|malformed| ReadError {
        source_name: source.to_owned(),
        line: malformed.line,
        reason: clip(&malformed.reason),
        limit: malformed.limit,
    })
}

/// A reason that quotes a huge value keeps its beginning and its end.
fn clip(reason: &str) -> String {
    let length = reason.chars().count();
    if length <= 2 * QUOTED_CHARS {
        return reason.to_owned();
    }
    let head: String = reason.chars().take(QUOTED_CHARS).collect();
    let tail: String = reason.chars().skip(length - QUOTED_CHARS).collect();
    format!("{head} […] {tail}")
}

fn read_anonymous(
    workers: NonZero<usize>,
    reader: impl Read,
    format: Option<Format>,
    budget: &dyn Budget,
) -> Result<History, MalformedHistory> {
    let reader = container::open(reader)
        .map_err(|error| malformed(None, format!("cannot be read: {error}")))?;
    let mut input = Input::new(reader, budget)?;
    skip_blank_lines(&mut input)?;
    let format = match format {
        Some(format) => format,
        None => detect::detect(&mut input)?,
    };
    let mut sink = Sink::new(budget);
    match format {
        Format::Jsonl => jsonl::parse(&mut input, &mut sink, workers)?,
        Format::Json => json::parse(&mut input, &mut sink)?,
        Format::Edn | Format::PorcupineKv => edn::parse(&mut input, &mut sink)?,
        Format::EtcdLog => etcd_log::parse(&mut input, &mut sink)?,
        Format::PorcupineOperations => porcupine::parse(&mut input, &mut sink)?,
    }
    if sink.is_fresh() && sink.pairing.operations.is_empty() {
        return Err(malformed(None, "no operation was found; is it a history?"));
    }
    Ok(History {
        header: sink.header,
        operations: sink.pairing.operations,
        nemesis: sink.pairing.nemesis,
        format,
        truncated: sink.truncated,
    })
}

/// Steps over white space, of which there may be as much as a compressed file can name.
fn skip_blank_lines(input: &mut Input<'_>) -> Result<(), MalformedHistory> {
    loop {
        let text = input.at_hand();
        let blank = text.len() - text.trim_ascii_start().len();
        let is_blank = blank == text.len();
        input.skip(blank);
        if !is_blank {
            return Ok(());
        }
        if !input.more()? {
            return match input.at_hand() {
                "" if input.is_empty() => Err(malformed(None, "the file is empty")),
                _ => Ok(()),
            };
        }
    }
}

pub(crate) fn malformed(line: Option<usize>, reason: impl Into<String>) -> MalformedHistory {
    MalformedHistory {
        line,
        reason: reason.into(),
        limit: None,
    }
}

/// A history that is well-formed as far as it was read.
pub(crate) fn stopped(line: usize, limit: Limit) -> MalformedHistory {
    MalformedHistory {
        line: Some(line),
        reason: format!("{limit} while reading"),
        limit: Some(limit),
    }
}
