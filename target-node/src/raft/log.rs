//! The log in memory, how much of it is known to be on disk, and who is a member at its end.

use std::collections::VecDeque;

use super::{
    effects::WriteId,
    entry::{Body, Entry, LogIndex, Position, Term},
    membership::Membership,
};

/// Where in a log an index lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lookup {
    /// Before the log begins: it was applied, and what it was is forgotten.
    Compacted,
    /// In the log, or the place it begins after.
    At(Term),
    /// After its end.
    Beyond,
}

/// The entries of a node after the place its log begins at.
///
/// - Indexes are consecutive; terms never decrease.
/// - `durable` never exceeds the last index, and never counts an entry whose write was overtaken
///   by a truncation: writes are tracked by the step that made them, not by position.
/// - `memberships` holds the one in force where the log begins and one for each entry that has one,
///   so that a truncation takes the membership back as well (thesis §4.1).
#[derive(Debug)]
pub(crate) struct RaftLog {
    begin: Position,
    entries: VecDeque<Entry>,
    durable: LogIndex,
    unsynced: VecDeque<(WriteId, LogIndex)>,
    memberships: Vec<(LogIndex, Membership)>,
    weight: usize,
}

impl RaftLog {
    /// A log read back from disk.
    pub(crate) fn restored(begin: (Position, Membership), entries: Vec<Entry>) -> Self {
        let (begin, membership) = begin;
        let mut log = Self {
            begin,
            entries: VecDeque::new(),
            durable: begin.index,
            unsynced: VecDeque::new(),
            memberships: vec![(begin.index, membership)],
            weight: 0,
        };
        log.extend(entries);
        log.durable = log.last().index;
        log
    }

    /// The place the log begins after; term 0, index 0 for the empty prefix.
    pub(crate) const fn begin(&self) -> Position {
        self.begin
    }

    /// The end of the log.
    pub(crate) fn last(&self) -> Position {
        self.entries.back().map_or(self.begin, |entry| entry.at)
    }

    /// The last index that is on this node's disk.
    pub(crate) const fn durable(&self) -> LogIndex {
        self.durable
    }

    /// The weight of all entries, in bytes.
    pub(crate) const fn weight(&self) -> usize {
        self.weight
    }

    /// The latest membership in the log, committed or not.
    pub(crate) fn membership(&self) -> &Membership {
        let (_, membership) = self.memberships.last().expect("one where the log begins");
        membership
    }

    /// The entry that put the latest membership in force, or the place the log begins after.
    pub(crate) fn membership_index(&self) -> LogIndex {
        let (index, _) = self.memberships.last().expect("one where the log begins");
        *index
    }

    /// The membership that the latest took the place of, if the log goes back that far.
    pub(crate) fn membership_before(&self) -> Option<&Membership> {
        let (_, membership) = self.memberships.iter().nth_back(1)?;
        Some(membership)
    }

    /// The membership in force at `index`, which must not be compacted.
    pub(crate) fn membership_at(&self, index: LogIndex) -> &Membership {
        let mut before = self.memberships.iter().rev();
        let found = before.find(|(from, _)| *from <= index);
        let (_, membership) = found.expect("one where the log begins");
        membership
    }

    pub(crate) fn entry(&self, index: LogIndex) -> Option<&Entry> {
        self.entries.get(self.slot(index)?)
    }

    /// The place of an index in `entries`, or just behind them.
    fn slot(&self, index: LogIndex) -> Option<usize> {
        let slot = index.0.checked_sub(self.begin.index.0 + 1)?;
        usize::try_from(slot).ok()
    }

    pub(crate) fn lookup(&self, index: LogIndex) -> Lookup {
        if index < self.begin.index {
            return Lookup::Compacted;
        }
        if index == self.begin.index {
            return Lookup::At(self.begin.term);
        }
        self.entry(index)
            .map_or(Lookup::Beyond, |entry| Lookup::At(entry.at.term))
    }

