//! The network between the nodes, and what happens to its packets.
//!
//! Every node has a network namespace of its own with one interface `eth0` and the address `10.99.0.i`. The lab's namespace
//! has two addresses: clients bind `10.99.0.253`, and their links can be disturbed like those between nodes; what the
//! harness asks on its own account comes from `10.99.0.254` and always arrives. What joins them is a [`Plane`], of which
//! there are two:
//!
//! * [`PlaneKind::Iptables`]: a bridge and a veth pair per node; a cut is a rule per sender in a chain of our own in the
//!   receiver's namespace, as Jepsen does it on remote machines; what holds packets up is the kernel's netem at the sender,
//!   where the kernel has it. They are in their sender's kernel meanwhile, whose TCP knows that and sends none of them again;
//! * [`PlaneKind::Switch`]: the interfaces end in this process, and a thread carries packets from one to another, later, or
//!   not at all. Needs no tool on the host; a rule takes effect between two packets, and every [`Disturbance`] is possible.
//!
//! The network speaks IPv4 only. IPv6 is switched off in the namespaces so that nothing flows around a cut.

mod attempt;
mod choice;
mod disturbance;
mod error;
mod iptables;
mod namespace;
mod netlink;
mod seats;
mod switch;

pub(crate) use attempt::{
    try_bottleneck, try_bridge, try_copies, try_iptables, try_loss, try_netem, try_packet_sockets,
    try_short_backoff, try_tun,
};
pub use choice::{Chosen, NetChoice, PlaneKind, UnknownNet, Wanted, choose};
pub use disturbance::{
    Checksum, Disturbance, LONGEST_QUEUE_MS, Means, Permille, RuleId, Tally, TooMany,
};
pub use error::NetError;

use crate::NodeName;
use crate::partition::Link;
use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;
use std::os::fd::BorrowedFd;
use std::path::PathBuf;

/// The address of the harness, in the lab's own namespace: what does not bind another has this one.
pub const HARNESS_ADDRESS: Ipv4Addr = Ipv4Addr::new(10, 99, 0, 254);

/// The address of the clients, in the same namespace.
pub const CLIENTS_ADDRESS: Ipv4Addr = Ipv4Addr::new(10, 99, 0, 253);

/// Both, in the order in which an interface gets them: the first is that of whoever does not choose.
const LAB_ADDRESSES: [Ipv4Addr; 2] = [HARNESS_ADDRESS, CLIENTS_ADDRESS];

/// Most nodes a plane has addresses for.
pub const MAX_NODES: usize = 200;

/// How a plane is to be built.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NetOptions {
    /// Where the switch draws which packets a rule hits. On iptables the kernel draws.
    pub seed: u64,
    /// Whether the switch delivers, at a heal, the last segment of each connection that a cut swallowed. Without, TCP may
    /// stay silent past a heal for as long as the cut lasted.
    pub replays_held_segments: bool,
    /// Where the switch records every packet between nodes and clients, in the pcapng format: an interface per directed
    /// link, a comment for what became of a packet. iptables records nothing.
    pub capture: Option<PathBuf>,
}

impl Default for NetOptions {
    /// Seed 0; held segments are replayed, and nothing is recorded.
    fn default() -> NetOptions {
        NetOptions {
            seed: 0,
            replays_held_segments: true,
            capture: None,
        }
    }
}

/// A network of nodes and clients whose links can be disturbed.
///
/// What lies on the links is a set of numbered rules, each a [`Disturbance`] and the links it lies on. A packet of a link
/// meets all rules of the link. Links between the harness itself and a node are never disturbed.
pub trait Plane: Send {
    /// Which of the planes this is.
    fn kind(&self) -> PlaneKind;

    /// How the plane is made on this host, in a few words for the report.
    fn description(&self) -> String;

    /// The address of a node.
    ///
    /// # Panics
    /// When the plane was built without this node.
    fn address(&self, node: &NodeName) -> Ipv4Addr;

    /// The network namespace of a node, for the processes that are to run in it.
    ///
    /// # Panics
    /// When the plane was built without this node.
    fn namespace(&self, node: &NodeName) -> BorrowedFd<'_>;

    /// Lays a rule on `links`. When it returns the rule is in force, and its counters start from zero.
    ///
    /// # Errors
    /// [`NetError::OnlySwitch`] when this plane cannot do it, alone or together with what lies there; when the plane lacks an
    /// end of a link; or when the rule could not be laid everywhere, as where the host lacks what it takes (see
    /// [`Disturbance::means`]): call [`Plane::lift`] then, it may lie on some links.
    fn impose(
        &mut self,
        id: RuleId,
        disturbance: &Disturbance,
        links: &BTreeSet<Link>,
    ) -> Result<(), NetError>;

    /// What a rule did to the packets of each of its links so far; nothing once it was lifted.
    ///
    /// # Errors
    /// When the counters cannot be read.
    fn tallies(&mut self, id: RuleId) -> Result<BTreeMap<Link, Tally>, NetError>;

    /// Takes a rule away, if it lies anywhere. On iptables packets that wait arrive when they are due; the switch delivers
    /// them as well.
    ///
    /// # Errors
    /// When it could not be taken away everywhere.
    fn lift(&mut self, id: RuleId) -> Result<(), NetError>;

    /// Takes every rule away.
    ///
    /// # Errors
    /// When one could not be taken away everywhere.
    fn heal(&mut self) -> Result<(), NetError>;

    /// Sends one packet of our own over each of `links`: what lies on them acts on it, and counts it, even where the
    /// system itself sends nothing.
    ///
    /// # Errors
    /// When the plane lacks an end of a link, or a packet could not be sent.
    fn probe(&mut self, links: &BTreeSet<Link>) -> Result<(), NetError>;
}

/// Builds the network for `nodes`; the first has the address `10.99.0.1`.
///
/// # Errors
/// [`NetError`] outside a lab, for more than [`MAX_NODES`] nodes, or when the host refuses a part, with the remedy.
pub fn build(
    kind: PlaneKind,
    nodes: &[NodeName],
    options: &NetOptions,
) -> Result<Box<dyn Plane>, NetError> {
    if !crate::lab::inside() {
        return Err(NetError::OutsideLab);
    }
    Ok(match kind {
        PlaneKind::Iptables => Box::new(iptables::IptablesPlane::build(nodes)?),
        PlaneKind::Switch => Box::new(switch::SwitchPlane::build(nodes, options)?),
    })
}

/// Raises the loopback interface of the namespace the calling thread is in.
pub(crate) fn raise_loopback() -> Result<(), NetError> {
    netlink::Netlink::open()?.up("lo")
}
