//! Reading histories: our own, and those of others.
//!
//! A format turns bytes into records with line numbers; pairing them into operations, with all its errors, is common to all.

pub(crate) mod detect;
pub(crate) mod edn;
pub(crate) mod etcd_log;
pub(crate) mod jsonl;

use std::fmt;
use std::str::FromStr;

use serde::Serialize;

use crate::event::Header;
use crate::history::History;
use crate::pairing::{self, MalformedHistory, Record};

/// The shapes of history files that can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Format {
    /// One JSON object a line; our own files open with a header line.
    Jsonl,
    /// Jepsen's operation maps, one a line or in one vector or list.
    Edn,
    /// The logs of Jepsen's first etcd tests.
    EtcdLog,
    /// Porcupine's key-value histories: put, get and append on strings, one map a line.
    PorcupineKv,
}

impl Format {
    /// Every format.
    pub const ALL: [Self; 4] = [Self::Jsonl, Self::Edn, Self::EtcdLog, Self::PorcupineKv];

    fn name(self) -> &'static str {
        match self {
            Self::Jsonl => "jsonl",
            Self::Edn => "edn",
            Self::EtcdLog => "etcd-log",
            Self::PorcupineKv => "porcupine-kv",
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
#[error("no format is called `{0}`; the formats are jsonl, edn, etcd-log and porcupine-kv")]
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
}

/// What is kept of either end of a reason.
const QUOTED_CHARS: usize = 200;

/// What a format found in a file.
pub(crate) struct Parsed {
    pub(crate) header: Option<Header>,
    pub(crate) records: Vec<Record>,
    pub(crate) truncated: bool,
}

/// Reads a history. The format is found out from the content unless it is given; `source` names the file in errors.
///
/// # Errors
/// If the file is empty, not UTF-8, not of the format, or if no set of clients can have produced it.
pub fn read(bytes: &[u8], format: Option<Format>, source: &str) -> Result<History, ReadError> {
    read_anonymous(bytes, format).map_err(|malformed| ReadError {
        source_name: source.to_owned(),
        line: malformed.line,
        reason: clip(&malformed.reason),
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

fn read_anonymous(bytes: &[u8], format: Option<Format>) -> Result<History, MalformedHistory> {
    let text = decode(bytes)?;
    let format = match format {
        Some(format) => format,
        None => detect::detect(text)?,
    };
    let parsed = match format {
        Format::Jsonl => jsonl::parse(text)?,
        Format::Edn | Format::PorcupineKv => edn::parse(text)?,
        Format::EtcdLog => etcd_log::parse(text)?,
    };
    if parsed.records.is_empty() && parsed.header.is_none() {
        return Err(malformed(None, "no operation was found; is it a history?"));
    }
    let paired = pairing::pair(parsed.records.into_iter())?;
    Ok(History {
        header: parsed.header,
        operations: paired.operations,
        nemesis: paired.nemesis,
        format,
        truncated: parsed.truncated,
    })
}

/// A file cut by a crash may end within a character; what precedes that counts.
fn decode(bytes: &[u8]) -> Result<&str, MalformedHistory> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => {
            let good =
                std::str::from_utf8(&bytes[..error.valid_up_to()]).expect("valid up to there");
            if error.error_len().is_some() {
                let line = 1 + good.matches('\n').count();
                return Err(malformed(Some(line), "not UTF-8; a history is text"));
            }
            good
        }
    };
    if text.trim().is_empty() {
        return Err(malformed(None, "the file is empty"));
    }
    Ok(text)
}

pub(crate) fn malformed(line: Option<usize>, reason: impl Into<String>) -> MalformedHistory {
    MalformedHistory {
        line,
        reason: reason.into(),
    }
}
