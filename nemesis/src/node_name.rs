//! The name of one node of the cluster.

use crate::partition::CLIENTS;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// Longest name accepted; it becomes a file name, a namespace name and an argument.
const LONGEST: usize = 32;

/// The name of a node, `n1`, `n2`, …
///
/// Invariants:
/// * 1 to 32 characters, each a lower-case letter, a digit or `-`, the first one a letter: it is safe as a file name,
///   as the name of a network namespace and in a report;
/// * not `clients`, which as the end of a link means all clients;
/// * ordered by length, then by text, so that `n2` comes before `n10`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct NodeName(String);

/// A text that cannot be the name of a node.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "node name {0:?} is not valid: use 1 to {LONGEST} lower-case letters, digits or '-', starting with a letter, as in n1; \
     {CLIENTS} is no node"
)]
pub struct NodeNameError(String);

impl NodeName {
    /// The usual name of the node with this one-based number: `nth(1)` is `n1`.
    pub fn nth(number: usize) -> NodeName {
        NodeName(format!("n{number}"))
    }

    /// The usual names of a cluster of `count` nodes: `n1`, `n2`, … in order.
    pub fn first(count: usize) -> Vec<NodeName> {
        (1..=count).map(NodeName::nth).collect()
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Ord for NodeName {
    fn cmp(&self, other: &NodeName) -> std::cmp::Ordering {
        let key = |name: &NodeName| name.0.len();
        key(self)
            .cmp(&key(other))
            .then_with(|| self.0.cmp(&other.0))
    }
}

impl PartialOrd for NodeName {
    fn partial_cmp(&self, other: &NodeName) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl TryFrom<String> for NodeName {
    type Error = NodeNameError;

    fn try_from(text: String) -> Result<NodeName, NodeNameError> {
        let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        let good = text.len() <= LONGEST
            && text.starts_with(|c: char| c.is_ascii_lowercase())
            && text.chars().all(allowed)
            && text != CLIENTS;
        if good {
            Ok(NodeName(text))
        } else {
            Err(NodeNameError(text))
        }
    }
}

impl FromStr for NodeName {
    type Err = NodeNameError;

    fn from_str(text: &str) -> Result<NodeName, NodeNameError> {
        NodeName::try_from(text.to_owned())
    }
}

impl From<NodeName> for String {
    fn from(name: NodeName) -> String {
        name.0
    }
}

impl fmt::Display for NodeName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_ordered_as_people_count() {
        let mut names = NodeName::first(11);
        names.reverse();
        names.sort();
        assert_eq!(names, NodeName::first(11));
    }

    #[test]
    fn names_that_could_leave_their_folder_are_refused() {
        for bad in [
            "",
            "..",
            "n/1",
            "1n",
            "N1",
            "n 1",
            "-n",
            "clients",
            &"n".repeat(33),
        ] {
            assert!(bad.parse::<NodeName>().is_err(), "{bad:?} was accepted");
        }
        assert!(serde_json::from_str::<NodeName>("\"../etc\"").is_err());
    }
}
