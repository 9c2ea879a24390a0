//! Changes of several members at once, and in quick succession.

use crate::NodeName;
use serde::{Deserialize, Serialize};
use std::fmt;

/// How the members of a cluster change in one fault. In the end all are members again.
///
/// All but the first meet a leader that is cut off with less than a majority: what it is asked there must not come true, whatever
/// its side takes for a majority.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Rearrangement {
    /// A minority leaves in one change.
    Shrink,
    /// The leader is cut off with so many that together they are a minority, and asked to remove so many of the others, one right
    /// after the other, that they would be a majority of the rest.
    Hurry,
    /// A minority loses its vote; then the leader is cut off with it.
    Demote,
    /// The same, and the leader is asked to have it vote in the place of all others.
    Exchange,
}

/// Who does what in a rearrangement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Roles {
    /// Who is asked.
    pub leader: NodeName,
    /// Who is cut off with the leader.
    pub with_leader: Vec<NodeName>,
    /// Who is on the other side.
    pub others: Vec<NodeName>,
    /// Whose membership changes, in this order.
    pub changed: Vec<NodeName>,
}

impl Rearrangement {
    /// Every one.
    pub const ALL: [Rearrangement; 4] = [
        Rearrangement::Shrink,
        Rearrangement::Hurry,
        Rearrangement::Demote,
        Rearrangement::Exchange,
    ];

    /// The smallest cluster in which it makes sense.
    pub fn min_nodes(self) -> usize {
        match self {
            Rearrangement::Shrink | Rearrangement::Hurry => 3,
            Rearrangement::Demote | Rearrangement::Exchange => 5,
        }
    }

    /// Who does what where `leader` leads; `order` names every node.
    pub fn roles(self, order: &[NodeName], leader: &NodeName) -> Roles {
        let minority = order.len().saturating_sub(1) / 2;
        let follows = |node: &&NodeName| *node != leader;
        let followers: Vec<NodeName> = order.iter().filter(follows).cloned().collect();
        let (with_leader, others) = match self {
            Rearrangement::Shrink => (followers.clone(), Vec::new()),
            Rearrangement::Hurry => split(&followers, minority.saturating_sub(1)),
            Rearrangement::Demote | Rearrangement::Exchange => split(&followers, minority),
        };
        let changed = match self {
            Rearrangement::Shrink => order.iter().take(minority).cloned().collect(),
            Rearrangement::Hurry => {
                // Of what is left then, `minority` are the lesser half and one more.
                let removed = (order.len() + 1).saturating_sub(2 * minority);
                others.iter().take(removed).cloned().collect()
            }
            Rearrangement::Demote | Rearrangement::Exchange => with_leader.clone(),
        };
        Roles {
            leader: leader.clone(),
            with_leader,
            others,
            changed,
        }
    }
}

fn split(nodes: &[NodeName], first: usize) -> (Vec<NodeName>, Vec<NodeName>) {
    let (first, rest) = nodes.split_at(first.min(nodes.len()));
    (first.to_vec(), rest.to_vec())
}

impl fmt::Display for Rearrangement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Rearrangement::Shrink => "remove a minority in one change",
            Rearrangement::Hurry => {
                "remove members in quick succession at a leader that is cut off"
            }
            Rearrangement::Demote => {
                "take the vote from a minority that is cut off with the leader"
            }
            Rearrangement::Exchange => "exchange the voters at a leader that is cut off from them",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn majority(of: usize) -> usize {
        of / 2 + 1
    }

    /// Who is cut off with the leader is no majority of those who vote, and would be one by the rules of a node that errs.
    #[test]
    fn the_leader_is_in_a_minority_that_could_take_itself_for_more() {
        for way in Rearrangement::ALL {
            for nodes in way.min_nodes()..=9 {
                let order = NodeName::first(nodes);
                let leader = &order[1];
                let roles = way.roles(&order, leader);
                let side = roles.with_leader.len() + 1;
                assert_eq!(side + roles.others.len(), nodes, "{way:?}");
                match way {
                    Rearrangement::Shrink => {
                        assert!(roles.changed.len() < majority(nodes));
                        assert!(roles.changed.contains(leader) || nodes < 5);
                    }
                    Rearrangement::Hurry => {
                        assert!(side < majority(nodes));
                        assert!(side >= majority(nodes - roles.changed.len()));
                        assert!(roles.changed.iter().all(|node| roles.others.contains(node)));
                    }
                    Rearrangement::Demote | Rearrangement::Exchange => {
                        let voters = nodes - roles.changed.len();
                        assert_eq!(roles.changed, roles.with_leader);
                        assert!(1 < majority(voters) && roles.others.len() >= majority(voters));
                    }
                }
            }
        }
    }
}
