//! The followers of runs under way. Each look reads what was appended since the last, and no more.

use std::collections::BTreeMap;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use reports::site::{Quantiles, Snapshot};

use super::follower::Follower;
use super::root::Root;
use crate::run::LIVE;

const HISTORY: &str = "history.jsonl";
/// Most runs that are followed; when there are more, all begin anew.
const MAX_FOLLOWED: usize = 16;
/// Bytes that are read at once.
const PIECE_BYTES: usize = 1024 * 1024;
/// A longer history is not read for the sake of its latencies.
const MAX_MEASURED_BYTES: u64 = 256 * 1024 * 1024;

/// Followers by the run's folder.
#[derive(Debug)]
pub(super) struct Watches {
    root: Arc<Root>,
    followed: Mutex<BTreeMap<String, Arc<Mutex<Watched>>>>,
}

/// A run, and how far its files were read.
#[derive(Debug)]
struct Watched {
    follower: Follower,
    history_bytes: u64,
    live_bytes: u64,
    cut_sign: Vec<u8>,
}

impl Watches {
    pub(super) fn new(root: Arc<Root>) -> Self {
        Self {
            root,
            followed: Mutex::default(),
        }
    }

    /// What the run has come to by now.
    pub(super) fn look(&self, id: &str) -> Snapshot {
        let watched = self.watched(id);
        let mut watched = lock(&watched);
        // A file that is not there yet has said nothing yet.
        let _ = watched.catch_up(&self.root, id);
        watched.follower.snapshot()
    }

    /// The run is over.
    pub(super) fn forget(&self, id: &str) {
        lock(&self.followed).remove(id);
    }

    /// Latencies of a whole run.
    pub(super) fn measure(&self, id: &str) -> Option<Quantiles> {
        let (file, metadata) = self.root.file(&format!("{id}/{HISTORY}")).ok()?;
        if metadata.len() > MAX_MEASURED_BYTES {
            return None;
        }
        let mut follower = Follower::new();
        pieces(file, |piece| follower.push(piece)).ok()?;
        follower.overall()
    }

    fn watched(&self, id: &str) -> Arc<Mutex<Watched>> {
        let mut followed = lock(&self.followed);
        if followed.len() >= MAX_FOLLOWED && !followed.contains_key(id) {
            followed.clear();
        }
        let watched = followed.entry(id.to_owned()).or_default();
        Arc::clone(watched)
    }
}

impl Default for Watched {
    fn default() -> Self {
        Self {
            follower: Follower::new(),
            history_bytes: 0,
            live_bytes: 0,
            cut_sign: Vec::new(),
        }
    }
}

impl Watched {
    fn catch_up(&mut self, root: &Root, id: &str) -> io::Result<()> {
        let (mut history, metadata) = root.file(&format!("{id}/{HISTORY}"))?;
        if metadata.len() < self.history_bytes {
            // Another run has taken its place.
            *self = Self::default();
        }
        history.seek(SeekFrom::Start(self.history_bytes))?;
        self.history_bytes += pieces(history, |piece| self.follower.push(piece))?;
        let (mut live, _) = root.file(&format!("{id}/{LIVE}"))?;
        live.seek(SeekFrom::Start(self.live_bytes))?;
        let mut appended = std::mem::take(&mut self.cut_sign);
        self.live_bytes += live.read_to_end(&mut appended)? as u64;
        for line in appended.split_inclusive(|byte| *byte == b'\n') {
            match line.ends_with(b"\n") {
                true => self.follower.sign(line),
                false => self.cut_sign = line.to_vec(),
            }
        }
        Ok(())
    }
}

/// Reads to the end, piece by piece, and tells how many bytes that were.
fn pieces(mut file: impl io::Read, mut take: impl FnMut(&[u8])) -> io::Result<u64> {
    let mut piece = vec![0; PIECE_BYTES];
    let mut bytes = 0;
    loop {
        match file.read(&mut piece)? {
            0 => return Ok(bytes),
            read => {
                take(&piece[..read]);
                bytes += read as u64;
            }
        }
    }
}

fn lock<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write as _;

    #[test]
    fn each_look_reads_what_was_appended() {
        let folder = tempfile::tempdir().unwrap();
        let root = Arc::new(Root::open(folder.path()).unwrap());
        let watches = Watches::new(root);
        std::fs::create_dir(folder.path().join("run")).unwrap();
        assert_eq!(watches.look("run"), Snapshot::default());
        let file =
            |name: &str| std::fs::File::create(folder.path().join("run").join(name)).unwrap();
        let (mut history, mut live) = (file(HISTORY), file(LIVE));
        let call = |process| {
            format!(
                "{{\"index\":0,\"time\":7,\"process\":{process},\"type\":\"invoke\",\"f\":\"read\"}}\n"
            )
        };
        history.write_all(call(1).as_bytes()).unwrap();
        live.write_all(b"{\"phase\":\"one\"}\n{\"pha").unwrap();
        let now = watches.look("run");
        assert_eq!((now.open, now.phase.as_str()), (1, "one"));
        history.write_all(call(2).as_bytes()).unwrap();
        live.write_all(b"se\":\"two\"}\n").unwrap();
        let now = watches.look("run");
        assert_eq!((now.open, now.phase.as_str()), (2, "two"));
        assert_eq!(watches.look("run"), now, "nothing was appended");
        let mut history = file(HISTORY);
        history.write_all(call(3).as_bytes()).unwrap();
        assert_eq!(watches.look("run").open, 1, "another history");
    }
}
