//! The first contradiction in context: its picture in real time, and its operations one by one.

use checker::{Operation, Outcome};
use maud::{Markup, html};

use crate::answers::key_name;
use crate::clip::{CELL_CHARS, clip};
use crate::data::ReportData;
use crate::finding::Finding;
use crate::quantity::{count, moment};
use crate::timeline::{Scene, contradiction, label};

/// The section; empty when there is no contradiction, or its operations are not in the history.
pub(super) fn section(data: &ReportData<'_>, findings: &[Finding]) -> Markup {
    let Some((finding, scene)) = findings
        .first()
        .and_then(|finding| Some((finding, Scene::of(finding, data.history)?)))
    else {
        return html! {};
    };
    html! {
        section {
            h2 { "The contradiction in time" }
            p.note { (introduction(finding, &scene)) }
            div.wide { (contradiction(&scene, data)) }
            (legend())
            h3 { "Its operations" }
            (table(finding, data))
        }
    }
}

fn introduction(finding: &Finding, scene: &Scene) -> String {
    let key = finding
        .record
        .key
        .as_ref()
        .map_or(String::new(), |key| format!(" on {}", key_name(key)));
    let shown = if scene.shown == scene.total {
        format!("All operations{key}")
    } else {
        format!(
            "{} of {} operations{key}",
            count(scene.shown as u64),
            count(scene.total as u64)
        )
    };
    format!(
        "{shown} around it, by client. The outlined ones contradict each other. An arrow leads from an answer to an operation that began after it."
    )
}

fn legend() -> Markup {
    html! {
        ul.legend {
            @for (class, words) in [("ok", "ok"), ("failed", "failed: no effect"), ("info", "indeterminate: may take effect at any time")] {
                li {
                    svg width=(if class == "info" { "34" } else { "22" }) height="13" aria-hidden="true" {
                        g.operation.(class) {
                            rect x="1" y="1" width="20" height="11" rx="2" {}
                            @if class == "info" { line x1="21" x2="33" y1="6.5" y2="6.5" {} }
                        }
                    }
                    (words)
                }
            }
        }
    }
}

fn table(finding: &Finding, data: &ReportData<'_>) -> Markup {
    html! {
        div.wide {
            table {
                thead { tr {
                    th { "Event" } th { "Client" } th { "Node" } th { "Operation" } th { "Called" } th { "Returned" } th { "Outcome" }
                } }
                tbody {
                    @for id in &finding.operations { (row(data.history.operation(*id))) }
                }
            }
        }
    }
}

fn row(operation: &Operation) -> Markup {
    let time = |time: Option<checker::Nanos>| time.map_or("–".to_owned(), |time| moment(time.0));
    html! {
        tr {
            td.number { a href={ "#op=" (operation.invoke_index) } { (operation.invoke_index) } }
            td.number { (operation.process) }
            td { (operation.node.as_deref().map_or("–".to_owned(), |node| clip(node, 40))) }
            td { code { (label(operation)) } }
            td.number { (time(operation.call_time)) }
            td.number { (time(operation.return_time)) }
            td {
                (outcome_word(operation.outcome))
                @if let Some(error) = &operation.error { ": " (clip(error, CELL_CHARS)) }
            }
        }
    }
}

fn outcome_word(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Ok => "ok",
        Outcome::Fail => "failed",
        Outcome::Info => "indeterminate",
    }
}
