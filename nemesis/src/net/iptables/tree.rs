//! The queues of a sender's interface, as text for `tc`, and what they counted. Pure.
//!
//! The root is an HTB that lets everything pass which no class claims. A link has a class for each of its lanes, with a
//! netem or a plain queue in it, and above them one for its bottleneck, if it has one. netem keeps packets in order, however
//! long each is to wait, when it has a rate as well: each packet then waits for the one before (Linux,
//! `net/sched/sch_netem.c`, `netem_enqueue`). The rate that it is given is too high to be felt.
//!
//! Classes are never changed: a link whose layout is another gets new ones. Nothing enters those it had any more; they lose
//! their bottleneck (at the moment at which it would have let the next packet pass), drain, and are removed at the first
//! change that finds them empty, because a queue that is removed loses what is in it. Where that would take longer than
//! [`LONGEST_DRAIN_MS`] it is the lesser evil: TCP sends nothing again that the queues of its own host still hold
//! (`net/ipv4/tcp_output.c`, `skb_still_in_host_queue`), so a connection would be silent past the heal for as long.
//!
//! A bottleneck lets a packet go as long as its bucket is not empty, which the packet may then owe. It stands right behind
//! the sender's sockets, as a slow network card does: who fills it has to wait.
//!
//! Packets leave netem in order; processors that forward them side by side may still swap bursts, as on every veth.
//!
//! The kernel notes once for each netem in an HTB that it "is non-work-conserving": so it is, and it does no harm.

use super::shaping::{Bottleneck, Lane, Layout};
use crate::net::disturbance::LONGEST_QUEUE_MS;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

/// More than a link ever holds; past it netem loses packets.
const MOST_WAITING: u32 = 100_000;

/// Packets that come later than this after a heal are lost instead.
const LONGEST_DRAIN_MS: u64 = 1_000;

/// The largest packet, which a queue must take when nothing else is in it.
const LARGEST_PACKET: u64 = 65_536;

/// Nothing feels it.
const UNLIMITED: &str = "rate 10gbit burst 1mb cburst 1mb quantum 60000";

/// Its bottleneck decides: a child that may send nothing on its own account asks its parent for everything.
const BY_THE_PARENT: &str = "rate 8bit burst 1b ceil 10gbit cburst 1mb quantum 60000";

/// The queues of one interface.
#[derive(Clone, Default)]
pub(super) struct Tree {
    rooted: bool,
    /// By the number of the receiver.
    groups: BTreeMap<usize, Group>,
    draining: Vec<Group>,
    /// What the classes had counted when the chain was last written.
    counted: Classes,
}

/// The classes of one link.
#[derive(Clone)]
struct Group {
    layout: Layout,
    bottleneck: Option<u16>,
    lanes: Vec<u16>,
}

/// What classes have counted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Classes(BTreeMap<u16, Class>);

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Class {
    /// Packets that left it.
    passed: u64,
    /// Packets in it.
    waiting: u64,
    /// How often it had to stop sending.
    stopped: u64,
}

/// How to get from one tree to another.
pub(super) struct Change {
    pub(super) tree: Tree,
    /// What has to be there before packets are sent to it.
    pub(super) before: String,
    /// What takes that back.
    pub(super) undo: String,
    /// What may go after no packet is sent to it any more.
    pub(super) after: String,
}

impl Tree {
    /// Whether there are classes that count.
    pub(super) fn counts(&self) -> bool {
        !(self.groups.is_empty() && self.draining.is_empty())
    }

    /// The class of a lane to this receiver.
    pub(super) fn class(&self, to: usize, lane: &Lane) -> Option<u16> {
        let group = self.groups.get(&to)?;
        let mut lanes = group.layout.lanes.iter().zip(&group.lanes);
        lanes
            .find(|(other, _)| other.drawn == lane.drawn)
            .map(|(_, class)| *class)
    }

    /// The packets of a link that went into the lanes for these bits since the chain was last written.
    pub(super) fn entered(&self, to: usize, bits: u32, now: &Classes) -> u64 {
        let group = self.groups.get(&to).into_iter();
        let lanes = group.flat_map(|group| group.layout.lanes.iter().zip(&group.lanes));
        lanes
            .filter(|(lane, _)| lane.drawn & bits == bits)
            .map(|(_, class)| {
                let before = self.counted.entered(*class);
                now.entered(*class).saturating_sub(before)
            })
            .sum()
    }

