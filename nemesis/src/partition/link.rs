//! What a network joins, and its directed links.

use crate::NodeName;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// The name that stands for all clients, which no node may have.
pub(crate) const CLIENTS: &str = "clients";

/// Who sends or receives: a node, or the clients, who share one address.
///
/// What the harness asks on its own account, such as who leads, does not come from the clients' address: it is part of
/// no link and never disturbed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Endpoint {
    /// One node.
    Node(NodeName),
    /// All clients. Written `clients`.
    Clients,
}

impl Endpoint {
    /// The node, unless it is the clients.
    pub fn node(&self) -> Option<&NodeName> {
        match self {
            Endpoint::Node(node) => Some(node),
            Endpoint::Clients => None,
        }
    }
}

impl From<NodeName> for Endpoint {
    fn from(node: NodeName) -> Endpoint {
        Endpoint::Node(node)
    }
}

impl PartialEq<NodeName> for Endpoint {
    fn eq(&self, node: &NodeName) -> bool {
        self.node() == Some(node)
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Endpoint::Node(node) => node.fmt(f),
            Endpoint::Clients => f.pad(CLIENTS),
        }
    }
}

/// One direction between two ends: what `from` sends to `to`. Written `n1->n2` or `clients->n1`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Link {
    /// The sender.
    pub from: Endpoint,
    /// The receiver.
    pub to: Endpoint,
}

/// A text that is not a link.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("link {0:?} is not two ends joined by '->', as in n1->n2 or clients->n1")]
pub struct LinkError(String);

impl Link {
    /// The link from one end to another.
    pub fn new(from: impl Into<Endpoint>, to: impl Into<Endpoint>) -> Link {
        Link {
            from: from.into(),
            to: to.into(),
        }
    }

    /// The other direction.
    pub fn back(&self) -> Link {
        Link::new(self.to.clone(), self.from.clone())
    }
}

impl FromStr for Link {
    type Err = LinkError;

    fn from_str(text: &str) -> Result<Link, LinkError> {
        let wrong = || LinkError(text.to_owned());
        let (from, to) = text.split_once("->").ok_or_else(wrong)?;
        let end = |name: &str| match name {
            CLIENTS => Ok(Endpoint::Clients),
            node => node.parse().map(Endpoint::Node).map_err(|_| wrong()),
        };
        Ok(Link {
            from: end(from)?,
            to: end(to)?,
        })
    }
}

impl TryFrom<String> for Link {
    type Error = LinkError;

    fn try_from(text: String) -> Result<Link, LinkError> {
        text.parse()
    }
}

impl From<Link> for String {
    fn from(link: Link) -> String {
        link.to_string()
    }
}

impl fmt::Display for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}->{}", self.from, self.to)
    }
}
