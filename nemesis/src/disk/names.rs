//! Which changes of names a loss of power would take away.
//!
//! Changes are kept in the order in which they were made until they are durable. To sync a folder makes durable every
//! change that touches it, and with each of these whatever came before in the folders that it touches: a change is never
//! on the disk before one on which it builds. What is left is undone backwards.
//!
//! A new folder touches its parent and itself, so that to sync it makes it reachable. A rename touches both folders and is
//! on the disk in both or in none.

use std::collections::BTreeSet;
use std::ffi::OsString;

/// A folder or file, for as long as the disk is mounted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct NodeId(pub(super) u64);

/// Where something that was removed is kept until that is durable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Slot(pub(super) u64);

/// A name in a folder.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    pub(super) folder: NodeId,
    pub(super) name: OsString,
}

/// A change of names, with what it takes to undo it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Change {
    /// A name was made; if for a new folder, which.
    Make {
        place: Place,
        folder: Option<NodeId>,
    },
    /// A name was taken away; if that of a folder, which.
    Remove {
        place: Place,
        folder: Option<NodeId>,
        kept: Slot,
    },
    /// A name was changed; what had the new one before is kept.
    Rename {
        from: Place,
        to: Place,
        replaced: Option<Slot>,
    },
}

impl Change {
    /// The folders it is a change of.
    fn touches(&self) -> [Option<NodeId>; 2] {
        match self {
            Change::Make { place, folder } | Change::Remove { place, folder, .. } => {
                [Some(place.folder), *folder]
            }
            Change::Rename { from, to, .. } => [Some(from.folder), Some(to.folder)],
        }
    }

    /// What need not be kept any more once it is durable.
    pub(super) fn kept(&self) -> Option<Slot> {
        match self {
            Change::Make { .. } => None,
            Change::Remove { kept, .. } => Some(*kept),
            Change::Rename { replaced, .. } => *replaced,
        }
    }
}

/// The changes that are not durable, in the order in which they were made.
#[derive(Debug, Default)]
pub(super) struct Names(Vec<Change>);

impl Names {
    pub(super) fn record(&mut self, change: Change) {
        self.0.push(change);
    }

    pub(super) fn pending(&self) -> usize {
        self.0.len()
    }

    /// The folder is synced: what is durable by that, in order.
    pub(super) fn sync(&mut self, folder: NodeId) -> Vec<Change> {
        let mut folders = BTreeSet::from([folder]);
        let (mut durable, mut pending) = (Vec::new(), Vec::new());
        for change in std::mem::take(&mut self.0).into_iter().rev() {
            let touched = change.touches().into_iter().flatten();
            if touched.clone().any(|folder| folders.contains(&folder)) {
                folders.extend(touched);
                durable.push(change);
            } else {
                pending.push(change);
            }
        }
        durable.reverse();
        pending.reverse();
        self.0 = pending;
        durable
    }

    /// Everything is synced.
    pub(super) fn sync_all(&mut self) -> Vec<Change> {
        std::mem::take(&mut self.0)
    }

    /// The power is lost when the first `kept` of the changes had reached the disk: these, in order, and those to be
    /// undone, in the order in which to undo them.
    pub(super) fn lose(&mut self, kept: usize) -> (Vec<Change>, Vec<Change>) {
        let mut durable = std::mem::take(&mut self.0);
        let mut undone = durable.split_off(kept.min(durable.len()));
        undone.reverse();
        (durable, undone)
    }
}

#[cfg(test)]
mod tests;
