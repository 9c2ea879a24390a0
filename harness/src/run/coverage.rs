//! How hard a run really tried, judged from what was recorded and not from what was planned. Pure.
//!
//! A fault tests what is acknowledged while it acts. One that leaves no majority, because all lost power or nobody reached
//! enough others, lets nothing be acknowledged: it tests what was acknowledged before, if clients were served after it.

use std::collections::{BTreeMap, BTreeSet};

use checker::{History, Nanos, Operation, Outcome};
use nemesis::schedule::FaultKind;
use reports::{Effect, FaultRecord, Strength, Tried};

use super::world::World;

/// A strong run put at least this many operations to the test of faults.
const STRONG_OPERATIONS: usize = 100;
/// And at least this many faults of each kind acted.
const STRONG_FAULTS: usize = 2;

/// The grade of a run and the numbers behind it, one sentence each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Coverage {
    pub strength: Strength,
    pub reasons: Vec<String>,
    pub tried: Tried,
}

/// What is graded.
pub(super) struct Graded<'a> {
    pub history: &'a History,
    /// What clients did after it was recovery and the final reads: it tests nothing by itself.
    pub clients_end: Nanos,
    pub nodes: &'a [String],
    /// What was asked for.
    pub kinds: &'a [FaultKind],
    /// What came of it.
    pub faults: &'a [FaultRecord],
    pub leader_changes: u32,
}

impl Graded<'_> {
    pub(super) fn coverage(&self) -> Coverage {
        let tried = self.tried();
        let acted: Vec<(FaultKind, usize)> = self
            .kinds
            .iter()
            .map(|kind| (*kind, self.acted(*kind)))
            .collect();
        let mut reasons = reasons(&tried, &acted);
        let (strength, why) = grade(&tried, &acted);
        reasons.extend(why);
        Coverage {
            strength,
            reasons,
            tried,
        }
    }

    fn tried(&self) -> Tried {
        let acknowledged = || {
            let all = self.history.operations.iter();
            let in_time = |operation: &&Operation| operation.call_time < Some(self.clients_end);
            all.filter(is_ok).filter(in_time)
        };
        let at_risk_until = self.last_survived_loss();
        let during =
            |operation: &&Operation| self.faults.iter().any(|it| returned_during(operation, it));
        let before = |operation: &&Operation| operation.return_time < at_risk_until;
        let parted = Parted::new(self.nodes, self.faults);
        Tried {
            acknowledged: acknowledged().count(),
            under_faults: acknowledged().filter(during).count(),
            before_losses: acknowledged()
                .filter(|operation| before(operation) && !during(operation))
                .count(),
            reads_while_cut_off: acknowledged()
                .filter(|operation| operation.f == "read" && parted.answered(operation))
                .count(),
            restarts: self.faults.iter().map(restarts).sum(),
            leader_changes: self.leader_changes,
        }
    }

    fn acted(&self, kind: FaultKind) -> usize {
        let name = kind.to_string();
        let acted = |fault: &&FaultRecord| fault.name == name && fault.effect == Effect::Installed;
        self.faults.iter().filter(acted).count()
    }

    /// When the last fault began that left no majority and after which clients were served.
    fn last_survived_loss(&self) -> Option<Nanos> {
        let served = self.history.operations.iter().filter(is_ok);
        let last_served = served.filter_map(|operation| operation.call_time).max()?;
        let losses = self.faults.iter().filter(|fault| {
            fault.effect == Effect::Installed
                && fault.end_ns <= last_served.0
                && World::leaves_no_majority(self.nodes, fault)
        });
        losses.map(|fault| Nanos(fault.start_ns)).max()
    }
}

fn reasons(tried: &Tried, acted: &[(FaultKind, usize)]) -> Vec<String> {
    let Tried {
        acknowledged,
        under_faults,
        before_losses,
        reads_while_cut_off,
        restarts,
        leader_changes,
    } = tried;
    let mut reasons = vec![format!(
        "{acknowledged} operations were acknowledged, {under_faults} of them while a fault was active."
    )];
    if *before_losses > 0 {
        reasons.push(format!(
            "{before_losses} more were acknowledged before a fault that left no majority, and clients were served after it."
        ));
    }
    for (kind, count) in acted {
        let faults = if *count == 1 { "fault" } else { "faults" };
        reasons.push(format!(
            "{count} {kind} {faults} acted, proven by evidence."
        ));
    }
    if *reads_while_cut_off > 0 {
        reasons.push(format!(
            "{reads_while_cut_off} reads were answered by nodes that were cut off from the majority."
        ));
    }
    if *restarts > 0 {
        let times = times(*restarts);
        reasons.push(format!("Nodes came back on their disks {times}."));
    }
    let times = times(*leader_changes as usize);
    reasons.push(format!("The leader changed {times}."));
    reasons
}

fn times(count: usize) -> String {
    match count {
        1 => "once".to_owned(),
        _ => format!("{count} times"),
    }
}

