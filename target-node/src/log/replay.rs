//! What the records of a log come to, read in order from the oldest segment that is left.
//!
//! Segments before that one are gone, and with them entries that a segment which is still there may not
//! account for yet: it says where the log began when it was started, and only a later record says that
//! the log begins after all that is gone. So entries may be missing while reading, and must not be at the
//! end.

use super::{
    record::{self, Record},
    segment::{Full, Segment},
};
use crate::raft::{Entry, LogIndex, Restored};

/// The log as far as it was read.
///
/// - The entries are consecutive and follow `floor`.
/// - `floor` is never before the place the log begins after; entries between the two are missing.
#[derive(Debug, Default)]
pub(super) struct Replay {
    restored: Restored,
    floor: LogIndex,
    started: bool,
    pub(super) full: Full,
}

impl Replay {
    /// Takes the first block of a segment; says what is wrong with it.
    pub(super) fn start_segment(&mut self, mut content: &[u8]) -> Result<(), &'static str> {
        let Some(Record::Segment(last)) = record::decode(&mut content) else {
            return Err("the segment does not say how the log stood before it");
        };
        if !self.started {
            self.started = true;
            self.floor = last;
        } else if last != self.last() {
            return Err("the segment does not continue the log before it");
        }
        self.take(content)
    }

    /// Takes a block.
    pub(super) fn take(&mut self, mut content: &[u8]) -> Result<(), &'static str> {
        while !content.is_empty() {
            let record = record::decode(&mut content);
            self.apply(record.ok_or("a record is cut short or of unknown type")?)?;
        }
        Ok(())
    }

    /// The segment ends here, and another one goes on.
    pub(super) fn end_segment(&mut self, segment: Segment) {
        self.full.push(segment, self.last());
    }

    /// The log, if nothing is missing in it; else what is.
    pub(super) fn finish(self) -> Result<(Restored, Full), String> {
        let begin = self.restored.begin_index();
        if self.floor > begin {
            let (first, last) = (begin.next().0, self.floor.0);
            return Err(format!(
                "segments with entries {first} to {last} are missing"
            ));
        }
        Ok((self.restored, self.full))
    }

    fn last(&self) -> LogIndex {
        LogIndex(self.floor.0 + self.restored.entries.len() as u64)
    }

    fn apply(&mut self, record: Record) -> Result<(), &'static str> {
        match record {
            Record::Segment(_) => return Err("a segment starts within another"),
            Record::HardState(hard) => self.restored.hard = hard,
            Record::Begin {
                at,
                membership,
                keeps,
            } => {
                self.begin_after(at.index, keeps);
                self.restored.begin = Some((at, membership));
            }
            Record::Entry(entry) => self.place(entry)?,
        }
        Ok(())
    }

    fn begin_after(&mut self, index: LogIndex, keeps: bool) {
        if keeps {
            self.restored.entries.retain(|entry| entry.at.index > index);
            self.floor = self.floor.max(index);
        } else {
            self.restored.entries.clear();
            self.floor = index;
            self.full.cut(index);
        }
    }

    /// An entry replaces what is at its index and after it.
    fn place(&mut self, entry: Entry) -> Result<(), &'static str> {
        let before = entry.at.index.previous();
        if entry.at.index <= self.restored.begin_index() || before > self.last() {
            return Err("an entry leaves a gap in the log");
        }
        self.full.cut(before);
        let kept = before.0.saturating_sub(self.floor.0);
        self.floor = self.floor.min(before);
        let kept = usize::try_from(kept).expect("at most as many as there are");
        self.restored.entries.truncate(kept);
        self.restored.entries.push(entry);
        Ok(())
    }
}
