//! What a script can do.

use std::{convert::Infallible, str::FromStr};

use super::{cluster::Parcel, tell};
use crate::raft::NodeId;

/// Nodes start on empty disks; each has a clock of its own.
#[derive(Debug, goldenscript::Command)]
pub(super) enum Command {
    /// A cluster of these voters. `retain`: entries kept behind a snapshot; `part`: bytes of a snapshot in
    /// one message; `weight`: bytes of log beyond which no command is taken.
    Cluster {
        nodes: Vec<NodeId>,
        #[arg(key)]
        retain: Option<u64>,
        #[arg(key)]
        part: Option<usize>,
        #[arg(key)]
        weight: Option<usize>,
    },
    /// Nodes that belong to no cluster yet.
    Start(Vec<NodeId>),
    /// The election timer of a node fires.
    Campaign(NodeId),
    /// No follower has heard a leader for a while, this node campaigns, and all messages arrive.
    Elect(NodeId),
    /// No follower has heard a leader for the shortest election timeout.
    Silence,
    /// Time passes, at these nodes or at all, and no message arrives.
    Pass(humantime::Duration, #[arg(optional)] Vec<NodeId>),
    /// Time passes at all nodes, and all messages arrive at once.
    Run(humantime::Duration),
    /// Messages that are on their way arrive, each `times`; those they bring about do not.
    Deliver {
        #[arg(key)]
        from: Option<NodeId>,
        #[arg(key)]
        to: Option<NodeId>,
        #[arg(key = "type")]
        kind: Option<String>,
        #[arg(key)]
        times: Option<usize>,
    },
    /// Messages that are on their way are lost.
    Lose {
        #[arg(key)]
        from: Option<NodeId>,
        #[arg(key)]
        to: Option<NodeId>,
        #[arg(key = "type")]
        kind: Option<String>,
    },
    /// Messages that are on their way wait for `arrive`.
    Delay {
        #[arg(key)]
        from: Option<NodeId>,
        #[arg(key)]
        to: Option<NodeId>,
        #[arg(key = "type")]
        kind: Option<String>,
    },
    /// What was delayed arrives.
    Arrive,
    /// The messages that are on their way change places: the last becomes the first.
    Reverse,
    /// Messages arrive until there are none.
    Stabilize,
    /// What one node sends to another is lost from now on; with `oneway`, only in this direction.
    Cut {
        from: NodeId,
        to: NodeId,
        #[arg(key, optional)]
        oneway: bool,
    },
    /// Whatever these nodes send to others or others to them is lost.
    Isolate(Vec<NodeId>),
    /// Every link works again.
    Heal,
    /// The disk of a node finishes nothing.
    #[command(name = "hold-disk")]
    HoldDisk(NodeId),
    /// The disk of a node finishes what it was given, and whatever comes.
    #[command(name = "release-disk")]
    ReleaseDisk(NodeId),
    /// Commands of a client, one batch.
    Propose(NodeId, Vec<String>),
    /// A read at the level `leader`, `anywhere` or `lease`.
    Read {
        node: NodeId,
        #[arg(key)]
        level: Option<String>,
    },
    /// `add n4`, `learn n4`, `remove n2`, or `replace n4 n5 n6`.
    Change {
        node: NodeId,
        what: String,
        whom: Vec<NodeId>,
    },
    /// Leadership goes to this voter, or to any.
    Transfer(NodeId, Option<NodeId>),
    /// A node takes a snapshot of its own state.
    Snapshot(NodeId),
    /// The next snapshot that a node receives is broken.
    Damage(NodeId),
    /// A node loses power, and all that is not on its disk.
    Crash(NodeId),
    /// A node starts with what its disk holds, having lost power if it was up.
    Restart(NodeId),
    /// The log of these nodes.
    Log(#[arg(optional)] Vec<NodeId>),
    /// These nodes, or all, one line each.
    Status(#[arg(optional)] Vec<NodeId>),
}

impl FromStr for NodeId {
    type Err = Infallible;

    fn from_str(name: &str) -> Result<Self, Infallible> {
        Ok(Self::new(name))
    }
}

/// Some of the messages that are on their way.
#[derive(Debug, Clone, Copy)]
pub(super) struct Which<'a> {
    pub(super) from: &'a Option<NodeId>,
    pub(super) to: &'a Option<NodeId>,
    pub(super) kind: &'a Option<String>,
}

impl Which<'_> {
    pub(super) fn is(&self, parcel: &Parcel) -> bool {
        let kind = tell::kind(&parcel.message);
        self.from.as_ref().is_none_or(|from| *from == parcel.from)
            && self.to.as_ref().is_none_or(|to| *to == parcel.to)
            && self.kind.as_ref().is_none_or(|wanted| *wanted == kind)
    }
}
