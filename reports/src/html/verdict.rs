//! The first screen: the verdict and its reason, the facts around it, the five answers, the command that replays.

use maud::{Markup, html};

use crate::answers::{self, Answer, Headline, Tone, five, key_name, sentence};
use crate::clip::{CELL_CHARS, COMMAND_CHARS, clip};
use crate::data::ReportData;
use crate::finding::{Finding, fault_sentence};
use crate::quantity::{counted, moment};
use crate::result::{AnomalyRecord, LeaderSpan};
use crate::timeline::label;

use checker::{KeyResult, Violation};

/// Most further contradictions told in words.
const MAX_MORE: usize = 20;

/// The headline of a run, or of a history alone.
pub(super) fn headline(data: &ReportData<'_>, findings: &[Finding]) -> Headline {
    let Some(result) = data.result else {
        return history_headline(data, findings);
    };
    answers::headline(result)
}

fn history_headline(data: &ReportData<'_>, findings: &[Finding]) -> Headline {
    let operations = counted(data.history.operations.len() as u64, "operation");
    let Some(analysis) = data.analysis else {
        return Headline {
            tone: Tone::Neutral,
            word: "not judged",
            title: "Not judged".to_owned(),
            reason: format!("The history holds {operations}; it was not checked."),
        };
    };
    match analysis.outcome() {
        checker::Verdict::Invalid => {
            let records: Vec<AnomalyRecord> = findings
                .iter()
                .map(|finding| finding.record.clone())
                .collect();
            answers::violation(&records)
        }
        checker::Verdict::Unknown => answers::unknown(first_limit(analysis).as_deref()),
        checker::Verdict::Valid => Headline {
            tone: Tone::Good,
            word: "valid",
            title: "Linearizable".to_owned(),
            reason: format!(
                "A witness order was found for every key; it explains all {operations}."
            ),
        },
    }
}

fn first_limit(analysis: &checker::Analysis) -> Option<String> {
    analysis.keys.iter().find_map(|key| match &key.result {
        KeyResult::Unknown { limit, .. } => Some(limit.to_string()),
        KeyResult::Valid { .. } | KeyResult::Invalid(_) => None,
    })
}

/// The first screen.
pub(super) fn section(data: &ReportData<'_>, headline: &Headline, findings: &[Finding]) -> Markup {
    html! {
        section.verdict.(tone_class(headline.tone)) {
            p.word { (mark(headline.tone)) " " (headline.word) }
            h1 { (headline.title) }
            p.reason { (headline.reason) }
            @if let Some(first) = findings.first() {
                (facts(data, first))
            }
        }
        @if let Some(result) = data.result {
            (replay(&result.command))
            div.answers { @for answer in five(result) { (card(&answer)) } }
            (notes(&result.notes))
        }
        (more(findings.get(1..).unwrap_or_default()))
    }
}

fn facts(data: &ReportData<'_>, finding: &Finding) -> Markup {
    let fault = finding.record.fault.and_then(|id| data.result?.fault(id));
    let leaders = data.result.map_or(String::new(), |result| {
        leaders_then(&result.leaders, data, finding)
    });
    html! {
        dl.facts {
            dt { "Class" } dd { (clip(&finding.record.class, 40)) }
            @if let Some(key) = &finding.record.key {
                dt { "Key" } dd { (key_name(key)) }
            }
            @if let Some(fault) = fault {
                dt { "Fault" } dd { (fault_sentence(fault)) }
            } @else if data.result.is_some() {
                dt { "Fault" } dd { "No fault was active." }
            }
            @if !leaders.is_empty() {
                dt { "Leader" } dd { (leaders) }
            }
            @if let Some(violation) = violation_of(data, finding) {
                dt { "Proof" } dd { (proof(data, violation)) }
            }
        }
    }
}

/// Who led when the last operation of a contradiction was called.
fn leaders_then(leaders: &[LeaderSpan], data: &ReportData<'_>, finding: &Finding) -> String {
    let last = finding
        .operations
        .last()
        .and_then(|id| data.history.operation(*id).call_time);
    let Some(time) = last else {
        return String::new();
    };
    let led = |span: &&LeaderSpan| (span.from_ns..=span.to_ns).contains(&time.0);
    let names: Vec<String> = leaders
        .iter()
        .filter(led)
        .map(|span| format!("{} in term {}", clip(&span.node, 40), span.term))
        .collect();
    match names.as_slice() {
        [] => format!("No leader was seen at {}.", moment(time.0)),
        [one] => format!("{one}, at {}.", moment(time.0)),
        several => format!(
            "At {} {} nodes took themselves for the leader: {}.",
            moment(time.0),
            several.len(),
            several.join(", ")
        ),
    }
}

fn violation_of<'a>(data: &ReportData<'a>, finding: &Finding) -> Option<&'a Violation> {
    let json = |key: &checker::Value| serde_json::to_value(key).ok();
    let mut violations = data.analysis?.violations();
    violations
        .find(|(key, _)| key.key.as_ref().and_then(json) == finding.record.key)
        .map(|(_, violation)| violation)
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

pub(crate) fn replay(command: &str) -> Markup {
    html! {
        div.replay {
            p { "Run it again" }
            div.command { code { (clip(command, COMMAND_CHARS)) } button.copy type="button" hidden { "Copy" } }
        }
    }
}

pub(crate) fn card(answer: &Answer) -> Markup {
    html! {
        div.answer.(tone_class(answer.tone)) {
            p.question { (answer.question) }
            p.word { (mark(answer.tone)) " " (answer.word) }
            p.detail { (answer.detail) }
        }
    }
}

fn notes(notes: &[String]) -> Markup {
    html! {
        @if !notes.is_empty() {
            ul.notes { @for note in notes { li { (sentence(note)) } } }
        }
    }
}

fn more(findings: &[Finding]) -> Markup {
    html! {
        @if !findings.is_empty() {
            details {
                summary { (counted(findings.len() as u64, "more contradiction")) }
                ol {
                    @for finding in findings.iter().take(MAX_MORE) {
                        li { strong { (clip(&finding.record.class, CELL_CHARS)) } " " (sentence(&finding.record.explanation)) }
                    }
                }
                @if findings.len() > MAX_MORE {
                    p.note { "The first " (MAX_MORE) " are shown; result.json has them all." }
                }
            }
        }
    }
}

pub(crate) fn tone_class(tone: Tone) -> &'static str {
    match tone {
        Tone::Good => "good",
        Tone::Caution => "caution",
        Tone::Bad => "bad",
        Tone::Neutral => "neutral",
    }
}

/// The sign of a tone, so that no colour speaks alone.
pub(crate) fn mark(tone: Tone) -> &'static str {
    match tone {
        Tone::Good => "✓",
        Tone::Caution => "!",
        Tone::Bad => "✗",
        Tone::Neutral => "–",
    }
}
