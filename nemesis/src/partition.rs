//! Partitions of the network as pure data.
//!
//! A [`Shape`] says what kind of partition; together with a permutation of the nodes and the present leader it gives
//! a [`Grudge`], the exact set of directed links that carry nothing. The shapes are those of Jepsen's
//! `jepsen.nemesis` (halves, one node, majorities ring, bridge) and the one-way cut of Alfatafta et al., *Toward a
//! Generic Fault Tolerance Technique for Partial Network Partitioning* (OSDI 2020).

mod describe;
mod link;
mod shape;

pub(crate) use link::CLIENTS;
pub use link::{Endpoint, Link, LinkError};
pub use shape::{Shape, UnknownShape};

use crate::NodeName;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// Which directed links between which nodes are cut.
///
/// Invariants: every link joins two different nodes of `nodes`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grudge {
    nodes: BTreeSet<NodeName>,
    cut: BTreeSet<Link>,
}

impl Grudge {
    /// The grudge among `nodes` that cuts each directed link for which `cut(from, to)` holds.
    pub fn among(nodes: &[NodeName], cut: impl Fn(&NodeName, &NodeName) -> bool) -> Grudge {
        let nodes: BTreeSet<NodeName> = nodes.iter().cloned().collect();
        let pairs = nodes
            .iter()
            .flat_map(|from| nodes.iter().map(move |to| (from, to)));
        let cut = pairs
            .filter(|(from, to)| from != to && cut(from, to))
            .map(|(from, to)| Link::new(from.clone(), to.clone()))
            .collect();
        Grudge { nodes, cut }
    }

    /// The nodes the grudge was made for, cut or not.
    pub fn nodes(&self) -> &BTreeSet<NodeName> {
        &self.nodes
    }

    /// The links that carry nothing.
    pub fn links(&self) -> &BTreeSet<Link> {
        &self.cut
    }

    /// True when nothing is cut.
    pub fn is_empty(&self) -> bool {
        self.cut.is_empty()
    }

    /// True when what `from` sends does not reach `to`.
    pub fn cuts(&self, from: &NodeName, to: &NodeName) -> bool {
        self.cut
            .iter()
            .any(|link| link.from == *from && link.to == *to)
    }

    /// The grudge in a few words for people: `n1 | n2 n3 n4 n5`, `n1 n2 | n4 n5, n3 sees both sides`,
    /// `n1 -> n2 cut one way`.
    pub fn describe(&self) -> String {
        describe::describe(self)
    }
}
