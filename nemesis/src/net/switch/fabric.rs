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

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const NODES: usize = 3;
    const HARNESS: usize = NODES;
    const TCP: u8 = 6;
    const UDP: u8 = 17;

    /// A packet from one port to the address of another, of a connection told apart by its source port.
    fn packet(from: usize, to: usize, protocol: u8, source_port: u8, payload: u8) -> Vec<u8> {
        let number = |port: usize| if port == HARNESS { 254 } else { port as u8 + 1 };
        let mut bytes = vec![0; 24];
        bytes[0] = 0x45;
        bytes[9] = protocol;
        bytes[12..16].copy_from_slice(&[10, 99, 0, number(from)]);
        bytes[16..20].copy_from_slice(&[10, 99, 0, number(to)]);
        bytes[21] = source_port;
        bytes.push(payload);
        bytes
    }

    fn send(fabric: &mut Fabric, from: usize, bytes: &[u8]) -> Option<usize> {
        fabric.forward(from, bytes, bytes)
    }

    #[test]
    fn packets_go_where_they_are_addressed() {
        let mut fabric = Fabric::new(NODES);
        for (from, to) in (0..=HARNESS).flat_map(|from| (0..=HARNESS).map(move |to| (from, to))) {
            assert_eq!(
                send(&mut fabric, from, &packet(from, to, UDP, 1, 1)),
                Some(to)
            );
        }
        let mut elsewhere = packet(0, 1, UDP, 1, 1);
        for (octets, why) in [
            ([10, 99, 0, 4], "a node there is not"),
            ([10, 99, 0, 0], "the network"),
            ([10, 99, 0, 255], "broadcast"),
            ([10, 98, 0, 1], "another network"),
            ([224, 0, 0, 1], "multicast"),
        ] {
            elsewhere[16..20].copy_from_slice(&octets);
            assert_eq!(send(&mut fabric, 0, &elsewhere), None, "{why}");
        }
        assert_eq!(send(&mut fabric, 0, &[]), None);
        assert_eq!(send(&mut fabric, 0, &[0x60; 40]), None, "IPv6");
    }

    #[test]
    fn the_last_segment_of_each_connection_waits_for_the_heal() {
        let mut fabric = Fabric::new(NODES);
        assert!(fabric.recut(|from, to| (from, to) == (0, 1)).is_empty());
        let sent = [(1, TCP, 1), (2, TCP, 2), (1, TCP, 3), (3, UDP, 4)];
        for (source_port, protocol, payload) in sent {
            assert_eq!(
                send(
                    &mut fabric,
                    0,
                    &packet(0, 1, protocol, source_port, payload)
                ),
                None
            );
        }
        let expected = [packet(0, 1, TCP, 2, 2), packet(0, 1, TCP, 1, 3)];
        let released = fabric.recut(|_, _| false);
        assert_eq!(released, expected.map(|frame| Delivery { port: 1, frame }));
        assert!(fabric.recut(|_, _| false).is_empty(), "once");
    }

    #[test]
    fn later_fragments_belong_to_no_connection() {
        let mut bytes = packet(0, 1, TCP, 1, 1);
        assert!(packet::tcp_flow(&bytes).is_some());
        bytes[7] = 1;
        assert!(packet::tcp_flow(&bytes).is_none());
        assert!(
            packet::tcp_flow(&packet(0, 1, TCP, 1, 1)[..22]).is_none(),
            "cut short"
        );
    }

    #[test]
    fn the_number_of_held_connections_is_bounded() {
        let mut fabric = Fabric::new(NODES);
        fabric.recut(|_, _| true);
        for flow in 0..HELD_FLOWS_PER_LINK + 10 {
            let mut bytes = packet(0, 1, TCP, 0, 0);
            bytes[20..22].copy_from_slice(&(flow as u16).to_be_bytes());
            send(&mut fabric, 0, &bytes);
        }
        let released = fabric.recut(|_, _| false);
        assert_eq!(released.len(), HELD_FLOWS_PER_LINK);
        assert_eq!(
            released[0].frame[20..22],
            10u16.to_be_bytes(),
            "the oldest gave way"
        );
    }

    proptest! {
        /// Against the definition: a packet passes exactly when its link is not cut, and each link counts its own.
        #[test]
        fn cuts_and_counters_are_exact(
            rounds in prop::collection::vec((any::<u16>(), prop::collection::vec((0..=HARNESS, 0..=HARNESS), 0..40)), 1..6),
        ) {
            let mut fabric = Fabric::new(NODES);
            for (bits, packets) in rounds {
                let cut = |from: usize, to: usize| {
                    from != to && from.max(to) < HARNESS && bits >> (from * NODES + to) & 1 == 1
                };
                fabric.recut(|from, to| bits >> (from * NODES + to) & 1 == 1);
                let mut expected = BTreeMap::new();
                for (from, to) in packets {
                    let passed = send(&mut fabric, from, &packet(from, to, TCP, 1, 1)).is_some();
                    prop_assert_eq!(passed, !cut(from, to));
                    *expected.entry((from, to)).or_insert(0) += u64::from(!passed);
                }
                for from in 0..NODES {
                    for to in (0..NODES).filter(|to| cut(from, *to)) {
                        let count = expected.get(&(from, to)).copied().unwrap_or(0);
                        prop_assert!(fabric.drops().contains(&(from, to, count)));
                    }
                }
            }
        }
    }
}
