//! The few file operations a log needs, so that tests can put a failing disk under it.

use std::{
    fs::{self, File},
    io,
    os::unix::fs::FileExt as _,
    path::{Path, PathBuf},
};

/// A folder of files. What was written survives a crash only once it was synced; so do names.
pub(crate) trait Disk {
    /// The names of all files, sorted.
    fn list(&self) -> io::Result<Vec<String>>;
    fn read(&self, name: &str) -> io::Result<Vec<u8>>;
    /// Writes at an offset; makes the file when there is none.
    fn write_at(&mut self, name: &str, offset: u64, bytes: &[u8]) -> io::Result<()>;
    /// Makes the content of a file durable.
    fn sync(&mut self, name: &str) -> io::Result<()>;
    fn rename(&mut self, from: &str, to: &str) -> io::Result<()>;
    fn remove(&mut self, name: &str) -> io::Result<()>;
    /// Makes the names in the folder durable.
    fn sync_names(&mut self) -> io::Result<()>;
}

/// A folder of the file system, held by one process at a time.
#[derive(Debug)]
pub(crate) struct RealDisk {
    folder: PathBuf,
    /// The file written last, kept open.
    open: Option<(String, File)>,
    _lock: File,
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
            folder: folder.to_owned(),
            open: None,
            _lock: lock,
        })
    }

    fn file(&mut self, name: &str) -> io::Result<&File> {
        let reusable = self.open.take().filter(|(open, _)| open == name);
        let entry = match reusable {
            Some(entry) => entry,
            None => (name.to_owned(), self.open_for_writing(name)?),
        };
        Ok(&self.open.insert(entry).1)
    }

    fn open_for_writing(&self, name: &str) -> io::Result<File> {
        File::options()
            .create(true)
            .truncate(false)
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

    fn read(&self, name: &str) -> io::Result<Vec<u8>> {
        fs::read(self.folder.join(name))
    }

    fn write_at(&mut self, name: &str, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.file(name)?.write_all_at(bytes, offset)
    }

    fn sync(&mut self, name: &str) -> io::Result<()> {
        self.file(name)?.sync_data()
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
