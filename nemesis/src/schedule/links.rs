//! Which links a disturbance lies on, before it is known who leads.

use super::Target;
use crate::NodeName;
use crate::partition::{Endpoint, Link};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::fmt;

/// The links between some nodes and everybody at their other ends.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Links {
    /// Whose links.
    pub of: Target,
    /// Who is at the other ends.
    pub with: Others,
    /// Which way.
    pub direction: Direction,
}

/// Who may be at the other end of a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Others {
    /// Every other node.
    Nodes,
    /// The clients.
    Clients,
    /// Every node that was not chosen.
    Rest,
}

/// Which way packets go, seen from the nodes that were chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Direction {
    /// Both ways.
    Both,
    /// To them.
    To,
    /// From them.
    From,
}

impl Links {
    /// The links among `nodes` and their clients. None when nobody is known to lead and the leader was meant.
    pub fn resolve(&self, nodes: &[NodeName], leader: Option<&NodeName>) -> BTreeSet<Link> {
        let chosen = self.of.resolve(leader, &BTreeSet::new());
        let others: Vec<Endpoint> = match self.with {
            Others::Nodes => nodes.iter().cloned().map(Endpoint::from).collect(),
            Others::Clients => vec![Endpoint::Clients],
            Others::Rest => {
                let rest = nodes.iter().filter(|node| !chosen.contains(node));
                rest.cloned().map(Endpoint::from).collect()
            }
        };
        let pairs = chosen
            .iter()
            .flat_map(|node| others.iter().map(move |other| (node, other)));
        pairs
            .filter(|(node, other)| *other != *node)
            .flat_map(|(node, other)| self.direction.of(node, other))
            .collect()
    }
}

impl Links {
    /// The same, with names where the target depends on who leads, and somebody is known to.
    pub fn of_leader(&self, leader: Option<&NodeName>) -> Links {
        let of = match (&self.of, leader) {
            (Target::Leader | Target::Followers(_), Some(_)) => {
                Target::Nodes(self.of.resolve(leader, &BTreeSet::new()))
            }
            (Target::Leader | Target::Followers(_), None) | (Target::Nodes(_), _) => {
                self.of.clone()
            }
        };
        Links { of, ..*self }
    }
}

impl Direction {
    fn of(self, node: &NodeName, other: &Endpoint) -> Vec<Link> {
        let to = Link::new(other.clone(), node.clone());
        match self {
            Direction::Both => vec![to.back(), to],
            Direction::To => vec![to],
            Direction::From => vec![to.back()],
        }
    }
}

impl fmt::Display for Links {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let others = match self.with {
            Others::Nodes => "other nodes",
            Others::Clients => "clients",
            Others::Rest => "the rest",
        };
        let of = &self.of;
        match self.direction {
            Direction::Both => write!(f, "between {of} and {others}"),
            Direction::To => write!(f, "from {others} to {of}"),
            Direction::From => write!(f, "from {of} to {others}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_those_of_the_nodes_that_were_chosen() {
        let nodes = NodeName::first(3);
        let first_two = Target::Nodes(nodes[..2].to_vec());
        let rows = [
            (
                (Target::Leader, Others::Nodes, Direction::Both),
                "n1->n3 n2->n3 n3->n1 n3->n2",
                "between the leader and other nodes",
            ),
            (
                (first_two.clone(), Others::Nodes, Direction::To),
                "n1->n2 n2->n1 n3->n1 n3->n2",
                "from other nodes to n1 n2",
            ),
            (
                (first_two, Others::Clients, Direction::From),
                "n1->clients n2->clients",
                "from n1 n2 to clients",
            ),
            (
                (
                    Target::Nodes(nodes[..2].to_vec()),
                    Others::Rest,
                    Direction::Both,
                ),
                "n1->n3 n2->n3 n3->n1 n3->n2",
                "between n1 n2 and the rest",
            ),
            (
                (
                    Target::Followers(nodes.clone()),
                    Others::Clients,
                    Direction::To,
                ),
                "clients->n1 clients->n2",
                "from clients to the followers",
            ),
        ];
        for ((of, with, direction), expected, told) in rows {
            let links = Links {
                of,
                with,
                direction,
            };
            let leader = Some(&nodes[2]);
            let resolved = links.resolve(&nodes, leader);
            assert_eq!(links.of_leader(leader).resolve(&nodes, None), resolved);
            let names: Vec<String> = resolved.iter().map(ToString::to_string).collect();
            assert_eq!(names.join(" "), expected);
            assert_eq!(links.to_string(), told);
        }
    }

    #[test]
    fn nobody_known_to_lead_has_no_links() {
        let nodes = NodeName::first(3);
        for of in [Target::Leader, Target::Followers(nodes.clone())] {
            let links = Links {
                of,
                with: Others::Clients,
                direction: Direction::Both,
            };
            assert!(links.resolve(&nodes, None).is_empty());
            assert_eq!(links.of_leader(None), links);
        }
    }
}
