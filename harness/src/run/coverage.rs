//! How hard a run really tried, judged from what was recorded and not from what was planned. Pure.

use std::collections::BTreeMap;

use checker::{History, Nanos, Operation, Outcome};
use nemesis::schedule::FaultKind;
use reports::{Effect, FaultRecord, Strength};

/// A strong run completed at least this many operations while faults were active.
const STRONG_OPERATIONS: usize = 100;
/// And at least this many faults of each kind acted.
const STRONG_FAULTS: usize = 2;

/// The grade of a run and the numbers behind it, one sentence each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Coverage {
    pub strength: Strength,
    pub reasons: Vec<String>,
}

/// Grades a run: `kinds` is what was asked for, `faults` what came of it.
///
/// What clients did after `clients_end` was recovery and the final reads: it tests nothing by itself.
pub(crate) fn coverage(
    history: &History,
    clients_end: Nanos,
    kinds: &[FaultKind],
    faults: &[FaultRecord],
    leader_changes: u32,
) -> Coverage {
    let acknowledged = || {
        let ok = |operation: &&Operation| {
            operation.outcome == Outcome::Ok && operation.call_time < Some(clients_end)
        };
        history.operations.iter().filter(ok)
    };
    let completed = acknowledged().count();
    let during = acknowledged()
        .filter(|operation| faults.iter().any(|fault| returned_during(operation, fault)))
        .count();
    let acted = |kind: &FaultKind| {
        let name = kind.to_string();
        faults
            .iter()
            .filter(|fault| fault.name == name && fault.effect == Effect::Installed)
            .count()
    };
    let counts: Vec<(FaultKind, usize)> = kinds.iter().map(|kind| (*kind, acted(kind))).collect();

    let mut reasons = vec![format!(
        "{completed} operations were acknowledged, {during} of them while a fault was active."
    )];
    for (kind, count) in &counts {
        let faults = if *count == 1 { "fault" } else { "faults" };
        reasons.push(format!(
            "{count} {kind} {faults} acted, proven by evidence."
        ));
    }
    let times = if leader_changes == 1 {
        "once".to_owned()
    } else {
        format!("{leader_changes} times")
    };
    reasons.push(format!("The leader changed {times}."));

    let nothing_acted = counts.iter().all(|(_, count)| *count == 0) || during == 0;
    let idle = !counts.is_empty() && nothing_acted;
    let strength = if completed == 0 || idle {
        Strength::Vacuous
    } else if counts.is_empty() {
        reasons.push("No faults were asked for, so only concurrency was tested.".to_owned());
        Strength::Weak
    } else if counts.iter().all(|(_, count)| *count >= STRONG_FAULTS) && during >= STRONG_OPERATIONS
    {
        Strength::Strong
    } else {
        reasons.push(format!(
            "Strong takes {STRONG_FAULTS} faults of each kind and {STRONG_OPERATIONS} operations acknowledged under them."
        ));
        Strength::Weak
    };
    Coverage { strength, reasons }
}

/// Operations acknowledged while `fault` was active, by the node that acknowledged them.
pub(crate) fn acknowledged_during(
    history: &History,
    fault: &FaultRecord,
) -> BTreeMap<String, usize> {
    let mut by_node = BTreeMap::new();
    for operation in &history.operations {
        if operation.outcome == Outcome::Ok && returned_during(operation, fault) {
            let node = operation.node.clone().map(String::from);
            *by_node.entry(node.unwrap_or_default()).or_default() += 1;
        }
    }
    by_node
}

fn returned_during(operation: &Operation, fault: &FaultRecord) -> bool {
    operation
        .return_time
        .is_some_and(|time| fault.active_at(time.0))
}

#[cfg(test)]
mod tests {
    use checker::{Event, EventType, Process, Value};

    use super::*;

    /// A write a millisecond, each acknowledged by n1 within half of one.
    fn writes(count: u64) -> History {
        let event = |index: u64, time_us: u64, event_type| Event {
            index,
            time: Nanos(time_us * 1_000),
            process: Process::Client(1),
            event_type,
            f: "write".into(),
            key: Some(Value::from("k1")),
            value: Value::Int(1),
            node: Some("n1".into()),
            error: None,
            arrival: None,
        };
        let events = (0..count).flat_map(|n| {
            let called = event(2 * n, 1_000 * n, EventType::Invoke);
            [called, event(2 * n + 1, 1_000 * n + 500, EventType::Ok)]
        });
        History::from_events(None, events.collect()).unwrap()
    }

    fn fault(id: u32, name: &str, effect: Effect, from_ms: u64, to_ms: u64) -> FaultRecord {
        FaultRecord {
            id,
            name: name.to_owned(),
            effect,
            description: String::new(),
            evidence: serde_json::Map::new(),
            start_ns: from_ms * 1_000_000,
            end_ns: to_ms * 1_000_000,
        }
    }

    #[test]
    fn strength_is_what_was_proven_and_not_what_was_planned() {
        let acted = |id, name| fault(id, name, Effect::Installed, 100, 400);
        let unproven = |id, name| fault(id, name, Effect::Indeterminate, 100, 400);
        let partition = FaultKind::Partition;
        let kill = FaultKind::Kill;
        let rows = [
            (
                1_000,
                vec![],
                vec![],
                Strength::Weak,
                "no fault was asked for",
            ),
            (0, vec![], vec![], Strength::Vacuous, "nothing completed"),
            (
                1_000,
                vec![partition],
                vec![],
                Strength::Vacuous,
                "no fault acted",
            ),
            (
                1_000,
                vec![partition],
                vec![unproven(1, "partition"), unproven(2, "partition")],
                Strength::Vacuous,
                "no fault is proven",
            ),
            (
                1_000,
                vec![partition],
                vec![acted(1, "partition"), acted(2, "partition")],
                Strength::Strong,
                "faults acted under load",
            ),
            (
                1_000,
                vec![partition, kill],
                vec![acted(1, "partition"), acted(2, "partition")],
                Strength::Weak,
                "one kind never acted",
            ),
            (
                150,
                vec![partition],
                vec![acted(1, "partition"), acted(2, "partition")],
                Strength::Weak,
                "little ran under the faults",
            ),
        ];
        for (count, kinds, faults, strength, what) in rows {
            let coverage = coverage(&writes(count), Nanos(u64::MAX), &kinds, &faults, 1);
            assert_eq!(
                coverage.strength, strength,
                "{what}: {:?}",
                coverage.reasons
            );
        }
    }

    #[test]
    fn final_reads_alone_test_nothing() {
        assert_eq!(
            coverage(&writes(100), Nanos(0), &[], &[], 0).strength,
            Strength::Vacuous
        );
    }

    #[test]
    fn an_operation_under_two_faults_counts_once() {
        let twice = [
            fault(1, "partition", Effect::Installed, 0, 50),
            fault(2, "kill", Effect::Installed, 0, 50),
        ];
        let reasons = coverage(&writes(100), Nanos(u64::MAX), &[], &twice, 0).reasons;
        assert!(reasons[0].starts_with("100 operations were acknowledged, 50 of them"));
        let by_node = acknowledged_during(&writes(100), &twice[0]);
        assert_eq!(by_node, BTreeMap::from([("n1".to_owned(), 50)]));
    }
}
