//! A file of JSON lines that only grows: whatever ends the program, what was written stays.
//!
//! A line is written in one piece and then synced, so that a crash can tear the last line only. Such a line is forgotten; any
//! other line that cannot be read is an error, since forgetting it would be a loss that nobody notices.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// How often, and how long apart, it is tried to be the only one who writes.
const TRIES: u32 = 20;
const BETWEEN_TRIES: Duration = Duration::from_millis(100);

/// What a line of a journal says.
pub(crate) trait Line: Clone + Serialize + DeserializeOwned {
    /// The version that is written and read; a change of a field's meaning is a new one.
    const VERSION: u32;

    /// The version of this line.
    fn version(&self) -> u32;
}

/// The file and what it says. One process at a time has it open.
#[derive(Debug)]
pub(crate) struct Journal<L> {
    file: Mutex<File>,
    path: PathBuf,
    lines: Mutex<Vec<L>>,
}

impl<L: Line> Journal<L> {
    /// Opens the file, or makes it. A last line that a crash cut short is taken away.
    pub(crate) fn open(path: PathBuf) -> Result<Self> {
        let opened = || -> Result<(File, Vec<L>)> {
            let mut options = OpenOptions::new();
            let file = options.create(true).read(true).append(true).open(&path)?;
            lock(&file)?;
            let (lines, whole) = read(&file)?;
            if whole < file.metadata()?.len() {
                file.set_len(whole)?;
            }
            Ok((file, lines))
        };
        let (file, lines) = opened().with_context(|| unusable(&path))?;
        Ok(Self {
            file: Mutex::new(file),
            path,
            lines: Mutex::new(lines),
        })
    }

    /// What a file says, without touching it; nothing where there is none.
    pub(crate) fn peek(path: &Path) -> Result<Vec<L>> {
        if !path.exists() {
            return Ok(Vec::new());
        }
        let read = || -> Result<Vec<L>> { Ok(read(&File::open(path)?)?.0) };
        read().with_context(|| unusable(path))
    }

    /// Everything so far.
    pub(crate) fn lines(&self) -> Vec<L> {
        held(&self.lines).clone()
    }

    pub(crate) fn add(&self, line: L) -> Result<()> {
        let mut text = serde_json::to_string(&line).context("a line is JSON")?;
        text.push('\n');
        let file = held(&self.file);
        (&*file)
            .write_all(text.as_bytes())
            .and_then(|()| file.sync_data())
            .with_context(|| format!("cannot write {}", self.path.display()))?;
        held(&self.lines).push(line);
        Ok(())
    }
}

fn unusable(path: &Path) -> String {
    let path = path.display();
    format!("cannot use {path}; move it away, or choose another --out")
}

/// Whoever was killed a moment ago may have it still.
fn lock(file: &File) -> Result<()> {
    for _ in 0..TRIES {
        match file.try_lock() {
            Ok(()) => return Ok(()),
            Err(TryLockError::WouldBlock) => thread::sleep(BETWEEN_TRIES),
            Err(TryLockError::Error(error)) => return Err(error).context("cannot lock it"),
        }
    }
    bail!("another adrasteia is writing it")
}

/// The lines, and how many bytes they take.
fn read<L: Line>(file: &File) -> Result<(Vec<L>, u64)> {
    let (mut lines, mut whole) = (Vec::new(), 0);
    let mut bytes = BufReader::new(file);
    for number in 1_usize.. {
        let mut text = Vec::new();
        let length = bytes.read_until(b'\n', &mut text)?;
        if !text.ends_with(b"\n") {
            break;
        }
        let line: L = serde_json::from_slice(&text).with_context(|| format!("line {number}"))?;
        if line.version() != L::VERSION {
            bail!("line {number} has version {}", line.version());
        }
        lines.push(line);
        whole += length as u64;
    }
    Ok((lines, whole))
}

fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
    struct Note {
        version: u32,
        text: String,
    }

    impl Line for Note {
        const VERSION: u32 = 1;

        fn version(&self) -> u32 {
            self.version
        }
    }

    fn note(text: &str) -> Note {
        Note {
            version: 1,
            text: text.to_owned(),
        }
    }

    #[test]
    fn a_line_that_was_cut_anywhere_is_forgotten_and_the_others_stay() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notes.jsonl");
        assert_eq!(Journal::<Note>::peek(&path).unwrap(), []);
        let journal = Journal::open(path.clone()).unwrap();
        journal.add(note("first")).unwrap();
        let whole = std::fs::metadata(&path).unwrap().len() as usize;
        journal.add(note("zwölf")).unwrap();
        drop(journal);
        let bytes = std::fs::read(&path).unwrap();
        for end in whole..bytes.len() {
            std::fs::write(&path, &bytes[..end]).unwrap();
            assert_eq!(Journal::<Note>::peek(&path).unwrap(), [note("first")]);
            let journal = Journal::open(path.clone()).unwrap();
            journal.add(note("third")).unwrap();
            assert_eq!(journal.lines(), [note("first"), note("third")]);
            drop(journal);
            assert_eq!(
                Journal::<Note>::peek(&path).unwrap(),
                [note("first"), note("third")],
                "cut after {end} bytes"
            );
        }
    }

    #[test]
    fn what_is_damaged_or_of_another_release_is_named_and_not_forgotten() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notes.jsonl");
        for (text, named) in [
            ("{\"version\":1,\"text\":\"a\"}\n{\"ver\n", "line 2"),
            ("{\"version\":2,\"text\":\"a\"}\n", "version 2"),
        ] {
            std::fs::write(&path, text).unwrap();
            let error = Journal::<Note>::open(path.clone()).unwrap_err();
            let error = format!("{error:#}");
            assert!(error.contains(named) && error.contains("--out"), "{error}");
            assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
        }
    }

    #[test]
    fn two_do_not_write_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notes.jsonl");
        let first = Journal::<Note>::open(path.clone()).unwrap();
        let error = format!("{:#}", Journal::<Note>::open(path.clone()).unwrap_err());
        assert!(error.contains("another adrasteia"), "{error}");
        drop(first);
        assert!(Journal::<Note>::open(path).is_ok());
    }
}
