//! What the switch does with a packet, without any device or clock: values and times in, values out.
//!
//! Each directed link has its own state: the rules that lie on it, and what it keeps back.

use super::packet::{self, Flow};
use super::rule::{Passage, Rule};
use crate::net::disturbance::{Disturbance, RuleId, Tally};
use crate::net::{CLIENTS_ADDRESS, HARNESS_ADDRESS};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// Most connections of one link whose last segment is kept while the link is cut.
const HELD_FLOWS_PER_LINK: usize = 1024;

/// Most bytes of packets that may wait in the whole fabric. What comes then is lost, as where a router is full.
const MOST_WAITING_BYTES: usize = 256 << 20;

/// The forwarding state of a switch with `nodes + 1` ports: port `i` belongs to the node with the address
/// `10.99.0.(i + 1)`, the last port to the harness. Its links join `nodes + 2` ends: the nodes, then the clients, then the
/// harness on its own account; the latter two share the last port and differ by address.
///
/// Invariants: no rule lies on the links of the harness's own end; a link that is not cut holds nothing once
/// [`Fabric::settle`] has been called at that time.
///
/// **Held segments.** TCP answers silence by doubling its pauses, so after a cut of 30 s a connection would stay silent
/// for up to 25 s more, and the partition would really last twice as long as the schedule says. The fabric therefore
/// keeps the last segment of each connection that a cut swallowed and delivers it at the heal, as if it had been
/// delayed; the answer to it wakes the sender. Networks do delay packets, so no system may be hurt by it.
pub(super) struct Fabric {
    nodes: usize,
    seed: u64,
    holds: bool,
    links: Vec<LinkState>,
    /// Packets so far: numbers them in the order in which they came.
    numbered: u64,
    /// Packets under way, by the time they arrive, then by number and copy.
    waiting: BTreeMap<(Duration, u64, u8), Waiting>,
    waiting_bytes: usize,
    /// Links that hold segments.
    holding: BTreeSet<usize>,
}

#[derive(Default)]
struct LinkState {
    /// In the order in which packets meet them.
    rules: Vec<Rule>,
    held: BTreeMap<Flow, Held>,
    /// The highest number of a packet that has arrived.
    newest: u64,
}

struct Held {
    number: u64,
    frame: Vec<u8>,
}

struct Waiting {
    link: usize,
    sent: Duration,
    hit_by: Vec<RuleId>,
    frame: Vec<u8>,
    /// Bytes of the frame before the packet.
    header: usize,
}

/// What became of a packet when it came, for who keeps a record.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Fate {
    /// The ends of the link, sender first.
    pub(super) link: (usize, usize),
    pub(super) end: End,
    /// Every rule that did something to it, a cut excepted.
    pub(super) hit_by: Vec<RuleId>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// It went on at once.
    Delivered,
    /// It goes on after this time.
    Waits(Duration),
    /// A rule swallowed it.
    Lost,
    /// The link was cut.
    Cut,
}

impl Fabric {
    pub(super) fn new(nodes: usize, seed: u64, holds: bool) -> Fabric {
        let ends = nodes + 2;
        Fabric {
            nodes,
            seed,
            holds,
            links: std::iter::repeat_with(LinkState::default)
                .take(ends * ends)
                .collect(),
            numbered: 0,
            waiting: BTreeMap::new(),
            waiting_bytes: 0,
            holding: BTreeSet::new(),
        }
    }

