//! Who belongs to a cluster, and which of its members decide (thesis chapter 4).

use std::{
    collections::{BTreeMap, BTreeSet},
    net::SocketAddr,
};

use serde::{Deserialize, Serialize};

use super::{
    entry::{NodeId, StoreId},
    quorum::Quorum,
};

/// Where a member is found; Raft passes it on and does not look at it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Addresses {
    /// Where the other nodes reach it.
    pub(crate) peer: SocketAddr,
    /// Where clients reach it, if that is known.
    pub(crate) client: Option<SocketAddr>,
}

/// The members of a cluster at one place of the log.
///
/// - A node is in `voters` or in `learners`, never in both.
/// - While `outgoing` is not empty the change is joint: both sets of voters must agree, each by a
///   majority of its own (§4.3).
/// - Without voters nothing is decided: so a node begins that waits to be added.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Membership {
    pub(crate) voters: BTreeSet<NodeId>,
    /// The voters of before, as long as their majority is asked too.
    pub(crate) outgoing: BTreeSet<NodeId>,
    /// Members that receive the log and are in no majority (§4.2.2).
    pub(crate) learners: BTreeSet<NodeId>,
    /// Of all members.
    pub(crate) addresses: BTreeMap<NodeId, Addresses>,
    /// By which data folders members are known that were added: everybody agrees then who is behind the name, also
    /// those who were away when it changed.
    pub(crate) stores: BTreeMap<NodeId, StoreId>,
}

impl Membership {
    /// A cluster of voters.
    pub(crate) fn of_voters(members: impl IntoIterator<Item = (NodeId, Addresses)>) -> Self {
        let addresses: BTreeMap<_, _> = members.into_iter().collect();
        Self {
            voters: addresses.keys().cloned().collect(),
            addresses,
            ..Self::default()
        }
    }

    /// Whether two sets of voters must agree.
    pub(crate) fn is_joint(&self) -> bool {
        !self.outgoing.is_empty()
    }

    /// Everyone who receives the log.
    pub(crate) fn members(&self) -> impl Iterator<Item = &NodeId> {
        self.addresses.keys()
    }

    /// Everyone who is asked for a vote.
    pub(crate) fn electorate(&self) -> BTreeSet<&NodeId> {
        self.voters.union(&self.outgoing).collect()
    }

    /// Whether `nodes` can decide: a majority of the voters, in a joint change of both sets.
    pub(crate) fn is_quorum(&self, quorum: Quorum, nodes: &BTreeSet<NodeId>) -> bool {
        let decides = |voters: &BTreeSet<NodeId>| {
            voters.intersection(nodes).count() >= quorum.size(voters.len())
        };
        decides(&self.voters) && (self.outgoing.is_empty() || decides(&self.outgoing))
    }

    /// The greatest value that a quorum has reached; nothing without voters.
    pub(crate) fn reached<T: Ord + Copy>(
        &self,
        quorum: Quorum,
        of: impl Fn(&NodeId) -> T,
    ) -> Option<T> {
        let reached = |voters: &BTreeSet<NodeId>| quorum.reached(voters.iter().map(&of).collect());
        let new = reached(&self.voters)?;
        Some(reached(&self.outgoing).map_or(new, |old| old.min(new)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(names: &str) -> BTreeSet<NodeId> {
        names.split_whitespace().map(NodeId::new).collect()
    }

    fn membership(voters: &str, outgoing: &str) -> Membership {
        Membership {
            voters: names(voters),
            outgoing: names(outgoing),
            ..Membership::default()
        }
    }

    #[test]
    fn a_joint_change_needs_both_majorities() {
        let plain = membership("a b c", "");
        assert!(plain.is_quorum(Quorum::Majority, &names("a c d")));
        assert!(!plain.is_quorum(Quorum::Majority, &names("a d e")));
        let joint = membership("a b c", "c d e");
        assert!(
            !joint.is_quorum(Quorum::Majority, &names("a b c")),
            "only the new one"
        );
        assert!(
            !joint.is_quorum(Quorum::Majority, &names("c d e")),
            "only the old one"
        );
        assert!(joint.is_quorum(Quorum::Majority, &names("b c e")));
        assert!(!Membership::default().is_quorum(Quorum::Majority, &names("a")));
    }

    #[test]
    fn what_a_quorum_has_reached_is_the_lesser_of_both() {
        let value = |node: &NodeId| node.as_str().bytes().map(u64::from).sum::<u64>();
        assert_eq!(
            membership("a b c", "").reached(Quorum::Majority, value),
            Some(u64::from(b'b'))
        );
        assert_eq!(
            membership("c d e", "a").reached(Quorum::Majority, value),
            Some(u64::from(b'a'))
        );
        assert_eq!(Membership::default().reached(Quorum::Majority, value), None);
    }
}
