//! What a file holds that a loss of power would take away.
//!
//! The file itself always has the newest content. Kept here is what lies under it on the disk: for each sector written
//! since the last sync its content then, and the length of then. Sectors that a failed sync dropped are kept as
//! *doomed*: they are lost at the next loss of power, whatever is synced until then, unless they are written again.

use std::collections::BTreeMap;
use std::io;

use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use super::evidence::Lost;

/// What a disk writes at once or not at all.
const SECTOR: u64 = 512;
/// Sectors are kept in pages of eight.
const PAGE: u64 = 4096;
const SECTORS: u64 = PAGE / SECTOR;
/// A tail longer than this that is cut off is gone for good: it is not worth the memory.
const LONGEST_TAIL_KEPT: u64 = 64 << 20;

/// The bytes of a file.
pub(super) trait Content {
    /// How many there are.
    fn length(&self) -> io::Result<u64>;
    /// Reads from `offset` on; what lies behind the end reads as zeroes.
    fn read(&self, offset: u64, into: &mut [u8]) -> io::Result<()>;
    /// Writes, making the file longer if need be.
    fn write(&mut self, offset: u64, bytes: &[u8]) -> io::Result<()>;
    /// Cuts the file off, or adds zeroes.
    fn set_length(&mut self, length: u64) -> io::Result<()>;
}

/// What becomes of sectors that were not synced.
#[derive(Debug)]
pub(super) struct Survival {
    /// How likely each of them is on the disk all the same, in percent.
    pub(super) kept_percent: u8,
    pub(super) rng: ChaCha8Rng,
}

impl Survival {
    fn of_one(&mut self) -> bool {
        self.rng.random_range(0..100) < self.kept_percent
    }
}

/// The part of a file that is not on the disk.
///
/// - A sector has a pre-image, zeroes or bytes, exactly while it is dirty or doomed.
/// - `length` is the length on the disk, where it is not the present one; `cut` the shortest since, where that is less.
#[derive(Debug, Default)]
pub(super) struct Unsynced {
    length: Option<u64>,
    cut: Option<u64>,
    pages: BTreeMap<u64, Page>,
}

#[derive(Debug, Default)]
struct Page {
    /// Pre-images of its sectors; none where all were zeroes.
    before: Option<Box<[u8; PAGE as usize]>>,
    /// A bit for each sector written since the last sync.
    dirty: u8,
    /// A bit for each sector dropped by a failed sync.
    doomed: u8,
}

impl Unsynced {
    pub(super) fn is_empty(&self) -> bool {
        self.length.is_none() && self.pages.is_empty()
    }

    /// How many pages are kept.
    pub(super) fn pages(&self) -> usize {
        self.pages.len()
    }

    /// Writes into the file.
    pub(super) fn write(
        &mut self,
        content: &mut impl Content,
        offset: u64,
        bytes: &[u8],
    ) -> io::Result<()> {
        let end = offset + bytes.len() as u64;
        self.remember(content, offset, end)?;
        let before = content.length()?;
        if end > before {
            self.length.get_or_insert(before);
        }
        content.write(offset, bytes)
    }

    /// Changes the length of the file.
    pub(super) fn set_length(&mut self, content: &mut impl Content, length: u64) -> io::Result<()> {
        let before = content.length()?;
        if length == before {
            return Ok(());
        }
        let on_disk = self.length.unwrap_or(before);
        if length < before && before - length > LONGEST_TAIL_KEPT {
            self.synced();
        } else {
            self.remember(content, length, before.min(on_disk))?;
            self.length = Some(on_disk);
            if length < self.cut.unwrap_or(on_disk) {
                self.cut = Some(length);
            }
        }
        content.set_length(length)
    }

    /// Everything that is not doomed is on the disk now.
    pub(super) fn synced(&mut self) {
        (self.length, self.cut) = (None, None);
        self.pages.retain(|_, page| {
            page.dirty = 0;
            page.doomed != 0
        });
    }

    /// The sync failed, and what was to be written is dropped.
    pub(super) fn sync_failed(&mut self) {
        for page in self.pages.values_mut() {
            page.doomed |= page.dirty;
            page.dirty = 0;
        }
    }

