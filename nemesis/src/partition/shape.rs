//! The kinds of partition, and what each one cuts.

use super::Grudge;
use crate::NodeName;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;

/// A kind of partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Shape {
    /// The first half of the nodes by name against the rest.
    Halves,
    /// A random smaller half against the rest.
    RandomHalves,
    /// One random node against the rest.
    OneNode,
    /// The leader of the moment against the rest.
    LeaderAlone,
    /// Every node hears a majority, and no two hear the same one.
    MajoritiesRing,
    /// Two sides that only one node, which hears both, joins.
    Bridge,
    /// Two sides of which only one hears the other.
    OneWay,
    /// The leader of the moment, with as many others as a majority can do without, against the rest. Only where it is asked
    /// for.
    LeaderMinority,
}

/// A name that no partition has.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("partition shape {name:?} is not known: use one of {}", names())]
pub struct UnknownShape {
    name: String,
}

impl Shape {
    /// Every shape.
    pub const ALL: [Shape; 8] = [
        Shape::Halves,
        Shape::RandomHalves,
        Shape::OneNode,
        Shape::LeaderAlone,
        Shape::MajoritiesRing,
        Shape::Bridge,
        Shape::OneWay,
        Shape::LeaderMinority,
    ];

    /// The shapes that are drawn where none was chosen.
    pub const USUAL: [Shape; 7] = [
        Shape::Halves,
        Shape::RandomHalves,
        Shape::OneNode,
        Shape::LeaderAlone,
        Shape::MajoritiesRing,
        Shape::Bridge,
        Shape::OneWay,
    ];

    /// The name on command lines and in files.
    pub fn name(self) -> &'static str {
        match self {
            Shape::Halves => "halves",
            Shape::RandomHalves => "random-halves",
            Shape::OneNode => "one-node",
            Shape::LeaderAlone => "leader-alone",
            Shape::MajoritiesRing => "majorities-ring",
            Shape::Bridge => "bridge",
            Shape::OneWay => "one-way",
            Shape::LeaderMinority => "leader-minority",
        }
    }

    /// One sentence for people.
    pub fn describe(self) -> &'static str {
        match self {
            Shape::Halves => "the first half of the nodes is cut off from the rest",
            Shape::RandomHalves => "a random half of the nodes is cut off from the rest",
            Shape::OneNode => "one random node is cut off from the rest",
            Shape::LeaderAlone => "the leader is cut off from the rest",
            Shape::MajoritiesRing => "every node hears a majority, no two hear the same one",
            Shape::Bridge => "two sides are cut off from each other, one node hears both",
            Shape::OneWay => "one side no longer hears the other, which still hears it",
            Shape::LeaderMinority => {
                "the leader is cut off from the rest, with as many others as make a minority"
            }
        }
    }

    /// The smallest cluster in which the shape cuts anything.
    pub fn min_nodes(self) -> usize {
        match self {
            Shape::Halves
            | Shape::RandomHalves
            | Shape::OneNode
            | Shape::LeaderAlone
            | Shape::LeaderMinority
            | Shape::OneWay => 2,
            Shape::MajoritiesRing | Shape::Bridge => 3,
        }
    }

    /// The links this shape cuts among the nodes of `order`, a permutation of the whole cluster from which every
    /// random choice is read. Shapes with a leader take the first of `order` while no leader of the cluster is known.
    pub fn grudge(self, order: &[NodeName], leader: Option<&NodeName>) -> Grudge {
        match self {
            Shape::Halves => {
                let mut sorted = order.to_vec();
                sorted.sort();
                apart(order, &sorted[..order.len() / 2])
            }
            Shape::RandomHalves => apart(order, &order[..order.len() / 2]),
            Shape::OneNode => apart(order, &order[..order.len().min(1)]),
            Shape::LeaderAlone => apart(order, &leader_and(0, order, leader)),
            Shape::LeaderMinority => {
                let others = (order.len().saturating_sub(1) / 2).saturating_sub(1);
                apart(order, &leader_and(others, order, leader))
            }
            Shape::MajoritiesRing => majorities_ring(order),
            Shape::Bridge => bridge(order),
            Shape::OneWay => one_way(order),
        }
    }
}

/// The leader, and so many others.
fn leader_and(others: usize, order: &[NodeName], leader: Option<&NodeName>) -> Vec<NodeName> {
    let known = leader.filter(|leader| order.contains(leader));
    let first = known.or(order.first());
    let rest = order.iter().filter(|node| Some(*node) != first);
    first
        .into_iter()
        .chain(rest.take(others))
        .cloned()
        .collect()
}

/// `side` against everyone else, both ways.
fn apart(order: &[NodeName], side: &[NodeName]) -> Grudge {
    Grudge::among(order, |from, to| side.contains(from) != side.contains(to))
}

/// Jepsen's perfect ring: the nodes sit in a circle, and each hears the window of a majority of neighbours it is the
/// middle of. With 4 or 5 nodes every link is up or down in both directions.
fn majorities_ring(order: &[NodeName]) -> Grudge {
    let count = order.len();
    let majority = count / 2 + 1;
    let mut heard = BTreeMap::new();
    for start in 0..count {
        let window: BTreeSet<&NodeName> = (start..start + majority)
            .map(|seat| &order[seat % count])
            .collect();
        heard.insert(&order[(start + majority / 2) % count], window);
    }
    Grudge::among(order, |from, to| !heard[to].contains(from))
}

/// The middle of `order` joins two sides that are otherwise apart.
fn bridge(order: &[NodeName]) -> Grudge {
    let middle = order.len() / 2;
    let side = |name: &NodeName| {
        let seat = order.iter().position(|other| other == name);
        seat.map(|seat| seat.cmp(&middle) as i8).unwrap_or(0)
    };
    Grudge::among(order, |from, to| side(from) * side(to) < 0)
}

/// The smaller half loses either its ears or its voice: its voice when `order` starts with a lower name than it ends with.
fn one_way(order: &[NodeName]) -> Grudge {
    let side = &order[..order.len() / 2];
    let mute = order.first() < order.last();
    Grudge::among(order, |from, to| {
        side.contains(from) != side.contains(to) && side.contains(from) == mute
    })
}

fn names() -> String {
    Shape::ALL.map(Shape::name).join(", ")
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Shape {
    type Err = UnknownShape;

    fn from_str(text: &str) -> Result<Shape, UnknownShape> {
        Shape::ALL
            .into_iter()
            .find(|shape| shape.name() == text)
            .ok_or_else(|| UnknownShape {
                name: text.to_owned(),
            })
    }
}
