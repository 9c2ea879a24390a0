//! Nodes that lose everything they had stored.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};
use nemesis::NodeName;
use serde::Serialize;
use serde_json::{Value, json};

use super::{Cluster, NodeFault};

/// What was wiped.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
struct Wiped {
    files: u64,
    bytes: u64,
}

impl Cluster {
    /// Kills a running node, empties its data folder and starts it again, under its old name; the answer is the evidence.
    pub(crate) fn wipe(&self, name: &NodeName) -> Result<Value> {
        let killed = self.strike(NodeFault::Kill, name)?;
        let data = self.node(name).data.clone();
        let wiped = empty(&data).with_context(|| format!("cannot empty {}", data.display()));
        if let Ok(disk) = &self.node(name).disk {
            // What is gone does not come back with a loss of power.
            disk.settle()?;
        }
        self.revive(NodeFault::Kill, name)?;
        Ok(json!({ "killed": killed, "wiped": wiped? }))
    }
}

/// Removes what is in a folder, and counts it.
fn empty(folder: &Path) -> Result<Wiped> {
    let mut wiped = Wiped::default();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            let below = empty(&entry.path())?;
            wiped.files += below.files;
            wiped.bytes += below.bytes;
            fs::remove_dir(entry.path())?;
        } else {
            wiped.files += 1;
            wiped.bytes += entry.metadata()?.len();
            fs::remove_file(entry.path())?;
        }
    }
    Ok(wiped)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_emptied_and_stays() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir_all(folder.path().join("a/b")).unwrap();
        fs::write(folder.path().join("a/b/log"), "12345").unwrap();
        fs::write(folder.path().join("mark"), "1").unwrap();
        let wiped = empty(folder.path()).unwrap();
        assert_eq!(wiped, Wiped { files: 2, bytes: 6 });
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
        assert_eq!(empty(folder.path()).unwrap(), Wiped::default());
    }
}