    /// The power is lost: the file becomes what the disk holds, which `survival` decides for sectors that are dirty.
    pub(super) fn lose(
        self,
        content: &mut impl Content,
        survival: &mut Survival,
    ) -> io::Result<Lost> {
        let present = content.length()?;
        let on_disk = self.length.unwrap_or(present);
        // A cut that did not reach the disk took nothing with it that was written behind it either.
        let cut = self.cut.filter(|_| survival.of_one());
        let nothing_kept = self.cut.is_some() && cut.is_none();
        let mut lost = Lost::default();
        let mut length = cut.unwrap_or(on_disk);
        let mut restored = Vec::new();
        for (start, image) in self.sectors() {
            let end = (start + SECTOR).min(present);
            if image.dirty && start < present && !nothing_kept && survival.of_one() {
                lost.sectors_torn += 1;
                length = length.max(if self.length.is_some() { end } else { 0 });
            } else {
                restored.push((start, image.bytes(cut)));
            }
        }
        for (start, bytes) in &restored {
            lost.count(content, *start, bytes, present)?;
        }
        content.set_length(length)?;
        for (start, bytes) in restored {
            let end = length.min(start + SECTOR);
            if start < end {
                content.write(start, &bytes[..usize::try_from(end - start).unwrap_or(0)])?;
            }
        }
        Ok(lost)
    }

    /// Every sector that is dirty or doomed, with its pre-image.
    fn sectors(&self) -> impl Iterator<Item = (u64, Image<'_>)> {
        self.pages.iter().flat_map(|(number, page)| {
            let kept = (0..SECTORS).filter(|sector| (page.dirty | page.doomed) & 1 << sector != 0);
            kept.map(move |sector| {
                let start = number * PAGE + sector * SECTOR;
                let bytes = page.before.as_ref().map(|before| {
                    let from = (sector * SECTOR) as usize;
                    &before[from..from + SECTOR as usize]
                });
                let dirty = page.dirty & 1 << sector != 0;
                (
                    start,
                    Image {
                        start,
                        bytes,
                        dirty,
                    },
                )
            })
        })
    }

    /// Marks the sectors between two offsets as written, keeping what they hold first.
    fn remember(&mut self, content: &impl Content, from: u64, to: u64) -> io::Result<()> {
        if from >= to {
            return Ok(());
        }
        let on_disk = match self.length {
            Some(length) => length,
            None => content.length()?,
        };
        for number in from / PAGE..=(to - 1) / PAGE {
            let start = number * PAGE;
            let first = from.saturating_sub(start) / SECTOR;
            let last = ((to - start).min(PAGE) - 1) / SECTOR;
            let touched = (first..=last).fold(0, |bits, sector| bits | 1 << sector);
            let page = self.pages.entry(number).or_default();
            page.remember(content, start, touched, on_disk)?;
        }
        Ok(())
    }
}

impl Page {
    fn remember(
        &mut self,
        content: &impl Content,
        start: u64,
        touched: u8,
        on_disk: u64,
    ) -> io::Result<()> {
        let new = touched & !(self.dirty | self.doomed);
        if new != 0 && (start < on_disk || self.before.is_some()) {
            let mut now = [0; PAGE as usize];
            if start < on_disk {
                let held = (on_disk - start).min(PAGE) as usize;
                content.read(start, &mut now[..held])?;
            }
            let before = self
                .before
                .get_or_insert_with(|| Box::new([0; PAGE as usize]));
            for sector in (0..SECTORS as usize).filter(|sector| new & 1 << sector != 0) {
                let range = sector * SECTOR as usize..(sector + 1) * SECTOR as usize;
                before[range.clone()].copy_from_slice(&now[range]);
            }
        }
        self.dirty |= touched;
        self.doomed &= !touched;
        Ok(())
    }
}

/// A sector as it is on the disk.
struct Image<'a> {
    start: u64,
    /// None are zeroes.
    bytes: Option<&'a [u8]>,
    dirty: bool,
}

impl Image<'_> {
    /// Its bytes, with zeroes from where the file was cut off.
    fn bytes(&self, cut: Option<u64>) -> [u8; SECTOR as usize] {
        let mut bytes = [0; SECTOR as usize];
        if let Some(held) = self.bytes {
            bytes.copy_from_slice(held);
        }
        let whole = cut.map_or(SECTOR, |cut| cut.saturating_sub(self.start).min(SECTOR));
        bytes[whole as usize..].fill(0);
        bytes
    }
}

impl Lost {
    /// Counts the bytes of a sector that will read differently, up to the end of the file.
    fn count(
        &mut self,
        content: &impl Content,
        start: u64,
        disk: &[u8; SECTOR as usize],
        present: u64,
    ) -> io::Result<()> {
        let mut now = [0; SECTOR as usize];
        content.read(start, &mut now)?;
        let held = present.saturating_sub(start).min(SECTOR) as usize;
        let pairs = now[..held].iter().zip(disk);
        self.bytes += pairs.filter(|(now, disk)| now != disk).count() as u64;
        self.sectors += 1;
        Ok(())
    }
}

#[cfg(test)]
mod tests;
