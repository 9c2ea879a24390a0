//! What a leader knows about one follower's log.

use std::{collections::VecDeque, time::Duration};

use super::{
    entry::{Entry, LogIndex},
    log::RaftLog,
    message::Hint,
};

/// Unanswered append requests with entries, per follower.
const IN_FLIGHT_MESSAGES_MAX: usize = 32;
/// Bytes of entries in them.
const IN_FLIGHT_BYTES_MAX: usize = 1 << 20;

/// Progress of one follower.
///
/// - `matched` only grows while this leader leads: it is what the follower said is on its disk.
/// - `next` is greater than `matched`.
#[derive(Debug)]
pub(crate) struct Progress {
    pub(crate) matched: LogIndex,
    pub(crate) next: LogIndex,
    pub(crate) pace: Pace,
    /// When the follower last answered in this term.
    pub(crate) heard: Duration,
    /// The latest heartbeat round it answered.
    pub(crate) round: u64,
}

/// How entries go out.
#[derive(Debug)]
pub(crate) enum Pace {
    /// Looking for the point of agreement, one empty request at a time.
    Probe { waiting: bool },
    /// Sending ahead of the answers, within the window.
    Stream(Window),
}

/// Requests that are under way: the last index of each, and its weight in bytes.
#[derive(Debug, Default)]
pub(crate) struct Window {
    sent: VecDeque<(LogIndex, usize)>,
    bytes: usize,
}

impl Window {
    pub(crate) fn is_full(&self) -> bool {
        self.sent.len() >= IN_FLIGHT_MESSAGES_MAX || self.bytes >= IN_FLIGHT_BYTES_MAX
    }

    pub(crate) fn push(&mut self, entries: &[Entry]) {
        if let Some(last) = entries.last() {
            let weight = entries.iter().map(Entry::weight).sum();
            self.sent.push_back((last.at.index, weight));
            self.bytes += weight;
        }
    }

    fn free_up_to(&mut self, matched: LogIndex) {
        while let Some((_, weight)) = self.sent.pop_front_if(|(last, _)| *last <= matched) {
            self.bytes -= weight;
        }
    }
}

impl Progress {
    /// What a fresh leader assumes: nothing is known to agree, the end of its log is tried first.
    pub(crate) fn new(last: LogIndex, now: Duration) -> Self {
        Self {
            matched: LogIndex(0),
            next: last.next(),
            pace: Pace::Probe { waiting: false },
            heard: now,
            round: 0,
        }
    }

    /// The follower agrees up to `matched`.
    pub(crate) fn on_matched(&mut self, matched: LogIndex) {
        self.matched = self.matched.max(matched);
        match &mut self.pace {
            Pace::Probe { .. } => {
                self.next = self.matched.next();
                self.pace = Pace::Stream(Window::default());
            }
            Pace::Stream(window) => {
                window.free_up_to(self.matched);
                self.next = self.next.max(self.matched.next());
            }
        }
    }

    /// The follower has no such entry at `prev`: look further back, at most to what is matched.
    pub(crate) fn on_mismatch(&mut self, prev: LogIndex, hint: Hint, log: &RaftLog) {
        if self.is_stale(prev) {
            return;
        }
        let agreed = hint.term.and_then(|term| log.last_of_term(term));
        let tried = agreed.map_or(hint.index, LogIndex::next);
        self.next = tried.min(prev).max(self.matched.next());
        self.pace = Pace::Probe { waiting: false };
    }

    fn is_stale(&self, prev: LogIndex) -> bool {
        match self.pace {
            Pace::Probe { .. } => prev.next() != self.next,
            Pace::Stream(_) => prev <= self.matched || prev >= self.next,
        }
    }
}
