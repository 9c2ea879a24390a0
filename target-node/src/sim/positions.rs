//! A log seen from outside: positions, and who is a member.

use crate::raft::{Body, Entry, LogIndex, Membership, Position, Restored, Write};

/// A log by positions: where it begins, what comes after, and the members from there on.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Positions {
    begin: Position,
    after: Vec<Position>,
    members: Vec<(LogIndex, Membership)>,
}

impl Positions {
    pub(super) fn restored(restored: &Restored) -> Self {
        let mut log = Self::default();
        if let Some((at, members)) = &restored.begin {
            log.begin = *at;
            log.members.push((at.index, members.clone()));
        }
        for entry in &restored.entries {
            log.push(entry);
        }
        log
    }

    pub(super) fn last(&self) -> Position {
        self.after.last().copied().unwrap_or(self.begin)
    }

    pub(super) fn members(&self) -> Option<&Membership> {
        self.members.last().map(|(_, members)| members)
    }

    /// Whether the log has this entry, or begins so late that it need not.
    pub(super) fn covers(&self, at: Position) -> bool {
        match at.index.0.checked_sub(self.begin.index.0 + 1) {
            Some(slot) => self.after.get(usize_of(slot)) == Some(&at),
            None => at.index < self.begin.index || at == self.begin,
        }
    }

    /// Whether the log reaches as far as this.
    pub(super) fn reaches(&self, index: LogIndex) -> bool {
        self.last().index >= index
    }

    /// Puts an entry in its place, and nothing behind it.
    pub(super) fn push(&mut self, entry: &Entry) {
        let index = entry.at.index;
        let keep = index.0.saturating_sub(self.begin.index.0 + 1);
        self.after.truncate(usize_of(keep));
        self.members.retain(|(from, _)| *from < index);
        self.after.push(entry.at);
        if let Body::Membership(members) = &entry.body {
            self.members.push((index, (**members).clone()));
        }
    }

    /// The entry before `index` in what is left if `index` is replaced.
    pub(super) fn before(&self, index: LogIndex) -> Position {
        let slot = index.0.checked_sub(self.begin.index.0 + 2);
        slot.and_then(|slot| self.after.get(usize_of(slot)).copied())
            .unwrap_or(self.begin)
    }

    pub(super) fn take(&mut self, write: &Write) {
        match write {
            Write::HardState(_) => {}
            Write::Append(entries) => entries.iter().for_each(|entry| self.push(entry)),
            Write::Begin {
                at,
                membership,
                keeps,
            } => {
                self.after
                    .retain(|position| *keeps && position.index > at.index);
                self.members.retain(|(from, _)| *keeps && *from > at.index);
                self.members.insert(0, (at.index, membership.clone()));
                self.begin = *at;
            }
        }
    }
}

pub(super) fn usize_of(number: u64) -> usize {
    usize::try_from(number).expect("short logs")
}
