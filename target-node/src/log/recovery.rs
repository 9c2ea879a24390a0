//! Reading a log back, segment by segment, and telling a torn end from damage.
//!
//! A crash while segments are released or made may leave some that are needed no more, with gaps between
//! their numbers: what counts is the last run of consecutive numbers. Whether anything is missing shows
//! in what is left (`replay`), not in names.
//!
//! A process that was killed, and one whose sync failed, leave blocks that can be read and are not on disk.
//! Nobody may act on them before they are, so the last segment is written once more as it was understood,
//! and synced.

use std::collections::VecDeque;

use super::{
    block::{self, Block, Chain},
    disk::Disk,
    error::{StorageError, damaged, io_error},
    identity::Identity,
    replay::Replay,
    segment::{Full, HEADER_BYTES, Header, Segment, UNFINISHED_SUFFIX, file_name, number_of},
    snapshot,
};
use crate::{
    bug::{Bug, BugSet},
    raft::{Restored, StoreId},
};

/// A log that was read back.
#[derive(Debug)]
pub(super) struct Recovered {
    pub(super) store: StoreId,
    pub(super) restored: Restored,
    pub(super) full: Full,
    /// The segment to write to, and where.
    pub(super) current: (Segment, u64),
    pub(super) chain: Chain,
    /// Segments without a block, in order, after the current one.
    pub(super) ahead: VecDeque<Segment>,
}

impl Recovered {
    /// No log at all: the first segment is yet to be made.
    pub(super) fn nothing(store: StoreId) -> Self {
        let first = Segment { number: 1, size: 0 };
        Self {
            store,
            restored: Restored::default(),
            full: Full::default(),
            current: (first, HEADER_BYTES as u64),
            chain: Chain::default(),
            ahead: VecDeque::new(),
        }
    }
}

/// Reads the log of `identity`; nothing if there is none yet.
pub(super) fn recover<D: Disk>(
    disk: &mut D,
    identity: &Identity,
    bugs: BugSet,
) -> Result<Option<Recovered>, StorageError> {
    let names = disk.list().map_err(io_error("list", "the files"))?;
    for name in names
        .iter()
        .filter(|name| name.ends_with(UNFINISHED_SUFFIX))
    {
        disk.remove(name).map_err(io_error("remove", name))?;
    }
    let mut numbers: Vec<u64> = names.iter().filter_map(|name| number_of(name)).collect();
    numbers.sort_unstable();
    let run = last_run(&numbers);
    if run.is_empty() {
        return match names
            .iter()
            .find(|name| snapshot::number_of(name).is_some())
        {
            Some(name) => Err(damaged(name, 0, "the log that goes with it is missing")),
            None => Ok(None),
        };
    }
    let mut reader = Reader::new(disk, identity, bugs);
    for &number in run {
        reader.read_segment(number)?;
    }
    let mut unneeded = numbers[..numbers.len() - run.len()].to_vec();
    unneeded.append(&mut reader.unneeded);
    let recovered = reader.finish(run[0])?;
    for number in unneeded {
        let name = file_name(number);
        disk.remove(&name).map_err(io_error("remove", &name))?;
    }
    disk.sync_names().map_err(io_error("sync", "the folder"))?;
    Ok(Some(recovered))
}

/// The consecutive numbers at the end.
fn last_run(numbers: &[u64]) -> &[u64] {
    let mut runs = numbers.chunk_by(|before, after| before + 1 == *after);
    runs.next_back().unwrap_or(&[])
}

/// Reads segments in order.
///
/// - `used` is the last one that has blocks, with its bytes and where its blocks end; those in `ahead` come
///   after it.
/// - `chain` is that of the last block, if there was one.
struct Reader<'a, D> {
    disk: &'a mut D,
    identity: &'a Identity,
    store: Option<StoreId>,
    chain: Option<Chain>,
    replay: Replay,
    used: Option<(Segment, Vec<u8>, usize)>,
    ahead: VecDeque<Segment>,
    bugs: BugSet,
    /// Segments behind damage that a bug takes for the end of the log.
    unneeded: Vec<u64>,
}

impl<'a, D: Disk> Reader<'a, D> {
    fn new(disk: &'a mut D, identity: &'a Identity, bugs: BugSet) -> Self {
        Self {
            disk,
            identity,
            bugs,
            unneeded: Vec::new(),
            store: None,
            chain: None,
            replay: Replay::default(),
            used: None,
            ahead: VecDeque::new(),
        }
    }

