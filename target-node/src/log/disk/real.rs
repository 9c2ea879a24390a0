//! A folder of the file system.

use std::{
    fs::{self, File},
    io,
    os::unix::fs::FileExt as _,
    path::Path,
    sync::Arc,
};

use super::Disk;
use crate::raft::StoreId;

/// A folder of the file system, held by one process at a time.
#[derive(Debug, Clone)]
pub(crate) struct RealDisk {
    folder: Arc<Path>,
    /// The file used last, kept open. A file that another handle removed meanwhile can still be read.
    open: Option<(String, Arc<File>)>,
    _lock: Arc<File>,
}

/// The file whose lock keeps a second node out of the folder.
const LOCK_NAME: &str = "lock";

impl RealDisk {
    /// Opens a folder, making it if need be.
    pub(crate) fn open(folder: &Path) -> io::Result<Self> {
        fs::create_dir_all(folder)?;
        let lock = File::create(folder.join(LOCK_NAME))?;
        lock.try_lock().map_err(|error| {
            io::Error::other(format!("another process uses this folder ({error})"))
        })?;
        Ok(Self {
            folder: folder.into(),
            open: None,
            _lock: Arc::new(lock),
        })
    }

    /// A mark for the folder, should it turn out to be empty.
    pub(crate) fn draw_store_id() -> io::Result<StoreId> {
        Ok(getrandom::u64().map(StoreId)?)
    }

    fn file(&mut self, name: &str, make: bool) -> io::Result<&File> {
        let reusable = self.open.take().filter(|(open, _)| open == name);
        let entry = match reusable {
            Some(entry) => entry,
            None => (name.to_owned(), Arc::new(self.open_file(name, make)?)),
        };
        Ok(&self.open.insert(entry).1)
    }

    fn open_file(&self, name: &str, make: bool) -> io::Result<File> {
        File::options()
            .create(make)
            .truncate(false)
            .read(true)
            .write(true)
            .open(self.folder.join(name))
    }
}

impl Disk for RealDisk {
    fn list(&self) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in fs::read_dir(&self.folder)? {
            names.extend(entry?.file_name().into_string());
        }
        names.sort();
        Ok(names)
    }

    fn size(&self, name: &str) -> io::Result<u64> {
        Ok(fs::metadata(self.folder.join(name))?.len())
    }

    fn read_at(&mut self, name: &str, offset: u64, into: &mut [u8]) -> io::Result<usize> {
        self.file(name, false)?.read_at(into, offset)
    }

    fn write_at(&mut self, name: &str, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.file(name, true)?.write_all_at(bytes, offset)
    }

    fn sync(&mut self, name: &str) -> io::Result<()> {
        self.file(name, false)?.sync_data()
    }

    fn rename(&mut self, from: &str, to: &str) -> io::Result<()> {
        self.open = None;
        fs::rename(self.folder.join(from), self.folder.join(to))
    }

    fn remove(&mut self, name: &str) -> io::Result<()> {
        self.open = None;
        fs::remove_file(self.folder.join(name))
    }

    fn sync_names(&mut self) -> io::Result<()> {
        File::open(&self.folder)?.sync_all()
    }
}
