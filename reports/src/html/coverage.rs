//! How hard the run tried: the numbers behind the grade of its strength, and what came of the faults of each kind.

use std::collections::BTreeMap;

use maud::{Markup, html};
use serde_json::Value;

use crate::clip::clip;
use crate::data::ReportData;
use crate::quantity::{count, counted};
use crate::result::{Effect, FaultRecord, RunResult, Strength};
use crate::tried::Tried;

/// The section; empty for a history alone.
pub(super) fn section(data: &ReportData<'_>) -> Markup {
    let Some(result) = data.result else {
        return html! {};
    };
    html! {
        section {
            h2 { "How hard it tried" }
            p.note { (grade(result)) }
            @if let Some(tried) = &result.tried { (numbers(tried)) }
            (kinds(result))
        }
    }
}

fn grade(result: &RunResult) -> String {
    let grade = match result.strength {
        Strength::Vacuous => "The test was vacuous: nothing went wrong, because nothing was tried.",
        Strength::Weak => {
            "The test was weak: it passed, and a wrong system might have passed it too."
        }
        Strength::Strong => {
            "The test was strong: faults of every kind acted while clients were served."
        }
    };
    let last = result.strength_reasons.last();
    let why = last.filter(|_| result.strength != Strength::Strong);
    format!(
        "{grade} {}",
        why.map_or_else(String::new, |why| clip(why, 400))
    )
}

fn numbers(tried: &Tried) -> Markup {
    let rows = [
        (
            tried.acknowledged,
            "operations acknowledged",
            "what the verdict rests on",
        ),
        (
            tried.under_faults,
            "of them while a fault was active",
            "where most systems fail",
        ),
        (
            tried.before_losses,
            "of the others before a fault that left no majority",
            "had to be there again after it",
        ),
        (
            tried.reads_while_cut_off,
            "reads answered by nodes that were cut off from the majority",
            "the only ones that a cut can make stale",
        ),
        (
            tried.restarts,
            "times a node that a fault had ended came back on its disk",
            "whatever it had promised had to be there",
        ),
        (
            tried.leader_changes as usize,
            "changes of leadership",
            "each hands over what was unfinished",
        ),
    ];
    html! {
        div.wide {
            table {
                thead { tr { th.number { "How many" } th { "What" } th { "Why it counts" } } }
                tbody {
                    @for (number, what, why) in rows {
                        tr { td.number { (count(number as u64)) } td { (what) } td { (why) } }
                    }
                }
            }
        }
    }
}

/// What came of the faults of a kind.
#[derive(Debug, Default, PartialEq, Eq)]
struct Kind {
    installed: u64,
    skipped: u64,
    indeterminate: u64,
    under_way: u64,
    acknowledged: u64,
}

fn kinds(result: &RunResult) -> Markup {
    let kinds = by_kind(result);
    if kinds.is_empty() {
        return html! { p.note { "No faults were asked for." } };
    }
    let acted: u64 = kinds.values().map(|kind| kind.installed).sum();
    let planned = counted(result.faults.len() as u64, "fault");
    html! {
        h3 { "Faults by kind" }
        p.note { (count(acted)) " of " (planned) " acted. A fault counts as installed only with evidence; the ledger below has it." }
        div.wide {
            table {
                thead { tr {
                    th { "Kind" } th.number { "Planned" } th.number { "Installed" } th.number { "Skipped" } th.number { "Indeterminate" }
                    th.number { "Operations under way" } th.number { "Acknowledged" }
                } }
                tbody { @for (name, kind) in &kinds { (row(name, kind)) } }
            }
        }
    }
}

fn row(name: &str, kind: &Kind) -> Markup {
    let planned = kind.installed + kind.skipped + kind.indeterminate;
    let numbers = [
        planned,
        kind.installed,
        kind.skipped,
        kind.indeterminate,
        kind.under_way,
        kind.acknowledged,
    ];
    html! {
        tr {
            td { strong { (clip(name, 40)) } @if planned == 0 { " (asked for, and none fitted in)" } }
            @for number in numbers { td.number { (count(number)) } }
        }
    }
}

fn by_kind(result: &RunResult) -> BTreeMap<&str, Kind> {
    let asked = result
        .nemesis
        .iter()
        .map(|name| (name.as_str(), Kind::default()));
    let mut kinds: BTreeMap<&str, Kind> = asked.collect();
    for fault in &result.faults {
        let kind = kinds.entry(&fault.name).or_default();
        match fault.effect {
            Effect::Installed => kind.installed += 1,
            Effect::Skipped => kind.skipped += 1,
            Effect::Indeterminate => kind.indeterminate += 1,
        }
        kind.under_way += number(fault, "operations_under_way");
        kind.acknowledged += number(fault, "acknowledged_operations");
    }
    kinds
}

/// A number of the evidence, or the sum of a map of numbers.
fn number(fault: &FaultRecord, name: &str) -> u64 {
    match fault.evidence.get(name) {
        Some(Value::Object(numbers)) => numbers.values().filter_map(Value::as_u64).sum(),
        Some(value) => value.as_u64().unwrap_or(0),
        None => 0,
    }
}
