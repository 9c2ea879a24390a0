//! The state machine: a map from key to JSON value, changed by commands from the log alone.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::raft::{Body, Entry, LogIndex, Payload};

/// A JSON value in the one form used for storing and comparing: compact, object keys sorted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct JsonText(String);

impl JsonText {
    pub(crate) fn new(value: &serde_json::Value) -> Self {
        Self(value.to_string())
    }

    pub(crate) fn value(&self) -> serde_json::Value {
        serde_json::from_str(&self.0).expect("made from a JSON value")
    }

    fn null() -> Self {
        Self("null".into())
    }
}

/// A change of one key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Command {
    Write {
        key: String,
        value: JsonText,
    },
    /// Writes `value` if the key holds `expected`; an absent key holds null.
    Cas {
        key: String,
        expected: JsonText,
        value: JsonText,
    },
}

impl Command {
    pub(crate) fn encode(&self) -> Payload {
        let bytes = postcard::to_stdvec(self).expect("strings always encode");
        Payload::new(&bytes)
    }

    pub(crate) fn decode(payload: &Payload) -> Option<Self> {
        postcard::from_bytes(payload.bytes()).ok()
    }
}

/// What a command did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Applied {
    Done,
    /// The key did not hold what was expected; nothing changed.
    Mismatch,
}

/// The state after a prefix of the log.
///
/// The same entries give the same state on every node: an entry that is not understood changes
/// nothing anywhere.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Kv {
    values: BTreeMap<String, JsonText>,
    applied: LogIndex,
}

impl Kv {
    /// Applies the next entry of the log.
    pub(crate) fn apply(&mut self, entry: &Entry) -> Applied {
        debug_assert_eq!(
            entry.at.index,
            self.applied.next(),
            "entries are applied in order"
        );
        self.applied = entry.at.index;
        let command = match &entry.body {
            Body::Noop | Body::Membership(_) => None,
            Body::Command(payload) => Command::decode(payload),
        };
        match command {
            None => Applied::Done,
            Some(Command::Write { key, value }) => {
                self.values.insert(key, value);
                Applied::Done
            }
            Some(Command::Cas {
                key,
                expected,
                value,
            }) => self.swap(key, &expected, value),
        }
    }

    fn swap(&mut self, key: String, expected: &JsonText, value: JsonText) -> Applied {
        if &self.read(&key) != expected {
            return Applied::Mismatch;
        }
        self.values.insert(key, value);
        Applied::Done
    }

    /// The value of a key; null when it is absent.
    pub(crate) fn read(&self, key: &str) -> JsonText {
        self.values.get(key).cloned().unwrap_or_else(JsonText::null)
    }

    /// The last entry applied.
    pub(crate) const fn applied(&self) -> LogIndex {
        self.applied
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::raft::{Position, Term};

    fn apply(kv: &mut Kv, command: &Command) -> Applied {
        let at = Position {
            term: Term(1),
            index: kv.applied().next(),
        };
        let body = Body::Command(command.encode());
        kv.apply(&Entry { at, body })
    }

    fn cas(expected: &serde_json::Value, value: &serde_json::Value) -> Command {
        Command::Cas {
            key: "k".into(),
            expected: JsonText::new(expected),
            value: JsonText::new(value),
        }
    }

    #[test]
    fn cas_compares_values_not_spelling_and_null_means_absent() {
        let mut kv = Kv::default();
        assert_eq!(
            apply(&mut kv, &cas(&json!(1), &json!(2))),
            Applied::Mismatch
        );
        assert_eq!(kv.read("k").value(), json!(null));
        assert_eq!(
            apply(&mut kv, &cas(&json!(null), &json!({"b": 1, "a": 2}))),
            Applied::Done
        );
        let reordered = serde_json::from_str(r#"{ "a":2, "b":1 }"#).unwrap();
        assert_eq!(apply(&mut kv, &cas(&reordered, &json!("x"))), Applied::Done);
        assert_eq!(kv.read("k").value(), json!("x"));
        assert_eq!(kv.applied(), LogIndex(3));
    }

    #[test]
    fn an_entry_nobody_understands_changes_nothing_but_counts() {
        let mut kv = Kv::default();
        let entry = Entry {
            at: Position {
                term: Term(1),
                index: LogIndex(1),
            },
            body: Body::Command(Payload::new(&[255, 255])),
        };
        assert_eq!(kv.apply(&entry), Applied::Done);
        assert_eq!(kv.applied(), LogIndex(1));
    }
}
