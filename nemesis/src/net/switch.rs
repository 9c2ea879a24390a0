//! The switch plane: this process carries the packets.
//!
//! The interface of each node, and one of the harness, ends in a [`port`] here. One thread, the [`pump`], reads packets
//! from the ports and asks the [`fabric`] where each goes, and when. A rule changes the fabric between two packets, so it
//! is in force everywhere at once.

mod capture;
mod fabric;
mod packet;
mod port;
mod pump;
mod rule;

use super::namespace::Namespace;
use super::seats::Seats;
use super::{Disturbance, NetError, NetOptions, Plane, PlaneKind, RuleId, Tally};
use crate::NodeName;
use crate::partition::Link;
use capture::Capture;
use fabric::Fabric;
use port::{Port, PortKind};
use pump::Pump;
use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;
use std::os::fd::BorrowedFd;

/// A network carried by a thread of this process.
pub(super) struct SwitchPlane {
    seats: Seats,
    ports: PortKind,
    pump: Pump,
}

impl SwitchPlane {
    pub(super) fn build(nodes: &[NodeName], options: &NetOptions) -> Result<SwitchPlane, NetError> {
        let seats = Seats::create(nodes)?;
        let harness = Namespace::current()?;
        let (kind, ports) = port::open_all(&seats, &harness)?;
        let fabric = Fabric::new(seats.len(), options.seed, options.replays_held_segments);
        let capture = options
            .capture
            .as_deref()
            .map(|path| Capture::create(path, &seats.links()))
            .transpose()?;
        let pump = Pump::start(fabric, ports, capture)?;
        Ok(SwitchPlane {
            seats,
            ports: kind,
            pump,
        })
    }
}

/// What the ports of a switch would be on this host, in a few words.
pub(super) fn ports_here() -> String {
    PortKind::here().to_string()
}

impl Drop for SwitchPlane {
    fn drop(&mut self) {
        port::close_all(&self.ports);
    }
}

/// Makes a TUN port in a namespace of no further use.
pub(super) fn try_tun(scratch: &Namespace) -> Result<(), NetError> {
    port::try_tun(scratch)
}

/// Makes a packet-socket port in a namespace of no further use.
pub(super) fn try_packet_socket(scratch: &Namespace) -> Result<(), NetError> {
    port::try_packet_socket(scratch)
}

impl Plane for SwitchPlane {
    fn kind(&self) -> PlaneKind {
        PlaneKind::Switch
    }

    fn description(&self) -> String {
        format!("a switch in the harness, joined by {}", self.ports)
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
        let links = self.seats.numbers(links)?;
        self.pump.impose(id, disturbance, &links)
    }

    fn tallies(&mut self, id: RuleId) -> Result<BTreeMap<Link, Tally>, NetError> {
        let tallies = self.pump.tallies(id)?;
        let named = tallies
            .into_iter()
            .map(|(from, to, tally)| (self.seats.link(from, to), tally));
        Ok(named.collect())
    }

    fn lift(&mut self, id: RuleId) -> Result<(), NetError> {
        self.pump.lift(|other| other == id)
    }

    fn heal(&mut self) -> Result<(), NetError> {
        self.pump.lift(|_| true)
    }

    fn probe(&mut self, links: &BTreeSet<Link>) -> Result<(), NetError> {
        self.seats.probe(links)
    }
}