    /// How often the bottleneck of a link stopped packets since then.
    pub(super) fn stopped(&self, to: usize, now: &Classes) -> u64 {
        let group = self.groups.get(&to);
        let class = group.and_then(|group| group.bottleneck);
        class.map_or(0, |class| {
            now.get(class)
                .stopped
                .saturating_sub(self.counted.get(class).stopped)
        })
    }

    /// The tree with these layouts for these receivers, given what its classes have counted by now.
    pub(super) fn changed(
        &self,
        device: &str,
        layouts: &BTreeMap<usize, &Layout>,
        now: &Classes,
    ) -> Change {
        let mut change = Change::to(self.clone(), now.clone());
        change.remove_drained(device, now);
        let (kept, left): (BTreeMap<_, _>, BTreeMap<_, _>) = self
            .groups
            .clone()
            .into_iter()
            .partition(|(to, group)| layouts.get(to) == Some(&&group.layout));
        change.tree.groups = kept;
        // Numbers of what is removed only now are still taken.
        let mut free = self.free();
        for (to, layout) in layouts {
            if !layout.is_empty() && !change.tree.groups.contains_key(to) {
                let group = Group::new(layout, &mut free);
                change.add(device, &group);
                change.tree.groups.insert(*to, group);
            }
        }
        for (to, group) in left {
            let next = layouts.get(&to).map_or(0, |layout| layout.longest_ms());
            change.retire(device, group, next);
        }
        change
    }

    /// Numbers that no class has. 1 is the root, and from 0x8000 on the kernel gives its own.
    fn free(&self) -> impl Iterator<Item = u16> + use<> {
        let groups = self.groups.values().chain(&self.draining);
        let taken: BTreeSet<u16> = groups.flat_map(Group::classes).collect();
        (2..0x8000).filter(move |number| !taken.contains(number))
    }
}

impl Change {
    fn to(tree: Tree, counted: Classes) -> Change {
        Change {
            tree: Tree { counted, ..tree },
            before: String::new(),
            undo: String::new(),
            after: String::new(),
        }
    }

    fn add(&mut self, device: &str, group: &Group) {
        if !self.tree.rooted {
            self.before = format!("qdisc add dev {device} root handle 1: htb default 0\n");
            self.undo = format!("qdisc del dev {device} root\n");
            self.tree.rooted = true;
        }
        self.before += &group.addition(device);
        self.undo += &group.removal(device);
    }

    /// From now on packets of the link wait no longer than `next_ms`.
    fn retire(&mut self, device: &str, group: Group, next_ms: u64) {
        let waits_ms = group.layout.longest_ms();
        if waits_ms > LONGEST_DRAIN_MS.max(next_ms) {
            self.after += &group.removal(device);
            return;
        }
        if let Some(class) = group.bottleneck {
            let wide = format!(
                "class change dev {device} parent 1: classid 1:{class:x} htb {UNLIMITED}\n"
            );
            self.after += &wide;
        }
        self.tree.draining.push(group);
    }

    fn remove_drained(&mut self, device: &str, now: &Classes) {
        let drained = |group: &Group| group.lanes.iter().all(|class| now.get(*class).waiting == 0);
        let (gone, left): (Vec<_>, Vec<_>) = self.tree.draining.drain(..).partition(drained);
        self.tree.draining = left;
        self.after += &gone
            .iter()
            .map(|group| group.removal(device))
            .collect::<String>();
    }
}

impl Group {
    fn new(layout: &Layout, free: &mut impl Iterator<Item = u16>) -> Group {
        let mut number = || {
            free.next()
                .expect("a link has few classes, and few are in use")
        };
        Group {
            bottleneck: layout.bottleneck.map(|_| number()),
            lanes: layout.lanes.iter().map(|_| number()).collect(),
            layout: layout.clone(),
        }
    }

    fn classes(&self) -> impl Iterator<Item = u16> {
        self.bottleneck
            .into_iter()
            .chain(self.lanes.iter().copied())
    }

    fn addition(&self, device: &str) -> String {
        let mut text = String::new();
        let mut say = |line: String| {
            let _ = writeln!(text, "{line}");
        };
        let (parent, share) = match (self.layout.bottleneck, self.bottleneck) {
            (Some(narrow), Some(class)) => {
                say(format!(
                    "class add dev {device} parent 1: classid 1:{class:x} htb {narrow}"
                ));
                (format!("1:{class:x}"), BY_THE_PARENT)
            }
            (None, _) | (_, None) => ("1:".to_owned(), UNLIMITED),
        };
        for (lane, class) in self.layout.lanes.iter().zip(&self.lanes) {
            say(format!(
                "class add dev {device} parent {parent} classid 1:{class:x} htb {share}"
            ));
            let mut above = format!("1:{class:x} handle {class:x}:");
            if lane.acts() {
                say(format!(
                    "qdisc add dev {device} parent {above} {}",
                    lane.netem()
                ));
                above = format!("{class:x}:1");
            }
            if let Some(narrow) = self.layout.bottleneck {
                say(format!(
                    "qdisc add dev {device} parent {above} bfifo limit {}",
                    narrow.queue_bytes()
                ));
            }
        }
        text
    }

