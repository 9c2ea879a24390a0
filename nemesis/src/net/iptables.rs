//! The iptables plane: a bridge, a veth pair per node, and rules in chains of our own in each node's namespace, and in
//! that of the clients.
//!
//! A rule drops what comes from one sender, or some of it, at the receiver, as Jepsen does it; what changes packets or holds
//! them up does so at the sender. A node's rules are replaced in one transaction of `iptables-restore`; the nodes are done in
//! parallel, so a cut among five of them is in force some milliseconds after it began, not at one instant.

mod chain;
mod egress;
mod laid;
mod shaping;
mod tc;
mod tcp;
mod tool;
mod tree;
mod trial;

pub(super) use tc::Tc;
pub(super) use tool::Tool;
pub(super) use trial::{try_bridge, try_loss, try_means, try_rule, try_short_backoff};

use super::disturbance::Means;
use super::namespace::Namespace;
use super::netlink::Netlink;
use super::seats::{Seat, Seats};
use super::{Disturbance, LAB_ADDRESSES, NetError, Plane, PlaneKind, RuleId, Tally};
use crate::NodeName;
use crate::partition::Link;
use chain::{CHAIN, Chain};
use egress::{Egress, Programs};
use laid::{Count, Ends, Laid, Side};
use shaping::{Shape, Unshapeable};
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
    programs: Programs,
    patience: Patience,
    laid: Laid,
    /// What stands at each end where it receives, by its number.
    chains: Vec<Chain>,
    /// What stands where it sends.
    egresses: Vec<Egress>,
}

/// Whose chains a change concerns.
struct Concerned {
    receivers: BTreeSet<usize>,
    senders: BTreeSet<usize>,
}

impl IptablesPlane {
    pub(super) fn build(nodes: &[NodeName]) -> Result<IptablesPlane, NetError> {
        let programs = Programs::find()?;
        let seats = Seats::create(nodes)?;
        lay_bridge()?;
        for seat in seats.iter() {
            plug_in(seat)?;
        }
        let patience = shorten_backoff(&seats)?;
        let chains = vec![Chain::default(); seats.len() + 1];
        let mut egresses = vec![Egress::of(INTERFACE); seats.len()];
        egresses.push(Egress::of(BRIDGE));
        let plane = IptablesPlane {
            seats,
            lab: Namespace::current()?,
            programs,
            patience,
            laid: Laid::default(),
            chains,
            egresses,
        };
        let everyone = (0..plane.chains.len()).collect();
        let hooked = plane.at_each(&everyone, |end| plane.hook_chain(end));
        hooked.into_iter().collect::<Result<(), _>>()?;
        Ok(plane)
    }

