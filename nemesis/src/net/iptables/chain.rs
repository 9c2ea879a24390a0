//! Our chain in the namespace of a receiver, as text, and what its counters mean. Pure.

use super::tool;
use crate::net::disturbance::{Disturbance, RuleId, Tally};
use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;

/// Our chain. Nothing outside it is touched.
pub(super) const CHAIN: &str = "ADRASTEIA";

/// The rules that lie on links, and what they did before their chains were last written.
#[derive(Clone, Default)]
pub(super) struct Laid {
    rules: BTreeMap<RuleId, (Disturbance, Tallies)>,
}

/// By the numbers of sender and receiver.
type Tallies = BTreeMap<(usize, usize), Tally>;

/// Something a line of a chain has counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Count {
    counter: Counter,
    packets: u64,
}

/// Which number of whose tally a line of a chain counts up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Counter {
    rule: RuleId,
    link: (usize, usize),
    seen: u64,
    hit: u64,
}

/// The lines of one receiver's chain, in their order.
///
/// A line without a verdict counts and lets the packet go on: every cut counts a packet that several of them stop.
#[derive(Clone, Default)]
pub(super) struct Chain {
    lines: Vec<(String, Option<Counter>)>,
}

impl Laid {
    pub(super) fn lay(&mut self, id: RuleId, what: Disturbance, links: Vec<(usize, usize)>) {
        let from_zero = links.into_iter().map(|link| (link, Tally::default()));
        self.rules.insert(id, (what, from_zero.collect()));
    }

    pub(super) fn lift(&mut self, lifted: impl Fn(RuleId) -> bool) {
        self.rules.retain(|id, _| !lifted(*id));
    }

    /// Everybody who receives over a link on which one of these rules lies.
    pub(super) fn receivers(&self, which: impl Fn(RuleId) -> bool) -> BTreeSet<usize> {
        let rules = self.rules.iter().filter(|(id, _)| which(**id));
        rules
            .flat_map(|(_, (_, tallies))| tallies.keys().map(|(_, to)| *to))
            .collect()
    }

    /// Adds what was counted to the rules that still lie.
    pub(super) fn add(&mut self, counts: &[Count]) {
        for Count { counter, packets } in counts {
            let rule = self.rules.get_mut(&counter.rule);
            let tally = rule.and_then(|(_, tallies)| tallies.get_mut(&counter.link));
            if let Some(tally) = tally {
                tally.seen += counter.seen * packets;
                tally.hit += counter.hit * packets;
            }
        }
    }

    pub(super) fn tallies(&self, id: RuleId) -> impl Iterator<Item = ((usize, usize), Tally)> {
        let rule = self.rules.get(&id).into_iter();
        rule.flat_map(|(_, tallies)| tallies.iter().map(|(link, tally)| (*link, *tally)))
    }
}

impl Chain {
    /// The chain of the receiver with this number.
    pub(super) fn of(laid: &Laid, to: usize, address: impl Fn(usize) -> Ipv4Addr) -> Chain {
        let mut senders = BTreeSet::new();
        let (mut counting, mut losing) = (Vec::new(), Vec::new());
        let own = address(to);
        let line =
            |from: usize, rest: &str| format!("-A {CHAIN} -s {} -d {own}{rest}", address(from));
        for (rule, (disturbance, tallies)) in &laid.rules {
            for link in tallies.keys().filter(|(_, receiver)| *receiver == to) {
                let counter = |seen, hit| {
                    Some(Counter {
                        rule: *rule,
                        link: *link,
                        seen,
                        hit,
                    })
                };
                if let Disturbance::Loss { permille } = disturbance {
                    let draw = format!(
                        " -m statistic --mode random --probability {} -j DROP",
                        permille.probability()
                    );
                    losing.push((line(link.0, ""), counter(1, 0)));
                    losing.push((line(link.0, &draw), counter(0, 1)));
                } else {
                    senders.insert(link.0);
                    counting.push((line(link.0, ""), counter(1, 1)));
                }
            }
        }
        let dropping = senders
            .into_iter()
            .map(|from| (line(from, " -j DROP"), None));
        Chain {
            lines: counting.into_iter().chain(dropping).chain(losing).collect(),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// What `iptables-restore` is given: the chain emptied and written in one transaction.
    pub(super) fn text(&self) -> String {
        let lines = self.lines.iter().map(|(line, _)| format!("{line}\n"));
        format!(
            "*filter\n:{CHAIN} - [0:0]\n{}COMMIT\n",
            lines.collect::<String>()
        )
    }

    /// What the lines have counted, from the output of `iptables -v -S`, which tells them in their order.
    pub(super) fn read(&self, listing: &str) -> Vec<Count> {
        let rules = listing.lines().filter(|line| line.starts_with("-A "));
        let packets = rules.filter_map(tool::parse_count);
        let lines = self.lines.iter().zip(packets);
        lines
            .filter_map(|((_, counter), packets)| {
                let counter = (*counter)?;
                Some(Count { counter, packets })
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::Permille;

    #[test]
    fn cuts_that_share_a_link_both_count_and_losses_come_after_them() {
        let mut laid = Laid::default();
        let loss = Disturbance::Loss {
            permille: Permille::new(250).unwrap(),
        };
        laid.lay(RuleId(1), loss, vec![(1, 0)]);
        laid.lay(RuleId(2), Disturbance::Cut, vec![(2, 0), (0, 2)]);
        laid.lay(RuleId(3), Disturbance::Cut, vec![(2, 0)]);
        let address = |end: usize| Ipv4Addr::new(10, 99, 0, end as u8 + 1);
        let chain = Chain::of(&laid, 0, address);
        let expected = "\
*filter
:ADRASTEIA - [0:0]
-A ADRASTEIA -s 10.99.0.3 -d 10.99.0.1
-A ADRASTEIA -s 10.99.0.3 -d 10.99.0.1
-A ADRASTEIA -s 10.99.0.3 -d 10.99.0.1 -j DROP
-A ADRASTEIA -s 10.99.0.2 -d 10.99.0.1
-A ADRASTEIA -s 10.99.0.2 -d 10.99.0.1 -m statistic --mode random --probability 0.25 -j DROP
COMMIT
";
        assert_eq!(chain.text(), expected);
        let listing = "-N ADRASTEIA\n-A x -c 7 1\n-A x -c 7 1\n-A x -c 7 1 -j DROP\n-A x -c 40 1\n-A x -c 9 1\n";
        for _ in 0..2 {
            laid.add(&chain.read(listing));
        }
        let tally = |rule, link| laid.tallies(RuleId(rule)).find(|(other, _)| *other == link);
        let counted = |seen, hit| Tally {
            seen,
            hit,
            waited_us: 0,
        };
        assert_eq!(tally(1, (1, 0)), Some(((1, 0), counted(80, 18))));
        assert_eq!(tally(2, (2, 0)), Some(((2, 0), counted(14, 14))));
        assert_eq!(tally(3, (2, 0)), Some(((2, 0), counted(14, 14))));
        assert_eq!(tally(2, (0, 2)), Some(((0, 2), counted(0, 0))));
        assert_eq!(laid.receivers(|_| true), BTreeSet::from([0, 2]));
        laid.lift(|rule| rule != RuleId(1));
        assert_eq!(laid.receivers(|_| true), BTreeSet::from([0]));
    }
}
