//! Tables on disk for states to rest on, on [redb](https://docs.rs/redb).
//!
//! redb is a copy-on-write tree in one file whose read transactions keep seeing what they saw: each of them is a
//! [`Base`]. The next one is made beside it by a write transaction, while the state reads on.
//!
//! What makes a state durable are its snapshot and the log behind that; a table is made anew from them at each start. So
//! the file is never synced, and it is there only as long as a state rests on it.

use std::{
    fs::{self, File},
    io,
    os::unix::fs::FileExt as _,
    path::{Path, PathBuf},
    sync::{Arc, OnceLock},
};

use redb::{Database, ReadOnlyTable, ReadableDatabase as _, ReadableTable as _, StorageBackend};

use crate::kv::{Base, BaseError, Changes, JsonText, Key};

/// Memory for pages of one table.
const CACHE_BYTES: usize = 16 << 20;

const VALUES: redb::TableDefinition<'_, &str, &str> = redb::TableDefinition::new("values");

/// The folder of the tables of one node.
#[derive(Debug)]
pub(crate) struct Tables {
    folder: PathBuf,
    made: u64,
    fault: Fault,
}

/// The first failure of any table of a node.
#[derive(Debug, Clone, Default)]
struct Fault(Arc<OnceLock<BaseError>>);

impl Tables {
    /// Opens a folder, making it if need be; what is in it goes.
    pub(crate) fn open(folder: &Path) -> io::Result<Self> {
        Self::remove(folder)?;
        fs::create_dir_all(folder)?;
        Ok(Self {
            folder: folder.into(),
            made: 0,
            fault: Fault::default(),
        })
    }

    /// Removes what a node left that was killed.
    pub(crate) fn remove(folder: &Path) -> io::Result<()> {
        if fs::exists(folder)? {
            fs::remove_dir_all(folder)?;
        }
        Ok(())
    }

    /// Makes an empty table.
    pub(crate) fn make(&mut self) -> Result<Arc<dyn Base>, BaseError> {
        self.made += 1;
        let path = self.folder.join(format!("values-{}.redb", self.made));
        let options = File::options()
            .create_new(true)
            .read(true)
            .write(true)
            .open(&path);
        let file = options.map_err(|error| self.fault.set("make", &path, &error))?;
        empty(Unsynced(file), &path, &self.fault, CACHE_BYTES)
    }
}

impl Fault {
    /// The failure of `path`; it stays if it is the first.
    fn set(&self, action: &'static str, path: &Path, cause: &impl ToString) -> BaseError {
        let error = BaseError {
            action,
            file: path.display().to_string(),
            cause: cause.to_string(),
        };
        self.0.get_or_init(|| error.clone());
        error
    }
}

fn empty(
    backend: impl StorageBackend,
    path: &Path,
    fault: &Fault,
    cache_bytes: usize,
) -> Result<Arc<dyn Base>, BaseError> {
    let mut builder = Database::builder();
    builder.set_cache_size(cache_bytes);
    let made = builder.create_with_backend(backend);
    let failed = |error: redb::Error| fault.set("make", path, &error);
    let table = TableFile {
        database: made.map_err(|error| failed(error.into()))?,
        path: path.into(),
        fault: fault.clone(),
    };
    table.change(&Changes::new()).map_err(failed)?;
    let values = table.values().map_err(failed)?;
    let file = Arc::new(table);
    Ok(Arc::new(Table { values, file }))
}

/// A file that is removed when no state rests on it any more.
#[derive(Debug)]
struct TableFile {
    database: Database,
    path: PathBuf,
    fault: Fault,
}

impl TableFile {
    fn change(&self, changes: &Changes) -> Result<(), redb::Error> {
        let transaction = self.database.begin_write()?;
        let mut values = transaction.open_table(VALUES)?;
        for (key, value) in changes {
            match value {
                Some(value) => values.insert(key.as_str(), value.as_str())?,
                None => values.remove(key.as_str())?,
            };
        }
        drop(values);
        Ok(transaction.commit()?)
    }

    fn values(&self) -> Result<Values, redb::Error> {
        Ok(self.database.begin_read()?.open_table(VALUES)?)
    }

    fn failed(&self, action: &'static str, cause: &impl ToString) -> BaseError {
        self.fault.set(action, &self.path, cause)
    }
}

impl Drop for TableFile {
    fn drop(&mut self) {
        // One that stays is removed at the next start.
        let _ = fs::remove_file(&self.path);
    }
}

type Values = ReadOnlyTable<&'static str, &'static str>;

/// A table as it was after one change.
struct Table {
    values: Values,
    file: Arc<TableFile>,
}

impl std::fmt::Debug for Table {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Table({})", self.file.path.display())
    }
}

impl Base for Table {
    fn get(&self, key: &Key) -> Option<JsonText> {
        match self.values.get_owned(key.as_str()) {
            Ok(found) => found.map(|value| JsonText::stored(value.value())),
            Err(error) => {
                self.file.failed("read", &error);
                None
            }
        }
    }

    fn iter(&self) -> Box<dyn Iterator<Item = (Key, JsonText)> + '_> {
        let failed = |error: redb::StorageError| self.file.failed("read", &error);
        let entries = self.values.iter().map_err(failed).into_iter().flatten();
        let whole = entries.map_while(move |entry| entry.map_err(failed).ok());
        Box::new(whole.map(|(key, value)| (key.value().into(), JsonText::stored(value.value()))))
    }

    fn with(&self, changes: &Changes) -> Result<Arc<dyn Base>, BaseError> {
        let failed = |error: redb::Error| self.file.failed("write", &error);
        self.file.change(changes).map_err(failed)?;
        let values = self.file.values().map_err(failed)?;
        let file = self.file.clone();
        Ok(Arc::new(Self { values, file }))
    }

    fn fault(&self) -> Option<BaseError> {
        self.file.fault.0.get().cloned()
    }
}

/// The file under a table, without syncs.
#[derive(Debug)]
struct Unsynced(File);

impl StorageBackend for Unsynced {
    fn len(&self) -> io::Result<u64> {
        Ok(self.0.metadata()?.len())
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.0.read_exact_at(out, offset)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.0.set_len(len)
    }

    fn sync_data(&self) -> io::Result<()> {
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.0.write_all_at(data, offset)
    }
}

#[cfg(test)]
mod tests;
