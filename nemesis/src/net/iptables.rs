//! The iptables plane: a bridge, a veth pair per node, and rules in a chain of our own in each node's namespace.
//!
//! A rule drops what comes from one sender, at the receiver, as Jepsen does it. A node's rules are replaced in one
//! transaction of `iptables-restore`; the nodes are done in parallel, so a cut among five of them is in force some
//! milliseconds after it began, not at one instant.

mod tcp;
mod tool;

pub(super) use tool::Tool;

use super::namespace::Namespace;
use super::netlink::Netlink;
use super::seats::{Seat, Seats};
use super::{HARNESS_ADDRESS, NetError, Plane, PlaneKind};
use crate::NodeName;
use crate::partition::{Grudge, Link};
use std::collections::BTreeMap;
use std::fmt::Write;
use std::net::Ipv4Addr;
use std::os::fd::BorrowedFd;
use std::thread;
use tcp::Patience;

/// Our chain. Nothing outside it is touched.
const CHAIN: &str = "ADRASTEIA";

/// The bridge in the lab's own namespace; the harness has its address on it.
const BRIDGE: &str = "bridge0";

/// The interface of a node.
const INTERFACE: &str = "eth0";

/// A network carried by the kernel.
pub(super) struct IptablesPlane {
    seats: Seats,
    tool: Tool,
    patience: Patience,
}

impl IptablesPlane {
    pub(super) fn build(nodes: &[NodeName]) -> Result<IptablesPlane, NetError> {
        let tool = Tool::find()?;
        let seats = Seats::create(nodes)?;
        lay_bridge()?;
        for seat in seats.iter() {
            plug_in(seat)?;
        }
        let patience = shorten_backoff(&seats)?;
        let plane = IptablesPlane {
            seats,
            tool,
            patience,
        };
        plane.at_each_node(|seat| plane.hook_chain(seat))?;
        Ok(plane)
    }

    /// Sends everything a node receives through our chain first.
    fn hook_chain(&self, seat: &Seat) -> Result<(), NetError> {
        let place = Place::of(seat);
        self.tool.run(place, &["-N", CHAIN])?;
        self.tool
            .run(place, &["-I", "INPUT", "-j", CHAIN])
            .map(drop)
    }

    /// Replaces the rules of one node: one for each sender it no longer hears.
    fn set_rules(&self, seat: &Seat, grudge: &Grudge) -> Result<(), NetError> {
        let mut rules = format!("*filter\n:{CHAIN} - [0:0]\n");
        for link in grudge.links().iter().filter(|link| link.to == seat.node) {
            let sender = self.seats.address(&link.from);
            writeln!(rules, "-A {CHAIN} -s {sender} -j DROP").expect("a string takes any text");
        }
        rules.push_str("COMMIT\n");
        self.tool.restore(Place::of(seat), &rules)
    }

    /// The packets dropped at one node, by sender.
    fn count(&self, seat: &Seat) -> Result<Vec<(Link, u64)>, NetError> {
        let listing = self.tool.run(Place::of(seat), &["-v", "-S", CHAIN])?;
        let counts = listing.lines().filter_map(tool::parse_counted_rule);
        let named = counts.filter_map(|(sender, packets)| {
            let from = self.seats.iter().find(|from| from.address == sender)?;
            let link = Link {
                from: from.node.clone(),
                to: seat.node.clone(),
            };
            Some((link, packets))
        });
        Ok(named.collect())
    }

    fn at_each_node<T: Send>(
        &self,
        work: impl Fn(&Seat) -> Result<T, NetError> + Sync,
    ) -> Result<Vec<T>, NetError> {
        thread::scope(|scope| {
            let work = &work;
            let started: Vec<_> = self
                .seats
                .iter()
                .map(|seat| scope.spawn(move || work(seat)))
                .collect();
            let finished = started.into_iter().map(|thread| match thread.join() {
                Ok(result) => result,
                Err(panic) => std::panic::resume_unwind(panic),
            });
            finished.collect()
        })
    }
}

