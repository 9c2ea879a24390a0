//! Quorums of one and of two sets of voters, against all subsets.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::{id, voters};
use crate::raft::{Membership, NodeId, quorum::Quorum};

/// The nodes whose bits are set.
fn nodes(bits: u32) -> BTreeSet<NodeId> {
    let numbers = (0..9).filter(|number| bits >> number & 1 == 1);
    numbers.map(|number| id(number + 1)).collect()
}

fn membership(voters: u32, outgoing: u32) -> Membership {
    Membership {
        voters: nodes(voters),
        outgoing: nodes(outgoing),
        ..Membership::default()
    }
}

/// More than half of the bits of `voters`, counted the simple way.
fn decides(set: u32, voters: u32) -> bool {
    2 * (set & voters).count_ones() > voters.count_ones()
}

#[test]
fn one_to_nine_voters_decide_by_more_than_half() {
    for count in 1..=9 {
        let all = (1_u32 << count) - 1;
        let members = voters(count);
        let (quorums, others): (Vec<u32>, Vec<u32>) =
            (0..=all).partition(|set| members.is_quorum(Quorum::Majority, &nodes(*set)));
        assert!(quorums.iter().all(|set| decides(*set, all)));
        assert!(others.iter().all(|set| !decides(*set, all)));
        let meet = |a: &u32| quorums.iter().all(|b| a & b != 0);
        assert!(
            quorums.iter().all(meet),
            "two majorities of {count} share a node"
        );
        let tolerated = (count - 1) / 2;
        let fewest = quorums.iter().map(|set| set.count_ones() as usize).min();
        assert_eq!(fewest, Some(count - tolerated));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn joint_quorums_are_quorums_of_both(new in 1..512_u32, old in 0..512_u32, set in 0..512_u32) {
        let both = decides(set, new) && (old == 0 || decides(set, old));
        prop_assert_eq!(membership(new, old).is_quorum(Quorum::Majority, &nodes(set)), both);
    }

    /// The greatest value that a quorum has reached: found by trying each value.
    #[test]
    fn what_is_reached_is_what_a_quorum_has(
        new in 1..512_u32,
        old in 0..512_u32,
        values in prop::array::uniform9(0..6_u64),
    ) {
        let members = membership(new, old);
        let value = |node: &NodeId| {
            let number = (0..9).find(|number| *node == id(number + 1));
            values[number.expect("one of nine")]
        };
        let holders = |least: u64| {
            (0..9).filter(|&i| values[i] >= least).fold(0, |set, i| set | 1 << i)
        };
        let brute = (0..6).rev().find(|least| members.is_quorum(Quorum::Majority, &nodes(holders(*least))));
        prop_assert_eq!(members.reached(Quorum::Majority, value), brute);
    }

    /// Members that differ in one voter have no two majorities apart; a joint step has none apart from either.
    #[test]
    fn neighbours_and_joint_steps_overlap(
        old in 1..512_u32,
        flipped in 0..9_u32,
        new in 1..512_u32,
        a in 0..512_u32,
        b in 0..512_u32,
    ) {
        let neighbour = old ^ 1 << flipped;
        if neighbour != 0 && decides(a, old) && decides(b, neighbour) {
            prop_assert!(a & b != 0);
        }
        if membership(new, old).is_quorum(Quorum::Majority, &nodes(a)) {
            prop_assert!(!decides(b, old) || a & b != 0);
            prop_assert!(!decides(b, new) || a & b != 0);
        }
    }
}
