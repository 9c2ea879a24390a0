//! The facts below the headline: for whoever has never seen such a page, what it means, where to look and what to do.

use checker::{KeyAnalysis, KeyResult};
use maud::{Markup, html};

use super::violated;
use crate::answers::{key_name, sentence};
use crate::clip::{CELL_CHARS, clip};
use crate::data::ReportData;
use crate::finding::Finding;
use crate::quantity::{count, counted, duration, moment};
use crate::result::{
    Consistency, Effect, FaultRecord, Health, Infrastructure, RunResult, Strength,
};

/// Most of a kind that are named.
const MOST: usize = 3;

/// A name and what is to be said.
pub(super) type Fact = (&'static str, Markup);

/// The facts; nothing for a history that nobody judged.
pub(super) fn section(data: &ReportData<'_>, findings: &[Finding]) -> Markup {
    let facts = match findings.first() {
        Some(first) => violated::facts(data, first),
        None => others(data),
    };
    html! {
        @if !facts.is_empty() {
            dl.facts {
                @for (name, said) in facts { dt { (name) } dd { (said) } }
            }
        }
    }
}

fn others(data: &ReportData<'_>) -> Vec<Fact> {
    let mut facts = Vec::new();
    let undecided = undecided(data);
    if !undecided.is_empty() {
        facts.extend(of_unknown(data, &undecided));
    }
    if let Some(result) = data.result {
        facts.extend(of_trouble(result));
        facts.extend(of_what_was_tried(result));
        if result.consistency == Consistency::Valid && result.infrastructure == Infrastructure::Ok {
            facts.extend(of_strength(result));
        }
    }
    facts
}

fn undecided<'a>(data: &ReportData<'a>) -> Vec<&'a KeyAnalysis> {
    let keys = data.analysis.map_or(&[][..], |analysis| &analysis.keys);
    let unknown = |key: &&KeyAnalysis| matches!(key.result, KeyResult::Unknown { .. });
    keys.iter().filter(unknown).collect()
}

fn of_unknown(data: &ReportData<'_>, undecided: &[&KeyAnalysis]) -> Vec<Fact> {
    let all = data.analysis.map_or(0, |analysis| analysis.keys.len());
    let proven = html! {
        (count((all - undecided.len()) as u64)) " of " (counted(all as u64, "key")) " are linearizable, whatever the rest is."
    };
    let names: Vec<String> = undecided.iter().take(MOST).map(|key| name(key)).collect();
    let more = undecided.len().saturating_sub(MOST);
    let left = html! {
        (names.join("; ")) @if more > 0 { "; and " (counted(more as u64, "more key")) } "."
    };
    let again = if data.result.is_some() {
        "In the folder of the run: adrasteia check history.jsonl --time-limit 10m --memory-limit 8GiB. A run that is easier to \
         decide has fewer clients (--concurrency) or a lower --rate."
    } else {
        "Check it again with more, as in --time-limit 10m --memory-limit 8GiB."
    };
    vec![
        ("Proven", proven),
        ("Undecided", left),
        ("What to do", html! { (again) }),
    ]
}

fn name(key: &KeyAnalysis) -> String {
    let key_text = key.key.as_ref().map_or("the one object".to_owned(), |key| {
        serde_json::to_value(key).map_or_else(|_| key.to_string(), |key| key_name(&key))
    });
    let until = match &key.result {
        KeyResult::Unknown {
            proven_until: Some(operation),
            ..
        } => format!("proven up to operation {}", count(operation.0 as u64)),
        KeyResult::Unknown { .. } | KeyResult::Valid { .. } | KeyResult::Invalid(_) => {
            "nothing proven".to_owned()
        }
    };
    let operations = counted(key.operations as u64, "operation");
    format!("{} ({operations}, {until})", clip(&key_text, 40))
}

