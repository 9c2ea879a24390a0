//! The facts of a contradiction: what it is called and means, where, when, how far behind, who led, which fault acted, what still holds.

use checker::{OpId, Operation, Outcome, Staleness, Verdict, Violation};
use maud::{Markup, html};

use super::facts::Fact;
use super::link;
use crate::answers::key_name;
use crate::clip::{CELL_CHARS, LABEL_CHARS, clip, shorten};
use crate::data::ReportData;
use crate::finding::{Finding, fault_sentence};
use crate::quantity::{counted, duration, moment};
use crate::result::{FaultRecord, LeaderSpan};
use crate::timeline::label;

/// Most operations that are named.
const MOST: usize = 3;

pub(super) fn facts(data: &ReportData<'_>, finding: &Finding) -> Vec<Fact> {
    let fault = finding.record.fault.and_then(|id| data.result?.fault(id));
    let violation = violation_of(data, finding);
    let mut facts = vec![("What", what(&finding.record.class))];
    facts.extend(place(data, finding).map(|said| ("Where", said)));
    facts.extend(time(data, finding, fault).map(|said| ("When", said)));
    let staleness = violation.and_then(|violation| violation.anomaly.staleness.as_ref());
    facts.extend(staleness.map(|staleness| ("How stale", stale(staleness))));
    if let Some(result) = data.result {
        facts.push((
            "Fault",
            html! { (fault.map_or("No fault was active.".to_owned(), fault_sentence)) },
        ));
        let leaders = leaders_then(&result.leaders, data, finding);
        facts.extend(leaders.map(|said| ("Leader", html! { (said) })));
    }
    facts.extend(violation.map(|violation| ("Proof", html! { (proof(data, violation)) })));
    facts.extend(holds(data).map(|said| ("Still holds", html! { (said) })));
    facts
}

/// The violation that the checker found there.
pub(super) fn violation_of<'a>(data: &ReportData<'a>, finding: &Finding) -> Option<&'a Violation> {
    let json = |key: &checker::Value| serde_json::to_value(key).ok();
    let mut violations = data.analysis?.violations();
    violations
        .find(|(key, _)| key.key.as_ref().and_then(json) == finding.record.key)
        .map(|(_, violation)| violation)
}

fn what(class: &str) -> Markup {
    html! { strong { (clip(class, 40)) } @if let Some(meaning) = meaning(class) { ": " (meaning) } }
}

/// What the name of a class of contradictions means, for whoever has not heard it before.
fn meaning(class: &str) -> Option<&'static str> {
    Some(match class {
        "stale-read" => "a read returned a value that had been overwritten before it began.",
        "lost-update" => {
            "a write was acknowledged and is gone; others went on from the value before it."
        }
        "dirty-read" => "a value was seen whose write had certainly failed.",
        "phantom-value" => "a value was seen that nobody had written.",
        "double-apply" => "one operation took effect twice.",
        "non-monotonic-read" => {
            "reads one after the other saw a value, then a newer one, then the older one again."
        }
        "divergence" => {
            "the copies of the nodes hold different values, though nothing was written any more."
        }
        "cas-mismatch" => "a compare-and-set succeeded although the value was another.",
        "other" => "the answers fit into no order, in a way that has no name of its own.",
        _ => return None,
    })
}

fn place(data: &ReportData<'_>, finding: &Finding) -> Option<Markup> {
    let key = finding.record.key.as_ref();
    let actors: Vec<String> = finding
        .operations
        .iter()
        .take(MOST)
        .map(|id| actor(data, *id))
        .collect();
    let more = finding.operations.len().saturating_sub(MOST);
    let address = finding
        .operations
        .first()
        .and_then(|id| link::to_key(data.history.operation(*id).key.as_ref()?));
    let has_place = key.is_some() || !actors.is_empty();
    has_place.then(|| html! {
        @if let Some(key) = key { "Key " a href=[address] { (key_name(key)) } @if !actors.is_empty() { ": " } }
        (actors.join(", then "))
        @if more > 0 { ", and " (counted(more as u64, "more operation")) }
        "."
    })
}

