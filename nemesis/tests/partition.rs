//! Partitions as data: every shape against its definition.

use nemesis::NodeName;
use nemesis::partition::{Grudge, Link, Shape};
use proptest::prelude::*;
use std::collections::BTreeSet;

/// A permutation of a cluster of 2 to 9 nodes.
fn orders() -> impl Strategy<Value = Vec<NodeName>> {
    (2usize..10).prop_flat_map(|count| Just(NodeName::first(count)).prop_shuffle())
}

/// The nodes that `node` hears, itself among them.
fn heard<'a>(grudge: &'a Grudge, node: &'a NodeName) -> BTreeSet<&'a NodeName> {
    let others = grudge.nodes().iter();
    others.filter(|from| !grudge.cuts(from, node)).collect()
}

/// The classes of nodes that hear each other, when hearing is an equivalence; otherwise nothing.
fn sides(grudge: &Grudge) -> Option<BTreeSet<BTreeSet<&NodeName>>> {
    let classes: BTreeSet<_> = grudge
        .nodes()
        .iter()
        .map(|node| heard(grudge, node))
        .collect();
    let members: usize = classes.iter().map(BTreeSet::len).sum();
    (members == grudge.nodes().len()).then_some(classes)
}

fn smaller_side(grudge: &Grudge) -> usize {
    let sides = sides(grudge).expect("two sides that do not hear each other");
    assert_eq!(sides.len(), 2);
    sides.iter().map(BTreeSet::len).min().unwrap_or(0)
}

proptest! {
    #[test]
    fn halves_are_two_sides(order in orders()) {
        for shape in [Shape::Halves, Shape::RandomHalves] {
            prop_assert_eq!(smaller_side(&shape.grudge(&order, None)), order.len() / 2);
        }
    }

    #[test]
    fn halves_do_not_depend_on_chance(order in orders()) {
        let mut sorted = order.clone();
        sorted.sort();
        prop_assert_eq!(Shape::Halves.grudge(&order, None), Shape::Halves.grudge(&sorted, None));
    }

    #[test]
    fn one_node_is_the_first_and_the_leader_is_the_leader(order in orders(), pick in any::<prop::sample::Index>()) {
        let leader = pick.get(&order);
        let alone = |grudge: &Grudge, node: &NodeName| heard(grudge, node) == BTreeSet::from([node]);
        for (grudge, node) in [
            (Shape::OneNode.grudge(&order, Some(leader)), &order[0]),
            (Shape::LeaderAlone.grudge(&order, Some(leader)), leader),
            (Shape::LeaderAlone.grudge(&order, None), &order[0]),
            (Shape::LeaderAlone.grudge(&order, Some(&NodeName::nth(99))), &order[0]),
        ] {
            prop_assert_eq!(smaller_side(&grudge), 1);
            prop_assert!(alone(&grudge, node));
        }
    }

    #[test]
    fn in_the_ring_all_hear_a_majority_and_no_two_the_same(order in orders()) {
        prop_assume!(order.len() >= Shape::MajoritiesRing.min_nodes());
        let grudge = Shape::MajoritiesRing.grudge(&order, None);
        let majorities: BTreeSet<_> = order.iter().map(|node| heard(&grudge, node)).collect();
        prop_assert_eq!(majorities.len(), order.len());
        prop_assert!(majorities.iter().all(|majority| majority.len() == order.len() / 2 + 1));
        if matches!(order.len(), 4 | 5) {
            let back = |link: &Link| grudge.links().contains(&link.back());
            prop_assert!(grudge.links().iter().all(back), "links are cut in both directions");
        }
    }

    #[test]
    fn the_bridge_joins_two_sides(order in orders()) {
        prop_assume!(order.len() >= Shape::Bridge.min_nodes());
        let grudge = Shape::Bridge.grudge(&order, None);
        let joins = |node: &&NodeName| heard(&grudge, node).len() == order.len();
        let bridges: Vec<_> = order.iter().filter(joins).collect();
        prop_assert_eq!(bridges.len(), 1);
        let bridge = bridges[0];
        let rest: Vec<NodeName> = order.iter().filter(|node| *node != bridge).cloned().collect();
        let without = Grudge::among(&rest, |from, to| grudge.cuts(from, to));
        prop_assert_eq!(smaller_side(&without), rest.len() / 2);
    }

    #[test]
    fn one_way_cuts_one_direction_of_every_pair_across(order in orders()) {
        let grudge = Shape::OneWay.grudge(&order, None);
        let (small, large) = order.split_at(order.len() / 2);
        prop_assert_eq!(grudge.links().len(), small.len() * large.len());
        let senders: BTreeSet<_> = grudge.links().iter().filter_map(|link| link.from.node().cloned()).collect();
        let side = |nodes: &[NodeName]| nodes.iter().cloned().collect::<BTreeSet<_>>();
        prop_assert!(senders == side(small) || senders == side(large));
    }

    #[test]
    fn every_shape_cuts_something_where_it_fits(order in orders()) {
        for shape in Shape::ALL {
            let cuts = !shape.grudge(&order, None).is_empty();
            prop_assert_eq!(cuts, order.len() >= shape.min_nodes(), "{}", shape);
        }
    }
}

