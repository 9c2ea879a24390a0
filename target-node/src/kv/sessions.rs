//! Exactly once: who asked what, and what was answered (Raft thesis, section 6.3).
//!
//! A client that got no answer asks again, and its command is then in the log twice. The table in here, which is
//! part of the state like everything else, makes the second time a question about the first: each session keeps the
//! answers of its requests by sequence number until the client says that it has them.
//!
//! - A client may have many requests under way, in any order.
//! - A request below what the client acknowledged, or of a session that is not there, is never executed: whether it
//!   was executed before, nobody knows any more.
//! - A session ends when its client was silent for as long as it said at its registration, by the time that the log
//!   carries, so that all nodes agree. Beyond [`SESSIONS_MAX`] the one closest to its end goes first.

use imbl::{OrdMap, OrdSet};
use serde::{Deserialize, Serialize};

use super::{applied::Applied, time::ClusterTime};

/// Sessions that are kept at once.
pub(super) const SESSIONS_MAX: usize = 10_000;
/// Answers that a session keeps; a client may have that many requests under way.
pub(super) const ANSWERS_MAX: usize = 1024;

/// A client: the index of the entry that registered it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct ClientId(pub(crate) u64);

/// A request of one client; chosen by the client, one for each request.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Sequence(pub(crate) u64);

/// Whose request an entry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Stamp {
    pub(crate) client: ClientId,
    pub(crate) sequence: Sequence,
    /// The client's first request without an answer: answers before it are not needed any more.
    pub(crate) unanswered: Sequence,
}

/// What the table knows of a request.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Known {
    /// It was never executed.
    Fresh,
    /// It was executed, with this result.
    Executed(Applied),
    /// Its session is gone, or its answer is: nobody knows.
    Forgotten,
}

/// One client's session.
///
/// - No key of `answers` is below `unanswered`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Session {
    pub(super) idle_ms: u64,
    /// It ends once the time is beyond this.
    pub(super) ends: ClusterTime,
    pub(super) unanswered: Sequence,
    pub(super) answers: OrdMap<Sequence, Applied>,
}

/// All sessions.
///
/// - `ends` has exactly the ends of `sessions`.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct Sessions {
    sessions: OrdMap<ClientId, Session>,
    ends: OrdSet<(ClusterTime, ClientId)>,
}

impl Sessions {
    /// Opens a session that ends after so long a silence.
    pub(super) fn register(&mut self, client: ClientId, idle_ms: u64, now: ClusterTime) {
        let session = Session {
            idle_ms,
            ends: now.after(idle_ms),
            unanswered: Sequence::default(),
            answers: OrdMap::new(),
        };
        self.insert(client, session);
        while self.sessions.len() > SESSIONS_MAX {
            self.end_first();
        }
    }

    pub(super) fn insert(&mut self, client: ClientId, session: Session) {
        self.ends.insert((session.ends, client));
        self.sessions.insert(client, session);
    }

    /// Ends the sessions whose time is over.
    pub(super) fn expire(&mut self, now: ClusterTime) {
        while self.ends.get_min().is_some_and(|(ends, _)| *ends < now) {
            self.end_first();
        }
    }

    /// Whether the session is there; it is then good for another while.
    pub(super) fn keep_alive(&mut self, client: ClientId, now: ClusterTime) -> bool {
        let Some(session) = self.sessions.get_mut(&client) else {
            return false;
        };
        let ends = now.after(session.idle_ms);
        let before = std::mem::replace(&mut session.ends, ends);
        self.ends.remove(&(before, client));
        self.ends.insert((ends, client));
        true
    }

    /// What is known of a request, which also keeps its session alive.
    pub(super) fn look_up(&mut self, stamp: Stamp, now: ClusterTime) -> Known {
        self.keep_alive(stamp.client, now);
        let Some(session) = self.sessions.get_mut(&stamp.client) else {
            return Known::Forgotten;
        };
        session.forget_before(stamp.unanswered);
        if stamp.sequence < session.unanswered {
            return Known::Forgotten;
        }
        let answer = session.answers.get(&stamp.sequence);
        answer.map_or(Known::Fresh, |answer| Known::Executed(answer.clone()))
    }

    /// Keeps the answer of a request.
    pub(super) fn keep(&mut self, stamp: Stamp, answer: Applied) {
        let Some(session) = self.sessions.get_mut(&stamp.client) else {
            return;
        };
        session.answers.insert(stamp.sequence, answer);
        if session.answers.len() > ANSWERS_MAX
            && let Some((first, _)) = session.answers.get_min()
        {
            let next = Sequence(first.0.saturating_add(1));
            session.forget_before(next);
        }
    }

    pub(super) fn get_mut(&mut self, client: ClientId) -> Option<&mut Session> {
        self.sessions.get_mut(&client)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&ClientId, &Session)> {
        self.sessions.iter()
    }

    fn end_first(&mut self) {
        if let Some((_, client)) = self.ends.remove_min() {
            self.sessions.remove(&client);
        }
    }
}

impl Session {
    fn forget_before(&mut self, unanswered: Sequence) {
        if unanswered <= self.unanswered {
            return;
        }
        self.unanswered = unanswered;
        while let Some((first, _)) = self.answers.get_min()
            && *first < unanswered
        {
            let first = *first;
            self.answers.remove(&first);
        }
    }
}
