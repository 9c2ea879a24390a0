//! Elections that nothing called for: a new term although the old leader and a majority with it were undisturbed. Pure.
//!
//! Leaders are seen from outside, a tenth of a second late at most, and a starved machine delays heartbeats; so they are told
//! and counted, and fail a run only where somebody asks for it.

use reports::{FaultRecord, LeaderSpan, NeedlessElection};

use super::world::World;

/// For so long before a new leader is seen everything must have been well.
const WELL_FOR_NS: u64 = 2_000_000_000;

/// Every needless election, in order of terms.
pub(super) fn needless_elections(
    world: &World,
    faults: &[FaultRecord],
    leaders: &[LeaderSpan],
) -> Vec<NeedlessElection> {
    let mut terms: Vec<&LeaderSpan> = leaders.iter().collect();
    terms.sort_by_key(|span| (span.term, span.from_ns));
    let pairs = terms.windows(2);
    pairs
        .filter(|pair| was_needless(world, pair[0], pair[1]))
        .map(|pair| NeedlessElection {
            at_ns: pair[1].from_ns,
            old: pair[0].node.clone(),
            new: pair[1].node.clone(),
            term: pair[1].term,
            fault: beside(faults, pair[1].from_ns, pair[1].from_ns),
        })
        .collect()
}

fn was_needless(world: &World, old: &LeaderSpan, new: &LeaderSpan) -> bool {
    let Some(since) = new.from_ns.checked_sub(WELL_FOR_NS) else {
        return false;
    };
    let span = world.between(since, new.from_ns);
    old.term < new.term
        && old.to_ns >= since
        && !span.is_handed_over()
        && span.majority(Some(&old.node)).is_some()
}

/// The fault that is told with what happened from one moment to another: of those that acted then or shortly before, the
/// one that began or ended last.
pub(super) fn beside(faults: &[FaultRecord], from_ns: u64, to_ns: u64) -> Option<u32> {
    let acted = faults.iter().filter(|fault| {
        fault.start_ns <= to_ns
            && fault.end_ns.saturating_add(WELL_FOR_NS) >= from_ns
            && fault.effect != reports::Effect::Skipped
    });
    let last = acted.max_by_key(|fault| match fault.end_ns <= to_ns {
        true => fault.end_ns,
        false => fault.start_ns,
    });
    last.map(|fault| fault.id)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::scene::{apart, fault, led, nodes, on_links, on_nodes};

    #[test]
    fn an_election_is_needless_where_the_leader_and_a_majority_were_well() {
        let cut_off = |node: &str, ms| {
            let all = apart(&[node], &["n1", "n2", "n3", "n4", "n5"]);
            let all: Vec<&str> = all.iter().map(String::as_str).collect();
            on_links(4, "partition", &all, ms)
        };
        let n2_next = |ms| vec![led("n1", 1, [0, ms - 100]), led("n2", 2, [ms, ms + 900])];
        for (what, faults, leaders, expected) in [
            ("nobody was hit", vec![], n2_next(5_000), Some((2, None))),
            ("at the very start", vec![], n2_next(1_500), None),
            (
                "a follower came back",
                vec![cut_off("n5", [2_000, 4_500])],
                n2_next(5_000),
                Some((2, Some(4))),
            ),
            (
                "the leader was cut off",
                vec![cut_off("n1", [2_000, 4_500])],
                n2_next(4_000),
                None,
            ),
            (
                "it had been",
                vec![cut_off("n1", [2_000, 3_500])],
                n2_next(5_000),
                None,
            ),
            (
                "long before",
                vec![cut_off("n1", [1_000, 2_000])],
                n2_next(5_000),
                Some((2, None)),
            ),
            (
                "killed",
                vec![on_nodes(4, "kill", &["n1"], [4_000, 6_000])],
                n2_next(5_000),
                None,
            ),
            (
                "late packets",
                vec![on_links(
                    4,
                    "delay",
                    &["n1->n2", "n1->n3", "n1->n4"],
                    [4_000, 6_000],
                )],
                n2_next(5_000),
                None,
            ),
            (
                "on purpose",
                vec![fault(4, "transfer", serde_json::json!({}), [4_800, 5_500])],
                n2_next(5_000),
                None,
            ),
            (
                "nobody led for long",
                vec![],
                vec![led("n1", 1, [0, 2_000]), led("n2", 2, [5_000, 6_000])],
                None,
            ),
            (
                "the same node again",
                vec![],
                vec![led("n1", 1, [0, 4_900]), led("n1", 2, [5_000, 6_000])],
                Some((2, None)),
            ),
        ] {
            let world = World::new(nodes(5).into_iter(), &faults);
            let found = needless_elections(&world, &faults, &leaders);
            let told: Option<(u64, Option<u32>)> = found.first().map(|one| (one.term, one.fault));
            assert_eq!(told, expected, "{what}");
        }
    }
}
