//! The first screen: the verdict and its reason, the facts around it, the five answers, the command that replays.

use maud::{Markup, html};

use super::facts;
use super::violated::violation_of;
use crate::answers::{self, Answer, Headline, Tone, five, sentence};
use crate::clip::{CELL_CHARS, COMMAND_CHARS, clip};
use crate::data::ReportData;
use crate::finding::Finding;
use crate::quantity::counted;
use crate::result::AnomalyRecord;

use checker::KeyResult;

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

/// What happened; the facts below it say what was going on around it.
fn reason(data: &ReportData<'_>, headline: &Headline, findings: &[Finding]) -> String {
    let first = findings.first();
    let violation = first.and_then(|finding| violation_of(data, finding));
    violation.map_or_else(
        || headline.reason.clone(),
        |violation| sentence(&violation.anomaly.explanation),
    )
}

/// The first screen.
pub(super) fn section(data: &ReportData<'_>, headline: &Headline, findings: &[Finding]) -> Markup {
    html! {
        section.verdict.(tone_class(headline.tone)) {
            p.word { (mark(headline.tone)) " " (headline.word) }
            h1 { (headline.title) }
            p.reason { (reason(data, headline, findings)) }
            (facts::section(data, findings))
        }
        @if let Some(result) = data.result {
            (replay(&result.command))
            div.answers { @for answer in five(result) { (card(&answer)) } }
            (notes(&result.notes))
        }
        (more(findings.get(1..).unwrap_or_default()))
    }
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