/// The grade, and why it is no better.
fn grade(tried: &Tried, acted: &[(FaultKind, usize)]) -> (Strength, Option<String>) {
    let tested = tried.under_faults + tried.before_losses;
    let nothing_acted = acted.iter().all(|(_, count)| *count == 0) || tested == 0;
    let idle = !acted.is_empty() && nothing_acted;
    if tried.acknowledged == 0 || idle {
        (Strength::Vacuous, None)
    } else if acted.is_empty() {
        let why = "No faults were asked for, so only concurrency was tested.";
        (Strength::Weak, Some(why.to_owned()))
    } else if acted.iter().all(|(_, count)| *count >= STRONG_FAULTS) && tested >= STRONG_OPERATIONS
    {
        (Strength::Strong, None)
    } else {
        let why = format!(
            "Strong takes {STRONG_FAULTS} faults of each kind and {STRONG_OPERATIONS} operations acknowledged under them, or before them where they left no majority."
        );
        (Strength::Weak, Some(why))
    }
}

/// Who was cut off from the majority, from each of these moments on.
struct Parted {
    from: Vec<(u64, BTreeSet<String>)>,
}

impl Parted {
    fn new(nodes: &[String], faults: &[FaultRecord]) -> Self {
        let world = World::new(nodes.iter().cloned(), faults);
        let moments = world.changes(0, u64::MAX);
        let between = moments.windows(2).map(|pair| {
            let span = world.between(pair[0], pair[1]);
            let cut_off = nodes.iter().filter(|node| span.is_cut_off(node));
            (pair[0], cut_off.cloned().collect())
        });
        Self {
            from: between.collect(),
        }
    }

    /// Whether the node that answered this was cut off when it was called and when it was answered.
    fn answered(&self, operation: &Operation) -> bool {
        let times = [operation.call_time, operation.return_time];
        let Some(node) = operation.node.as_deref() else {
            return false;
        };
        times.iter().all(|time| {
            let before = |time: &Nanos| self.from.partition_point(|(from, _)| *from <= time.0);
            let last = time.as_ref().map_or(0, before).checked_sub(1);
            last.is_some_and(|last| self.from[last].1.contains(node))
        })
    }
}

/// How many nodes answered again after this fault had ended them.
fn restarts(fault: &FaultRecord) -> usize {
    let after = fault.evidence.get("serving_again_after_ms");
    let after = after.and_then(|by_node| by_node.as_object());
    after.map_or(0, |by_node| {
        by_node.values().filter(|time| time.is_u64()).count()
    })
}

/// Operations acknowledged while `fault` was active, by the node that acknowledged them.
pub(crate) fn acknowledged_during(
    history: &History,
    fault: &FaultRecord,
) -> BTreeMap<String, usize> {
    let mut by_node = BTreeMap::new();
    for operation in &history.operations {
        if is_ok(&operation) && returned_during(operation, fault) {
            let node = operation.node.clone().map(String::from);
            *by_node.entry(node.unwrap_or_default()).or_default() += 1;
        }
    }
    by_node
}

/// Operations under way while `fault` was active, however they ended.
pub(crate) fn under_way_during(history: &History, fault: &FaultRecord) -> usize {
    let under_way = |operation: &&Operation| {
        let until = operation.return_time.map_or(u64::MAX, |time| time.0);
        let called = operation.call_time.map(|time| time.0);
        called.is_some_and(|called| called < fault.end_ns && fault.start_ns <= until)
    };
    history.operations.iter().filter(under_way).count()
}

fn is_ok(operation: &&Operation) -> bool {
    operation.outcome == Outcome::Ok
}

