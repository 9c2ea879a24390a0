//! A folder of the file system that a kill leaves as a power cut would.
//!
//! SIGKILL alone loses nothing: what a process has written is the kernel's. Here it stays in the process until
//! it is synced, and so do changes of names, so that a killed node comes back with what it had made
//! durable, and with nothing else. For finding out whether a node promises more than that; too slow and too
//! hungry for anything else.

use std::{
    collections::BTreeMap,
    io,
    path::Path,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use super::{
    Disk, RealDisk,
    names::{Change, Names},
};

/// Pieces a torn write falls into.
const SECTOR_BYTES: usize = 512;
/// Names of files that have none yet.
const UNNAMED_PREFIX: &str = "unnamed-";

/// What becomes of writes that are not synced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unsynced {
    /// They are lost.
    Lost,
    /// Every other sector of each is on disk at once, as if written back early.
    Torn,
}

/// A file, named or not.
#[derive(Debug)]
struct Held {
    /// Where it is in the real folder, if it is.
    place: String,
    is_placed: bool,
    /// Writes since the last sync, by offset.
    unsynced: Vec<(u64, Vec<u8>)>,
}

#[derive(Debug)]
struct State {
    real: RealDisk,
    unsynced: Unsynced,
    names: Names,
    files: BTreeMap<u64, Held>,
    made: u64,
    /// Changes of names since they were synced.
    changes: Vec<Change>,
}

/// A folder whose unsynced writes live in this process.
#[derive(Debug, Clone)]
pub(crate) struct PowerLossDisk(Arc<Mutex<State>>);

impl PowerLossDisk {
    /// Opens a folder, making it if need be.
    pub(crate) fn open(folder: &Path, unsynced: Unsynced) -> io::Result<Self> {
        let mut state = State {
            real: RealDisk::open(folder)?,
            unsynced,
            names: Names::new(),
            files: BTreeMap::new(),
            made: 0,
            changes: Vec::new(),
        };
        for name in state.real.list()? {
            if name.starts_with(UNNAMED_PREFIX) {
                state.real.remove(&name)?;
            } else {
                let file = state.add(name.clone(), true);
                state.names.insert(name, file);
            }
        }
        Ok(Self(Arc::new(Mutex::new(state))))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn add(&mut self, place: String, is_placed: bool) -> u64 {
        self.made += 1;
        let held = Held {
            place,
            is_placed,
            unsynced: Vec::new(),
        };
        self.files.insert(self.made, held);
        self.made
    }

    fn file(&mut self, name: &str) -> io::Result<(&mut RealDisk, &mut Held)> {
        let file = self.names.get(name).ok_or(io::ErrorKind::NotFound)?;
        let held = self.files.get_mut(file);
        Ok((&mut self.real, held.expect("named files are held")))
    }

    fn change(&mut self, change: Change) {
        change.clone().apply(&mut self.names);
        self.changes.push(change);
    }

    fn create(&mut self, name: &str) {
        if !self.names.contains_key(name) {
            let place = format!("{UNNAMED_PREFIX}{}", self.made + 1);
            let file = self.add(place, false);
            let name = name.to_owned();
            self.change(Change::Create { name, file });
        }
    }

    /// Makes one change of names in the real folder.
    fn carry_out(&mut self, change: &Change) -> io::Result<()> {
        match change {
            Change::Create { name, file } => {
                let Some(held) = self.files.get_mut(file) else {
                    return Ok(());
                };
                if held.is_placed {
                    self.real.rename(&held.place, name)?;
                } else {
                    self.real.write_at(name, 0, &[])?;
                }
                held.place.clone_from(name);
                held.is_placed = true;
                Ok(())
            }
            Change::Rename { from, to } => {
                self.files.retain(|_, held| held.place != *to);
                self.real.rename(from, to)?;
                let mut moved = self.files.values_mut();
                if let Some(moved) = moved.find(|held| held.place == *from) {
                    moved.place.clone_from(to);
                }
                Ok(())
            }
            Change::Remove { name } => {
                self.files.retain(|_, held| held.place != *name);
                self.real.remove(name)
            }
        }
    }
}

impl Held {
    fn size(&self, real: &RealDisk) -> io::Result<u64> {
        let on_disk = if self.is_placed {
            real.size(&self.place)?
        } else {
            0
        };
        let ends = self.unsynced.iter();
        let ends = ends.map(|(start, bytes)| start + bytes.len() as u64);
        Ok(ends.fold(on_disk, u64::max))
    }

    fn put(&mut self, real: &mut RealDisk, start: u64, bytes: &[u8]) -> io::Result<()> {
        self.is_placed = true;
        real.write_at(&self.place, start, bytes)
    }

    /// Lays what is not synced over what was read at `offset`.
    fn overlay(&self, offset: u64, into: &mut [u8]) {
        let end = offset + into.len() as u64;
        for (start, bytes) in &self.unsynced {
            let from = offset.max(*start);
            let to = end.min(start + bytes.len() as u64);
            if from < to {
                let place =
                    |at: u64, zero: u64| usize::try_from(at - zero).expect("within a buffer");
                into[place(from, offset)..place(to, offset)]
                    .copy_from_slice(&bytes[place(from, *start)..place(to, *start)]);
            }
        }
    }
}

impl Disk for PowerLossDisk {
    fn list(&self) -> io::Result<Vec<String>> {
        Ok(self.state().names.keys().cloned().collect())
    }

    fn size(&self, name: &str) -> io::Result<u64> {
        let mut state = self.state();
        let (real, held) = state.file(name)?;
        held.size(real)
    }

