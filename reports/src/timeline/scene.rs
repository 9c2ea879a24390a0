//! Which operations the picture of a contradiction shows, and where: data only, nothing is drawn here.

use std::collections::{BTreeMap, BTreeSet};

use checker::{History, OpId, Operation, Outcome, Value};

use super::scale::{Axis, Scale};
use crate::clip::{LABEL_CHARS, ROW_CHARS, shorten};
use crate::finding::Finding;

/// Most operations a picture shows.
const MAX_OPERATIONS: usize = 120;
/// Most clients a picture shows.
const MAX_LANES: usize = 18;

/// The picture of one contradiction: operations on its key, by client, in real time.
///
/// - The contradiction's operations are chosen before all others.
/// - Lanes are in the order of their clients, bars in the order of their invocations.
#[derive(Debug)]
pub(crate) struct Scene {
    pub(crate) scale: Scale,
    pub(crate) lanes: Vec<Lane>,
    /// The contradiction's operations, by invocation.
    pub(crate) emphasised: Vec<OpId>,
    pub(crate) shown: usize,
    /// Operations on the key within the picture's time, shown or not.
    pub(crate) total: usize,
    pub(crate) denied: Option<Denied>,
}

/// A read whose answer says it came before an operation that it came after.
#[derive(Debug)]
pub(crate) struct Denied {
    pub(crate) reader: OpId,
    pub(crate) overwriter: OpId,
    /// What it saw.
    pub(crate) value: String,
}

/// The operations of one client.
#[derive(Debug)]
pub(crate) struct Lane {
    pub(crate) process: i64,
    pub(crate) bars: Vec<Bar>,
}

/// One operation.
#[derive(Debug)]
pub(crate) struct Bar {
    pub(crate) operation: OpId,
    pub(crate) from: u64,
    /// The completion; `None` when it never came.
    pub(crate) to: Option<u64>,
    pub(crate) outcome: Outcome,
    pub(crate) emphasised: bool,
    pub(crate) label: String,
}

impl Scene {
    /// The picture of a finding; `None` when none of its operations are in the history.
    pub(crate) fn of(finding: &Finding, history: &History) -> Option<Scene> {
        let all = &history.operations;
        let key = &all.get(finding.operations.first()?.0)?.key;
        let axis = axis_of(all);
        let scale = scale_around(&finding.operations, all, axis);
        let candidates = candidates(finding, all, key.as_ref(), scale);
        let total = candidates.len();
        let chosen = choose(&candidates, all);
        let shown = chosen.len();
        let emphasised: BTreeSet<OpId> = finding.operations.iter().copied().collect();
        let lanes = lanes(&chosen, all, &emphasised, axis);
        Some(Scene {
            scale,
            lanes,
            emphasised: finding.operations.clone(),
            shown,
            total,
            denied: None,
        })
    }

    /// The picture of some operations and no others; `None` when there are none.
    pub(crate) fn only(operations: &[OpId], history: &History) -> Option<Scene> {
        operations.first()?;
        let all = &history.operations;
        let axis = axis_of(all);
        let chosen = choose(operations, all);
        let emphasised = operations.iter().copied().collect();
        Some(Scene {
            scale: scale_around(operations, all, axis),
            lanes: lanes(&chosen, all, &emphasised, axis),
            emphasised: operations.to_vec(),
            shown: chosen.len(),
            total: operations.len(),
            denied: None,
        })
    }
}

pub(super) fn axis_of(all: &[Operation]) -> Axis {
    if all.iter().all(|operation| operation.call_time.is_some()) {
        Axis::Time
    } else {
        Axis::Order
    }
}

pub(super) fn begin(operation: &Operation, axis: Axis) -> u64 {
    match axis {
        Axis::Time => operation.call_time.map_or(0, |time| time.0),
        Axis::Order => operation.call,
    }
}

pub(super) fn end(operation: &Operation, axis: Axis) -> Option<u64> {
    match axis {
        Axis::Time => operation.return_time.map(|time| time.0),
        Axis::Order => operation.ret,
    }
}

fn scale_around(operations: &[OpId], all: &[Operation], axis: Axis) -> Scale {
    let operations = || operations.iter().map(|id| &all[id.0]);
    let from = operations()
        .map(|operation| begin(operation, axis))
        .min()
        .unwrap_or(0);
    let to = operations()
        .map(|operation| end(operation, axis).unwrap_or(begin(operation, axis)))
        .max()
        .unwrap_or(0);
    let margin = to.saturating_sub(from) / 12
        + match axis {
            Axis::Time => 1_000_000,
            Axis::Order => 2,
        };
    Scale {
        axis,
        from: from.saturating_sub(margin),
        to: to.saturating_add(margin),
    }
}

/// Operations on the key within the scale: the contradiction's own first, then those that say something about the value, each
/// by distance from the contradiction's last one.
fn candidates(
    finding: &Finding,
    all: &[Operation],
    key: Option<&Value>,
    scale: Scale,
) -> Vec<OpId> {
    let last = finding
        .operations
        .last()
        .map_or(0, |id| begin(&all[id.0], scale.axis));
    let visible = |operation: &Operation| {
        let from = begin(operation, scale.axis);
        operation.key.as_ref() == key
            && from <= scale.to
            && end(operation, scale.axis).unwrap_or(from) >= scale.from
    };
    let mut found: Vec<&Operation> = all.iter().filter(|operation| visible(operation)).collect();
    found.sort_by_key(|operation| {
        let own = finding.operations.contains(&operation.id);
        (
            !own,
            !may_matter(operation),
            begin(operation, scale.axis).abs_diff(last),
            operation.id,
        )
    });
    found.into_iter().map(|operation| operation.id).collect()
}