fn returned_during(operation: &Operation, fault: &FaultRecord) -> bool {
    operation
        .return_time
        .is_some_and(|time| fault.active_at(time.0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::scene::{self, apart, change, fault, history, nodes, on_links, on_nodes};

    /// A write a millisecond for so long, each acknowledged by n1 within the same.
    fn writes(ms: std::ops::Range<u64>) -> Vec<scene::Asked> {
        ms.map(|ms| change(1, [ms, ms], Ok(()))).collect()
    }

    fn of(asked: &[scene::Asked], kinds: &[FaultKind], faults: &[FaultRecord]) -> Coverage {
        let graded = Graded {
            history: &history(asked),
            clients_end: Nanos(1_000_000_000),
            nodes: &nodes(3),
            kinds,
            faults,
            leader_changes: 1,
        };
        graded.coverage()
    }

    fn cut(id: u32, ms: [u64; 2]) -> FaultRecord {
        let all = apart(&["n1"], &["n2", "n3"]);
        let all: Vec<&str> = all.iter().map(String::as_str).collect();
        on_links(id, "partition", &all, ms)
    }

    fn blackout(id: u32, ms: [u64; 2]) -> FaultRecord {
        on_nodes(id, "blackout", &["n1", "n2", "n3"], ms)
    }

    fn unproven(fault: FaultRecord) -> FaultRecord {
        let effect = Effect::Indeterminate;
        FaultRecord { effect, ..fault }
    }

    #[test]
    fn strength_is_what_was_proven_and_not_what_was_planned() {
        let (partition, kill) = (FaultKind::Partition, FaultKind::Kill);
        let dark = FaultKind::Disk(nemesis::schedule::DiskKind::Blackout);
        let cuts = || vec![cut(1, [100, 400]), cut(2, [500, 600])];
        let twice_dark = || vec![blackout(1, [300, 400]), blackout(2, [500, 600])];
        let light = |spans: [std::ops::Range<u64>; 3]| {
            spans.into_iter().flat_map(writes).collect::<Vec<_>>()
        };
        for (what, asked, kinds, faults, strength) in [
            (
                "no fault was asked for",
                writes(0..900),
                vec![],
                vec![],
                Strength::Weak,
            ),
            (
                "nothing completed",
                vec![],
                vec![],
                vec![],
                Strength::Vacuous,
            ),
            (
                "recovery alone",
                writes(1_000..1_500),
                vec![],
                vec![],
                Strength::Vacuous,
            ),
            (
                "no fault acted",
                writes(0..900),
                vec![partition],
                vec![],
                Strength::Vacuous,
            ),
            (
                "no fault is proven",
                writes(0..900),
                vec![partition],
                vec![unproven(cut(1, [100, 400]))],
                Strength::Vacuous,
            ),
            (
                "faults acted under load",
                writes(0..900),
                vec![partition],
                cuts(),
                Strength::Strong,
            ),
            (
                "one kind never acted",
                writes(0..900),
                vec![partition, kill],
                cuts(),
                Strength::Weak,
            ),
            (
                "little ran under them",
                writes(0..150),
                vec![partition],
                cuts(),
                Strength::Weak,
            ),
            (
                "nothing ran under them",
                writes(0..90),
                vec![partition],
                cuts(),
                Strength::Vacuous,
            ),
            (
                "dark, served before and after",
                light([0..300, 400..500, 600..900]),
                vec![dark],
                twice_dark(),
                Strength::Strong,
            ),
            (
                "dark, served little before",
                light([280..300, 480..500, 600..900]),
                vec![dark],
                twice_dark(),
                Strength::Weak,
            ),
            (
                "dark, never served again",
                writes(0..300),
                vec![dark],
                twice_dark(),
                Strength::Vacuous,
            ),
            (
                "dark, never served before",
                writes(600..900),
                vec![dark],
                twice_dark(),
                Strength::Vacuous,
            ),
        ] {
            let coverage = of(&asked, &kinds, &faults);
            assert_eq!(
                coverage.strength, strength,
                "{what}: {:?}",
                coverage.reasons
            );
        }
    }

    #[test]
    fn an_operation_under_two_faults_counts_once() {
        let faults = [cut(1, [0, 50]), on_nodes(2, "kill", &["n2"], [0, 50])];
        let tried = of(&writes(0..100), &[], &faults).tried;
        assert_eq!((tried.acknowledged, tried.under_faults), (100, 50));
        let by_node = acknowledged_during(&history(&writes(0..100)), &faults[0]);
        assert_eq!(by_node, BTreeMap::from([("n1".to_owned(), 50)]));
    }

    #[test]
    fn before_a_loss_counts_what_was_not_under_a_fault_anyway() {
        let faults = [cut(1, [0, 50]), blackout(2, [80, 90])];
        let tried = of(&writes(0..100), &[], &faults).tried;
        assert_eq!((tried.under_faults, tried.before_losses), (60, 30));
    }

    #[test]
    fn reads_of_a_node_count_while_it_is_cut_off_from_call_to_answer() {
        let read = |ms, node, end| scene::Asked {
            f: "read",
            node,
            ..change(1, ms, end)
        };
        let asked = [
            read([5, 15], "n1", Ok(())),
            read([16, 18], "n1", Ok(())),
            read([20, 21], "n2", Ok(())),
            read([22, 23], "n1", Err("not_leader")),
            change(1, [24, 25], Ok(())),
            read([29, 31], "n1", Ok(())),
            read([32, 33], "n1", Ok(())),
        ];
        assert_eq!(
            of(&asked, &[], &[cut(1, [10, 30])])
                .tried
                .reads_while_cut_off,
            1
        );
        assert_eq!(of(&asked, &[], &[]).tried.reads_while_cut_off, 0);
    }

    #[test]
    fn restarts_are_those_that_answered_again() {
        let evidence = serde_json::json!({ "nodes": { "n1": {}, "n2": {} },
            "serving_again_after_ms": { "n1": 30, "n2": "node n2 did not answer /health within 5s" } });
        let tried = of(&writes(0..100), &[], &[fault(1, "kill", evidence, [0, 50])]).tried;
        assert_eq!(tried.restarts, 1);
    }

    #[test]
    fn operations_under_way_are_those_that_a_fault_touched() {
        let asked = [
            change(1, [0, 9], Ok(())),
            change(1, [9, 10], Err("late?")),
            change(2, [19, 30], Ok(())),
            change(1, [20, 21], Ok(())),
        ];
        assert_eq!(under_way_during(&history(&asked), &cut(1, [10, 20])), 2);
    }
}
