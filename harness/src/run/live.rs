//! `live.jsonl`: that a run is under way, what it is doing, and what its nodes say of themselves, for whoever watches it.
//!
//! The running harness holds a lock on the file. The kernel takes it away when the harness ends, however that comes, so a run
//! that was killed is told from one that is under way without a guess about times or process numbers. Lines are appended
//! when something changes; nothing of them goes into the verdict.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Write as _;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, Result};
use serde::{Deserialize, Serialize};

use super::leaders::Leaders;

/// The file's name in the run folder.
pub(crate) const LIVE: &str = "live.jsonl";
/// How often nodes' words are looked at.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// A line of the file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Sign {
    /// What the run does from now on, in words.
    Phase(String),
    /// What a node says of itself from now on.
    Node(NodeSign),
}

/// What a node says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct NodeSign {
    pub name: String,
    pub answers: bool,
    pub role: Option<String>,
    pub term: Option<u64>,
}

/// The file, and the lock on it; clones write to the same.
#[derive(Debug, Clone)]
pub(crate) struct Live {
    file: Arc<Mutex<File>>,
}

impl Live {
    /// Makes the file and takes the lock.
    pub(crate) fn create(path: &Path) -> Result<Self> {
        let file =
            File::create(path).with_context(|| format!("cannot create {}", path.display()))?;
        // Whoever looks for the lock holds it for a moment. A file system without locks has nothing to wait for: there the
        // run is not shown as under way.
        let _ = file.lock();
        Ok(Self {
            file: Arc::new(Mutex::new(file)),
        })
    }

    /// The run does something else from now on.
    pub(crate) fn phase(&self, words: &str) {
        self.append(&Sign::Phase(words.to_owned()));
    }

    /// Writes down what these nodes say whenever it changes; ends with the runtime.
    pub(crate) async fn follow(self, leaders: Leaders, nodes: Vec<String>) {
        let mut known = BTreeMap::new();
        let mut every = tokio::time::interval(LOOK_EVERY);
        loop {
            every.tick().await;
            for name in &nodes {
                let (answers, said) = leaders.said(name);
                let sign = NodeSign {
                    name: name.clone(),
                    answers,
                    role: said.role,
                    term: said.term,
                };
                if known.get(name) != Some(&sign) {
                    self.append(&Sign::Node(sign.clone()));
                    known.insert(name.clone(), sign);
                }
            }
        }
    }

    /// A line that cannot be written is missed by those who watch, and by nobody else.
    fn append(&self, sign: &Sign) {
        let mut line = serde_json::to_vec(sign).expect("a sign is JSON");
        line.push(b'\n');
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        let _ = file.write_all(&line);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lock_goes_with_the_last_who_writes() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(LIVE);
        let live = Live::create(&path).unwrap();
        let other = live.clone();
        live.phase("clients at work");
        drop(live);
        let reader = File::open(&path).unwrap();
        assert!(reader.try_lock_shared().is_err(), "somebody still writes");
        drop(other);
        assert!(reader.try_lock_shared().is_ok());
        let text = std::fs::read_to_string(&path).unwrap();
        let sign: Sign = serde_json::from_str(text.trim_end()).unwrap();
        assert_eq!(sign, Sign::Phase("clients at work".to_owned()));
    }
}