/// Nodes that did not stay up, and outages.
fn of_trouble(result: &RunResult) -> Vec<Fact> {
    let mut facts: Vec<Fact> = Vec::new();
    if result.health == Health::Unhealthy {
        let events = result.health_events.iter().take(MOST);
        let said = events.map(|event| {
            let (node, at) = (clip(&event.node, 40), moment(event.time_ns));
            format!("{node} at {at}: {}", clip(&event.message, CELL_CHARS))
        });
        let said: Vec<String> = said.collect();
        facts.push(("Nodes", html! { (sentence(&said.join("; "))) }));
    }
    let outages = result.availability.iter().flat_map(|all| &all.outages);
    if let Some(first) = outages.clone().next() {
        let (length, from) = (duration(first.length_ns()), moment(first.from_ns));
        let fault = first.fault.and_then(|id| result.fault(id));
        facts.push(("Outage", html! {
            (length) " from " (from) ", though " (clip(&first.majority.join(" "), CELL_CHARS)) " could have served"
            @if let Some(fault) = fault { "; beside fault #" (fault.id) " (" (clip(&fault.description, CELL_CHARS)) ")" }
            "."
        }));
    }
    facts
}

fn of_what_was_tried(result: &RunResult) -> Vec<Fact> {
    let acted = result
        .faults
        .iter()
        .filter(|fault| fault.effect == Effect::Installed);
    let kinds = match result.nemesis.as_slice() {
        [] => "none were asked for".to_owned(),
        kinds => clip(&kinds.join(", "), CELL_CHARS),
    };
    let workload = html! {
        (counted(result.operations.total(), "operation")) " of the workload " (clip(&result.workload, 40)) " on "
        (counted(result.nodes.len() as u64, "node")) " in " (duration(result.duration_ns))
        @if !result.bugs.is_empty() { ", with the planted bug " (clip(&result.bugs.join(", "), CELL_CHARS)) }
        "."
    };
    let faults = html! {
        (kinds)
        @if !result.faults.is_empty() { ": " (count(acted.count() as u64)) " of " (count(result.faults.len() as u64)) " acted" }
        "; the leader changed " (counted(u64::from(result.leader_changes), "time")) "."
    };
    vec![("Tried", workload), ("Faults", faults)]
}

/// Why a test that found nothing says little, and how to make it say more.
fn of_strength(result: &RunResult) -> Vec<Fact> {
    let todo = match result.strength {
        Strength::Strong => return Vec::new(),
        Strength::Vacuous | Strength::Weak if result.nemesis.is_empty() => {
            "Ask for faults, as in --nemesis partition,kill,pause (all kinds: adrasteia list nemeses)."
        }
        Strength::Vacuous if installed(result) => {
            "Faults acted while nobody was served: raise --rate, or allow a longer --time-limit."
        }
        Strength::Vacuous => {
            "Read why the faults did not act, choose others or other targets (adrasteia list nemeses, list targets), or allow a longer --time-limit."
        }
        Strength::Weak => {
            "Allow a longer --time-limit, so that every kind of fault acts more than once, or fewer kinds."
        }
    };
    let skipped = result
        .faults
        .iter()
        .filter(|fault| fault.effect == Effect::Skipped);
    let why: Vec<String> = skipped.filter_map(reason).take(MOST).collect();
    let mut facts: Vec<Fact> = Vec::new();
    if !why.is_empty() {
        facts.push(("Did not act", html! { (sentence(&why.join("; "))) }));
    }
    facts.push(("What to do", html! { (todo) }));
    facts
}

fn installed(result: &RunResult) -> bool {
    let acted = |fault: &FaultRecord| fault.effect == Effect::Installed;
    result.faults.iter().any(acted)
}

fn reason(fault: &FaultRecord) -> Option<String> {
    let why = fault.evidence.get("reason")?.as_str()?;
    let (name, why) = (clip(&fault.name, 40), clip(why, CELL_CHARS));
    Some(format!("#{} {name}: {why}", fault.id))
}
