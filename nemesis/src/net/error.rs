//! Why a network could not be built, cut or healed.

use crate::NodeName;
use nix::errno::Errno;
use std::io;

/// The network could not be built, cut, healed or counted.
#[derive(Debug, thiserror::Error)]
pub enum NetError {
    /// [`super::build`] was called outside a lab, where it would change the host's own network.
    #[error("the network of the nodes is built inside a lab only: call lab::enter first")]
    OutsideLab,
    /// More nodes than addresses.
    #[error("{asked} nodes are more than the network has addresses for: use at most {most}", most = super::MAX_NODES)]
    TooManyNodes {
        /// How many were asked for.
        asked: usize,
    },
    /// A node was named that the network does not have.
    #[error("the network has no node {node}: it was built without it")]
    UnknownNode {
        /// Its name.
        node: NodeName,
    },
    /// A network namespace could not be made, entered or published.
    #[error("cannot {what}: {errno}; see `adrasteia doctor` for what this host permits")]
    Namespace {
        /// What was tried.
        what: String,
        /// The kernel's answer.
        errno: Errno,
    },
    /// The kernel refused a change of an interface.
    #[error("cannot {what}: {why}; see `adrasteia doctor` for what this host permits")]
    Interface {
        /// What was tried.
        what: String,
        /// The kernel's answer.
        why: String,
    },
    /// Neither kind of port of the switch is possible here.
    #[error(
        "the switch has no ports on this host: /dev/net/tun cannot be used ({tun}), nor can packet sockets on veth pairs \
         ({packet}); make /dev/net/tun accessible (sudo chmod 666 /dev/net/tun, or --device /dev/net/tun for a \
         container), run as root, or install iptables"
    )]
    NoPorts {
        /// Why not TUN.
        tun: String,
        /// Why not packet sockets.
        packet: String,
    },
    /// The thread that carries packets has ended.
    #[error("the switch has stopped carrying packets: {why}")]
    SwitchStopped {
        /// Why.
        why: String,
    },
    /// What only the switch can do was asked of iptables.
    #[error(
        "iptables cannot do this: {what}; use --net switch, or --net auto, which takes it where it is needed"
    )]
    OnlySwitch {
        /// What.
        what: String,
    },
    /// The file for captured packets cannot be written.
    #[error("cannot write the capture of packets {}: {why}", path.display())]
    Capture {
        /// The file.
        path: std::path::PathBuf,
        /// Why.
        why: String,
    },
    /// The kernel cannot cap the pauses of TCP.
    #[error(
        "the kernel has no tcp_rto_max_ms: after a cut, connections may stay silent as long again as it lasted"
    )]
    NoShortBackoff,
    /// iptables was asked for and is not there.
    #[error(
        "iptables is not installed (looked in PATH, /usr/sbin and /sbin): install it (sudo apt-get install iptables) or use --net switch"
    )]
    NoIptables,
    /// What takes `tc` was asked of iptables, and `tc` is not there.
    #[error(
        "tc is not installed (looked in PATH, /usr/sbin and /sbin), and iptables alone holds no packet up: install it \
         (sudo apt-get install iproute2) or use --net switch"
    )]
    NoTc,
    /// What takes netem was asked of iptables, and the kernel has none.
    #[error(
        "the kernel has no netem: load it (sudo modprobe sch_netem, and where there is no such module sudo apt-get \
         install linux-modules-extra-$(uname -r) first) or use --net switch, which needs none"
    )]
    NoNetem,
    /// netem is there and does not work.
    #[error(
        "netem did not make a packet late that was to wait for {waits_ms} ms; use --net switch, which needs no netem"
    )]
    NotLate {
        /// How late it was to be.
        waits_ms: u32,
    },
    /// `tc` is there and does not work.
    #[error(
        "tc {command} failed{place}: {why}; use --net switch, which needs neither tc nor queues of the kernel"
    )]
    Tc {
        /// What it was told.
        command: String,
        /// Where, as ` on n1`, or empty.
        place: String,
        /// Its error output.
        why: String,
    },
    /// iptables is there and does not work.
    #[error("{command} failed{place}: {why}; use --net switch, which needs no iptables")]
    Iptables {
        /// The command line.
        command: String,
        /// Where, as ` on n1`, or empty.
        place: String,
        /// Its error output.
        why: String,
    },
}

impl NetError {
    pub(super) fn namespace(what: impl Into<String>) -> impl FnOnce(Errno) -> NetError {
        let what = what.into();
        move |errno| NetError::Namespace { what, errno }
    }

    pub(super) fn interface<E: std::fmt::Display>(
        what: impl Into<String>,
    ) -> impl FnOnce(E) -> NetError {
        let what = what.into();
        move |error| NetError::Interface {
            what,
            why: error.to_string(),
        }
    }

    pub(super) fn namespace_io(what: impl Into<String>) -> impl FnOnce(io::Error) -> NetError {
        let what = what.into();
        move |error| NetError::Namespace {
            what,
            errno: error.raw_os_error().map_or(Errno::EIO, Errno::from_raw),
        }
    }
}
