//! Who is where: the namespace and address of each node, the same in both planes.

use super::namespace::Namespace;
use super::{CLIENTS_ADDRESS, HARNESS_ADDRESS, LAB_ADDRESSES, MAX_NODES, NetError};
use crate::NodeName;
use crate::partition::{Endpoint, Link};
use std::collections::BTreeSet;
use std::net::{Ipv4Addr, UdpSocket};
use std::os::fd::{AsFd, BorrowedFd};

/// The nodes of a network in the order of their addresses, which is the order they were given in.
#[derive(Debug, Default)]
pub(super) struct Seats {
    seats: Vec<Seat>,
}

/// One node's place in the network.
#[derive(Debug)]
pub(super) struct Seat {
    pub(super) node: NodeName,
    pub(super) address: Ipv4Addr,
    pub(super) namespace: Namespace,
    /// A socket of the node's namespace, for probes.
    prober: UdpSocket,
}

/// The discard port: nobody listens, and nothing is answered by a link that is cut.
pub(super) const PROBED_PORT: u16 = 9;

const PROBE: &[u8] = b"adrasteia probe";

impl Seats {
    /// Makes and publishes a namespace for each node.
    pub(super) fn create(nodes: &[NodeName]) -> Result<Seats, NetError> {
        if nodes.len() > MAX_NODES {
            return Err(NetError::TooManyNodes { asked: nodes.len() });
        }
        let numbered = nodes.iter().zip(1u8..);
        let seats = numbered.map(|(node, number)| Seat::create(node, number));
        Ok(Seats {
            seats: seats.collect::<Result<_, _>>()?,
        })
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Seat> {
        self.seats.iter()
    }

    /// Every namespace that takes part and its addresses: the nodes', then that of the harness and the clients.
    pub(super) fn with<'a>(
        &'a self,
        harness: &'a Namespace,
    ) -> impl Iterator<Item = (&'a Namespace, &'a [Ipv4Addr])> {
        let one = |seat: &'a Seat| (&seat.namespace, std::slice::from_ref(&seat.address));
        let last = (harness, LAB_ADDRESSES.as_slice());
        self.seats.iter().map(one).chain([last])
    }

    pub(super) fn len(&self) -> usize {
        self.seats.len()
    }

    /// The link between two ends, by their numbers from zero: the nodes, then the clients.
    pub(super) fn link(&self, from: usize, to: usize) -> Link {
        let end = |number: usize| match self.seats.get(number) {
            Some(seat) => Endpoint::Node(seat.node.clone()),
            None => Endpoint::Clients,
        };
        Link::new(end(from), end(to))
    }

    /// Every link, with the numbers of its ends.
    pub(super) fn links(&self) -> Vec<((usize, usize), Link)> {
        let ends = 0..=self.seats.len();
        let pairs = ends
            .clone()
            .flat_map(|from| ends.clone().map(move |to| (from, to)));
        pairs
            .filter(|(from, to)| from != to)
            .map(|(from, to)| ((from, to), self.link(from, to)))
            .collect()
    }

    /// The numbers of the ends of each link. Refuses links of another cluster.
    pub(super) fn numbers(&self, links: &BTreeSet<Link>) -> Result<Vec<(usize, usize)>, NetError> {
        let number = |end: &Endpoint| match end {
            Endpoint::Clients => Ok(self.seats.len()),
            Endpoint::Node(node) => self
                .seats
                .iter()
                .position(|seat| seat.node == *node)
                .ok_or_else(|| NetError::UnknownNode { node: node.clone() }),
        };
        let numbers = links
            .iter()
            .map(|link| Ok((number(&link.from)?, number(&link.to)?)));
        numbers.collect()
    }

    /// The address of an end, by its number.
    pub(super) fn address_of(&self, number: usize) -> Ipv4Addr {
        let seat = self.seats.get(number);
        seat.map_or(CLIENTS_ADDRESS, |seat| seat.address)
    }

    pub(super) fn address(&self, node: &NodeName) -> Ipv4Addr {
        self.expect(node).address
    }

    pub(super) fn namespace(&self, node: &NodeName) -> BorrowedFd<'_> {
        self.expect(node).namespace.as_fd()
    }

    /// Sends one datagram over each of these links.
    pub(super) fn probe(&self, links: &BTreeSet<Link>) -> Result<(), NetError> {
        for (link, (from, to)) in links.iter().zip(self.numbers(links)?) {
            let to = (self.address_of(to), PROBED_PORT);
            let sent = match self.seats.get(from) {
                Some(seat) => seat.prober.send_to(PROBE, to),
                None => UdpSocket::bind((CLIENTS_ADDRESS, 0))
                    .and_then(|clients| clients.send_to(PROBE, to)),
            };
            sent.map_err(NetError::namespace_io(format!("send a probe over {link}")))?;
        }
        Ok(())
    }

    fn expect(&self, node: &NodeName) -> &Seat {
        let seat = self.seats.iter().find(|seat| seat.node == *node);
        seat.expect("callers name nodes the network was built with")
    }
}

impl Seat {
    fn create(node: &NodeName, number: u8) -> Result<Seat, NetError> {
        let mut namespace = Namespace::create()?;
        namespace.publish(node)?;
        let prober = namespace.run(|| {
            UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0))
                .map_err(NetError::namespace_io(format!("open a socket of {node}")))
        })?;
        let [a, b, c, _] = HARNESS_ADDRESS.octets();
        Ok(Seat {
            node: node.clone(),
            address: Ipv4Addr::new(a, b, c, number),
            namespace,
            prober,
        })
    }
}
