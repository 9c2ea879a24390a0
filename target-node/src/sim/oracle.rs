//! What must hold for clients: no read misses what was complete before it began, and what was
//! confirmed stays.
//!
//! Every change writes a value of its own, so the place of a value in the log is known. A key's
//! **floor** is the highest place that any finished operation has shown; a read that begins later must
//! not return anything below it.

use std::collections::BTreeMap;

use super::{Violation, law::Law};
use crate::{
    kv::{Applied, Command, JsonText, Key, MicroOp, Proposal},
    raft::{Body, ReadLevel},
    replica::{self, Answer, Outcome, Reason},
};

/// One operation of a client; `floor` is that of its key when it began.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Operation {
    pub(super) key: usize,
    pub(super) action: Action,
    pub(super) floor: u64,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Action {
    Read,
    Write { value: u64 },
    Cas { expected: u64, value: u64 },
}

/// How an operation ended for its client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Ended {
    /// The value read; 0 for an absent key.
    Read(u64),
    Changed,
    Mismatch,
    /// Refused, or unknown: no claim.
    Nothing,
}

/// What clients have been told so far.
#[derive(Debug, Default)]
pub(super) struct Oracle {
    floors: BTreeMap<usize, u64>,
    /// Log index of each value that a command put into place.
    places: BTreeMap<u64, u64>,
    /// Entries of the log already looked at.
    seen: usize,
    /// Confirmed before they were committed.
    early: Vec<u64>,
    pub(super) finished: u64,
}

impl Operation {
    /// As a node is asked for it.
    pub(super) fn asked(&self) -> replica::Operation {
        let key = Key::from(format!("k{}", self.key));
        let text = |value: u64| match value {
            0 => JsonText::new(&serde_json::Value::Null),
            _ => JsonText::new(&value.into()),
        };
        match self.action {
            Action::Read => replica::Operation::Read {
                key,
                level: ReadLevel::Leader,
            },
            Action::Write { value } => replica::Operation::Command {
                command: Command::Single {
                    key,
                    micro_op: MicroOp::Write(text(value)),
                },
                stamp: None,
            },
            Action::Cas { expected, value } => replica::Operation::Command {
                command: Command::Cas {
                    key,
                    expected: text(expected),
                    value: text(value),
                },
                stamp: None,
            },
        }
    }

    /// What an answer says about it.
    pub(super) fn ended(&self, answer: &Answer) -> Result<Ended, Violation> {
        let reason = answer.error.as_ref().map(|(reason, _)| *reason);
        Ok(match (answer.outcome, &self.action, reason) {
            (Outcome::Ok, Action::Read, _) => {
                let read = answer.gift.value.as_ref().and_then(JsonText::integer);
                Ended::Read(read.unwrap_or(0).cast_unsigned())
            }
            (Outcome::Ok, Action::Write { .. } | Action::Cas { .. }, _) => Ended::Changed,
            (Outcome::Fail, Action::Cas { .. }, Some(Reason::CasMismatch)) => Ended::Mismatch,
            (Outcome::Fail, _, Some(Reason::NotLeader | Reason::Busy)) | (Outcome::Unknown, ..) => {
                Ended::Nothing
            }
            (Outcome::Fail, ..) => {
                let what = format!("{self:?} failed: {:?}", answer.error);
                return Err(Violation::WrongResult(what));
            }
        })
    }
}

impl Oracle {
    pub(super) fn floor(&self, key: usize) -> u64 {
        self.floors.get(&key).copied().unwrap_or(0)
    }

    pub(super) fn on_end(
        &mut self,
        operation: &Operation,
        ended: &Ended,
        law: &Law,
    ) -> Result<(), Violation> {
        self.catch_up(law);
        if *ended != Ended::Nothing {
            self.finished += 1;
        }
        match (&operation.action, ended) {
            (Action::Read, Ended::Read(value)) => self.on_read(operation, *value),
            (Action::Write { value } | Action::Cas { value, .. }, Ended::Changed) => {
                match self.places.get(value) {
                    Some(&place) => self.raise(operation.key, place),
                    None => self.early.push(*value),
                }
                Ok(())
            }
            (Action::Cas { value, .. }, Ended::Mismatch) if self.places.contains_key(value) => Err(
                Violation::WrongResult(format!("{operation:?} did take place")),
            ),
            (Action::Cas { .. }, Ended::Mismatch) | (_, Ended::Nothing) => Ok(()),
            (Action::Read, Ended::Changed | Ended::Mismatch)
            | (Action::Write { .. }, Ended::Read(_) | Ended::Mismatch)
            | (Action::Cas { .. }, Ended::Read(_)) => Err(Violation::WrongResult(format!(
                "{operation:?} ended {ended:?}"
            ))),
        }
    }

    fn on_read(&mut self, operation: &Operation, value: u64) -> Result<(), Violation> {
        let place = match value {
            0 => 0,
            _ => *self.places.get(&value).ok_or_else(|| {
                Violation::WrongResult(format!("{value} was read, but is not in the log"))
            })?,
        };
        if place < operation.floor {
            let what = format!("{operation:?} returned the value of entry {place}");
            return Err(Violation::StaleRead(what));
        }
        self.raise(operation.key, place);
        Ok(())
    }

    fn raise(&mut self, key: usize, place: u64) {
        let floor = self.floors.entry(key).or_default();
        *floor = (*floor).max(place);
    }

    /// Once all is quiet, everything confirmed must be in the log.
    pub(super) fn on_quiet(&mut self, law: &Law) -> Result<(), Violation> {
        self.catch_up(law);
        match self
            .early
            .iter()
            .find(|value| !self.places.contains_key(value))
        {
            Some(value) => Err(Violation::LostUpdate(format!(
                "value {value} was confirmed"
            ))),
            None => Ok(()),
        }
    }

    fn catch_up(&mut self, law: &Law) {
        let fresh = law.committed.iter().zip(&law.results).skip(self.seen);
        for (entry, result) in fresh {
            if let (Body::Command(payload), Applied::Done) = (&entry.body, result) {
                let command = Proposal::decode(payload).map(|proposal| proposal.command);
                let Some(
                    Command::Single {
                        micro_op: MicroOp::Write(value),
                        ..
                    }
                    | Command::Cas { value, .. },
                ) = command
                else {
                    continue;
                };
                let value = value.integer().expect("clients write numbers");
                self.places.insert(value.cast_unsigned(), entry.at.index.0);
            }
        }
        self.seen = law.committed.len();
    }
}