/// A failed operation had no effect, and a read without an answer tells nothing.
fn may_matter(operation: &Operation) -> bool {
    match operation.outcome {
        Outcome::Ok => true,
        Outcome::Info => operation.f != "read",
        Outcome::Fail => false,
    }
}

fn choose(candidates: &[OpId], all: &[Operation]) -> Vec<OpId> {
    let mut chosen = Vec::new();
    let mut processes = BTreeSet::new();
    for id in candidates.iter().take(MAX_OPERATIONS) {
        let process = all[id.0].process;
        if processes.contains(&process) || processes.len() < MAX_LANES {
            processes.insert(process);
            chosen.push(*id);
        }
    }
    chosen
}

fn lanes(chosen: &[OpId], all: &[Operation], emphasised: &BTreeSet<OpId>, axis: Axis) -> Vec<Lane> {
    let mut by_process: BTreeMap<i64, Vec<Bar>> = BTreeMap::new();
    for id in chosen {
        let operation = &all[id.0];
        by_process.entry(operation.process).or_default().push(Bar {
            operation: *id,
            from: begin(operation, axis),
            to: end(operation, axis),
            outcome: operation.outcome,
            emphasised: emphasised.contains(id),
            label: if emphasised.contains(id) {
                label_with_node(operation)
            } else {
                label(operation)
            },
        });
    }
    for bars in by_process.values_mut() {
        bars.sort_by_key(|bar| (bar.from, bar.operation));
    }
    by_process
        .into_iter()
        .map(|(process, bars)| Lane { process, bars })
        .collect()
}

/// An operation in a few characters: `w 17`, `r 16`, `cas 3→4`.
pub(crate) fn label(operation: &Operation) -> String {
    let text = match operation.f.as_str() {
        "read" => format!("r {}", read_value(operation)),
        "write" => format!("w {}", operation.input),
        "cas" => match operation.input.as_list() {
            Some([expected, new]) => format!("cas {expected}→{new}"),
            Some(_) | None => format!("cas {}", operation.input),
        },
        other if operation.outcome == Outcome::Ok && operation.output != Value::Nil => {
            format!("{other} {}", operation.output)
        }
        other => format!("{other} {}", operation.input),
    };
    shorten(&text, LABEL_CHARS)
}

/// The label of an operation of the contradiction: the node matters there.
fn label_with_node(operation: &Operation) -> String {
    match &operation.node {
        Some(node) => format!("{} on {}", label(operation), shorten(node, ROW_CHARS)),
        None => label(operation),
    }
}

fn read_value(operation: &Operation) -> String {
    match operation.outcome {
        Outcome::Ok => operation.output.to_string(),
        Outcome::Fail | Outcome::Info => "?".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use checker::{Event, EventType, Nanos, Process};

    use super::*;

    /// A write and a late read of client 0, and between them one operation of each of `crowd` clients.
    fn crowded(crowd: i64, f: &str, outcome: EventType) -> History {
        let event = |process, time, event_type, f: &str| Event {
            index: time,
            time: Nanos(time * 1_000_000),
            process: Process::Client(process),
            event_type,
            f: f.into(),
            key: None,
            value: Value::Int(process),
            node: None,
            error: None,
            arrival: None,
        };
        let mut events = vec![
            event(0, 1, EventType::Invoke, "write"),
            event(0, 2, EventType::Ok, "write"),
        ];
        for (process, time) in (1..=crowd).zip((10..).step_by(2)) {
            events.extend([
                event(process, time, EventType::Invoke, f),
                event(process, time + 1, outcome, f),
            ]);
        }
        events.push(event(0, 9_000, EventType::Invoke, "read"));
        events.push(event(0, 9_001, EventType::Ok, "read"));
        History::from_events(None, events).expect("the history is well-formed")
    }

    fn scene(history: &History) -> Scene {
        let last = OpId(history.operations.len() - 1);
        let finding = Finding::stale_read(vec![OpId(0), last]);
        Scene::of(&finding, history).expect("the operations are there")
    }

    #[test]
    fn a_crowd_of_clients_is_cut_but_never_the_contradiction() {
        let scene = scene(&crowded(500, "write", EventType::Ok));
        assert_eq!((scene.lanes.len(), scene.total), (MAX_LANES, 502));
        assert_eq!(scene.shown, 2 + MAX_LANES - 1);
        let emphasised = scene
            .lanes
            .iter()
            .flat_map(|lane| &lane.bars)
            .filter(|bar| bar.emphasised)
            .count();
        assert_eq!(emphasised, 2);
        assert_eq!(
            scene.lanes[1].process, 484,
            "the crowd nearest to the last operation stays"
        );
    }

    #[test]
    fn failed_operations_give_way_to_those_that_took_effect() {
        let mut history = crowded(500, "write", EventType::Fail);
        history.operations[3].outcome = Outcome::Ok;
        let scene = scene(&history);
        let kept = scene
            .lanes
            .iter()
            .flat_map(|lane| &lane.bars)
            .any(|bar| bar.operation == OpId(3));
        assert!(
            kept,
            "the one operation that took effect is far from the last, and shown"
        );
    }

    #[test]
    fn histories_without_times_are_drawn_in_their_order() {
        let mut history = crowded(3, "write", EventType::Ok);
        for operation in &mut history.operations {
            (operation.call_time, operation.return_time) = (None, None);
        }
        let scene = scene(&history);
        assert_eq!(scene.scale.axis, Axis::Order);
        assert_eq!(scene.shown, 5);
    }
}
