//! The rules that lie on links, what they did, and lines of chains that count it. Pure.

use super::tool;
use crate::net::disturbance::{Disturbance, Means, Permille, RuleId, Tally};
use std::collections::{BTreeMap, BTreeSet};

/// The numbers of sender and receiver.
pub(super) type Ends = (usize, usize);

/// The rules that lie on links, and what they did before their chains were last written.
#[derive(Clone, Default)]
pub(super) struct Laid {
    rules: BTreeMap<RuleId, (Disturbance, Tallies)>,
}

type Tallies = BTreeMap<Ends, Tally>;

/// The end of a link at which a rule is at work.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    Sender,
    Receiver,
}

/// What lines of a chain counted for a rule on a link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Count {
    pub(super) rule: RuleId,
    pub(super) link: Ends,
    pub(super) seen: u64,
    pub(super) hit: u64,
}

/// The lines of one chain, in their order.
#[derive(Clone, Default)]
pub(super) struct Lines {
    lines: Vec<(String, Option<Counter>)>,
}

/// Whose tally a line counts up, and which of its numbers.
#[derive(Clone, Copy)]
pub(super) struct Counter {
    pub(super) rule: RuleId,
    pub(super) link: Ends,
    pub(super) seen: bool,
    pub(super) hit: bool,
}

impl Side {
    /// Cuts and losses stop a packet where it arrives; what changes it or holds it up does so where it is sent.
    pub(super) fn of(disturbance: &Disturbance) -> Side {
        match disturbance.means() {
            Means::Rules => Side::Receiver,
            Means::Copies | Means::Bottleneck | Means::Netem | Means::Switch => Side::Sender,
        }
    }
}

impl Laid {
    pub(super) fn lay(&mut self, id: RuleId, what: Disturbance, links: Vec<Ends>) {
        let from_zero = links.into_iter().map(|link| (link, Tally::default()));
        self.rules.insert(id, (what, from_zero.collect()));
    }

    pub(super) fn lift(&mut self, lifted: impl Fn(RuleId) -> bool) {
        self.rules.retain(|id, _| !lifted(*id));
    }

    /// Everybody at whose side of a link one of these rules is at work.
    pub(super) fn ends(&self, side: Side, which: impl Fn(RuleId) -> bool) -> BTreeSet<usize> {
        let links = self.at(side).filter(|(id, ..)| which(*id));
        links
            .map(|(_, _, (from, to))| match side {
                Side::Sender => from,
                Side::Receiver => to,
            })
            .collect()
    }

    /// What is at work at this side of links, in the order of the rules.
    pub(super) fn at(&self, side: Side) -> impl Iterator<Item = (RuleId, Disturbance, Ends)> {
        let rules = self.rules.iter();
        rules
            .filter(move |(_, (what, _))| Side::of(what) == side)
            .flat_map(|(id, (what, tallies))| tallies.keys().map(|link| (*id, *what, *link)))
    }

    /// Adds what was counted to the rules that still lie.
    pub(super) fn add(&mut self, counts: &[Count]) {
        for count in counts {
            let rule = self.rules.get_mut(&count.rule);
            let tally = rule.and_then(|(_, tallies)| tallies.get_mut(&count.link));
            if let Some(tally) = tally {
                tally.seen += count.seen;
                tally.hit += count.hit;
            }
        }
    }

    pub(super) fn tallies(&self, id: RuleId) -> impl Iterator<Item = (Ends, Tally)> {
        let rule = self.rules.get(&id).into_iter();
        rule.flat_map(|(_, tallies)| tallies.iter().map(|(link, tally)| (*link, *tally)))
    }
}

impl Lines {
    pub(super) fn count(&mut self, line: String, counter: Counter) {
        self.lines.push((line, Some(counter)));
    }

    pub(super) fn act(&mut self, line: String) {
        self.lines.push((line, None));
    }

    pub(super) fn append(&mut self, mut others: Lines) {
        self.lines.append(&mut others.lines);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// As `iptables-restore` takes them.
    pub(super) fn text(&self) -> String {
        self.lines
            .iter()
            .map(|(line, _)| format!("{line}\n"))
            .collect()
    }

    /// What the lines have counted, from the output of `iptables -v -S`, which tells them in their order.
    pub(super) fn read(&self, listing: &str) -> Vec<Count> {
        let rules = listing.lines().filter(|line| line.starts_with("-A "));
        let packets = rules.filter_map(tool::parse_count);
        let lines = self.lines.iter().zip(packets);
        lines
            .filter_map(|((_, counter), packets)| Some((*counter)?.of(packets)))
            .collect()
    }
}

impl Counter {
    /// Of the packets that a rule saw on a link.
    pub(super) fn seen(rule: RuleId, link: Ends) -> Counter {
        Counter {
            rule,
            link,
            seen: true,
            hit: false,
        }
    }

    /// Of those that it acted on, which another line has seen.
    pub(super) fn hit(rule: RuleId, link: Ends) -> Counter {
        Counter {
            rule,
            link,
            seen: false,
            hit: true,
        }
    }

    /// Of a rule that acts on everything that it sees.
    pub(super) fn both(rule: RuleId, link: Ends) -> Counter {
        Counter {
            rule,
            link,
            seen: true,
            hit: true,
        }
    }

    fn of(self, packets: u64) -> Count {
        Count {
            rule: self.rule,
            link: self.link,
            seen: if self.seen { packets } else { 0 },
            hit: if self.hit { packets } else { 0 },
        }
    }
}

/// What makes a line of a chain hit packets by chance.
pub(super) fn draw(permille: Permille) -> String {
    format!(
        " -m statistic --mode random --probability {}",
        permille.probability()
    )
}
