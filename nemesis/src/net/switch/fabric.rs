//! What the switch does with a packet, without any device: values in, values out.
//!
//! Each directed link has its own state, so that whatever else a link may do to a packet has one place to live.

use super::packet::{self, Flow};
use crate::net::HARNESS_ADDRESS;
use std::collections::BTreeMap;

/// Most connections of one link whose last segment is kept while the link is cut.
const HELD_FLOWS_PER_LINK: usize = 1024;

/// The forwarding state of a switch with `nodes + 1` ports: port `i` belongs to the node with the address
/// `10.99.0.(i + 1)`, the last port to the harness.
///
/// Invariants: the links of the harness's port are never cut; a link that is not cut holds nothing.
///
/// **Held segments.** TCP answers silence by doubling its pauses, so after a cut of 30 s a connection would stay silent
/// for up to 25 s more, and the partition would really last twice as long as the schedule says. The fabric therefore
/// keeps the last segment of each connection that a cut swallowed and delivers it at the heal, as if it had been
/// delayed; the answer to it wakes the sender. Networks do delay packets, so no system may be hurt by it.
pub(super) struct Fabric {
    ports: usize,
    links: Vec<LinkState>,
    /// Segments held so far: the order in which they are delivered.
    held: u64,
}

#[derive(Default)]
struct LinkState {
    cut: bool,
    dropped: u64,
    held: BTreeMap<Flow, Held>,
}

struct Held {
    order: u64,
    frame: Vec<u8>,
}

/// A frame to hand to a port.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Delivery {
    pub(super) port: usize,
    pub(super) frame: Vec<u8>,
}

impl Fabric {
    pub(super) fn new(nodes: usize) -> Fabric {
        let ports = nodes + 1;
        Fabric {
            ports,
            links: std::iter::repeat_with(LinkState::default)
                .take(ports * ports)
                .collect(),
            held: 0,
        }
    }

    /// Where the packet inside `frame`, which came in at port `from`, goes now; `None` when nobody gets it.
    pub(super) fn forward(&mut self, from: usize, frame: &[u8], packet: &[u8]) -> Option<usize> {
        let to = self.port_of(packet)?;
        let order = self.held;
        let link = &mut self.links[from * self.ports + to];
        if !link.cut {
            return Some(to);
        }
        link.dropped += 1;
        if let Some(flow) = packet::tcp_flow(packet) {
            link.hold(flow, order, frame);
            self.held += 1;
        }
        None
    }

    /// Cuts exactly the links between nodes for which `cut(from, to)` holds, sets their counters to zero, and gives
    /// back what was held on links that carry again, oldest first.
    pub(super) fn recut(&mut self, cut: impl Fn(usize, usize) -> bool) -> Vec<Delivery> {
        let mut released = Vec::new();
        for (from, to) in self.node_links() {
            let link = &mut self.links[from * self.ports + to];
            link.cut = cut(from, to);
            link.dropped = 0;
            if !link.cut {
                let held = std::mem::take(&mut link.held).into_values();
                released.extend(held.map(|held| (held.order, to, held.frame)));
            }
        }
        released.sort_unstable_by_key(|(order, ..)| *order);
        let deliver = |(_, port, frame)| Delivery { port, frame };
        released.into_iter().map(deliver).collect()
    }

    /// The cut links and the packets each has dropped since it was cut.
    pub(super) fn drops(&self) -> Vec<(usize, usize, u64)> {
        let cut = |(from, to): (usize, usize)| {
            let link = &self.links[from * self.ports + to];
            link.cut.then_some((from, to, link.dropped))
        };
        self.node_links().filter_map(cut).collect()
    }

    fn node_links(&self) -> impl Iterator<Item = (usize, usize)> + use<> {
        let nodes = self.ports - 1;
        let pairs = (0..nodes).flat_map(move |from| (0..nodes).map(move |to| (from, to)));
        pairs.filter(|(from, to)| from != to)
    }

    fn port_of(&self, packet: &[u8]) -> Option<usize> {
        let destination = packet::destination(packet)?;
        if destination == HARNESS_ADDRESS {
            return Some(self.ports - 1);
        }
        let [network @ .., number] = destination.octets();
        let node = usize::from(number).checked_sub(1)?;
        (HARNESS_ADDRESS.octets().starts_with(&network) && node < self.ports - 1).then_some(node)
    }
}

impl LinkState {
    fn hold(&mut self, flow: Flow, order: u64, frame: &[u8]) {
        if self.held.len() == HELD_FLOWS_PER_LINK && !self.held.contains_key(&flow) {
            let oldest = self.held.iter().min_by_key(|(_, held)| held.order);
            let oldest = oldest.map(|(flow, _)| *flow);
            oldest.and_then(|flow| self.held.remove(&flow));
        }
        let frame = frame.to_vec();
        self.held.insert(flow, Held { order, frame });
    }
}
