//! Terms, indexes, positions and the entries of the log.

use std::{collections::BTreeMap, fmt, sync::Arc};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::membership::Membership;

/// The name of a node.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub(crate) struct NodeId(Arc<str>);

impl NodeId {
    pub(crate) fn new(name: &str) -> Self {
        Self(name.into())
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<String> for NodeId {
    fn from(name: String) -> Self {
        Self(name.into())
    }
}

impl From<NodeId> for String {
    fn from(id: NodeId) -> Self {
        id.as_str().into()
    }
}

impl fmt::Display for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Debug for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// Raft's logical clock. 0 is before the first election.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub(crate) struct Term(pub(crate) u64);

impl Term {
    pub(crate) const fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

/// A place in the log. The first entry has index 1; 0 is the empty prefix.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub(crate) struct LogIndex(pub(crate) u64);

impl LogIndex {
    pub(crate) const fn next(self) -> Self {
        Self(self.0 + 1)
    }

    /// The index before this one; the empty prefix stays.
    pub(crate) const fn previous(self) -> Self {
        Self(self.0.saturating_sub(1))
    }
}

/// Term and index of an entry. The order is that of "at least as up to date" (§5.4.1): the later
/// last term wins, then the longer log.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub(crate) struct Position {
    pub(crate) term: Term,
    pub(crate) index: LogIndex,
}

/// Bytes of a command; opaque to Raft, shared between log, messages and state machine.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Payload(Arc<[u8]>);

impl Payload {
    pub(crate) fn new(bytes: &[u8]) -> Self {
        Self(bytes.into())
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Payload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes", self.0.len())
    }
}

impl Serialize for Payload {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(&self.0)
    }
}

impl<'de> Deserialize<'de> for Payload {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        <&[u8]>::deserialize(deserializer).map(Self::new)
    }
}

/// What an entry does when it is applied.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Body {
    /// Nothing: opens a leader's term, so that it learns what is committed.
    Noop,
    /// A command for the state machine.
    Command(Payload),
    /// The members from here on; in force as soon as it is in the log (thesis §4.1).
    Membership(Box<Membership>),
}

/// One entry of the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Entry {
    pub(crate) at: Position,
    pub(crate) body: Body,
}

impl Entry {
    /// Bytes this entry weighs in limits: its command and a flat amount for the rest.
    pub(crate) fn weight(&self) -> usize {
        const OVERHEAD: usize = 32;
        match &self.body {
            Body::Noop => OVERHEAD,
            Body::Command(payload) => OVERHEAD + payload.bytes().len(),
            Body::Membership(membership) => OVERHEAD * (1 + membership.addresses.len()),
        }
    }
}

/// The mark of a data folder, drawn when it was formatted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct StoreId(pub(crate) u64);

/// What must survive a crash besides the log (§5.1, figure 2).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct HardState {
    pub(crate) term: Term,
    pub(crate) vote: Option<NodeId>,
    /// By which data folder other members are known.
    pub(crate) met: BTreeMap<NodeId, StoreId>,
}
