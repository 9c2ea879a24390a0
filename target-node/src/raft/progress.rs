//! What a leader knows about one follower's log.

use std::{collections::VecDeque, time::Duration};

use super::{
    entry::{Entry, LogIndex, Position},
    log::RaftLog,
    message::Hint,
    snapshot::PART_PATIENCE,
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

/// How the log goes out.
#[derive(Debug)]
pub(crate) enum Pace {
    /// Looking for the point of agreement, one empty request at a time.
    Probe { waiting: bool },
    /// Sending ahead of the answers, within the window.
    Stream(Window),
    /// What it lacks is compacted away: a snapshot goes first, one part at a time.
    Snapshot {
        at: Position,
        offset: u64,
        /// When the part from `offset` on was last sent.
        sent: Option<Duration>,
    },
}

impl Pace {
    /// The snapshot that is being sent.
    pub(crate) const fn snapshot(&self) -> Option<Position> {
        match self {
            Self::Snapshot { at, .. } => Some(*at),
            Self::Probe { .. } | Self::Stream(_) => None,
        }
    }
}

/// What a follower is to be sent next.
#[derive(Debug)]
pub(crate) enum Next {
    Entries { prev: Position, entries: Vec<Entry> },
    Part { at: Position, offset: u64 },
}

/// Requests that are under way: the last index of each, and its weight in bytes.
#[derive(Debug, Default)]
pub(crate) struct Window {
    sent: VecDeque<(LogIndex, usize)>,
    bytes: usize,
}

impl Window {
    fn is_full(&self) -> bool {
        self.sent.len() >= IN_FLIGHT_MESSAGES_MAX || self.bytes >= IN_FLIGHT_BYTES_MAX
    }

    fn push(&mut self, entries: &[Entry]) {
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

    /// The follower answered something of this term.
    pub(crate) fn hear(&mut self, now: Duration, round: u64) {
        self.heard = now;
        self.round = self.round.max(round);
    }

    /// The next thing to send, if the pace allows one now: of the log, so many bytes at once. `snapshot` is the latest of this node.
    pub(crate) fn next(
        &mut self,
        (log, bytes_max): (&RaftLog, usize),
        snapshot: Option<Position>,
        now: Duration,
    ) -> Option<Next> {
        let is_compacted = self.next.previous() < log.begin().index;
        if is_compacted && self.pace.snapshot().is_none() {
            self.pace = Pace::Snapshot {
                at: snapshot.expect("a log begins later only once a snapshot is there"),
                offset: 0,
                sent: None,
            };
        }
        match &mut self.pace {
            Pace::Snapshot { at, offset, sent } => {
                if sent.is_some_and(|sent| now < sent + PART_PATIENCE) {
                    return None;
                }
                *sent = Some(now);
                Some(Next::Part {
                    at: *at,
                    offset: *offset,
                })
            }
            Pace::Probe { waiting: true } => None,
            Pace::Probe { waiting } => {
                *waiting = true;
                Some(Next::Entries {
                    prev: log.position(self.next.previous()),
                    entries: Vec::new(),
                })
            }
            Pace::Stream(window) => {
                if window.is_full() || self.next > log.last().index {
                    return None;
                }
                let prev = log.position(self.next.previous());
                let entries = log.batch(self.next, bytes_max);
                window.push(&entries);
                self.next = entries.last().map_or(self.next, |e| e.at.index.next());
                Some(Next::Entries { prev, entries })
            }
        }
    }

    /// The place that a heartbeat names: where the follower's log is taken to end.
    pub(crate) fn heartbeat_prev(&mut self, log: &RaftLog) -> Position {
        if let Pace::Probe { waiting } = &mut self.pace {
            *waiting = true;
        }
        let prev = self.next.previous();
        log.position(prev.max(log.begin().index))
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
            // It got there by itself.
            Pace::Snapshot { at, .. } if at.index <= self.matched => {
                self.on_snapshot_installed(matched);
            }
            Pace::Snapshot { .. } => {}
        }
    }

    /// The follower has no such entry at `prev`: look further back, at most to what is matched.
    pub(crate) fn on_mismatch(&mut self, prev: LogIndex, hint: Hint, log: &RaftLog) {
        if self.is_stale(prev) {
            return;
        }
        let tried = hint.term.map_or(hint.index, |term| {
            // What agrees is of this term or an earlier one, and of an earlier one if this log lacks the term.
            let behind = log.last_up_to_term(term);
            let agrees_in_term = log.term_at(behind) == Some(term);
            let bound = if agrees_in_term { prev } else { hint.index };
            behind.next().min(bound)
        });
        self.next = tried.min(prev).max(self.matched.next());
        self.pace = Pace::Probe { waiting: false };
    }

    fn is_stale(&self, prev: LogIndex) -> bool {
        match self.pace {
            Pace::Probe { .. } => prev.next() != self.next,
            Pace::Stream(_) => prev <= self.matched || prev >= self.next,
            Pace::Snapshot { .. } => true,
        }
    }

    /// Whether a part that was read is still of use; one of another snapshot means that the one before
    /// is gone, and the follower gets this one.
    pub(crate) fn sends_part(
        &mut self,
        part_at: Position,
        part_offset: u64,
        now: Duration,
    ) -> bool {
        let Pace::Snapshot { at, offset, sent } = &mut self.pace else {
            return false;
        };
        if *at != part_at {
            (*at, *offset, *sent) = (part_at, 0, Some(now));
        }
        *offset == part_offset
    }

    /// The follower wants the snapshot at `at` from `offset` on.
    pub(crate) fn on_part_wanted(&mut self, at: Position, offset: u64) {
        if let Pace::Snapshot {
            at: current,
            offset: next,
            sent,
        } = &mut self.pace
            && *current == at
            && *next != offset
        {
            *next = offset;
            *sent = None;
        }
    }

    /// The follower's state covers `index`.
    pub(crate) fn on_snapshot_installed(&mut self, index: LogIndex) {
        self.matched = self.matched.max(index);
        self.next = self.next.max(self.matched.next());
        if self.pace.snapshot().is_some() {
            self.next = self.matched.next();
            self.pace = Pace::Probe { waiting: false };
        }
    }
}