    fn removal(&self, device: &str) -> String {
        let children_first = self.lanes.iter().copied().chain(self.bottleneck);
        children_first
            .map(|class| format!("class del dev {device} classid 1:{class:x}\n"))
            .collect()
    }
}

impl Lane {
    /// Everything that passes waits from the delay on to as much more as it may vary; netem is told the middle.
    fn netem(&self) -> String {
        let mut words = format!("netem limit {MOST_WAITING}");
        if self.waits() {
            let half_us = self.jitter_ms * 500;
            let middle_us = self.delay_ms * 1_000 + half_us;
            words += &format!(" delay {middle_us}us {half_us}us rate 100gbit");
        }
        if self.corrupts {
            words += " corrupt 100%";
        }
        words
    }
}

impl Bottleneck {
    fn queue_bytes(self) -> u64 {
        u64::from(self.bytes_per_s) * LONGEST_QUEUE_MS / 1_000 + LARGEST_PACKET
    }
}

impl std::fmt::Display for Bottleneck {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (rate, burst) = (self.bytes_per_s.max(1), self.burst_bytes.max(1));
        write!(
            f,
            "rate {rate}bps burst {burst}b cburst {burst}b quantum 60000"
        )
    }
}

impl Classes {
    /// Reads the output of `tc -s class show`.
    pub(super) fn read(listing: &str) -> Classes {
        let mut classes = BTreeMap::new();
        let mut current = None;
        for line in listing.lines() {
            let words: Vec<&str> = line
                .split([' ', '(', ')', ','])
                .filter(|word| !word.is_empty())
                .collect();
            if let ["class", "htb", name, ..] = words.as_slice() {
                current = number_of(name);
            }
            if let Some(class) = current {
                let class: &mut Class = classes.entry(class).or_default();
                class.note(&words);
            }
        }
        Classes(classes)
    }

    fn get(&self, class: u16) -> Class {
        self.0.get(&class).copied().unwrap_or_default()
    }

    fn entered(&self, class: u16) -> u64 {
        let class = self.get(class);
        class.passed + class.waiting
    }
}

impl Class {
    fn note(&mut self, words: &[&str]) {
        let number = |word: &str| word.parse().unwrap_or_default();
        match words {
            [
                "Sent",
                _,
                "bytes",
                packets,
                "pkt",
                "dropped",
                _,
                "overlimits",
                stopped,
                ..,
            ] => {
                self.passed = number(packets);
                self.stopped = number(stopped);
            }
            ["backlog", _, packets, ..] => self.waiting = number(packets.trim_end_matches('p')),
            _ => {}
        }
    }
}

