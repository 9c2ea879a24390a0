//! The state of the cluster's world from one moment to another, by the faults that acted. Pure.

use std::collections::{BTreeMap, BTreeSet};

use nemesis::partition::{Endpoint, Link};
use reports::{FaultRecord, MachineStall};

use super::impact::Impact;

/// Every fault of a run, and whom it could hit.
#[derive(Debug, Clone)]
pub(super) struct World {
    nodes: BTreeSet<String>,
    acted: Vec<Acted>,
}

#[derive(Debug, Clone)]
struct Acted {
    start_ns: u64,
    end_ns: u64,
    impact: Impact,
}

/// What was wrong at some time between two moments, taken together.
#[derive(Debug, Clone)]
pub(super) struct Span<'a> {
    nodes: &'a BTreeSet<String>,
    wrong: Impact,
}

impl World {
    pub(super) fn new<'a>(
        nodes: impl Iterator<Item = String>,
        faults: impl IntoIterator<Item = &'a FaultRecord>,
    ) -> Self {
        let acted = |fault: &FaultRecord| Acted {
            start_ns: fault.start_ns,
            end_ns: fault.end_ns,
            impact: Impact::of(fault),
        };
        Self {
            nodes: nodes.collect(),
            acted: faults.into_iter().map(acted).collect(),
        }
    }

    /// While the machine was held up, so was everybody.
    pub(super) fn held_up(mut self, stalls: &[MachineStall]) -> Self {
        self.acted.extend(stalls.iter().map(|stall| Acted {
            start_ns: stall.from_ns,
            end_ns: stall.to_ns,
            impact: Impact {
                unclear: true,
                ..Impact::default()
            },
        }));
        self
    }

    /// Whether this fault alone left no majority of nodes that ran and reached each other.
    pub(super) fn leaves_no_majority(nodes: &[String], fault: &FaultRecord) -> bool {
        let Impact { gone, cut, .. } = Impact::of(fault);
        let wrong = Impact {
            gone,
            cut,
            ..Impact::default()
        };
        let nodes = nodes.iter().cloned().collect();
        let span = Span {
            nodes: &nodes,
            wrong,
        };
        span.majority(None).is_none()
    }

    /// Everything that acted after `from_ns` and before `to_ns`.
    pub(super) fn between(&self, from_ns: u64, to_ns: u64) -> Span<'_> {
        let mut wrong = Impact::default();
        for acted in &self.acted {
            if acted.start_ns < to_ns && from_ns < acted.end_ns {
                wrong.add(&acted.impact);
            }
        }
        Span {
            nodes: &self.nodes,
            wrong,
        }
    }

    /// The moments after `from_ns` and before `to_ns` at which something changed, and these two.
    pub(super) fn changes(&self, from_ns: u64, to_ns: u64) -> Vec<u64> {
        let moments = self
            .acted
            .iter()
            .flat_map(|acted| [acted.start_ns, acted.end_ns]);
        let within = moments.filter(|moment| (from_ns..to_ns).contains(moment));
        let all: BTreeSet<u64> = within.chain([from_ns, to_ns]).collect();
        all.into_iter().collect()
    }
}

