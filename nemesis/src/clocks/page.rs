//! The two pages a node shares with the harness: the code that tells its time where its vDSO is patched, and the numbers it goes by.
//!
//! They are a file on a memory file system, which the victim maps and the harness writes to: file and mapping are the same memory.
//! Each clock has a block of numbers that is written under a sequence lock (odd while it is written; a reader that saw two
//! different or an odd number looks again), and a block of numbers that the victim writes: what its own calls were told.

use super::layout::*;
use super::{ClockError, Setting};
use crate::kernel::clock_code::ClockCode;
use std::fs::{File, OpenOptions, Permissions};
use std::os::unix::fs::{FileExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// The clocks of a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Faked {
    Wall,
    Monotonic,
}

/// What the calls of a node have been told by one of its clocks, since it was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Witness {
    /// How often its processes looked at the clock.
    pub reads: u64,
    /// The offset from the true time that the last of them was told, in nanoseconds.
    pub last_offset_ns: i64,
    /// How often a call was told another offset than the one before it; less than exact where threads look at the same time.
    pub turns: u64,
}

/// The file, and thereby the pages.
#[derive(Debug)]
pub(crate) struct ClockPage {
    file: File,
    path: PathBuf,
}

impl ClockPage {
    /// Makes the file, with clocks that tell the true time. Whoever runs as a node may open it.
    pub(crate) fn create(path: &Path) -> Result<ClockPage, ClockError> {
        let failed = |source| ClockError::Page {
            path: path.to_owned(),
            source,
        };
        let code = ClockCode::get();
        let mut open = OpenOptions::new();
        open.read(true).write(true).create(true).truncate(true);
        let file = open.open(path).map_err(failed)?;
        let page = ClockPage {
            file,
            path: path.to_owned(),
        };
        let furnish = || {
            page.file.set_permissions(Permissions::from_mode(0o666))?;
            page.file.set_len(2 * PAGE as u64)?;
            page.file
                .write_all_at(code.map_or(&[], |code| code.bytes), 0)
        };
        furnish().map_err(failed)?;
        for clock in [Faked::Wall, Faked::Monotonic] {
            page.write(clock, 0, &Setting::TRUE)?;
        }
        Ok(page)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Writes what a clock shows from now on, as its `number`th setting. One writer at a time.
    pub(crate) fn write(
        &self,
        clock: Faked,
        number: u64,
        setting: &Setting,
    ) -> Result<(), ClockError> {
        let begin = clock.block();
        let publish = || {
            self.put(begin + SEQUENCE, &(2 * number + 1).to_le_bytes())?;
            self.put(begin + JUMP, &numbers(setting))?;
            self.put(begin + SEQUENCE, &(2 * number + 2).to_le_bytes())
        };
        publish().map_err(|source| self.failed(source))
    }

    /// What readers of a clock have been told.
    pub(crate) fn witness(&self, clock: Faked) -> Result<Witness, ClockError> {
        let begin = clock.block() + WITNESS;
        let mut bytes = [0; TURNS + 8];
        let read = self.file.read_exact_at(&mut bytes, begin as u64);
        read.map_err(|source| self.failed(source))?;
        let word = |at: usize| <[u8; 8]>::try_from(&bytes[at..at + 8]).expect("eight bytes");
        Ok(Witness {
            reads: u64::from_le_bytes(word(READS)),
            last_offset_ns: i64::from_le_bytes(word(LAST)),
            turns: u64::from_le_bytes(word(TURNS)),
        })
    }

    /// How many processes have mapped the pages by themselves since this was last forgotten.
    pub(crate) fn wearers(&self) -> Result<u64, ClockError> {
        let mut bytes = [0; 8];
        let read = self.file.read_exact_at(&mut bytes, (PAGE + WEARERS) as u64);
        read.map_err(|source| self.failed(source))?;
        Ok(u64::from_le_bytes(bytes))
    }

    /// Counts them from nothing.
    pub(crate) fn forget_wearers(&self) -> Result<(), ClockError> {
        self.put(PAGE + WEARERS, &[0; 8])
            .map_err(|source| self.failed(source))
    }

    fn put(&self, at: usize, bytes: &[u8]) -> std::io::Result<()> {
        self.file.write_all_at(bytes, at as u64)
    }

    fn failed(&self, source: std::io::Error) -> ClockError {
        ClockError::Page {
            path: self.path.clone(),
            source,
        }
    }
}

impl Faked {
    /// Where its block begins in the file.
    const fn block(self) -> usize {
        match self {
            Faked::Wall => PAGE,
            Faked::Monotonic => PAGE + STRIDE,
        }
    }
}

/// The numbers of a setting in the order of the page.
fn numbers(setting: &Setting) -> [u8; STROBE_OFFSET + 8 - JUMP] {
    let Setting {
        jump_ns,
        slope,
        strobe,
    } = setting;
    let rows = [
        (JUMP, *jump_ns),
        (SLOPE_BASE, slope.base_ns),
        (SLOPE_START, slope.start_ns),
        (SLOPE_RATE, slope.rate_ppb),
        (SLOPE_UNTIL, slope.until_ns),
        (STROBE_BASE, strobe.base_ns),
        (STROBE_PERIOD, strobe.period_ns),
        (STROBE_OFFSET, strobe.offset_ns),
    ];
    let mut bytes = [0; STROBE_OFFSET + 8 - JUMP];
    for (at, number) in rows {
        bytes[at - JUMP..at - JUMP + 8].copy_from_slice(&number.to_le_bytes());
    }
    bytes
}