    fn read_segment(&mut self, number: u64) -> Result<(), StorageError> {
        let name = file_name(number);
        let bytes = self.disk.read(&name).map_err(io_error("read", &name))?;
        let segment = Segment {
            number,
            size: bytes.len() as u64,
        };
        self.check_header(segment, &bytes)?;
        let mut end = HEADER_BYTES;
        while let Some(found) = self.next_block(&bytes[end..], number) {
            self.take(&found, end == HEADER_BYTES)
                .map_err(|what| damaged(&name, end as u64, what))?;
            end += found.bytes;
        }
        let is_broken = self.holds_a_block(&bytes[end..], number);
        if is_broken && !self.bugs.has(Bug::CorruptTruncate) {
            return Err(self.broken(segment, &bytes, end));
        }
        if end > HEADER_BYTES {
            self.used = Some((segment, bytes, end));
        } else if is_broken || !self.unneeded.is_empty() {
            self.unneeded.push(number);
        } else {
            self.ahead.push_back(segment);
        }
        Ok(())
    }

    fn check_header(&mut self, segment: Segment, bytes: &[u8]) -> Result<(), StorageError> {
        let name = file_name(segment.number);
        let header = Header::decode(bytes).map_err(|what| damaged(&name, 0, what))?;
        if &header.identity != self.identity {
            let Identity { node, cluster } = header.identity;
            return Err(StorageError::Foreign {
                file: name,
                node,
                cluster,
            });
        }
        let store = *self.store.get_or_insert(header.store);
        if header.number != segment.number || header.store != store {
            let what =
                "the segment belongs elsewhere: its number or the mark of its folder differs";
            return Err(damaged(&name, 0, what));
        }
        Ok(())
    }

    fn next_block<'b>(&self, bytes: &'b [u8], segment: u64) -> Option<Block<'b>> {
        let follows = |found: &Block| self.chain.is_none_or(|before| found.follows(before));
        block::decode(bytes, segment, self.bugs).filter(follows)
    }

    fn take(&mut self, found: &Block<'_>, is_first: bool) -> Result<(), &'static str> {
        if !is_first {
            self.replay.take(found.content)?;
        } else if self.ahead.is_empty() {
            if let Some((full, ..)) = self.used.take() {
                self.replay.end_segment(full);
            }
            self.replay.start_segment(found.content)?;
        } else {
            return Err("the segment before it holds no block");
        }
        self.chain = Some(found.chain);
        Ok(())
    }

    /// Whether a later block lies anywhere in `bytes`, which start at a block boundary.
    fn holds_a_block(&self, bytes: &[u8], segment: u64) -> bool {
        let before = self.chain.map_or(0, |chain| chain.sequence);
        (0..bytes.len())
            .step_by(block::ALIGNMENT)
            .filter_map(|offset| block::decode(&bytes[offset..], segment, self.bugs))
            .any(|found| found.chain.sequence > before)
    }

    /// What is wrong where no block follows although later ones exist.
    fn broken(&self, segment: Segment, bytes: &[u8], end: usize) -> StorageError {
        let is_whole = block::decode(&bytes[end..], segment.number, self.bugs).is_some();
        let (number, offset, what) = match (&self.used, self.ahead.front()) {
            (_, Some(empty)) if is_whole => (
                empty.number,
                HEADER_BYTES,
                "no block verifies, but a later segment has some",
            ),
            (Some((full, _, end)), None) if is_whole => (
                full.number,
                *end,
                "the blocks that the next segment goes on from are missing",
            ),
            (Some(_) | None, Some(_) | None) => (
                segment.number,
                end,
                "a block does not verify, but a later one does",
            ),
        };
        damaged(&file_name(number), offset as u64, what)
    }

    /// Ends a run that began with segment `first`.
    fn finish(mut self, first: u64) -> Result<Recovered, StorageError> {
        let current = match self.used.take() {
            Some((segment, bytes, end)) => self.rewrite(segment, bytes, end)?,
            None => self.unused(first)?,
        };
        let (restored, full) = self
            .replay
            .finish()
            .map_err(|what| damaged(&file_name(first), HEADER_BYTES as u64, what))?;
        Ok(Recovered {
            store: self.store.expect("a run has a segment"),
            restored,
            full,
            current,
            chain: self.chain.unwrap_or_default(),
            ahead: self.ahead,
        })
    }

    /// Makes durable what was read, and removes a torn end.
    fn rewrite(
        &mut self,
        segment: Segment,
        mut bytes: Vec<u8>,
        end: usize,
    ) -> Result<(Segment, u64), StorageError> {
        let name = file_name(segment.number);
        bytes[end..].fill(0);
        self.disk
            .write_at(&name, 0, &bytes)
            .and_then(|()| self.disk.sync(&name))
            .map_err(io_error("write back", &name))?;
        Ok((segment, end as u64))
    }

    /// Only the first segment of all may hold nothing yet.
    fn unused(&mut self, first: u64) -> Result<(Segment, u64), StorageError> {
        match self.ahead.pop_front() {
            Some(segment) if first == 1 => Ok((segment, HEADER_BYTES as u64)),
            // None if a bug took all that there is for the end of the log.
            Some(_) | None => {
                let what = "the segment that the log goes on in holds no block";
                Err(damaged(&file_name(first), HEADER_BYTES as u64, what))
            }
        }
    }
}