/// `the write of 17 by client 4 on n1`.
fn actor(data: &ReportData<'_>, id: OpId) -> String {
    let operation = data.history.operation(id);
    let node = operation.node.as_deref();
    let node = node.map_or(String::new(), |node| format!(" on {}", clip(node, 40)));
    format!(
        "{} by client {}{node}",
        in_words(operation),
        operation.process
    )
}

fn in_words(operation: &Operation) -> String {
    let value = match operation.f.as_str() {
        "write" => &operation.input,
        "read" if operation.outcome == Outcome::Ok => &operation.output,
        _ => return label(operation),
    };
    format!(
        "the {} of {}",
        operation.f,
        shorten(&value.to_string(), LABEL_CHARS)
    )
}

/// The call of the last operation: it was wrong from then on.
fn time(data: &ReportData<'_>, finding: &Finding, fault: Option<&FaultRecord>) -> Option<Markup> {
    let last = data.history.operation(*finding.operations.last()?);
    let at_ns = last.call_time?.0;
    let since = fault
        .filter(|fault| fault.active_at(at_ns))
        .map(|fault| at_ns - fault.start_ns);
    let after = fault
        .filter(|fault| fault.end_ns <= at_ns)
        .map(|fault| at_ns - fault.end_ns);
    Some(html! {
        a href={ "#op=" (last.invoke_index) } { (moment(at_ns)) } " after the start"
        @if let Some(since) = since { ", " (duration(since)) " into the fault" }
        @if let Some(after) = after { ", " (duration(after)) " after the fault had ended" }
        "."
    })
}

fn stale(staleness: &Staleness) -> Markup {
    html! {
        strong { (duration(staleness.late_ns)) " and " (counted(staleness.versions, "write")) " behind" }
        ": what it went by had been overwritten so long before it began."
    }
}

/// Who led when the last operation of a contradiction was called.
fn leaders_then(
    leaders: &[LeaderSpan],
    data: &ReportData<'_>,
    finding: &Finding,
) -> Option<String> {
    let last = finding.operations.last()?;
    let time = data.history.operation(*last).call_time?;
    let led = |span: &&LeaderSpan| (span.from_ns..=span.to_ns).contains(&time.0);
    let names: Vec<String> = leaders
        .iter()
        .filter(led)
        .map(|span| format!("{} in term {}", clip(&span.node, 40), span.term))
        .collect();
    Some(match names.as_slice() {
        [] => format!("No leader was seen at {}.", moment(time.0)),
        [one] => format!("{one}, at {}.", moment(time.0)),
        several => format!(
            "At {} {} nodes took themselves for the leader: {}.",
            moment(time.0),
            several.len(),
            several.join(", ")
        ),
    })
}

fn proof(data: &ReportData<'_>, violation: &Violation) -> String {
    let operation = data.history.operation(violation.operation);
    let states: Vec<String> = violation
        .states
        .iter()
        .map(|state| clip(&state.to_string(), 40))
        .collect();
    let could = match states.as_slice() {
        [] => "no order of those before it leaves such an answer".to_owned(),
        [one] => format!("the value could only be {one}"),
        several => format!("the value could only be one of {}", several.join(", ")),
    };
    format!(
        "No order places the {} of client {} (event {}): {could}.",
        label(operation),
        operation.process,
        operation.invoke_index
    )
}

/// The weaker promises that were kept all the same.
fn holds(data: &ReportData<'_>) -> Option<String> {
    let weaker = &data.explanation?.weaker;
    let valid = weaker.iter().filter(|one| one.verdict == Verdict::Valid);
    let kept: Vec<String> = valid.map(|one| one.model.to_string()).collect();
    match (weaker.is_empty(), kept.is_empty()) {
        (true, _) => None,
        (false, true) => Some("none of the weaker models that were looked at".to_owned()),
        (false, false) => Some(clip(&kept.join(", "), CELL_CHARS)),
    }
}