impl Span<'_> {
    /// The largest group of undisturbed nodes that reached each other both ways all the time, with `member` in it if one
    /// is named; none if it is no majority.
    pub(super) fn majority(&self, member: Option<&str>) -> Option<BTreeSet<String>> {
        if self.wrong.unclear {
            return None;
        }
        let is_well = |node: &&String| {
            !self.wrong.gone.contains(*node) && !self.wrong.hampered.contains(*node)
        };
        let mut well: BTreeSet<&str> = self
            .nodes
            .iter()
            .filter(is_well)
            .map(String::as_str)
            .collect();
        let apart = self.apart(&well);
        if let Some(member) = member {
            if !well.contains(member) {
                return None;
            }
            let strangers = apart.get(member);
            well.retain(|node| strangers.is_none_or(|strangers| !strangers.contains(node)));
        }
        let group = largest(well, &apart, self.quorum())?;
        Some(group.into_iter().map(str::to_owned).collect())
    }

    /// Whether this node ran on while something about it was unclear.
    pub(super) fn is_hampered(&self, node: &str) -> bool {
        let is_end = |link: &Link| ends(link).contains(&node);
        self.wrong.unclear
            || self.wrong.hampered.contains(node)
            || self.wrong.disturbed.iter().any(is_end)
    }

    /// Whether cuts alone left this node too few others for a majority to be heard by and to hear.
    pub(super) fn is_cut_off(&self, node: &str) -> bool {
        let cut = |other: &&String| {
            let is_between =
                |link: &Link| ends(link) == [node, other] || ends(link) == [other, node];
            self.wrong.cut.iter().any(is_between)
        };
        let others = self.nodes.iter().filter(|other| *other != node);
        let reached = others.filter(|other| !cut(other)).count();
        reached + 1 < self.quorum()
    }

    pub(super) const fn is_handed_over(&self) -> bool {
        self.wrong.handed_over
    }

    fn quorum(&self) -> usize {
        self.nodes.len() / 2 + 1
    }

    /// Whom each node did not reach undisturbed, or was not reached by.
    fn apart<'a>(&'a self, among: &BTreeSet<&'a str>) -> Apart<'a> {
        let mut apart: Apart<'a> = BTreeMap::new();
        for link in self.wrong.cut.iter().chain(&self.wrong.disturbed) {
            let [from, to] = ends(link);
            if among.contains(from) && among.contains(to) {
                apart.entry(from).or_default().insert(to);
                apart.entry(to).or_default().insert(from);
            }
        }
        apart
    }
}

/// Pairs of nodes, each both ways.
type Apart<'a> = BTreeMap<&'a str, BTreeSet<&'a str>>;

/// The largest set of at least `least` nodes of which no two are apart; of several, the one found first.
///
/// The node with most strangers is in it, and none of them is, or it is not: both are tried, as long as enough are left.
/// Since `least` is a majority, that ends soon for what partitions look like.
fn largest<'a>(
    nodes: BTreeSet<&'a str>,
    apart: &Apart<'a>,
    least: usize,
) -> Option<BTreeSet<&'a str>> {
    if nodes.len() < least {
        return None;
    }
    let strangers = |node: &str| {
        let all = apart.get(node).into_iter().flatten();
        all.filter(|other| nodes.contains(*other)).count()
    };
    let most = nodes.iter().copied().max_by_key(|node| strangers(node))?;
    if strangers(most) == 0 {
        return Some(nodes);
    }
    let mut without = nodes.clone();
    without.remove(most);
    let without = largest(without, apart, least);
    let with = nodes.difference(&apart[most]).copied().collect();
    let least = without.as_ref().map_or(least, |found| found.len() + 1);
    largest(with, apart, least).or(without)
}

fn ends(link: &Link) -> [&str; 2] {
    [name(&link.from), name(&link.to)]
}

fn name(end: &Endpoint) -> &str {
    end.node().map_or("", |node| node.as_str())
}

#[cfg(test)]
mod tests {
    use rand::RngExt as _;

    use super::*;
    use crate::run::scene::{apart, nodes, on_links, on_nodes};
    use crate::workload::stream;

    fn links(all: &[String]) -> Vec<&str> {
        all.iter().map(String::as_str).collect()
    }