    /// Takes a packet that came in at `port`, behind `header` bytes of its frame: what goes on at once is given to `out`
    /// with its port. `None` when it is addressed to nobody.
    pub(super) fn forward(
        &mut self,
        now: Duration,
        port: usize,
        (frame, header): (&mut [u8], usize),
        out: &mut impl FnMut(usize, &[u8]),
    ) -> Option<Fate> {
        let packet = frame.get_mut(header..)?;
        let ends = self.ends_of(port, packet)?;
        let link = self.index(ends);
        if self.holding.contains(&link) {
            self.release(now, out);
        }
        self.numbered += 1;
        let number = self.numbered;
        let fate = |end, hit_by| Fate {
            link: ends,
            end,
            hit_by,
        };
        if self.links[link].stops(now) {
            self.hold(link, number, (frame, header));
            return Some(fate(End::Cut, Vec::new()));
        }
        let mut passage = Passage::starting(now);
        let mut rules = self.links[link].rules.iter_mut();
        if !rules.all(|rule| rule.pass(packet, &mut passage)) {
            return Some(fate(End::Lost, passage.hit_by));
        }
        for copy in 0..passage.copies {
            if passage.due > now {
                let waiting = Waiting {
                    link,
                    sent: now,
                    hit_by: passage.hit_by.clone(),
                    frame: frame.to_vec(),
                    header,
                };
                self.wait((passage.due, number, copy), waiting);
            } else {
                self.links[link].arrives(number);
                out(self.port(ends.1), frame);
            }
        }
        let end = match passage.due.saturating_sub(now) {
            Duration::ZERO => End::Delivered,
            later => End::Waits(later),
        };
        Some(fate(end, passage.hit_by))
    }

    /// Delivers what is due at `now`, and what was held on links that carry again, oldest first.
    pub(super) fn settle(&mut self, now: Duration, out: &mut impl FnMut(usize, &[u8])) {
        self.release(now, out);
        while let Some(first) = self.waiting.first_entry()
            && first.key().0 <= now
        {
            let ((_, number, _), waiting) = first.remove_entry();
            self.waiting_bytes -= waiting.frame.len();
            self.arrive(now, number, &waiting, out);
        }
    }

    /// When [`Fabric::settle`] has something to do next, if nothing else happens after `now`.
    pub(super) fn deadline(&self, now: Duration) -> Option<Duration> {
        let due = self.waiting.first_key_value().map(|((due, ..), _)| *due);
        let up = self.holding.iter().filter_map(|link| {
            let rules = self.links[*link].rules.iter();
            rules.filter_map(|rule| rule.up_at(now)).min()
        });
        up.chain(due).min()
    }

    /// Lays a rule on each of these links, given by sender and receiver, with counters that start from zero.
    pub(super) fn impose(
        &mut self,
        now: Duration,
        id: RuleId,
        disturbance: &Disturbance,
        links: &[(usize, usize)],
    ) {
        for ends in links {
            let link = self.index(*ends);
            let number = u32::try_from(link).expect("ends are few");
            let rule = Rule::new(id, *disturbance, (self.seed, number), now);
            let rules = &mut self.links[link].rules;
            rules.push(rule);
            rules.sort_by(|a, b| (&a.disturbance, a.id).cmp(&(&b.disturbance, b.id)));
        }
    }

    /// Takes the rules away for which `lifted` holds, and delivers what they kept back.
    pub(super) fn lift(
        &mut self,
        now: Duration,
        lifted: impl Fn(RuleId) -> bool,
        out: &mut impl FnMut(usize, &[u8]),
    ) {
        let mut freed = BTreeSet::new();
        for (number, link) in self.links.iter_mut().enumerate() {
            let gone = |rule: &mut Rule| lifted(rule.id);
            let gone: Vec<Rule> = link.rules.extract_if(.., gone).collect();
            if gone.iter().any(Rule::holds_up) {
                freed.insert(number);
            }
        }
        let free = |_: &(Duration, u64, u8), waiting: &mut Waiting| freed.contains(&waiting.link);
        let freed: Vec<_> = self.waiting.extract_if(.., free).collect();
        let due_now = freed
            .into_iter()
            .map(|((_, number, copy), waiting)| ((now, number, copy), waiting));
        self.waiting.extend(due_now);
        self.settle(now, out);
    }

    /// The links a rule lies on, by sender and receiver, and what it did to the packets of each.
    pub(super) fn tallies(&self, id: RuleId) -> Vec<(usize, usize, Tally)> {
        let ends = self.nodes + 2;
        let on_link = |(number, link): (usize, &LinkState)| {
            let rule = link.rules.iter().find(|rule| rule.id == id)?;
            Some((number / ends, number % ends, rule.tally))
        };
        self.links.iter().enumerate().filter_map(on_link).collect()
    }

