//! What a state machine with planted bugs does differently.

use xxhash_rust::xxh3::{xxh3_64, xxh3_64_with_seed};

use crate::{
    bug::{Bug, BugSet},
    raft::LogIndex,
};

/// The bugs that one node's state machine carries.
///
/// They are not part of the state: images do not have them, and states are equal whatever their bugs.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Quirks {
    bugs: BugSet,
    /// A number that differs from node to node.
    own: u64,
}

impl PartialEq for Quirks {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Quirks {}

impl Quirks {
    pub(crate) fn new(bugs: BugSet, node: &str) -> Self {
        let own = xxh3_64(node.as_bytes());
        Self { bugs, own }
    }

    pub(super) const fn has(self, bug: Bug) -> bool {
        self.bugs.has(bug)
    }

    /// Whether this node, and not every other, leaves out the write at `index`.
    pub(super) fn leaves_out(self, index: LogIndex) -> bool {
        const ONE_IN: u64 = 8;
        self.has(Bug::ApplyNondeterministic)
            && xxh3_64_with_seed(&index.0.to_le_bytes(), self.own).is_multiple_of(ONE_IN)
    }
}
