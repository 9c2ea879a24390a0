//! Nodes that are not who they were.
//!
//! A node whose disk was lost and that comes back under its old name has forgotten whom it voted for and
//! what it confirmed; with its vote counted, a majority can be one that knows nothing. So each node
//! remembers by which mark of its data folder it has met another, and takes nothing from one that has
//! another mark. Whoever lost its disk is removed and added again, under its old name or a new one.
//!
//! Who is added is named with its mark in the members themselves, so that those who were away, and learn of both changes
//! at once or from a snapshot, take it for who it is as well.

use std::collections::BTreeMap;

use super::{
    entry::{NodeId, StoreId},
    node::Raft,
};
use crate::bug::Bug;

/// Who is behind the names of other nodes now.
#[derive(Debug, Default)]
pub(super) struct Strangers {
    present: BTreeMap<NodeId, StoreId>,
}

impl Strangers {
    /// The folder of a node, if it has introduced itself.
    pub(super) fn behind(&self, node: &NodeId) -> Option<StoreId> {
        self.present.get(node).copied()
    }
}

impl Raft {
    /// A node has introduced itself; everything from it that follows is from the folder with this mark.
    pub(super) fn meet(&mut self, node: NodeId, store: StoreId) {
        self.strangers.present.insert(node.clone(), store);
        self.remember(node, store);
    }

    /// Only members are remembered, and by the first mark that was seen.
    fn remember(&mut self, node: NodeId, store: StoreId) {
        if self.log.membership().addresses.contains_key(&node) {
            self.hard.met.entry(node).or_insert(store);
        }
    }

    /// Whether a node that lost its disk stands behind this name.
    pub(super) fn is_stranger(&self, node: &NodeId) -> bool {
        let named = self.log.membership().stores.get(node);
        let known = named.or_else(|| self.hard.met.get(node)).copied();
        let differs = match (known, self.strangers.behind(node)) {
            (Some(known), Some(present)) => known != present,
            (None, _) | (_, None) => false,
        };
        differs && !self.has(Bug::WipedSameId)
    }

    /// New members are committed: whoever left is met anew if it returns.
    pub(super) fn forget_former_members(&mut self) {
        let members = self.log.membership();
        self.hard
            .met
            .retain(|node, _| members.addresses.contains_key(node));
        for (node, store) in self.strangers.present.clone() {
            self.remember(node, store);
        }
    }
}
