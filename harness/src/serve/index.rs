//! All runs below the folder, read once and again when they change.
//!
//! Each look walks the folders, which is a matter of milliseconds for thousands of runs; a result is only read when it is
//! new or another one. Nothing but what a list shows is kept of it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::SystemTime;

use reports::site::{Entry, State};

use super::folders::{Found, Place, runs};
use super::reading::entry;
use super::root::Root;

/// Most threads that read results.
const MAX_READERS: usize = 8;

/// The runs below a folder.
///
/// - A run that is over, and was read, is not read again while its `result.json` is the same file.
/// - What is not there any more is forgotten.
#[derive(Debug)]
pub(super) struct Index {
    root: Arc<Root>,
    known: Mutex<BTreeMap<String, Known>>,
}

#[derive(Debug, Clone)]
struct Known {
    stamp: Option<Stamp>,
    entry: Arc<Entry>,
}

/// What changes when a result does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stamp {
    modified: SystemTime,
    bytes: u64,
}

impl Index {
    pub(super) fn new(root: Arc<Root>) -> Self {
        Self {
            root,
            known: Mutex::default(),
        }
    }

    /// Every run there is now, newest first.
    pub(super) fn all(&self) -> Vec<Arc<Entry>> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let found = runs(self.root.path());
        let (kept, new): (Vec<_>, Vec<_>) = found
            .into_iter()
            .map(|found| self.recalled(&known, found))
            .partition(|look| look.known.is_some());
        let kept = kept
            .into_iter()
            .filter_map(|look| Some((look.found.id, look.known?)));
        *known = kept.chain(self.read(&new)).collect();
        let mut all: Vec<Arc<Entry>> = known.values().map(|run| Arc::clone(&run.entry)).collect();
        drop(known);
        all.sort_by(|one, other| (&other.started, &other.id).cmp(&(&one.started, &one.id)));
        all
    }

    /// The run that an address begins with, and the rest of the address.
    pub(super) fn find<'a>(&self, address: &'a str) -> Option<(Arc<Entry>, &'a str)> {
        self.all().into_iter().find_map(|entry| {
            let rest = address.strip_prefix(&entry.id)?;
            let rest = match rest {
                "" => rest,
                rest => rest.strip_prefix('/')?,
            };
            Some((entry, rest))
        })
    }

    fn recalled(&self, known: &BTreeMap<String, Known>, found: Found) -> Look {
        let stamp = self.stamp(&found);
        let same = known.get(&found.id).filter(|run| {
            let is_over = match run.entry.state {
                State::Judged(_) | State::Broken(_) => true,
                State::UnderWay(_) | State::Unfinished(_) => false,
            };
            is_over && stamp.is_some() && run.stamp == stamp
        });
        Look {
            known: same.cloned(),
            found,
            stamp,
        }
    }

    fn stamp(&self, found: &Found) -> Option<Stamp> {
        if found.place != Place::Folder {
            return None;
        }
        let path = self.root.path().join(&found.id).join("result.json");
        let metadata = path.symlink_metadata().ok()?;
        Some(Stamp {
            modified: metadata.modified().ok()?,
            bytes: metadata.len(),
        })
    }

    /// Reads these runs, on several threads where there are many.
    fn read(&self, new: &[Look]) -> Vec<(String, Known)> {
        let readers = thread::available_parallelism().map_or(1, usize::from);
        let share = new.len().div_ceil(readers.min(MAX_READERS)).max(1);
        let known = |look: &Look| {
            let entry = Arc::new(entry(&self.root, &look.found));
            (
                look.found.id.clone(),
                Known {
                    stamp: look.stamp,
                    entry,
                },
            )
        };
        thread::scope(|scope| {
            let reading: Vec<_> = new
                .chunks(share)
                .map(|share| scope.spawn(move || share.iter().map(known).collect::<Vec<_>>()))
                .collect();
            reading
                .into_iter()
                .flat_map(|reader| reader.join().expect("reading a run does not panic"))
                .collect()
        })
    }
}

/// A run that was found, and what is known of it already.
#[derive(Debug)]
struct Look {
    found: Found,
    stamp: Option<Stamp>,
    known: Option<Known>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(index: &Index) -> Vec<(String, &'static str)> {
        let all = index.all();
        all.iter()
            .map(|entry| (entry.id.clone(), entry.verdict().name()))
            .collect()
    }

    #[test]
    fn runs_come_change_and_go() {
        let folder = tempfile::tempdir().unwrap();
        let root = Arc::new(Root::open(folder.path()).unwrap());
        let index = Index::new(root);
        assert_eq!(names(&index), []);
        let (old, new) = ("20261121T140754.034Z", "20261121T140754.035Z");
        std::fs::create_dir(folder.path().join(old)).unwrap();
        let made = folder.path().join(new);
        std::fs::create_dir(&made).unwrap();
        std::fs::write(made.join("config.json"), r#"{"workload":"register"}"#).unwrap();
        let both = [(new.to_owned(), "unfinished"), (old.to_owned(), "broken")];
        assert_eq!(names(&index), both);
        let live = crate::run::Live::create(&made.join(crate::run::LIVE)).unwrap();
        assert_eq!(names(&index)[0].1, "under way");
        std::fs::write(made.join("result.json"), "{").unwrap();
        assert_eq!(
            names(&index)[0].1,
            "under way",
            "its result is being written"
        );
        drop(live);
        assert_eq!(names(&index)[0].1, "broken");
        let address = format!("{new}/data/n1/x");
        let (found, rest) = index.find(&address).unwrap();
        assert_eq!((found.id.as_str(), rest), (new, "data/n1/x"));
        assert!(index.find(&format!("{new}x")).is_none());
        std::fs::remove_dir_all(&made).unwrap();
        assert_eq!(names(&index), [(old.to_owned(), "broken")]);
    }
}