    /// Sends everything an end receives through our chain first.
    fn hook_chain(&self, end: usize) -> Result<(), NetError> {
        let iptables = &self.programs.iptables;
        iptables.run(self.place(end), &["-N", CHAIN])?;
        iptables
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

    fn concerned(&self, which: impl Fn(RuleId) -> bool) -> Concerned {
        Concerned {
            receivers: self.laid.ends(Side::Receiver, &which),
            senders: self.laid.ends(Side::Sender, &which),
        }
    }

    /// Writes the chains of all these anew, after their counters have been read for the last time.
    fn rewrite(&mut self, concerned: &Concerned) -> Result<(), NetError> {
        let received = self.rewrite_receivers(&concerned.receivers);
        received.and(self.rewrite_senders(&concerned.senders))
    }

    fn rewrite_receivers(&mut self, receivers: &BTreeSet<usize>) -> Result<(), NetError> {
        let rewrite_one = |end| {
            let counted = self.received(end)?;
            let chain = Chain::of(&self.laid, end, |number| self.seats.address_of(number));
            let iptables = &self.programs.iptables;
            iptables.restore(self.place(end), &chain.text())?;
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

    fn rewrite_senders(&mut self, senders: &BTreeSet<usize>) -> Result<(), NetError> {
        let rewrite_one = |end| {
            let shapes = self.shapes(&self.laid, end)?;
            let address = |number| self.seats.address_of(number);
            let egress: &Egress = &self.egresses[end];
            let reshaped = egress.reshaped(&self.programs, self.place(end), shapes, address)?;
            Ok((end, reshaped))
        };
        let mut first_error = Ok(());
        for rewritten in self.at_each(senders, rewrite_one) {
            match rewritten {
                Ok((end, reshaped)) => {
                    self.laid.add(&reshaped.counts);
                    self.egresses[end] = reshaped.egress;
                    first_error = first_error.and(reshaped.cleared);
                }
                Err(error) => first_error = first_error.and(Err(error)),
            }
        }
        first_error
    }

    /// What a sender has to do to its links, if it can.
    fn shapes(&self, laid: &Laid, from: usize) -> Result<Vec<Shape>, NetError> {
        let refuse = |((from, to), unshapeable): (Ends, Unshapeable)| NetError::OnlySwitch {
            what: format!("{unshapeable}, on {}", self.seats.link(from, to)),
        };
        shaping::shapes(laid, from).map_err(refuse)
    }

    /// What the chain of one receiver has counted since it was written.
    fn received(&self, end: usize) -> Result<Vec<Count>, NetError> {
        if self.chains[end].lines.is_empty() {
            return Ok(Vec::new());
        }
        let iptables = &self.programs.iptables;
        let listing = iptables.run(self.place(end), &["-v", "-S", CHAIN])?;
        Ok(self.chains[end].lines.read(&listing))
    }

    /// The same of one sender.
    fn sent(&self, end: usize) -> Result<Vec<Count>, NetError> {
        let counted = self.egresses[end].count(&self.programs, self.place(end));
        counted.map(|(counts, _)| counts)
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
        let version = &self.programs.iptables.version;
        format!("a bridge with {version}, {}", self.patience)
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
        if disturbance.means() == Means::Switch {
            return Err(NetError::OnlySwitch {
                what: disturbance.to_string(),
            });
        }
        let mut laid = self.laid.clone();
        laid.lay(id, *disturbance, self.seats.numbers(links)?);
        for sender in laid.ends(Side::Sender, |other| other == id) {
            self.shapes(&laid, sender)?;
        }
        self.laid = laid;
        self.rewrite(&self.concerned(|other| other == id))
    }

    fn tallies(&mut self, id: RuleId) -> Result<BTreeMap<Link, Tally>, NetError> {
        let concerned = self.concerned(|other| other == id);
        let mut laid = self.laid.clone();
        let received = self.at_each(&concerned.receivers, |end| self.received(end));
        let sent = self.at_each(&concerned.senders, |end| self.sent(end));
        for counted in received.into_iter().chain(sent) {
            laid.add(&counted?);
        }
        let named = laid
            .tallies(id)
            .map(|((from, to), tally)| (self.seats.link(from, to), tally));
        Ok(named.collect())
    }

    fn lift(&mut self, id: RuleId) -> Result<(), NetError> {
        let concerned = self.concerned(|other| other == id);
        self.laid.lift(|other| other == id);
        self.rewrite(&concerned)
    }

    fn heal(&mut self) -> Result<(), NetError> {
        let concerned = self.concerned(|_| true);
        self.laid.lift(|_| true);
        self.rewrite(&concerned)
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
        if let Some(egress) = self.egresses.last() {
            egress.unhook(&self.programs.iptables, lab);
        }
        for words in [
            &["-D", "INPUT", "-j", CHAIN][..],
            &["-F", CHAIN],
            &["-X", CHAIN],
        ] {
            let _ = self.programs.iptables.run(lab, words);
        }
    }
}

/// Where a command runs: the namespace, and its node for messages.
#[derive(Clone, Copy)]
pub(super) struct Place<'a> {
    namespace: &'a Namespace,
    node: Option<&'a NodeName>,
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
