//! Two sides and the links between them: `L | others`, `L -> n1 n2`, `clients | L`.

use std::collections::BTreeSet;

use rand::Rng;

use super::super::nodes::{Nodes, Scene};
use super::super::words::{Words, Wrong, wrong};
use crate::NodeName;
use crate::partition::{Endpoint, Link};
use crate::schedule::{Direction, Others};

/// Links between two sides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Between {
    left: Side,
    right: Side,
    direction: Direction,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Side {
    Nodes(Nodes),
    Clients,
}

impl Between {
    /// `L | others`, `L -> n1 n2`, `L <- clients`; without a second side, the others.
    pub(super) fn read(words: &mut Words, cluster: &[NodeName]) -> Result<Between, Wrong> {
        let left = Side::read(words, cluster)?;
        let direction = if words.accept(&["->"]) {
            Direction::From
        } else if words.accept(&["<-"]) {
            Direction::To
        } else if words.accept(&["|"]) || words.peek().is_none() {
            Direction::Both
        } else {
            let word = words.peek().unwrap_or_default();
            return wrong(format!(
                "{word:?} stands where |, -> or <- should: say both sides, as in L | others"
            ));
        };
        let right = match words.peek() {
            Some(_) => Side::read(words, cluster)?,
            None => Side::Nodes(Nodes::others()),
        };
        Ok(Between {
            left,
            right,
            direction,
        })
    }

    pub(super) fn with(&self) -> Others {
        match self.left == Side::Clients || self.right == Side::Clients {
            true => Others::Clients,
            false => Others::Nodes,
        }
    }

    /// Which way it is for the nodes, where the clients are at one end.
    pub(super) fn seen_from_nodes(&self) -> Direction {
        match (&self.left, self.direction) {
            (Side::Clients, Direction::From) => Direction::To,
            (Side::Clients, Direction::To) => Direction::From,
            (Side::Clients | Side::Nodes(_), direction) => direction,
        }
    }

    pub(super) fn nodes(&self) -> Vec<&Nodes> {
        let sides = [&self.left, &self.right];
        sides.into_iter().filter_map(Side::nodes).collect()
    }

    pub(super) fn senseless(&self) -> Result<(), Wrong> {
        let (left, right) = (self.left.nodes(), self.right.nodes());
        match (left, right) {
            (None, None) => wrong("clients are on both sides: name nodes on one"),
            (Some(left), Some(right)) if left.needs_opposite() && right.needs_opposite() => {
                wrong("others are on both sides: say whom the others are opposite to")
            }
            (Some(left), Some(right)) => match (left.plain(), right.plain()) {
                (Some(a), Some(b)) if !a.is_disjoint(&b) => {
                    wrong(format!("a node is on both sides of {left} and {right}"))
                }
                _ => Ok(()),
            },
            (Some(_), None) | (None, Some(_)) => Ok(()),
        }
    }

    pub(super) fn links(
        &self,
        scene: Scene<'_>,
        rng: &mut impl Rng,
    ) -> Result<BTreeSet<Link>, String> {
        let none = BTreeSet::new();
        let left_first = !self.left.nodes().is_some_and(Nodes::needs_opposite);
        let (left, right) = if left_first {
            let left = self.left.choose(scene, &none, rng)?;
            let right = self.right.choose(scene, &left, rng)?;
            (left, right)
        } else {
            let right = self.right.choose(scene, &none, rng)?;
            let left = self.left.choose(scene, &right, rng)?;
            (left, right)
        };
        let (left, right) = (self.left.ends(left), self.right.ends(right));
        let mut links = BTreeSet::new();
        for from in &left {
            for to in right.iter().filter(|to| *to != from) {
                let link = Link::new(from.clone(), to.clone());
                if self.direction != Direction::From {
                    links.insert(link.back());
                }
                if self.direction != Direction::To {
                    links.insert(link);
                }
            }
        }
        match links.is_empty() {
            true => Err("there is no link between the two sides".to_owned()),
            false => Ok(links),
        }
    }
}

impl Side {
    fn read(words: &mut Words, cluster: &[NodeName]) -> Result<Side, Wrong> {
        match words.accept(&["clients"]) {
            true => Ok(Side::Clients),
            false => Nodes::read(words, cluster).map(Side::Nodes),
        }
    }

    fn nodes(&self) -> Option<&Nodes> {
        match self {
            Side::Nodes(nodes) => Some(nodes),
            Side::Clients => None,
        }
    }

    fn choose(
        &self,
        scene: Scene<'_>,
        opposite: &BTreeSet<NodeName>,
        rng: &mut impl Rng,
    ) -> Result<BTreeSet<NodeName>, String> {
        match self {
            Side::Nodes(nodes) => nodes.choose(scene, opposite, rng),
            Side::Clients => Ok(BTreeSet::new()),
        }
    }

    fn ends(&self, nodes: BTreeSet<NodeName>) -> Vec<Endpoint> {
        match self {
            Side::Nodes(_) => nodes.into_iter().map(Endpoint::from).collect(),
            Side::Clients => vec![Endpoint::Clients],
        }
    }
}
