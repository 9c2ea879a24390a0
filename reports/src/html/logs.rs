//! What the nodes wrote around the contradiction, merged by time, with the moments that matter between the lines.

use checker::Operation;
use maud::{Markup, html};

use crate::answers::sentence;
use crate::clip::clip;
use crate::data::ReportData;
use crate::finding::Finding;
use crate::log::{LogExcerpt, LogLine};
use crate::quantity::{count, counted, duration, moment};
use crate::timeline::label;

/// Longest line.
const LINE_CHARS: usize = 400;
/// Most lines below one that have no time of their own.
const MAX_BELOW: usize = 8;
/// Between two rows further apart than this, it is said that time has passed.
const GAP_NS: u64 = 3_000_000_000;

/// The section; empty where nobody looked for logs.
pub(super) fn section(data: &ReportData<'_>, findings: &[Finding]) -> Markup {
    let Some(logs) = data.logs else {
        return html! {};
    };
    let rows = rows(logs, data, findings);
    html! {
        section {
            h2 { "What the nodes wrote" }
            p.note { (introduction(logs, findings)) }
            @for note in &logs.notes { p.note { (sentence(note)) } }
            @if !logs.lines.is_empty() { (table(&rows)) }
        }
    }
}

fn introduction(logs: &LogExcerpt, findings: &[Finding]) -> String {
    let margin = duration(logs.margin_ns);
    let around = if findings.is_empty() {
        "what went wrong"
    } else {
        "the operations of the contradiction"
    };
    let left_out = match logs.left_out {
        0 => String::new(),
        some => format!(
            " {} further away are left out.",
            counted(some as u64, "line")
        ),
    };
    match logs.lines.len() {
        0 => format!("No node wrote anything within {margin} of {around}."),
        _ => format!(
            "The nodes' logs within {margin} of {around}, merged by the time their lines name; marked rows are the operations.{left_out}"
        ),
    }
}

/// A row of the table.
enum Row<'a> {
    Line(&'a LogLine),
    Moment(u64, String),
}

impl Row<'_> {
    fn at_ns(&self) -> u64 {
        match self {
            Row::Line(line) => line.at_ns,
            Row::Moment(at_ns, _) => *at_ns,
        }
    }
}

fn rows<'a>(logs: &'a LogExcerpt, data: &ReportData<'_>, findings: &[Finding]) -> Vec<Row<'a>> {
    let operations = findings
        .first()
        .map_or(&[][..], |finding| &finding.operations);
    let moments = operations
        .iter()
        .flat_map(|id| moments(data.history.operation(*id)));
    let moments = moments.map(|(at_ns, said)| Row::Moment(at_ns, said));
    let mut rows: Vec<Row<'_>> = logs.lines.iter().map(Row::Line).chain(moments).collect();
    rows.sort_by_key(Row::at_ns);
    rows
}

/// Call and answer.
fn moments(operation: &Operation) -> Vec<(u64, String)> {
    let who = format!("client {}", operation.process);
    let node = operation
        .node
        .as_deref()
        .map_or(String::new(), |node| format!(" at {}", clip(node, 40)));
    let called = operation
        .call_time
        .map(|time| (time.0, format!("{who} called {}{node}", label(operation))));
    let returned = operation
        .return_time
        .map(|time| (time.0, format!("{who} was answered: {}", label(operation))));
    called.into_iter().chain(returned).collect()
}

fn table(rows: &[Row<'_>]) -> Markup {
    html! {
        div.wide {
            table.logs {
                thead { tr { th { "Time" } th { "Node" } th { "Line" } } }
                tbody {
                    @for (number, row) in rows.iter().enumerate() {
                        @let before = number.checked_sub(1).map(|before| rows[before].at_ns());
                        @if let Some(passed) = before.map(|before| row.at_ns() - before).filter(|passed| *passed > GAP_NS) {
                            tr.gap { td {} td {} td { (duration(passed)) " later" } }
                        }
                        (draw(row))
                    }
                }
            }
        }
    }
}

fn draw(row: &Row<'_>) -> Markup {
    match row {
        Row::Moment(at_ns, said) => html! {
            tr.violated { td.number { (moment(*at_ns)) } td { "▸" } td { (said) } }
        },
        Row::Line(line) => html! {
            tr {
                td.number { (moment(line.at_ns)) }
                td { (clip(&line.node, 40)) }
                td { code { (text(&line.text)) } }
            }
        },
    }
}

fn text(text: &str) -> Markup {
    let below = text.lines().count().saturating_sub(1 + MAX_BELOW) as u64;
    html! {
        @for (number, line) in text.lines().take(1 + MAX_BELOW).enumerate() {
            @if number > 0 { br; }
            (clip(line.trim_end(), LINE_CHARS))
        }
        @if below > 0 { br; "… and " (count(below)) " more" }
    }
}
