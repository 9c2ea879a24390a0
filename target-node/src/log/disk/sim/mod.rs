//! A disk in memory that forgets what was not synced, and fails as told.
//!
//! It is as unkind as a disk may be: of what was not synced a crash keeps any subset of sectors and any
//! subset of the changes of names; a sync that failed has dropped what it was to write, and the next one
//! succeeds without it, as Linux does.

mod faults;

use std::{
    collections::BTreeMap,
    io,
    sync::{Arc, Mutex, MutexGuard},
};

pub(crate) use faults::{Chances, Faults, Injected, Operation};
use rand::RngExt as _;
use rand_chacha::ChaCha8Rng;

use super::{
    Disk,
    names::{Change, Names},
};

/// Pieces a torn write falls into.
const SECTOR_BYTES: usize = 64;

#[derive(Debug, Clone, Default)]
struct SimFile {
    /// What readers see.
    content: Vec<u8>,
    durable: Vec<u8>,
    /// Writes since the last sync, by offset.
    unsynced: Vec<(usize, Vec<u8>)>,
}

#[derive(Debug, Clone, Default)]
struct State {
    files: BTreeMap<u64, SimFile>,
    made: u64,
    names: Names,
    durable_names: Names,
    changes: Vec<Change>,
    faults: Faults,
}

/// Files with what a crash would leave of them.
#[derive(Debug, Clone, Default)]
pub(crate) struct SimDisk(Arc<Mutex<State>>);

impl SimDisk {
    /// Power loss: of what was not synced each sector and each change of names is kept or lost by chance.
    /// The disk works again afterwards, without scripted faults.
    pub(crate) fn crash(&mut self, rng: &mut ChaCha8Rng) {
        let mut state = self.state();
        let State {
            files,
            names,
            durable_names,
            changes,
            faults,
            ..
        } = &mut *state;
        for change in changes.drain(..) {
            if rng.random_bool(0.5) {
                change.apply(durable_names);
            } else {
                faults.injected.lost_names += 1;
            }
        }
        names.clone_from(durable_names);
        files.retain(|file, _| names.values().any(|named| named == file));
        for file in files.values_mut() {
            faults.injected.torn_sectors += file.tear(rng);
        }
        faults.clear_script();
    }

    /// The same disk, independent from now on.
    pub(crate) fn copy(&self) -> Self {
        Self(Arc::new(Mutex::new(self.state().clone())))
    }

    /// Changes the bytes of a file at rest.
    pub(crate) fn damage(&self, name: &str, damage: impl FnOnce(&mut Vec<u8>)) {
        let mut state = self.state();
        let file = state.file(name).expect("the file exists");
        damage(&mut file.content);
        file.durable.clone_from(&file.content);
        file.unsynced.clear();
    }

    /// Flips one bit of one file, by chance.
    pub(crate) fn flip_a_bit(&self, rng: &mut ChaCha8Rng) {
        let names = self.list().expect("listing never fails");
        let name = &names[rng.random_range(0..names.len())];
        self.damage(name, |bytes| {
            if let Some(bits) = (8 * bytes.len()).checked_sub(1) {
                let bit = rng.random_range(0..=bits);
                bytes[bit / 8] ^= 1 << (bit % 8);
            }
        });
        self.state().faults.injected.flipped_bits += 1;
    }

    /// What is to go wrong from now on.
    pub(crate) fn set_faults(&self, change: impl FnOnce(&mut Faults)) {
        change(&mut self.state().faults);
    }

    /// What went wrong so far.
    pub(crate) fn injected(&self) -> Injected {
        self.state().faults.injected
    }

    /// Bytes of all files together.
    pub(crate) fn bytes(&self) -> usize {
        self.state().bytes()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().expect("no test panics inside the disk")
    }
}

impl SimFile {
    fn write(into: &mut Vec<u8>, start: usize, bytes: &[u8]) {
        let end = start + bytes.len();
        into.resize(into.len().max(end), 0);
        into[start..end].copy_from_slice(bytes);
    }

    fn sync(&mut self) {
        for (start, bytes) in self.unsynced.drain(..) {
            Self::write(&mut self.durable, start, &bytes);
        }
    }

