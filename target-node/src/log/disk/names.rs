//! Names of files, and changes of them that are not durable yet.

use std::collections::BTreeMap;

/// Files by their names; a file is a number.
pub(super) type Names = BTreeMap<String, u64>;

/// A change of names.
#[derive(Debug, Clone)]
pub(super) enum Change {
    Create { name: String, file: u64 },
    Rename { from: String, to: String },
    Remove { name: String },
}

impl Change {
    /// Changes nothing if the name is not there: an earlier change was lost.
    pub(super) fn apply(self, names: &mut Names) {
        match self {
            Self::Create { name, file } => {
                names.insert(name, file);
            }
            Self::Rename { from, to } => {
                if let Some(file) = names.remove(&from) {
                    names.insert(to, file);
                }
            }
            Self::Remove { name } => {
                names.remove(&name);
            }
        }
    }
}