    fn read_at(&mut self, name: &str, offset: u64, into: &mut [u8]) -> io::Result<usize> {
        let mut state = self.state();
        let (real, held) = state.file(name)?;
        let left = held.size(real)?.saturating_sub(offset);
        let bytes = usize::try_from(left).unwrap_or(usize::MAX).min(into.len());
        let into = &mut into[..bytes];
        into.fill(0);
        if held.is_placed {
            real.fill(&held.place, offset, into)?;
        }
        held.overlay(offset, into);
        Ok(bytes)
    }

    fn write_at(&mut self, name: &str, offset: u64, bytes: &[u8]) -> io::Result<()> {
        let mut state = self.state();
        state.create(name);
        let is_torn = state.unsynced == Unsynced::Torn;
        let (real, held) = state.file(name)?;
        held.unsynced.push((offset, bytes.to_vec()));
        if is_torn {
            let sectors = (offset..)
                .step_by(SECTOR_BYTES)
                .zip(bytes.chunks(SECTOR_BYTES));
            for (start, sector) in sectors.skip(1).step_by(2) {
                held.put(real, start, sector)?;
            }
        }
        Ok(())
    }

    fn sync(&mut self, name: &str) -> io::Result<()> {
        let mut state = self.state();
        let (real, held) = state.file(name)?;
        for (start, bytes) in std::mem::take(&mut held.unsynced) {
            held.put(real, start, &bytes)?;
        }
        if held.is_placed {
            real.sync(&held.place)?;
        }
        Ok(())
    }

    fn rename(&mut self, from: &str, to: &str) -> io::Result<()> {
        let mut state = self.state();
        state.file(from)?;
        let (from, to) = (from.to_owned(), to.to_owned());
        state.change(Change::Rename { from, to });
        Ok(())
    }

    fn remove(&mut self, name: &str) -> io::Result<()> {
        let mut state = self.state();
        state.file(name)?;
        let name = name.to_owned();
        state.change(Change::Remove { name });
        Ok(())
    }

    fn sync_names(&mut self) -> io::Result<()> {
        let mut state = self.state();
        for change in std::mem::take(&mut state.changes) {
            state.carry_out(&change)?;
        }
        state.real.sync_names()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a kill leaves: the process's memory is gone.
    fn killed(disk: PowerLossDisk, folder: &Path) -> PowerLossDisk {
        let unsynced = disk.state().unsynced;
        drop(disk);
        PowerLossDisk::open(folder, unsynced).unwrap()
    }

    #[test]
    fn what_is_not_synced_is_seen_until_the_process_is_killed() {
        let folder = tempfile::tempdir().unwrap();
        let mut disk = PowerLossDisk::open(folder.path(), Unsynced::Lost).unwrap();
        disk.write_at("a", 0, b"synced").unwrap();
        disk.sync("a").unwrap();
        disk.sync_names().unwrap();
        disk.write_at("a", 3, b"...lost").unwrap();
        assert_eq!(disk.read("a").unwrap(), b"syn...lost");
        assert_eq!(disk.size("a").unwrap(), 10);
        let mut disk = killed(disk, folder.path());
        assert_eq!(disk.read("a").unwrap(), b"synced");
    }

    #[test]
    fn names_are_lost_until_they_are_synced() {
        let folder = tempfile::tempdir().unwrap();
        let mut disk = PowerLossDisk::open(folder.path(), Unsynced::Lost).unwrap();
        disk.write_at("old", 0, b"old").unwrap();
        disk.sync("old").unwrap();
        disk.sync_names().unwrap();
        disk.write_at("new", 0, b"new").unwrap();
        disk.sync("new").unwrap();
        disk.rename("old", "older").unwrap();
        assert_eq!(disk.list().unwrap(), ["lock", "new", "older"]);
        let mut disk = killed(disk, folder.path());
        assert_eq!(disk.list().unwrap(), ["lock", "old"]);

        disk.write_at("new", 0, b"new").unwrap();
        disk.sync("new").unwrap();
        disk.rename("new", "old").unwrap();
        disk.write_at("unsynced", 0, b"content").unwrap();
        disk.sync_names().unwrap();
        assert_eq!(disk.read("unsynced").unwrap(), b"content");
        let mut disk = killed(disk, folder.path());
        assert_eq!(disk.list().unwrap(), ["lock", "old", "unsynced"]);
        assert_eq!(disk.read("old").unwrap(), b"new");
        assert_eq!(
            disk.read("unsynced").unwrap(),
            b"",
            "its name was synced only"
        );

        disk.remove("old").unwrap();
        let disk = killed(disk, folder.path());
        assert_eq!(disk.list().unwrap(), ["lock", "old", "unsynced"]);
    }

    #[test]
    fn a_torn_write_leaves_every_other_sector() {
        let folder = tempfile::tempdir().unwrap();
        let mut disk = PowerLossDisk::open(folder.path(), Unsynced::Torn).unwrap();
        disk.write_at("a", 0, &[1; 4 * SECTOR_BYTES]).unwrap();
        disk.sync("a").unwrap();
        disk.sync_names().unwrap();
        disk.write_at("a", 0, &[2; 4 * SECTOR_BYTES]).unwrap();
        let mut disk = killed(disk, folder.path());
        let firsts: Vec<u8> = disk
            .read("a")
            .unwrap()
            .chunks(SECTOR_BYTES)
            .map(|sector| sector[0])
            .collect();
        assert_eq!(firsts, [1, 2, 1, 2]);
    }
}
