//! The network between the nodes, and cutting it.
//!
//! Every node has a network namespace of its own with one interface `eth0` and the address `10.99.0.i`; the harness has
//! `10.99.0.254` in the lab's namespace. What joins them is a [`Plane`], of which there are two:
//!
//! * [`PlaneKind::Iptables`]: a bridge and a veth pair per node; a cut is a rule per sender in a chain of our own in the
//!   receiver's namespace, as Jepsen does it on remote machines;
//! * [`PlaneKind::Switch`]: the interfaces end in this process, and a thread carries packets from one to another, or
//!   does not. Needs no tool on the host; a cut takes effect between two packets.
//!
//! The network speaks IPv4 only. IPv6 is switched off in the namespaces so that nothing flows around a cut.

mod attempt;
mod choice;
mod error;
mod iptables;
mod namespace;
mod netlink;
mod seats;
mod switch;

pub(crate) use attempt::{try_bridge, try_iptables, try_packet_sockets, try_tun};
pub use choice::{Chosen, NetChoice, PlaneKind, UnknownNet, choose};
pub use error::NetError;

use crate::NodeName;
use crate::partition::{Grudge, Link};
use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::os::fd::BorrowedFd;

/// The address of the harness, in the lab's own namespace.
pub const HARNESS_ADDRESS: Ipv4Addr = Ipv4Addr::new(10, 99, 0, 254);

/// Most nodes a plane has addresses for.
pub const MAX_NODES: usize = 200;

/// A network of nodes whose links can be cut.
///
/// Links between the harness and a node are never cut.
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

    /// Cuts exactly the links of `grudge`, in place of what is cut now. When it returns the cut is in force, and the
    /// counters of [`Plane::drops`] start from zero.
    ///
    /// # Errors
    /// When the plane lacks a node of the grudge, or the cut could not be installed everywhere. Call [`Plane::heal`]
    /// then: some links may be cut.
    fn cut(&mut self, grudge: &Grudge) -> Result<(), NetError>;

    /// Sends one packet of our own over each link of `grudge`. On links that are cut it is dropped, and counted by
    /// [`Plane::drops`], even where the system itself sends nothing.
    ///
    /// # Errors
    /// When the plane lacks a node of the grudge, or a packet could not be sent.
    fn probe(&mut self, grudge: &Grudge) -> Result<(), NetError>;

    /// Lets every link carry packets again.
    ///
    /// # Errors
    /// When the cut could not be removed everywhere.
    fn heal(&mut self) -> Result<(), NetError>;

    /// The packets dropped on each link since it was cut. Ask before [`Plane::heal`]: without a cut there are none.
    ///
    /// # Errors
    /// When the counters cannot be read.
    fn drops(&mut self) -> Result<BTreeMap<Link, u64>, NetError>;
}

/// Builds the network for `nodes`; the first has the address `10.99.0.1`.
///
/// # Errors
/// [`NetError`] outside a lab, for more than [`MAX_NODES`] nodes, or when the host refuses a part, with the remedy.
pub fn build(kind: PlaneKind, nodes: &[NodeName]) -> Result<Box<dyn Plane>, NetError> {
    if !crate::lab::inside() {
        return Err(NetError::OutsideLab);
    }
    Ok(match kind {
        PlaneKind::Iptables => Box::new(iptables::IptablesPlane::build(nodes)?),
        PlaneKind::Switch => Box::new(switch::SwitchPlane::build(nodes)?),
    })
}

/// Raises the loopback interface of the namespace the calling thread is in.
pub(crate) fn raise_loopback() -> Result<(), NetError> {
    netlink::Netlink::open()?.up("lo")
}
