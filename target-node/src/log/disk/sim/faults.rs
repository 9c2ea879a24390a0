//! What goes wrong with a simulated disk: scripted, by chance, or all at once.

use std::{
    collections::{BTreeMap, BTreeSet},
    io,
};

use rand::RngExt as _;
use rand_chacha::ChaCha8Rng;

/// What a disk is asked to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Operation {
    Read,
    Write,
    Sync,
    Rename,
    Remove,
    SyncNames,
}

/// How often an operation goes wrong, each from 0 to 1.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Chances {
    pub(crate) read_error: f64,
    pub(crate) short_read: f64,
    pub(crate) write_error: f64,
    pub(crate) sync_error: f64,
}

/// What went wrong so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Injected {
    pub(crate) read_errors: u64,
    pub(crate) short_reads: u64,
    pub(crate) write_errors: u64,
    pub(crate) sync_errors: u64,
    pub(crate) name_errors: u64,
    pub(crate) full: u64,
    pub(crate) lost_names: u64,
    pub(crate) torn_sectors: u64,
    pub(crate) flipped_bits: u64,
}

/// What is to go wrong. Nothing by default.
#[derive(Debug, Clone, Default)]
pub(crate) struct Faults {
    counts: BTreeMap<Operation, u64>,
    script: BTreeSet<(Operation, u64)>,
    chances: Option<(Chances, ChaCha8Rng)>,
    /// Bytes of all files together.
    pub(crate) capacity: Option<usize>,
    /// Operations that change something until the power fails.
    pub(crate) changes_left: Option<u64>,
    pub(crate) injected: Injected,
}

impl Faults {
    /// The operation fails when it is asked for the `nth` time from now on, counting from 1.
    pub(crate) fn fail(&mut self, operation: Operation, nth: u64) {
        let so_far = self.counts.get(&operation).copied().unwrap_or(0);
        self.script.insert((operation, so_far + nth));
    }

    /// Operations fail by chance from now on.
    pub(crate) fn draw(&mut self, chances: Chances, rng: ChaCha8Rng) {
        self.chances = Some((chances, rng));
    }

    pub(super) fn clear_script(&mut self) {
        self.script.clear();
        self.changes_left = None;
    }

    pub(super) fn has_power(&self) -> bool {
        self.changes_left != Some(0)
    }

    /// Counts an operation; fails if it is its turn.
    pub(super) fn attempt(&mut self, operation: Operation) -> io::Result<()> {
        match &mut self.changes_left {
            Some(0) => return Err(io::Error::other("simulated power failure")),
            Some(left) if operation != Operation::Read => *left -= 1,
            Some(_) | None => {}
        }
        let count = self.counts.entry(operation).or_default();
        *count += 1;
        let scripted = self.script.remove(&(operation, *count));
        if scripted || self.drawn(operation) {
            *self.counter(operation) += 1;
            return Err(io::Error::other("simulated input/output error"));
        }
        Ok(())
    }

    fn drawn(&mut self, operation: Operation) -> bool {
        self.chances.as_mut().is_some_and(|(chances, rng)| {
            let chance = match operation {
                Operation::Read => chances.read_error,
                Operation::Write => chances.write_error,
                Operation::Sync => chances.sync_error,
                Operation::Rename | Operation::Remove | Operation::SyncNames => 0.0,
            };
            rng.random_bool(chance)
        })
    }

    fn counter(&mut self, operation: Operation) -> &mut u64 {
        match operation {
            Operation::Read => &mut self.injected.read_errors,
            Operation::Write => &mut self.injected.write_errors,
            Operation::Sync => &mut self.injected.sync_errors,
            Operation::Rename | Operation::Remove | Operation::SyncNames => {
                &mut self.injected.name_errors
            }
        }
    }

    pub(super) fn check_space(&mut self, bytes: usize) -> io::Result<()> {
        if self.capacity.is_some_and(|capacity| bytes > capacity) {
            self.injected.full += 1;
            return Err(io::ErrorKind::StorageFull.into());
        }
        Ok(())
    }

    /// How much of a read is done.
    pub(super) fn shorten(&mut self, bytes: usize) -> usize {
        let Some((chances, rng)) = &mut self.chances else {
            return bytes;
        };
        if bytes < 2 || !rng.random_bool(chances.short_read) {
            return bytes;
        }
        self.injected.short_reads += 1;
        rng.random_range(1..bytes)
    }
}