    fn wait(&mut self, key: (Duration, u64, u8), waiting: Waiting) {
        let bytes = self.waiting_bytes + waiting.frame.len();
        if bytes <= MOST_WAITING_BYTES {
            self.waiting_bytes = bytes;
            self.waiting.insert(key, waiting);
        }
    }

    /// A packet is at the far end of its link. If the link was cut meanwhile, that is where it ends.
    fn arrive(
        &mut self,
        now: Duration,
        number: u64,
        waiting: &Waiting,
        out: &mut impl FnMut(usize, &[u8]),
    ) {
        if self.links[waiting.link].stops(now) {
            return self.hold(waiting.link, number, (&waiting.frame, waiting.header));
        }
        let link = &mut self.links[waiting.link];
        link.arrives(number);
        let waited = now.saturating_sub(waiting.sent);
        let rules = link.rules.iter_mut();
        rules
            .filter(|rule| rule.holds_up() && waiting.hit_by.contains(&rule.id))
            .for_each(|rule| rule.arrived(waited));
        out(self.port(waiting.link % (self.nodes + 2)), &waiting.frame);
    }

    fn hold(&mut self, link: usize, number: u64, (frame, header): (&[u8], usize)) {
        let flow = frame.get(header..).and_then(packet::tcp_flow);
        if let Some(flow) = flow.filter(|_| self.holds) {
            self.links[link].hold(flow, number, frame);
            self.holding.insert(link);
        }
    }

    /// Delivers what is held on links that are not cut any more.
    fn release(&mut self, now: Duration, out: &mut impl FnMut(usize, &[u8])) {
        let mut released = Vec::new();
        for link in self.holding.clone() {
            let state = &mut self.links[link];
            if !state.rules.iter().any(|rule| rule.cuts(now)) {
                self.holding.remove(&link);
                let held = std::mem::take(&mut state.held).into_values();
                released.extend(held.map(|held| (held.number, link, held.frame)));
            }
        }
        released.sort_unstable_by_key(|(number, ..)| *number);
        for (number, link, frame) in released {
            self.links[link].arrives(number);
            out(self.port(link % (self.nodes + 2)), &frame);
        }
    }

    fn index(&self, (from, to): (usize, usize)) -> usize {
        from * (self.nodes + 2) + to
    }

    fn port(&self, end: usize) -> usize {
        end.min(self.nodes)
    }

    /// Sender and receiver of a packet.
    fn ends_of(&self, port: usize, packet: &[u8]) -> Option<(usize, usize)> {
        let to = self.end_at(packet::destination(packet)?)?;
        let from = match packet::source(packet)? {
            _ if port < self.nodes => port,
            CLIENTS_ADDRESS => self.nodes,
            _ => self.nodes + 1,
        };
        Some((from, to))
    }

    fn end_at(&self, address: std::net::Ipv4Addr) -> Option<usize> {
        match address {
            CLIENTS_ADDRESS => return Some(self.nodes),
            HARNESS_ADDRESS => return Some(self.nodes + 1),
            _ => {}
        }
        let [network @ .., number] = address.octets();
        let node = usize::from(number).checked_sub(1)?;
        (HARNESS_ADDRESS.octets().starts_with(&network) && node < self.nodes).then_some(node)
    }
}

impl LinkState {
    /// Whether the link is down for a packet that comes now. Every cut that lies on it counts the packet.
    fn stops(&mut self, now: Duration) -> bool {
        let stopping = self
            .rules
            .iter_mut()
            .filter_map(|rule| rule.stops(now).then_some(()));
        stopping.count() > 0
    }

    fn arrives(&mut self, number: u64) {
        if number < self.newest {
            self.rules.iter_mut().for_each(Rule::was_overtaken);
        }
        self.newest = self.newest.max(number);
    }

    fn hold(&mut self, flow: Flow, number: u64, frame: &[u8]) {
        if self.held.len() == HELD_FLOWS_PER_LINK && !self.held.contains_key(&flow) {
            let oldest = self.held.iter().min_by_key(|(_, held)| held.number);
            let oldest = oldest.map(|(flow, _)| *flow);
            oldest.and_then(|flow| self.held.remove(&flow));
        }
        let frame = frame.to_vec();
        self.held.insert(flow, Held { number, frame });
    }
}

#[cfg(test)]
mod tests;
