//! The pieces that a state falls into, and is put together from.

use std::sync::Arc;

use imbl::OrdMap;
use serde::{Deserialize, Serialize};

use super::{
    applied::Applied,
    base::Base,
    command::Key,
    locks::Holder,
    quirks::Quirks,
    sessions::{ClientId, Sequence, Session},
    state::Kv,
    time::ClusterTime,
    value::JsonText,
    values::Values,
};
use crate::{bug::Bug, raft::LogIndex};

/// What a state has once.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Head {
    applied: LogIndex,
    time: ClusterTime,
    /// Records that follow.
    pub(super) records: u64,
}

/// What a state has many of. A change of a kind, or of the order of kinds, is a new version of the image.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Record {
    Value(Key, JsonText),
    Lock(Key, Holder),
    /// A session without its answers, which follow.
    Session {
        client: ClientId,
        idle_ms: u64,
        ends: ClusterTime,
        unanswered: Sequence,
    },
    Answer {
        client: ClientId,
        sequence: Sequence,
        answer: Applied,
    },
}

impl Kv {
    pub(super) fn head(&self) -> Head {
        Head {
            applied: self.applied,
            time: self.time,
            records: self.records().count() as u64,
        }
    }

    /// Everything but the head, in one order.
    pub(super) fn records(&self) -> impl Iterator<Item = Record> {
        let values = self.values.iter();
        let values = values.map(|(key, value)| Record::Value(key, value));
        let locks = self.locks.0.iter();
        let locks = locks.map(|(lock, holder)| Record::Lock(lock.clone(), holder.clone()));
        let sessions = self.sessions.iter();
        let quirks = self.quirks;
        let sessions =
            sessions.flat_map(move |(client, session)| session_records(*client, session, quirks));
        values.chain(locks).chain(sessions)
    }

    /// A state that has its head and waits for its records; its values will rest on a base that is empty yet.
    pub(super) fn with_head(head: &Head, base: Option<Arc<dyn Base>>) -> Self {
        Self {
            applied: head.applied,
            time: head.time,
            values: Values::on(base),
            ..Self::default()
        }
    }

    pub(super) fn put(&mut self, record: Record) -> Result<(), &'static str> {
        match record {
            Record::Value(key, value) => self.values.write(key, value),
            Record::Lock(lock, holder) => {
                self.locks.0.insert(lock, holder);
            }
            Record::Session {
                client,
                idle_ms,
                ends,
                unanswered,
            } => {
                let session = Session {
                    idle_ms,
                    ends,
                    unanswered,
                    answers: OrdMap::new(),
                };
                self.sessions.insert(client, session);
            }
            Record::Answer {
                client,
                sequence,
                answer,
            } => {
                let session = self.sessions.get_mut(client);
                let session = session.ok_or("it is an answer without its session")?;
                session.answers.insert(sequence, answer);
            }
        }
        Ok(())
    }
}

fn session_records(
    client: ClientId,
    session: &Session,
    quirks: Quirks,
) -> impl Iterator<Item = Record> {
    let head = Record::Session {
        client,
        idle_ms: session.idle_ms,
        ends: session.ends,
        unanswered: session.unanswered,
    };
    let forgets = quirks.has(Bug::DedupNotInSnapshot);
    let answers = session.answers.iter().filter(move |_| !forgets);
    let answers = answers.map(move |(sequence, answer)| Record::Answer {
        client,
        sequence: *sequence,
        answer: answer.clone(),
    });
    [head].into_iter().chain(answers)
}
