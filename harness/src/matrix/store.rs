//! `matrix.jsonl`: a line for each run that was made, so that nothing is made twice.

use std::fs::{File, OpenOptions};
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use anyhow::{Context as _, Result, bail};
use serde::{Deserialize, Serialize};

use super::outcome::Outcome;

/// Version of a line; a change of a field's meaning is a new one.
const VERSION: u32 = 1;

/// What is remembered of one run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Record {
    version: u32,
    /// The planted bug; none of the healthy node.
    pub bug: Option<String>,
    pub seed: u32,
    /// The arguments of `run`, which tell runs apart.
    pub arguments: Vec<String>,
    pub outcome: Outcome,
    /// How long the run took, start and end included.
    pub took_ms: u64,
    /// Where the run is, if its folder was kept.
    pub folder: Option<PathBuf>,
}

impl Record {
    pub(super) fn new(
        bug: Option<String>,
        seed: u32,
        arguments: Vec<String>,
        outcome: Outcome,
        took_ms: u64,
    ) -> Self {
        Self {
            version: VERSION,
            bug,
            seed,
            arguments,
            outcome,
            took_ms,
            folder: None,
        }
    }
}

/// The file and what it says.
#[derive(Debug)]
pub(super) struct Store {
    file: Mutex<File>,
    path: PathBuf,
    records: Mutex<Vec<Record>>,
}

impl Store {
    /// Reads what is there. A last line that a crash cut short is forgotten: its run is made again.
    pub(super) fn open(out: &Path) -> Result<Self> {
        std::fs::create_dir_all(out)
            .with_context(|| format!("cannot create {}; choose another --out", out.display()))?;
        let path = out.join("matrix.jsonl");
        let opened = || -> Result<(File, Vec<Record>)> {
            let mut options = OpenOptions::new();
            let mut file = options.create(true).read(true).append(true).open(&path)?;
            let (records, whole) = read(&file)?;
            if whole < file.metadata()?.len() {
                file.set_len(whole)?;
            }
            file.flush()?;
            Ok((file, records))
        };
        let (file, records) = opened().with_context(|| {
            let path = path.display();
            format!("cannot use {path}; move it away, or choose another --out")
        })?;
        Ok(Self {
            file: Mutex::new(file),
            path,
            records: Mutex::new(records),
        })
    }

    /// Everything so far.
    pub(super) fn records(&self) -> Vec<Record> {
        lock(&self.records).clone()
    }

    pub(super) fn add(&self, record: Record) -> Result<()> {
        let line = serde_json::to_string(&record).context("a record is JSON")?;
        writeln!(lock(&self.file), "{line}")
            .with_context(|| format!("cannot write {}", self.path.display()))?;
        lock(&self.records).push(record);
        Ok(())
    }
}

/// The records, and how many bytes their lines take.
fn read(file: &File) -> Result<(Vec<Record>, u64)> {
    let (mut records, mut whole) = (Vec::new(), 0);
    let mut lines = BufReader::new(file);
    for number in 1_usize.. {
        let mut line = String::new();
        let bytes = lines.read_line(&mut line)?;
        if !line.ends_with('\n') {
            break;
        }
        let record: Record =
            serde_json::from_str(&line).with_context(|| format!("line {number}"))?;
        if record.version != VERSION {
            bail!("line {number} has version {}", record.version);
        }
        records.push(record);
        whole += bytes as u64;
    }
    Ok((records, whole))
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_is_read_again_and_a_cut_line_is_forgotten() {
        let out = tempfile::tempdir().unwrap();
        let record = |seed: u32| {
            let arguments = vec!["--seed".to_owned(), seed.to_string()];
            Record::new(None, seed, arguments, Outcome::broken("test"), 5)
        };
        let store = Store::open(out.path()).unwrap();
        store.add(record(1)).unwrap();
        store.add(record(2)).unwrap();
        drop(store);
        let path = out.path().join("matrix.jsonl");
        let bytes = std::fs::read(&path).unwrap();
        std::fs::write(&path, &bytes[..bytes.len() - 9]).unwrap();
        let store = Store::open(out.path()).unwrap();
        assert_eq!(store.records(), [record(1)]);
        store.add(record(3)).unwrap();
        drop(store);
        let again: Vec<Record> = Store::open(out.path()).unwrap().records();
        assert_eq!(again, [record(1), record(3)]);
    }

    #[test]
    fn a_file_that_is_something_else_is_not_overwritten() {
        let out = tempfile::tempdir().unwrap();
        let path = out.path().join("matrix.jsonl");
        std::fs::write(&path, "precious\n").unwrap();
        let error = format!("{:#}", Store::open(out.path()).unwrap_err());
        assert!(error.contains("line 1"), "{error}");
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "precious\n");
    }
}
