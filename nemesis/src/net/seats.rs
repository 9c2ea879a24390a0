//! Who is where: the namespace and address of each node, the same in both planes.

use super::namespace::Namespace;
use super::{HARNESS_ADDRESS, MAX_NODES, NetError};
use crate::NodeName;
use crate::partition::{Grudge, Link};
use std::net::Ipv4Addr;
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
}

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
        let [a, b, c, _] = HARNESS_ADDRESS.octets();
        Ok(Seat {
            node: node.clone(),
            address: Ipv4Addr::new(a, b, c, number),
            namespace,
        })
    }
}
