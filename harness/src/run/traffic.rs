//! How soon clients were served again through the nodes that a cut had parted from the others or from the clients. Pure.

use std::collections::BTreeMap;

use checker::{History, Outcome};
use reports::FaultRecord;

use super::impact::Impact;
use super::world::World;

/// By node that had been cut off: milliseconds from the heal of this fault until a client that asks this node first was
/// served; `None` for never. Nodes that nobody asked after the heal are left out.
pub(super) fn served_again_after_ms<'a>(
    history: &History,
    home: impl Fn(i64) -> &'a str,
    nodes: &[String],
    fault: &FaultRecord,
) -> BTreeMap<String, Option<u64>> {
    let cut = cut_off(nodes, fault);
    let mut after: BTreeMap<String, Option<u64>> = BTreeMap::new();
    if cut.is_empty() {
        return after;
    }
    for operation in &history.operations {
        let asked = operation.call_time.filter(|time| time.0 >= fault.end_ns);
        let node = home(operation.process);
        if asked.is_none() || !cut.iter().any(|cut| cut == node) {
            continue;
        }
        let served = operation
            .return_time
            .filter(|_| operation.outcome == Outcome::Ok);
        let served = served.map(|time| (time.0 - fault.end_ns) / 1_000_000);
        let first = after.entry(node.to_owned()).or_default();
        *first = first.iter().copied().chain(served).min();
    }
    after
}

/// The nodes without a majority behind this cut alone, and those that a cut parted from the clients.
fn cut_off(nodes: &[String], fault: &FaultRecord) -> Vec<String> {
    let impact = Impact::of(fault);
    let world = World::new(nodes.iter().cloned(), [fault]);
    let span = world.between(fault.start_ns, fault.end_ns);
    let parted = |node: &&String| impact.without_clients.contains(*node) || span.is_cut_off(node);
    nodes.iter().filter(parted).cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::scene::{apart, change, history, nodes, on_links, on_nodes};

    #[test]
    fn a_node_serves_again_when_its_own_clients_are_served() {
        let home = |process: i64| ["n1", "n2", "n3"][usize::try_from(process).unwrap() % 3];
        let served = history(&[
            change(0, [50, 140], Ok(())),
            change(3, [110, 120], Err("not_leader")),
            change(6, [111, 145], Ok(())),
            change(9, [112, 160], Ok(())),
            change(1, [113, 115], Ok(())),
        ]);
        let all = apart(&["n1"], &["n2", "n3"]);
        let all: Vec<&str> = all.iter().map(String::as_str).collect();
        let rows = [
            (
                on_links(1, "partition", &all, [20, 100]),
                vec![("n1", Some(45))],
            ),
            (on_links(1, "partition", &["n1->n2"], [20, 100]), vec![]),
            (
                on_links(1, "lost-replies", &["n2->clients"], [20, 100]),
                vec![("n2", Some(15))],
            ),
            (
                on_links(1, "client-partition", &["clients->n3"], [20, 100]),
                vec![],
            ),
            (
                on_links(1, "partition", &all, [20, 112]),
                vec![("n1", Some(48))],
            ),
            (on_links(1, "partition", &all, [20, 113]), vec![]),
            (on_nodes(1, "kill", &["n1"], [20, 100]), vec![]),
        ];
        for (fault, expected) in rows {
            let found = served_again_after_ms(&served, home, &nodes(3), &fault);
            let found: Vec<(&str, Option<u64>)> = found
                .iter()
                .map(|(node, ms)| (node.as_str(), *ms))
                .collect();
            assert_eq!(found, expected, "{fault:?}");
        }
    }

    #[test]
    fn never_is_not_the_same_as_not_asked() {
        let asked = history(&[change(0, [110, 120], Err("late?"))]);
        let fault = on_links(
            1,
            "lost-replies",
            &["n1->clients", "n2->clients"],
            [20, 100],
        );
        let found = served_again_after_ms(&asked, |_| "n1", &nodes(3), &fault);
        assert_eq!(found, BTreeMap::from([("n1".to_owned(), None)]));
    }
}
