//! Who is where: the namespace and address of each node, the same in both planes.

use super::namespace::Namespace;
use super::{HARNESS_ADDRESS, MAX_NODES, NetError};
use crate::NodeName;
use crate::partition::{Grudge, Link};
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
const PROBED_PORT: u16 = 9;

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

    pub(super) fn len(&self) -> usize {
        self.seats.len()
    }

    /// The link from one seat to another, by their numbers from zero.
    pub(super) fn link(&self, from: usize, to: usize) -> Link {
        Link {
            from: self.seats[from].node.clone(),
            to: self.seats[to].node.clone(),
        }
    }

    pub(super) fn address(&self, node: &NodeName) -> Ipv4Addr {
        self.expect(node).address
    }

    pub(super) fn namespace(&self, node: &NodeName) -> BorrowedFd<'_> {
        self.expect(node).namespace.as_fd()
    }

    /// Refuses a grudge that names nodes of another cluster.
    pub(super) fn check(&self, grudge: &Grudge) -> Result<(), NetError> {
        let ends = grudge
            .links()
            .iter()
            .flat_map(|link| [&link.from, &link.to]);
        match ends.into_iter().find(|node| self.find(node).is_none()) {
            Some(node) => Err(NetError::UnknownNode { node: node.clone() }),
            None => Ok(()),
        }
    }

    /// Sends one datagram over each link of `grudge`, to be dropped and counted.
    pub(super) fn probe(&self, grudge: &Grudge) -> Result<(), NetError> {
        for link in grudge.links() {
            let (from, to) = (self.expect(&link.from), self.address(&link.to));
            let sent = from.prober.send_to(b"adrasteia probe", (to, PROBED_PORT));
            sent.map_err(NetError::namespace_io(format!("send a probe over {link}")))?;
        }
        Ok(())
    }

    fn find(&self, node: &NodeName) -> Option<&Seat> {
        self.seats.iter().find(|seat| seat.node == *node)
    }

    fn expect(&self, node: &NodeName) -> &Seat {
        self.find(node)
            .expect("callers name nodes the network was built with")
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