    /// Every set of these nodes of which no two are apart, by trying all.
    fn groups<'a>(all: &'a [String], wrong: &Impact) -> Vec<BTreeSet<&'a str>> {
        let bad = |one: &str, other: &str| {
            let named = |link: &&Link| link.to_string() == format!("{one}->{other}");
            wrong
                .cut
                .iter()
                .chain(&wrong.disturbed)
                .any(|link| named(&link))
        };
        let well = |node: &str| !wrong.gone.contains(node) && !wrong.hampered.contains(node);
        (0..1_u32 << all.len())
            .map(|bits| (0..all.len()).filter(move |at| bits & (1 << at) != 0))
            .map(|members| members.map(|at| all[at].as_str()).collect::<BTreeSet<_>>())
            .filter(|group| group.iter().all(|node| well(node)))
            .filter(|group| {
                group
                    .iter()
                    .all(|one| group.iter().all(|other| !bad(one, other)))
            })
            .collect()
    }

    #[test]
    fn the_majority_is_the_largest_group_there_is() {
        let mut rng = stream(11, 0);
        let (mut found, mut missing) = (0, 0);
        for _ in 0..2_000 {
            let names = nodes(rng.random_range(2..=6));
            let pick =
                |rng: &mut rand_chacha::ChaCha8Rng| names[rng.random_range(0..names.len())].clone();
            let mut faults = Vec::new();
            for id in 0..rng.random_range(0..4) {
                let (one, other) = (pick(&mut rng), pick(&mut rng));
                faults.push(match rng.random_range(0..4) {
                    0 => on_nodes(id, "kill", &[&one], [0, 9]),
                    _ if one == other => on_nodes(id, "pause", &[&one], [0, 9]),
                    1 => on_nodes(id, "disk-slow", &[&one], [0, 9]),
                    2 => on_links(
                        id,
                        "partition",
                        &links(&apart(&[&one], &links(&names))),
                        [0, 9],
                    ),
                    _ => on_links(id, "delay", &[&format!("{one}->{other}")], [0, 9]),
                });
            }
            let world = World::new(names.iter().cloned(), &faults);
            let span = world.between(0, 5_000_000);
            let groups = groups(&names, &span.wrong);
            for member in [None, Some(pick(&mut rng))] {
                let with = |group: &&BTreeSet<&str>| {
                    member
                        .as_ref()
                        .is_none_or(|node| group.contains(node.as_str()))
                };
                let sizes = groups.iter().filter(with).map(BTreeSet::len);
                let largest = sizes.filter(|size| *size > names.len() / 2).max();
                let majority = span.majority(member.as_deref());
                assert_eq!(majority.as_ref().map(BTreeSet::len), largest, "{faults:?}");
                match &majority {
                    Some(majority) => {
                        found += 1;
                        let majority: BTreeSet<&str> =
                            majority.iter().map(String::as_str).collect();
                        assert!(with(&&majority) && groups.contains(&majority), "{faults:?}");
                    }
                    None => missing += 1,
                }
            }
        }
        assert!(found > 200 && missing > 200, "{found} {missing}");
    }

    #[test]
    fn a_node_is_cut_off_where_too_few_hear_it_or_are_heard() {
        let names = nodes(5);
        let one_way = ["n2->n1", "n3->n1", "n4->n1"];
        let world = World::new(
            names.iter().cloned(),
            &[on_links(1, "partition", &one_way, [10, 20])],
        );
        let cut_off = |from: u64, to: u64| {
            let span = world.between(from * 1_000_000, to * 1_000_000);
            names.iter().filter(|node| span.is_cut_off(node)).count()
        };
        assert_eq!([cut_off(0, 10), cut_off(0, 11), cut_off(20, 30)], [0, 1, 0]);
        assert!(world.between(10_000_000, 11_000_000).is_cut_off("n1"));
    }

    #[test]
    fn a_blackout_leaves_no_majority_and_a_delay_leaves_one() {
        let names = nodes(3);
        let everybody = ["n1", "n2", "n3"];
        let all = apart(&["n1", "n2"], &["n3"]);
        for (fault, leaves_none) in [
            (on_nodes(1, "blackout", &everybody, [0, 9]), true),
            (on_nodes(1, "kill", &["n1"], [0, 9]), false),
            (on_nodes(1, "disk-stuck", &everybody, [0, 9]), false),
            (on_links(1, "delay", &links(&all), [0, 9]), false),
            (on_links(1, "partition", &links(&all), [0, 9]), false),
            (
                on_links(1, "partition", &["n1->n2", "n2->n3", "n3->n1"], [0, 9]),
                true,
            ),
        ] {
            assert_eq!(
                World::leaves_no_majority(&names, &fault),
                leaves_none,
                "{fault:?}"
            );
        }
    }

    #[test]
    fn nobody_could_have_served_while_the_machine_was_held_up() {
        let stall = MachineStall {
            from_ns: 10,
            to_ns: 20,
            longest_ns: 10,
        };
        let world = World::new(nodes(3).into_iter(), []).held_up(&[stall]);
        let has_majority = |from, to| world.between(from, to).majority(None).is_some();
        assert_eq!(
            [(0, 10), (0, 11), (19, 30), (20, 30)].map(|(from, to)| has_majority(from, to)),
            [true, false, false, true]
        );
        assert_eq!(world.changes(0, 30), [0, 10, 20, 30]);
    }
}
