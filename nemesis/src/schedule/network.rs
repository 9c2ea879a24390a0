//! The kinds of faults of the network but partitions.

use super::links::{Direction, Others};
use crate::net::{Checksum, Disturbance, Means};
use std::fmt;

/// A kind of disturbance of packets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum NetworkKind {
    /// Packets arrive late.
    Delay,
    /// Packets are lost.
    Loss,
    /// Packets overtake each other.
    Reorder,
    /// Packets arrive twice.
    Duplicate,
    /// Packets are damaged, and the receiver's kernel throws them away.
    Corrupt,
    /// Packets are damaged, and the program gets them.
    CorruptUnnoticed,
    /// Few bytes pass in a second.
    Rate,
    /// Links go down and up again and again.
    Flap,
    /// Clients and nodes do not reach each other.
    ClientPartition,
    /// What nodes answer does not reach the clients.
    LostReplies,
}

impl NetworkKind {
    /// Every kind.
    pub const ALL: [NetworkKind; 10] = [
        NetworkKind::Delay,
        NetworkKind::Loss,
        NetworkKind::Reorder,
        NetworkKind::Duplicate,
        NetworkKind::Corrupt,
        NetworkKind::CorruptUnnoticed,
        NetworkKind::Rate,
        NetworkKind::Flap,
        NetworkKind::ClientPartition,
        NetworkKind::LostReplies,
    ];

    pub(super) fn name(self) -> &'static str {
        match self {
            NetworkKind::Delay => "delay",
            NetworkKind::Loss => "loss",
            NetworkKind::Reorder => "reorder",
            NetworkKind::Duplicate => "duplicate",
            NetworkKind::Corrupt => "corrupt",
            NetworkKind::CorruptUnnoticed => "corrupt-unnoticed",
            NetworkKind::Rate => "rate",
            NetworkKind::Flap => "flap",
            NetworkKind::ClientPartition => "client-partition",
            NetworkKind::LostReplies => "lost-replies",
        }
    }

    pub(super) fn describe(self) -> &'static str {
        match self {
            NetworkKind::Delay => {
                "makes packets between nodes 50 to 500 ms late, and up to half as much again"
            }
            NetworkKind::Loss => "loses 5 to 50 % of the packets between nodes",
            NetworkKind::Reorder => {
                "holds back 5 to 50 % of the packets between nodes for 5 to 100 ms, so that others overtake them"
            }
            NetworkKind::Duplicate => "delivers 5 to 50 % of the packets between nodes twice",
            NetworkKind::Corrupt => {
                "flips a bit in 1 to 20 % of the packets between nodes, which their checksum shows"
            }
            NetworkKind::CorruptUnnoticed => {
                "flips a bit in 0.5 to 5 % of the packets between nodes and makes their checksum fit: for protocols with checksums of their own"
            }
            NetworkKind::Rate => "lets 20 to 500 kB/s pass between nodes",
            NetworkKind::Flap => {
                "cuts links between nodes and heals them, each for 50 to 1000 ms, in turn"
            }
            NetworkKind::ClientPartition => {
                "cuts the leader, a node or a minority off from the clients, both ways or for requests only"
            }
            NetworkKind::LostReplies => {
                "loses every answer of the leader, a node or a minority to the clients"
            }
        }
    }

    pub(super) fn requirements(self) -> &'static str {
        match self {
            NetworkKind::ClientPartition | NetworkKind::LostReplies => CUTS,
            NetworkKind::Loss => {
                "namespaces, and one of: /dev/net/tun, packet sockets on veth, iptables with xt_statistic"
            }
            NetworkKind::Delay | NetworkKind::Reorder | NetworkKind::Corrupt => {
                "namespaces, and one of: /dev/net/tun, packet sockets on veth, iptables with tc and netem"
            }
            NetworkKind::Duplicate => {
                "namespaces, and one of: /dev/net/tun, packet sockets on veth, iptables with xt_TEE"
            }
            NetworkKind::Rate => {
                "namespaces, and one of: /dev/net/tun, packet sockets on veth, iptables with tc and HTB"
            }
            NetworkKind::CorruptUnnoticed | NetworkKind::Flap => {
                "namespaces, and one of: /dev/net/tun, packet sockets on veth"
            }
        }
    }

    /// What iptables needs for it.
    pub(super) fn means(self) -> Means {
        match self {
            NetworkKind::Loss | NetworkKind::ClientPartition | NetworkKind::LostReplies => {
                Means::Rules
            }
            NetworkKind::Duplicate => Means::Copies,
            NetworkKind::Rate => Means::Bottleneck,
            NetworkKind::Delay | NetworkKind::Reorder | NetworkKind::Corrupt => Means::Netem,
            NetworkKind::CorruptUnnoticed | NetworkKind::Flap => Means::Switch,
        }
    }

    /// Who is at the other ends of the links that it disturbs.
    pub(super) fn with(self) -> Others {
        match self {
            NetworkKind::ClientPartition | NetworkKind::LostReplies => Others::Clients,
            NetworkKind::Delay
            | NetworkKind::Loss
            | NetworkKind::Reorder
            | NetworkKind::Duplicate
            | NetworkKind::Corrupt
            | NetworkKind::CorruptUnnoticed
            | NetworkKind::Rate
            | NetworkKind::Flap => Others::Nodes,
        }
    }

    pub(super) fn stream(self) -> u64 {
        match self {
            NetworkKind::Delay => 10,
            NetworkKind::Loss => 11,
            NetworkKind::Reorder => 12,
            NetworkKind::Duplicate => 13,
            NetworkKind::Corrupt => 14,
            NetworkKind::CorruptUnnoticed => 15,
            NetworkKind::Rate => 16,
            NetworkKind::Flap => 17,
            NetworkKind::ClientPartition => 18,
            NetworkKind::LostReplies => 19,
        }
    }

    /// The kind of a disturbance of links `with` these others, in a direction as the nodes see it; none where it cuts nodes
    /// off from nodes, which is a partition.
    pub(super) fn of(
        disturbance: &Disturbance,
        with: Others,
        direction: Direction,
    ) -> Option<NetworkKind> {
        let kind = match disturbance {
            Disturbance::Cut => match (with, direction) {
                (Others::Nodes | Others::Rest, _) => return None,
                (Others::Clients, Direction::From) => NetworkKind::LostReplies,
                (Others::Clients, Direction::Both | Direction::To) => NetworkKind::ClientPartition,
            },
            Disturbance::Flap { .. } => NetworkKind::Flap,
            Disturbance::Loss { .. } => NetworkKind::Loss,
            Disturbance::Duplicate { .. } => NetworkKind::Duplicate,
            Disturbance::Corrupt { checksum, .. } => match checksum {
                Checksum::Broken => NetworkKind::Corrupt,
                Checksum::Repaired => NetworkKind::CorruptUnnoticed,
            },
            Disturbance::Rate { .. } => NetworkKind::Rate,
            Disturbance::Delay { .. } => NetworkKind::Delay,
            Disturbance::Reorder { .. } => NetworkKind::Reorder,
        };
        Some(kind)
    }
}

/// What cutting links takes.
pub(super) const CUTS: &str =
    "namespaces, and one of: /dev/net/tun, packet sockets on veth, iptables";

impl fmt::Display for NetworkKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}
