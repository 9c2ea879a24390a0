//! The log in memory, and how much of it is known to be on disk.

use std::collections::VecDeque;

use super::{
    effects::WriteId,
    entry::{Entry, LogIndex, Position, Term},
};

/// All entries of a node.
///
/// - Indexes are consecutive from 1; terms never decrease.
/// - `durable` never exceeds the last index, and never counts an entry whose write was overtaken
///   by a truncation: writes are tracked by the step that made them, not by position.
#[derive(Debug, Default)]
pub(crate) struct RaftLog {
    entries: Vec<Entry>,
    durable: LogIndex,
    unsynced: VecDeque<(WriteId, LogIndex)>,
}

impl RaftLog {
    /// A log read back from disk.
    pub(crate) fn restored(entries: Vec<Entry>) -> Self {
        let durable = LogIndex(entries.len() as u64);
        Self {
            entries,
            durable,
            unsynced: VecDeque::new(),
        }
    }

    /// The end of the log; term 0, index 0 when it is empty.
    pub(crate) fn last(&self) -> Position {
        self.entries.last().map_or_else(Position::default, |e| e.at)
    }

    /// The last index that is on this node's disk.
    pub(crate) const fn durable(&self) -> LogIndex {
        self.durable
    }

    pub(crate) fn entry(&self, index: LogIndex) -> Option<&Entry> {
        let slot = usize::try_from(index.0.checked_sub(1)?).ok()?;
        self.entries.get(slot)
    }

    /// The term at `index`; the empty prefix has term 0, what is beyond the end has none.
    pub(crate) fn term_at(&self, index: LogIndex) -> Option<Term> {
        if index == LogIndex(0) {
            return Some(Term(0));
        }
        self.entry(index).map(|entry| entry.at.term)
    }

    pub(crate) fn contains(&self, at: Position) -> bool {
        self.term_at(at.index) == Some(at.term)
    }

    /// The position at `index`, which must lie within the log.
    pub(crate) fn position(&self, index: LogIndex) -> Position {
        let term = self.term_at(index).expect("asked within the log");
        Position { term, index }
    }

    /// Entries from `from` on, at least one if there is one, at most `max_bytes` together.
    pub(crate) fn batch(&self, from: LogIndex, max_bytes: usize) -> Vec<Entry> {
        let start = usize::try_from(from.previous().0).unwrap_or(usize::MAX);
        let mut bytes = 0;
        self.entries
            .iter()
            .skip(start)
            .take_while(|entry| {
                let first = bytes == 0;
                bytes += entry.weight();
                first || bytes <= max_bytes
            })
            .cloned()
            .collect()
    }

    /// Appends entries that step `write` sends to disk, replacing what is at their place.
    pub(crate) fn append(&mut self, entries: &[Entry], write: WriteId) {
        let Some(first) = entries.first() else { return };
        self.cut(first.at.index);
        self.entries.extend_from_slice(entries);
        self.unsynced.push_back((write, self.last().index));
    }

    fn cut(&mut self, from: LogIndex) {
        let keep = from.previous();
        self.entries
            .truncate(usize::try_from(keep.0).unwrap_or(usize::MAX));
        self.durable = self.durable.min(keep);
        for (_, last) in &mut self.unsynced {
            *last = (*last).min(keep);
        }
    }

    /// The disk has the writes of all steps up to `write`.
    pub(crate) fn persisted(&mut self, write: WriteId) {
        while let Some((_, last)) = self.unsynced.pop_front_if(|(id, _)| *id <= write) {
            self.durable = last;
        }
    }

    /// The first index that has `term`, or would have it.
    pub(crate) fn first_of_term(&self, term: Term) -> LogIndex {
        let before = self.entries.partition_point(|entry| entry.at.term < term);
        LogIndex(before as u64 + 1)
    }

    /// The last index that has `term`, if any entry has.
    pub(crate) fn last_of_term(&self, term: Term) -> Option<LogIndex> {
        let upto = self.entries.partition_point(|entry| entry.at.term <= term);
        let last = LogIndex(upto as u64);
        (self.term_at(last) == Some(term)).then_some(last)
    }
}

#[cfg(test)]
mod tests {
    use super::{super::entry::Body, *};

    fn entries(from: u64, terms: &[u64]) -> Vec<Entry> {
        (from..)
            .zip(terms)
            .map(|(index, &term)| Entry {
                at: Position {
                    term: Term(term),
                    index: LogIndex(index),
                },
                body: Body::Noop,
            })
            .collect()
    }

    #[test]
    fn terms_bound_their_indexes() {
        let log = RaftLog::restored(entries(1, &[1, 1, 3, 3, 4]));
        assert_eq!(log.first_of_term(Term(3)), LogIndex(3));
        assert_eq!(log.last_of_term(Term(3)), Some(LogIndex(4)));
        assert_eq!(log.last_of_term(Term(2)), None);
        assert_eq!(log.last_of_term(Term(9)), None);
        assert_eq!(log.term_at(LogIndex(0)), Some(Term(0)));
        assert_eq!(log.term_at(LogIndex(6)), None);
    }

    #[test]
    fn a_batch_has_at_least_one_entry_and_keeps_its_limit() {
        let log = RaftLog::restored(entries(1, &[1, 1, 1, 1]));
        assert_eq!(log.batch(LogIndex(2), 1).len(), 1);
        assert_eq!(log.batch(LogIndex(2), 64).len(), 2);
        assert!(log.batch(LogIndex(5), 64).is_empty());
    }

    #[test]
    fn an_overwritten_entry_is_durable_only_by_its_own_write() {
        let mut log = RaftLog::default();
        let (a, b) = (entries(1, &[1, 1]), entries(2, &[2]));
        log.append(&a, WriteId(1));
        log.append(&b, WriteId(2));
        log.append(&a[1..], WriteId(3));
        log.persisted(WriteId(1));
        assert_eq!(log.durable(), LogIndex(1), "entry 2 was overtaken");
        log.persisted(WriteId(2));
        assert_eq!(log.durable(), LogIndex(1));
        log.persisted(WriteId(3));
        assert_eq!(log.durable(), LogIndex(2));
    }

    #[test]
    fn up_to_date_compares_terms_before_lengths() {
        let at = |term, index| Position {
            term: Term(term),
            index: LogIndex(index),
        };
        assert!(at(2, 1) > at(1, 9));
        assert!(at(2, 3) > at(2, 2));
        assert!(at(2, 3) >= at(2, 3));
    }
}
