//! A disk in memory that forgets what was not synced.

use std::{
    collections::{BTreeMap, BTreeSet},
    io,
};

use rand::RngExt as _;
use rand_chacha::ChaCha8Rng;

use super::disk::Disk;

/// Pieces a torn write falls into.
const SECTOR_BYTES: usize = 64;

#[derive(Debug, Clone, Default)]
struct SimFile {
    content: Vec<u8>,
    durable: Vec<u8>,
}

/// Files with what a crash would leave of them.
#[derive(Debug, Clone, Default)]
pub(crate) struct SimDisk {
    files: BTreeMap<String, SimFile>,
    durable_names: BTreeSet<String>,
    /// Syncs that still succeed, when the disk is to fail.
    pub(crate) syncs_left: Option<u32>,
}

impl SimDisk {
    /// Power loss: of what was not synced each sector is kept or lost by chance.
    pub(crate) fn crash(&mut self, rng: &mut ChaCha8Rng) {
        self.files
            .retain(|name, _| self.durable_names.contains(name));
        for file in self.files.values_mut() {
            let size = file.durable.len().max(file.content.len());
            file.durable.resize(size, 0);
            file.content.resize(size, 0);
            let sectors = file.durable.chunks_mut(SECTOR_BYTES);
            for (durable, content) in sectors.zip(file.content.chunks(SECTOR_BYTES)) {
                if durable != content && rng.random_bool(0.5) {
                    durable.copy_from_slice(content);
                }
            }
            file.content.clone_from(&file.durable);
        }
    }

    /// The bytes of a file, to damage them.
    pub(crate) fn damage(&mut self, name: &str) -> &mut Vec<u8> {
        &mut self.files.get_mut(name).expect("the file exists").content
    }

    fn file(&mut self, name: &str) -> io::Result<&mut SimFile> {
        self.files
            .get_mut(name)
            .ok_or_else(|| io::ErrorKind::NotFound.into())
    }
}

impl Disk for SimDisk {
    fn list(&self) -> io::Result<Vec<String>> {
        Ok(self.files.keys().cloned().collect())
    }

    fn read(&self, name: &str) -> io::Result<Vec<u8>> {
        let file = self.files.get(name).ok_or(io::ErrorKind::NotFound)?;
        Ok(file.content.clone())
    }

    fn write_at(&mut self, name: &str, offset: u64, bytes: &[u8]) -> io::Result<()> {
        let file = self.files.entry(name.into()).or_default();
        let start = usize::try_from(offset).expect("small files");
        let end = start + bytes.len();
        let size = file.content.len().max(end);
        file.content.resize(size, 0);
        file.content[start..end].copy_from_slice(bytes);
        Ok(())
    }

    fn sync(&mut self, name: &str) -> io::Result<()> {
        match &mut self.syncs_left {
            Some(0) => return Err(io::Error::other("simulated sync failure")),
            Some(left) => *left -= 1,
            None => {}
        }
        let file = self.file(name)?;
        file.durable.clone_from(&file.content);
        Ok(())
    }

    fn rename(&mut self, from: &str, to: &str) -> io::Result<()> {
        let file = self.files.remove(from).ok_or(io::ErrorKind::NotFound)?;
        self.files.insert(to.into(), file);
        Ok(())
    }

    fn remove(&mut self, name: &str) -> io::Result<()> {
        self.files
            .remove(name)
            .map(drop)
            .ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn sync_names(&mut self) -> io::Result<()> {
        self.durable_names = self.files.keys().cloned().collect();
        Ok(())
    }
}
