//! What two runs have in common and what not, row by row.

use std::collections::{BTreeMap, BTreeSet};

use super::compare::Side;
use super::run::listed;
use crate::answers::five;
use crate::clip::{CELL_CHARS, COMMAND_CHARS, clip};
use crate::quantity::{count, duration};
use crate::result::{FaultRecord, RunResult};

/// Most faults of a run that are put side by side.
const MAX_FAULTS: usize = 200;
/// Most classes of anomalies that are.
const MAX_CLASSES: usize = 20;

/// Rows about one matter.
#[derive(Debug)]
pub(super) struct Matter {
    pub(super) title: &'static str,
    pub(super) rows: Vec<Row>,
}

/// One thing, as it is on either side.
#[derive(Debug, PartialEq)]
pub(super) struct Row {
    pub(super) name: String,
    pub(super) left: String,
    pub(super) right: String,
    pub(super) change: Change,
}

/// How the sides of a row relate.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Change {
    Same,
    Differs,
    /// A number that is more or less by so many percent.
    By(f64),
}

/// Everything that is compared.
pub(super) fn matters(left: &Side<'_>, right: &Side<'_>) -> Vec<Matter> {
    let (one, other) = (left.result, right.result);
    let all = [
        ("Answers", answers(one, other)),
        ("Configuration", configuration(one, other)),
        ("Anomalies", anomalies(one, other)),
        ("Operations", operations(one, other)),
        ("Latency of acknowledged operations", latencies(left, right)),
        ("Availability", availability(one, other)),
        ("Faults", faults(one, other)),
    ];
    let matters = all.into_iter().map(|(title, rows)| Matter { title, rows });
    matters.filter(|matter| !matter.rows.is_empty()).collect()
}

/// Words that differ when they are not equal.
fn words(name: &str, left: String, right: String) -> Row {
    let change = match left == right {
        true => Change::Same,
        false => Change::Differs,
    };
    Row {
        name: name.to_owned(),
        left,
        right,
        change,
    }
}

/// Numbers, which hardly ever are equal: by how much they differ is what counts.
fn numbers(name: &str, left: Option<u64>, right: Option<u64>, shown: fn(u64) -> String) -> Row {
    let text = |number: Option<u64>| number.map_or_else(|| "–".to_owned(), shown);
    let change = match (left, right) {
        (left, right) if left == right => Change::Same,
        (Some(left), Some(right)) if left > 0 => {
            Change::By((right as f64 - left as f64) / left as f64 * 100.0)
        }
        _ => Change::Differs,
    };
    Row {
        name: name.to_owned(),
        left: text(left),
        right: text(right),
        change,
    }
}

fn answers(left: &RunResult, right: &RunResult) -> Vec<Row> {
    let sides = five(left).into_iter().zip(five(right));
    sides
        .map(|(one, other)| words(one.question, one.word.to_owned(), other.word.to_owned()))
        .collect()
}

fn configuration(left: &RunResult, right: &RunResult) -> Vec<Row> {
    let (one, other) = (options(&left.command), options(&right.command));
    let names: BTreeSet<&str> = one.keys().chain(other.keys()).copied().collect();
    let value = |options: &BTreeMap<&str, Vec<&str>>, name: &str| match options.get(name) {
        None => "–".to_owned(),
        Some(values) if values.iter().all(|value| value.is_empty()) => "yes".to_owned(),
        Some(values) => clip(&values.join(", "), COMMAND_CHARS),
    };
    let mut rows: Vec<Row> = names
        .into_iter()
        .map(|name| {
            words(
                &clip(&format!("--{name}"), CELL_CHARS),
                value(&one, name),
                value(&other, name),
            )
        })
        .collect();
    let net = |result: &RunResult| clip(&result.net.plane, CELL_CHARS);
    rows.push(words("Network", net(left), net(right)));
    rows.push(words("Nodes", listed(&left.nodes), listed(&right.nodes)));
    let version = |result: &RunResult| clip(&result.environment.version, CELL_CHARS);
    rows.push(words("Made by", version(left), version(right)));
    rows
}

/// The options of a command line, each with the values it was given.
fn options(command: &str) -> BTreeMap<&str, Vec<&str>> {
    let mut options: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for option in command.split(" --").skip(1) {
        let (name, value) = option.split_once([' ', '=']).unwrap_or((option, ""));
        options.entry(name).or_default().push(value.trim());
    }
    options
}

fn anomalies(left: &RunResult, right: &RunResult) -> Vec<Row> {
    let classes = |result: &RunResult| -> Vec<String> {
        let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
        for anomaly in &result.anomalies {
            *counts.entry(&anomaly.class).or_default() += 1;
        }
        let told = counts.into_iter().take(MAX_CLASSES);
        told.map(|(class, number)| format!("{} ({})", clip(class, 40), count(number)))
            .collect()
    };
    if left.anomalies.is_empty() && right.anomalies.is_empty() {
        return Vec::new();
    }
    let found = |result: &RunResult| Some(result.anomalies.len() as u64);
    let explained = |result: &RunResult| {
        let first = result.anomalies.first();
        first.map_or_else(
            || "–".to_owned(),
            |first| clip(&first.explanation, COMMAND_CHARS),
        )
    };
    vec![
        numbers("Found", found(left), found(right), count),
        words("Classes", listed(&classes(left)), listed(&classes(right))),
        words("The clearest", explained(left), explained(right)),
    ]
}