    /// Keeps some sectors of what was not synced; says how many were lost.
    fn tear(&mut self, rng: &mut ChaCha8Rng) -> u64 {
        let mut lost = 0;
        for (start, bytes) in self.unsynced.drain(..) {
            let mut at = start;
            while at < start + bytes.len() {
                let end = (at + 1)
                    .next_multiple_of(SECTOR_BYTES)
                    .min(start + bytes.len());
                if rng.random_bool(0.5) {
                    Self::write(&mut self.durable, at, &bytes[at - start..end - start]);
                } else {
                    lost += 1;
                }
                at = end;
            }
        }
        self.content.clone_from(&self.durable);
        lost
    }
}

impl State {
    fn file(&mut self, name: &str) -> io::Result<&mut SimFile> {
        let file = self.names.get(name).ok_or(io::ErrorKind::NotFound)?;
        Ok(self.files.get_mut(file).expect("named files exist"))
    }

    fn bytes(&self) -> usize {
        let named = self.names.values().map(|file| &self.files[file]);
        named.map(|file| file.content.len()).sum()
    }

    fn change(&mut self, change: Change) {
        change.clone().apply(&mut self.names);
        self.changes.push(change);
    }

    fn create(&mut self, name: &str) {
        if !self.names.contains_key(name) {
            self.made += 1;
            let file = self.made;
            self.files.insert(file, SimFile::default());
            let name = name.to_owned();
            self.change(Change::Create { name, file });
        }
    }

    fn write(&mut self, name: &str, start: usize, bytes: &[u8]) -> io::Result<()> {
        self.create(name);
        let size = self.file(name)?.content.len();
        let growth = (start + bytes.len()).saturating_sub(size);
        self.faults.check_space(self.bytes() + growth)?;
        let file = self.file(name)?;
        SimFile::write(&mut file.content, start, bytes);
        file.unsynced.push((start, bytes.to_vec()));
        Ok(())
    }
}

impl Disk for SimDisk {
    fn list(&self) -> io::Result<Vec<String>> {
        Ok(self.state().names.keys().cloned().collect())
    }

    fn size(&self, name: &str) -> io::Result<u64> {
        Ok(self.state().file(name)?.content.len() as u64)
    }

    fn read_at(&mut self, name: &str, offset: u64, into: &mut [u8]) -> io::Result<usize> {
        let mut state = self.state();
        state.faults.attempt(Operation::Read)?;
        let room = state.faults.shorten(into.len());
        let content = &state.file(name)?.content;
        let start = usize::try_from(offset).expect("small files");
        let found = content.get(start..).unwrap_or(&[]);
        let bytes = found.len().min(room);
        into[..bytes].copy_from_slice(&found[..bytes]);
        Ok(bytes)
    }

    fn write_at(&mut self, name: &str, offset: u64, bytes: &[u8]) -> io::Result<()> {
        let mut state = self.state();
        state.faults.attempt(Operation::Write)?;
        let start = usize::try_from(offset).expect("small files");
        state.write(name, start, bytes)
    }

    fn sync(&mut self, name: &str) -> io::Result<()> {
        let mut state = self.state();
        let attempt = state.faults.attempt(Operation::Sync);
        let has_power = state.faults.has_power();
        let file = state.file(name)?;
        match attempt {
            Ok(()) => file.sync(),
            // The pages count as clean now, and the next sync skips them.
            Err(_) if has_power => file.unsynced.clear(),
            Err(_) => {}
        }
        attempt
    }

    fn rename(&mut self, from: &str, to: &str) -> io::Result<()> {
        let mut state = self.state();
        state.faults.attempt(Operation::Rename)?;
        state.file(from)?;
        let (from, to) = (from.to_owned(), to.to_owned());
        state.change(Change::Rename { from, to });
        Ok(())
    }

    fn remove(&mut self, name: &str) -> io::Result<()> {
        let mut state = self.state();
        state.faults.attempt(Operation::Remove)?;
        state.file(name)?;
        let name = name.to_owned();
        state.change(Change::Remove { name });
        Ok(())
    }

    fn sync_names(&mut self) -> io::Result<()> {
        let mut state = self.state();
        state.faults.attempt(Operation::SyncNames)?;
        state.durable_names = state.names.clone();
        state.changes.clear();
        Ok(())
    }
}