    /// The term at `index`, where it is known.
    pub(crate) fn term_at(&self, index: LogIndex) -> Option<Term> {
        match self.lookup(index) {
            Lookup::At(term) => Some(term),
            Lookup::Compacted | Lookup::Beyond => None,
        }
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
        let Some(start) = self.slot(from) else {
            return Vec::new();
        };
        let mut bytes = 0;
        self.entries
            .range(start.min(self.entries.len())..)
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
        self.extend(entries.iter().cloned());
        self.unsynced.push_back((write, self.last().index));
    }

    fn extend(&mut self, entries: impl IntoIterator<Item = Entry>) {
        for entry in entries {
            if let Body::Membership(membership) = &entry.body {
                self.memberships
                    .push((entry.at.index, (**membership).clone()));
            }
            self.weight += entry.weight();
            self.entries.push_back(entry);
        }
    }

    fn cut(&mut self, from: LogIndex) {
        let keep = from.previous();
        let slot = self.slot(from).expect("what is compacted is committed");
        for entry in self.entries.drain(slot.min(self.entries.len())..) {
            self.weight -= entry.weight();
        }
        self.memberships.retain(|(index, _)| *index <= keep);
        self.durable = self.durable.min(keep);
        for (_, last) in &mut self.unsynced {
            *last = (*last).min(keep);
        }
    }

    /// The disk has the writes of all steps up to `write`.
    pub(crate) fn persisted(&mut self, write: WriteId) {
        while let Some((_, last)) = self.unsynced.pop_front_if(|(id, _)| *id <= write) {
            self.durable = last.max(self.begin.index);
        }
    }

    /// Forgets the entries up to `at`, which is in the log and committed.
    pub(crate) fn compact(&mut self, at: Position) {
        let membership = self.membership_at(at.index).clone();
        while let Some(entry) = self.entries.pop_front_if(|e| e.at.index <= at.index) {
            self.weight -= entry.weight();
        }
        self.memberships.retain(|(index, _)| *index > at.index);
        self.memberships.insert(0, (at.index, membership));
        self.begin = at;
        self.durable = self.durable.max(at.index);
    }

    /// Forgets everything: the log begins anew after `at`.
    pub(crate) fn reset(&mut self, at: Position, membership: Membership) {
        *self = Self::restored((at, membership), Vec::new());
    }

    /// The first index of the log that has `term`, or would have it.
    pub(crate) fn first_of_term(&self, term: Term) -> LogIndex {
        let before = self.entries.partition_point(|entry| entry.at.term < term);
        LogIndex(self.begin.index.0 + before as u64 + 1)
    }

    /// The last index whose term is `term` or an earlier one, at least the place the log begins after.
    pub(crate) fn last_up_to_term(&self, term: Term) -> LogIndex {
        let upto = self.entries.partition_point(|entry| entry.at.term <= term);
        LogIndex(self.begin.index.0 + upto as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn restored(entries: Vec<Entry>) -> RaftLog {
        RaftLog::restored((Position::default(), Membership::default()), entries)
    }

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
        let log = restored(entries(1, &[1, 1, 3, 3, 4]));
        assert_eq!(log.first_of_term(Term(3)), LogIndex(3));
        assert_eq!(log.last_up_to_term(Term(3)), LogIndex(4));
        assert_eq!(log.last_up_to_term(Term(2)), LogIndex(2));
        assert_eq!(log.last_up_to_term(Term(9)), LogIndex(5));
        assert_eq!(log.last_up_to_term(Term(0)), LogIndex(0));
        assert_eq!(log.term_at(LogIndex(0)), Some(Term(0)));
        assert_eq!(log.term_at(LogIndex(6)), None);
    }

    #[test]
    fn a_batch_has_at_least_one_entry_and_keeps_its_limit() {
        let log = restored(entries(1, &[1, 1, 1, 1]));
        assert_eq!(log.batch(LogIndex(2), 1).len(), 1);
        assert_eq!(log.batch(LogIndex(2), 64).len(), 2);
        assert!(log.batch(LogIndex(5), 64).is_empty());
    }

    #[test]
    fn an_overwritten_entry_is_durable_only_by_its_own_write() {
        let mut log = restored(Vec::new());
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
