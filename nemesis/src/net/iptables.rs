//! The iptables plane: a bridge, a veth pair per node, and rules in a chain of our own in each node's namespace, and in
//! that of the clients.
//!
//! A rule drops what comes from one sender, or some of it, at the receiver, as Jepsen does it. A node's rules are replaced
//! in one transaction of `iptables-restore`; the nodes are done in parallel, so a cut among five of them is in force some
//! milliseconds after it began, not at one instant.

mod chain;
mod tcp;
mod tool;

pub(super) use tool::Tool;

use super::namespace::Namespace;
use super::netlink::Netlink;
use super::seats::{Seat, Seats};
use super::{Disturbance, LAB_ADDRESSES, NetError, Plane, PlaneKind, RuleId, Tally};
use crate::NodeName;
use crate::partition::Link;
use chain::{CHAIN, Chain, Laid};
use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;
use std::os::fd::BorrowedFd;
use std::thread;
use tcp::Patience;

/// The bridge in the lab's own namespace; the harness has its address on it.
const BRIDGE: &str = "bridge0";

/// The interface of a node.
const INTERFACE: &str = "eth0";

/// A network carried by the kernel.
pub(super) struct IptablesPlane {
    seats: Seats,
    /// The namespace of the harness and the clients.
    lab: Namespace,
    tool: Tool,
    patience: Patience,
    laid: Laid,
    /// What stands in the chain of each end that receives, by its number.
    chains: Vec<Chain>,
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
        let chains = vec![Chain::default(); seats.len() + 1];
        let plane = IptablesPlane {
            seats,
            lab: Namespace::current()?,
            tool,
            patience,
            laid: Laid::default(),
            chains,
        };
        let everyone = (0..plane.chains.len()).collect();
        let hooked = plane.at_each(&everyone, |end| plane.hook_chain(end));
        hooked.into_iter().collect::<Result<(), _>>()?;
        Ok(plane)
    }

    /// Sends everything an end receives through our chain first.
    fn hook_chain(&self, end: usize) -> Result<(), NetError> {
        self.tool.run(self.place(end), &["-N", CHAIN])?;
        self.tool
            .run(self.place(end), &["-I", "INPUT", "-j", CHAIN])
            .map(drop)
    }

    fn place(&self, end: usize) -> Place<'_> {
        match self.seats.iter().nth(end) {
            Some(seat) => Place {
                namespace: &seat.namespace,
                node: Some(&seat.node),
            },
            None => Place {
                namespace: &self.lab,
                node: None,
            },
        }
    }

    /// Writes the chains of these receivers anew, after their counters have been read for the last time.
    fn rewrite(&mut self, receivers: &BTreeSet<usize>) -> Result<(), NetError> {
        let rewrite_one = |end| {
            let counted = self.count(end)?;
            let chain = Chain::of(&self.laid, end, |number| self.seats.address_of(number));
            self.tool.restore(self.place(end), &chain.text())?;
            Ok((end, counted, chain))
        };
        let mut first_error = Ok(());
        for rewritten in self.at_each(receivers, rewrite_one) {
            match rewritten {
                Ok((end, counted, chain)) => {
                    self.laid.add(&counted);
                    self.chains[end] = chain;
                }
                Err(error) => first_error = first_error.and(Err(error)),
            }
        }
        first_error
    }

    /// What the chain of one receiver has counted since it was written.
    fn count(&self, end: usize) -> Result<Vec<chain::Count>, NetError> {
        if self.chains[end].is_empty() {
            return Ok(Vec::new());
        }
        let listing = self.tool.run(self.place(end), &["-v", "-S", CHAIN])?;
        Ok(self.chains[end].read(&listing))
    }

    fn at_each<T: Send>(
        &self,
        ends: &BTreeSet<usize>,
        work: impl Fn(usize) -> Result<T, NetError> + Sync,
    ) -> Vec<Result<T, NetError>> {
        thread::scope(|scope| {
            let work = &work;
            let started: Vec<_> = ends
                .iter()
                .map(|end| scope.spawn(move || work(*end)))
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

    fn impose(
        &mut self,
        id: RuleId,
        disturbance: &Disturbance,
        links: &BTreeSet<Link>,
    ) -> Result<(), NetError> {
        if !PlaneKind::Iptables.can(disturbance) {
            return Err(NetError::only_switch(disturbance));
        }
        let links = self.seats.numbers(links)?;
        let receivers = links.iter().map(|(_, to)| *to).collect();
        self.laid.lay(id, *disturbance, links);
        self.rewrite(&receivers)
    }

    fn tallies(&mut self, id: RuleId) -> Result<BTreeMap<Link, Tally>, NetError> {
        let receivers = self.laid.receivers(|other| other == id);
        let mut laid = self.laid.clone();
        for counted in self.at_each(&receivers, |end| self.count(end)) {
            laid.add(&counted?);
        }
        let named = laid
            .tallies(id)
            .map(|((from, to), tally)| (self.seats.link(from, to), tally));
        Ok(named.collect())
    }

    fn lift(&mut self, id: RuleId) -> Result<(), NetError> {
        let receivers = self.laid.receivers(|other| other == id);
        self.laid.lift(|other| other == id);
        self.rewrite(&receivers)
    }

    fn heal(&mut self) -> Result<(), NetError> {
        let receivers = self.laid.receivers(|_| true);
        self.laid.lift(|_| true);
        self.rewrite(&receivers)
    }

    fn probe(&mut self, links: &BTreeSet<Link>) -> Result<(), NetError> {
        self.seats.probe(links)
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
        let lab = self.place(self.seats.len());
        for words in [
            &["-D", "INPUT", "-j", CHAIN][..],
            &["-F", CHAIN],
            &["-X", CHAIN],
        ] {
            let _ = self.tool.run(lab, words);
        }
    }
}

/// Where a command runs: the namespace, and its node for messages.
#[derive(Clone, Copy)]
pub(super) struct Place<'a> {
    namespace: &'a Namespace,
    node: Option<&'a NodeName>,
}

/// Lets a kernel draw packets to lose, in a namespace of no further use.
pub(super) fn try_loss(tool: &Tool, scratch: &Namespace) -> Result<(), NetError> {
    let place = Place {
        namespace: scratch,
        node: None,
    };
    let words = "-A INPUT -s 10.99.0.1 -m statistic --mode random --probability 0.5 -j DROP";
    let words: Vec<&str> = words.split(' ').collect();
    tool.run(place, &words).map(drop)
}

/// Caps the back-off of TCP in a namespace of no further use.
pub(super) fn try_short_backoff(scratch: &Namespace) -> Result<(), NetError> {
    match scratch.run(|| Ok(tcp::shorten_backoff()))? {
        Patience::Short => Ok(()),
        Patience::AsTheCut => Err(NetError::NoShortBackoff),
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
    for address in LAB_ADDRESSES {
        netlink.add_address(BRIDGE, address)?;
    }
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

/// Also for the clients, whose links can be cut as well.
fn shorten_backoff(seats: &Seats) -> Result<Patience, NetError> {
    let mut patience = tcp::shorten_backoff();
    for seat in seats.iter() {
        patience = seat.namespace.run(|| Ok(tcp::shorten_backoff()))?;
    }
    Ok(patience)
}
