//! Our chain in the namespace of a receiver, as text: what is dropped there. Pure.

use super::laid::{Counter, Laid, Lines, Side, draw};
use crate::net::disturbance::Disturbance;
use std::collections::BTreeSet;
use std::net::Ipv4Addr;

/// Our chain, in `filter` where packets arrive and in `mangle` where they are sent. Nothing outside ours is touched.
pub(super) const CHAIN: &str = "ADRASTEIA";

/// The lines of one receiver's chain.
///
/// A line without a verdict counts and lets the packet go on: every cut counts a packet that several of them stop.
#[derive(Clone, Default)]
pub(super) struct Chain {
    pub(super) lines: Lines,
}

impl Chain {
    /// The chain of the receiver with this number.
    pub(super) fn of(laid: &Laid, to: usize, address: impl Fn(usize) -> Ipv4Addr) -> Chain {
        let mut senders = BTreeSet::new();
        let (mut lines, mut losing) = (Lines::default(), Lines::default());
        let own = address(to);
        let line =
            |from: usize, rest: &str| format!("-A {CHAIN} -s {} -d {own}{rest}", address(from));
        for (rule, disturbance, link) in laid.at(Side::Receiver) {
            if link.1 != to {
                continue;
            }
            if let Disturbance::Loss { permille } = disturbance {
                let lost = format!("{} -j DROP", draw(permille));
                losing.count(line(link.0, ""), Counter::seen(rule, link));
                losing.count(line(link.0, &lost), Counter::hit(rule, link));
            } else {
                senders.insert(link.0);
                lines.count(line(link.0, ""), Counter::both(rule, link));
            }
        }
        for from in senders {
            lines.act(line(from, " -j DROP"));
        }
        lines.append(losing);
        Chain { lines }
    }

    /// What `iptables-restore` is given: the chain emptied and written in one transaction.
    pub(super) fn text(&self) -> String {
        format!("*filter\n:{CHAIN} - [0:0]\n{}COMMIT\n", self.lines.text())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::{Permille, RuleId, Tally};

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
            laid.add(&chain.lines.read(listing));
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
        assert_eq!(laid.ends(Side::Receiver, |_| true), BTreeSet::from([0, 2]));
        laid.lift(|rule| rule != RuleId(1));
        assert_eq!(laid.ends(Side::Receiver, |_| true), BTreeSet::from([0]));
    }
}