#[test]
fn both_directions_of_one_way_occur() {
    let nodes = NodeName::first(5);
    let mut reversed = nodes.clone();
    reversed.reverse();
    assert_eq!(
        Shape::OneWay.grudge(&nodes, None).describe(),
        "n1 n2 -> n3 n4 n5 cut one way"
    );
    assert_eq!(
        Shape::OneWay.grudge(&reversed, None).describe(),
        "n1 n2 n3 -> n4 n5 cut one way"
    );
}

#[test]
fn grudges_are_described_in_words() {
    let nodes = NodeName::first(5);
    let leader = NodeName::nth(3);
    let check = |shape: Shape, expected: &str| {
        assert_eq!(
            shape.grudge(&nodes, Some(&leader)).describe(),
            expected,
            "{shape}"
        );
    };
    check(Shape::Halves, "n1 n2 | n3 n4 n5");
    check(Shape::RandomHalves, "n1 n2 | n3 n4 n5");
    check(Shape::OneNode, "n1 | n2 n3 n4 n5");
    check(Shape::LeaderAlone, "n3 | n1 n2 n4 n5");
    check(
        Shape::MajoritiesRing,
        "n1 hears n2 n5, n2 hears n1 n3, n3 hears n2 n4, n4 hears n3 n5, n5 hears n1 n4",
    );
    check(Shape::Bridge, "n1 n2 | n4 n5, n3 sees both sides");
    check(Shape::OneWay, "n1 n2 -> n3 n4 n5 cut one way");
    assert_eq!(Grudge::default().describe(), "nothing cut");
    let silent = Grudge::among(&nodes, |_, to| *to == nodes[0]);
    assert_eq!(silent.describe(), "n2 n3 n4 n5 -> n1 cut one way");
    let scattered = Grudge::among(&nodes[..3], |_, _| true);
    assert_eq!(
        scattered.describe(),
        "n1 hears nobody, n2 hears nobody, n3 hears nobody"
    );
}

/// Each of the 64 ways to cut links among three nodes is told from every other.
#[test]
fn no_two_grudges_are_described_alike() {
    let nodes = NodeName::first(3);
    let pairs: Vec<_> = nodes
        .iter()
        .flat_map(|from| nodes.iter().map(move |to| (from, to)))
        .filter(|(from, to)| from != to)
        .collect();
    let grudge = |bits: u32| {
        Grudge::among(&nodes, |from, to| {
            let seat = pairs.iter().position(|pair| *pair == (from, to));
            seat.is_some_and(|seat| bits >> seat & 1 == 1)
        })
    };
    let words: BTreeSet<String> = (0..64).map(|bits| grudge(bits).describe()).collect();
    assert_eq!(words.len(), 64);
}

#[test]
fn names_are_read_as_they_are_written() {
    for shape in Shape::ALL {
        assert_eq!(shape.to_string().parse(), Ok(shape));
        assert_eq!(
            serde_json::to_string(&shape).unwrap(),
            format!("\"{shape}\"")
        );
    }
    assert_eq!(
        "ring".parse::<Shape>().unwrap_err().to_string(),
        "partition shape \"ring\" is not known: use one of halves, random-halves, one-node, leader-alone, \
         majorities-ring, bridge, one-way, leader-minority"
    );
}

#[test]
fn a_grudge_is_json_with_its_links_as_words() {
    let grudge = Shape::OneNode.grudge(&NodeName::first(2), None);
    let json = r#"{"nodes":["n1","n2"],"cut":["n1->n2","n2->n1"]}"#;
    assert_eq!(serde_json::to_string(&grudge).unwrap(), json);
    assert_eq!(serde_json::from_str::<Grudge>(json).unwrap(), grudge);
    for link in ["n1->n2", "clients->n1", "n1->clients"] {
        assert_eq!(link.parse::<Link>().unwrap().to_string(), link);
    }
    assert!("n1-n2".parse::<Link>().is_err());
    assert!("n1->N2".parse::<Link>().is_err());
}
