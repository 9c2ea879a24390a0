//! The switch plane: this process carries the packets.
//!
//! The interface of each node, and one of the harness, ends in a [`port`] here. One thread, the [`pump`], reads packets
//! from the ports and asks the [`fabric`] where each goes. A cut changes the fabric between two packets, so it is in
//! force everywhere at once.

mod fabric;
mod packet;
mod port;
mod pump;

use super::namespace::Namespace;
use super::seats::Seats;
use super::{NetError, Plane, PlaneKind};
use crate::NodeName;
use crate::partition::{Grudge, Link};
use fabric::Fabric;
use port::{Port, PortKind};
use pump::Pump;
use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::os::fd::BorrowedFd;

/// A network carried by a thread of this process.
pub(super) struct SwitchPlane {
    seats: Seats,
    ports: PortKind,
    pump: Pump,
}

impl SwitchPlane {
    pub(super) fn build(nodes: &[NodeName]) -> Result<SwitchPlane, NetError> {
        let seats = Seats::create(nodes)?;
        let harness = Namespace::current()?;
        let (kind, ports) = port::open_all(&seats, &harness)?;
        let pump = Pump::start(Fabric::new(seats.len()), ports)?;
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

    fn cut(&mut self, grudge: &Grudge) -> Result<(), NetError> {
        self.seats.check(grudge)?;
        let seats = &self.seats;
        self.pump
            .recut(|from, to| grudge.links().contains(&seats.link(from, to)))
    }

    fn probe(&mut self, grudge: &Grudge) -> Result<(), NetError> {
        self.seats.check(grudge)?;
        self.seats.probe(grudge)
    }

    fn heal(&mut self) -> Result<(), NetError> {
        self.pump.recut(|_, _| false)
    }

    fn drops(&mut self) -> Result<BTreeMap<Link, u64>, NetError> {
        let drops = self.pump.drops()?;
        let named = drops
            .into_iter()
            .map(|(from, to, count)| (self.seats.link(from, to), count));
        Ok(named.collect())
    }
}