/// The number of `1:a`.
fn number_of(class: &str) -> Option<u16> {
    u16::from_str_radix(class.strip_prefix("1:")?, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lane(drawn: u32, delay_ms: u64, jitter_ms: u64, corrupts: bool) -> Lane {
        Lane {
            drawn,
            delay_ms,
            jitter_ms,
            corrupts,
        }
    }

    fn late(delay_ms: u64) -> Layout {
        Layout {
            bottleneck: None,
            lanes: vec![lane(0, delay_ms, 0, false)],
        }
    }

    fn narrow() -> Layout {
        Layout {
            bottleneck: Some(Bottleneck {
                bytes_per_s: 20_000,
                burst_bytes: 3_000,
            }),
            lanes: vec![lane(0, 0, 0, false), lane(1, 30, 5, true)],
        }
    }

    fn step(tree: &Tree, layouts: &[(usize, &Layout)], listing: &str) -> Change {
        let layouts = layouts.iter().copied().collect();
        tree.changed("eth0", &layouts, &Classes::read(listing))
    }

    /// What `tc -s class show` says of a class.
    fn told(class: &str, passed: u64, waiting: u64, stopped: u64) -> String {
        format!(
            "class htb {class} parent 1:2 leaf 3: prio 0 rate 8bit ceil 10Gbit burst 1b cburst 1046250b \n \
             Sent 418620 bytes {passed} pkt (dropped 0, overlimits {stopped} requeues 0) \n \
             backlog 99b {waiting}p requeues 0\n lended: 1 borrowed: 16 giants: 0\n tokens: -9 ctokens: 13092\n\n"
        )
    }

    #[test]
    fn a_link_gets_its_bottleneck_and_a_queue_for_each_lane() {
        let change = step(&Tree::default(), &[(2, &narrow())], "");
        let expected = "\
qdisc add dev eth0 root handle 1: htb default 0
class add dev eth0 parent 1: classid 1:2 htb rate 20000bps burst 3000b cburst 3000b quantum 60000
class add dev eth0 parent 1:2 classid 1:3 htb rate 8bit burst 1b ceil 10gbit cburst 1mb quantum 60000
qdisc add dev eth0 parent 1:3 handle 3: bfifo limit 85536
class add dev eth0 parent 1:2 classid 1:4 htb rate 8bit burst 1b ceil 10gbit cburst 1mb quantum 60000
qdisc add dev eth0 parent 1:4 handle 4: netem limit 100000 delay 32500us 2500us rate 100gbit corrupt 100%
qdisc add dev eth0 parent 4:1 bfifo limit 85536
";
        assert_eq!(change.before, expected);
        assert!(change.undo.starts_with("qdisc del dev eth0 root\n"));
        assert_eq!(change.after, "");
        assert_eq!(change.tree.class(2, &lane(1, 0, 0, false)), Some(4));
        assert_eq!(change.tree.class(3, &lane(1, 0, 0, false)), None);
    }

    #[test]
    fn what_a_link_had_drains_and_then_goes_while_others_stay_as_they_are() {
        let first = step(&Tree::default(), &[(0, &late(80)), (2, &narrow())], "");
        let second = step(&first.tree, &[(0, &late(80))], "");
        assert_eq!(second.before, "");
        let wide = "class change dev eth0 parent 1: classid 1:3 htb rate 10gbit burst 1mb cburst 1mb quantum 60000\n";
        assert_eq!(second.after, wide);
        let full = told("1:4", 7, 1, 0);
        let third = step(&second.tree, &[(0, &late(80)), (1, &late(20))], &full);
        assert!(third.before.contains("classid 1:6 htb"), "{}", third.before);
        assert_eq!(third.undo, "class del dev eth0 classid 1:6\n");
        assert_eq!(third.after, "");
        let fourth = step(
            &third.tree,
            &[(0, &late(80)), (1, &late(20))],
            &told("1:4", 8, 0, 0),
        );
        let gone = "class del dev eth0 classid 1:4\nclass del dev eth0 classid 1:5\nclass del dev eth0 classid 1:3\n";
        assert_eq!([fourth.before.as_str(), &fourth.after], ["", gone]);
        let fifth = step(&fourth.tree, &[(0, &late(80)), (1, &late(21))], "");
        assert!(fifth.before.contains("classid 1:3 htb"), "{}", fifth.before);
    }

    #[test]
    fn what_would_come_long_after_the_heal_is_lost_but_not_for_a_longer_delay() {
        let first = step(&Tree::default(), &[(0, &late(1_001))], "");
        let gone = "class del dev eth0 classid 1:2\n";
        assert_eq!(step(&first.tree, &[], "").after, gone);
        assert_eq!(step(&first.tree, &[(0, &late(500))], "").after, gone);
        assert_eq!(step(&first.tree, &[(0, &late(2_000))], "").after, "");
        let short = step(&Tree::default(), &[(0, &late(1_000))], "");
        assert_eq!(step(&short.tree, &[], "").after, "");
    }

    #[test]
    fn classes_count_from_the_last_change_on() {
        let tree = step(&Tree::default(), &[(2, &narrow())], "").tree;
        let mut listing = told("1:2", 90, 0, 12) + &told("1:3", 80, 2, 1) + &told("1:4", 10, 1, 0);
        let counted = |tree: &Tree, listing: &str| {
            let now = Classes::read(listing);
            [
                tree.entered(2, 0, &now),
                tree.entered(2, 1, &now),
                tree.stopped(2, &now),
            ]
        };
        assert_eq!(counted(&tree, &listing), [93, 11, 12]);
        let layouts = [(2, &narrow())];
        let later = step(&tree, &layouts, &listing).tree;
        assert_eq!(counted(&later, &listing), [0, 0, 0]);
        listing = told("1:2", 91, 0, 14) + &told("1:3", 81, 3, 1) + &told("1:4", 10, 5, 0);
        assert_eq!(counted(&later, &listing), [6, 4, 2]);
    }
}