impl Plane for IptablesPlane {
    fn kind(&self) -> PlaneKind {
        PlaneKind::Iptables
    }

    fn description(&self) -> String {
        format!("a bridge with {}, {}", self.tool.version, self.patience)
    }

    fn address(&self, node: &NodeName) -> Ipv4Addr {
        self.seats.address(node)
    }

    fn namespace(&self, node: &NodeName) -> BorrowedFd<'_> {
        self.seats.namespace(node)
    }

    fn cut(&mut self, grudge: &Grudge) -> Result<(), NetError> {
        self.seats.check(grudge)?;
        self.at_each_node(|seat| self.set_rules(seat, grudge))
            .map(drop)
    }

    fn probe(&mut self, grudge: &Grudge) -> Result<(), NetError> {
        self.seats.check(grudge)?;
        self.seats.probe(grudge)
    }

    fn heal(&mut self) -> Result<(), NetError> {
        let nothing = Grudge::default();
        self.at_each_node(|seat| self.set_rules(seat, &nothing))
            .map(drop)
    }

    fn drops(&mut self) -> Result<BTreeMap<Link, u64>, NetError> {
        let counts = self.at_each_node(|seat| self.count(seat))?;
        Ok(counts.into_iter().flatten().collect())
    }
}

impl Drop for IptablesPlane {
    fn drop(&mut self) {
        // What cannot be taken back now goes with the lab.
        let Ok(netlink) = Netlink::open() else { return };
        for seat in self.seats.iter() {
            let _ = netlink.delete(&port_of(seat));
        }
        let _ = netlink.delete(BRIDGE);
    }
}

/// Where a command runs: the namespace, and its node for messages.
#[derive(Clone, Copy)]
pub(super) struct Place<'a> {
    namespace: &'a Namespace,
    node: Option<&'a NodeName>,
}

impl<'a> Place<'a> {
    fn of(seat: &'a Seat) -> Place<'a> {
        Place {
            namespace: &seat.namespace,
            node: Some(&seat.node),
        }
    }
}

/// Sets a rule in a namespace of no further use.
pub(super) fn try_rule(tool: &Tool, scratch: &Namespace) -> Result<(), NetError> {
    let place = Place {
        namespace: scratch,
        node: None,
    };
    tool.run(place, &["-A", "INPUT", "-s", "10.99.0.1", "-j", "DROP"])
        .map(drop)
}

/// Lays a bridge and a cable in a namespace of no further use.
pub(super) fn try_bridge(scratch: &Namespace) -> Result<(), NetError> {
    scratch.run(|| {
        lay_bridge()?;
        Netlink::open()?.add_veth("port0", "port1", scratch)
    })
}

fn lay_bridge() -> Result<(), NetError> {
    let netlink = Netlink::open()?;
    netlink.add_bridge(BRIDGE)?;
    netlink.add_address(BRIDGE, HARNESS_ADDRESS)?;
    netlink.up(BRIDGE)
}

/// Joins a node to the bridge by a veth pair.
fn plug_in(seat: &Seat) -> Result<(), NetError> {
    let netlink = Netlink::open()?;
    let far = port_of(seat);
    netlink.add_veth(&far, INTERFACE, &seat.namespace)?;
    netlink.plug_into(&far, BRIDGE)?;
    netlink.up(&far)?;
    seat.namespace.run(|| {
        let netlink = Netlink::open()?;
        netlink.add_address(INTERFACE, seat.address)?;
        netlink.up(INTERFACE)
    })
}

/// The name of the bridge's interface for a node.
fn port_of(seat: &Seat) -> String {
    format!("port{}", seat.address.octets()[3])
}

fn shorten_backoff(seats: &Seats) -> Result<Patience, NetError> {
    let mut patience = Patience::Short;
    for seat in seats.iter() {
        patience = seat.namespace.run(|| Ok(tcp::shorten_backoff()))?;
    }
    Ok(patience)
}