fn operations(left: &RunResult, right: &RunResult) -> Vec<Row> {
    let (one, other) = (left.operations, right.operations);
    let row = |name, left, right| numbers(name, Some(left), Some(right), count);
    vec![
        row("ok", one.ok, other.ok),
        row("failed", one.fail, other.fail),
        row("indeterminate", one.info, other.info),
        numbers(
            "Length of the run",
            Some(left.duration_ns),
            Some(right.duration_ns),
            duration,
        ),
    ]
}

fn latencies(left: &Side<'_>, right: &Side<'_>) -> Vec<Row> {
    if left.latency.is_none() && right.latency.is_none() {
        return Vec::new();
    }
    let row = |name, of: fn(&super::Quantiles) -> u64| {
        let side = |side: &Side<'_>| side.latency.as_ref().map(of);
        numbers(name, side(left), side(right), duration)
    };
    vec![
        row("median", |latency| latency.half_ns),
        row("95 %", |latency| latency.p95_ns),
        row("99 %", |latency| latency.p99_ns),
        row("longest", |latency| latency.max_ns),
    ]
}

fn availability(left: &RunResult, right: &RunResult) -> Vec<Row> {
    let of = |result: &RunResult, get: fn(&crate::Availability) -> u64| {
        result.availability.as_ref().map(get)
    };
    let row = |name, get: fn(&crate::Availability) -> u64, shown| {
        numbers(name, of(left, get), of(right, get), shown)
    };
    let recovery = |result: &RunResult| result.recovery_ms.map(|ms| ms.saturating_mul(1_000_000));
    let longest =
        |seen: &crate::Availability| seen.longest.as_ref().map_or(0, crate::Outage::length_ns);
    let changes = |result: &RunResult| Some(u64::from(result.leader_changes));
    vec![
        row("Longest outage", longest, duration),
        row(
            "Outages beyond the limit",
            |seen| seen.outages.len() as u64,
            count,
        ),
        row(
            "Needless elections",
            |seen| seen.needless_elections.len() as u64,
            count,
        ),
        numbers("Leader changes", changes(left), changes(right), count),
        numbers(
            "Served again after the last heal",
            recovery(left),
            recovery(right),
            duration,
        ),
    ]
}

fn faults(left: &RunResult, right: &RunResult) -> Vec<Row> {
    let by_id = |result: &RunResult| -> BTreeMap<u32, String> {
        let all = result.faults.iter().take(MAX_FAULTS);
        all.map(|fault| (fault.id, told(fault))).collect()
    };
    let (one, other) = (by_id(left), by_id(right));
    let ids: BTreeSet<u32> = one.keys().chain(other.keys()).copied().collect();
    let total = |result: &RunResult| Some(result.faults.len() as u64);
    let side = |faults: &BTreeMap<u32, String>, id: &u32| {
        faults.get(id).cloned().unwrap_or_else(|| "–".to_owned())
    };
    let first = (!ids.is_empty()).then(|| numbers("All", total(left), total(right), count));
    let rows = ids
        .iter()
        .map(|id| words(&format!("#{id}"), side(&one, id), side(&other, id)));
    first.into_iter().chain(rows).collect()
}

/// A fault without its times to the millisecond, which never are the same.
fn told(fault: &FaultRecord) -> String {
    let tenths = fault.start_ns / 100_000_000;
    format!(
        "{} {} at {}.{} s ({})",
        clip(&fault.name, 40),
        clip(&fault.description, CELL_CHARS),
        tenths / 10,
        tenths % 10,
        fault.effect
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_of_a_command_have_their_values() {
        let options = options(
            "adrasteia run --nemesis partition,kill --retry --node-arg=--x=1 --node-arg=--y --seed 7",
        );
        let rows = [
            ("nemesis", vec!["partition,kill"]),
            ("retry", vec![""]),
            ("node-arg", vec!["--x=1", "--y"]),
            ("seed", vec!["7"]),
        ];
        assert_eq!(options, BTreeMap::from(rows));
    }

    #[test]
    fn numbers_tell_by_how_much_they_differ() {
        let change = |left, right| numbers("x", left, right, count).change;
        assert_eq!(change(Some(100), Some(150)), Change::By(50.0));
        assert_eq!(change(Some(100), Some(0)), Change::By(-100.0));
        assert_eq!(change(Some(7), Some(7)), Change::Same);
        assert_eq!(change(Some(0), Some(7)), Change::Differs);
        assert_eq!(change(None, Some(7)), Change::Differs);
        assert_eq!(change(None, None), Change::Same);
    }
}
