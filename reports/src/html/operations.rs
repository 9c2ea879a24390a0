//! Operations by key: how many ended how, and the answer for each key.

use std::collections::BTreeMap;

use checker::{KeyResult, Operation, Outcome, Value};
use maud::{Markup, html};

use super::link;
use crate::clip::{CELL_CHARS, clip};
use crate::data::ReportData;
use crate::quantity::{count, counted, moment};
use crate::result::Counts;

/// Most keys listed.
const MAX_KEYS: usize = 200;
const VIOLATED: u8 = 0;
const VALID: u8 = 2;
const UNCHECKED: u8 = 3;

/// What is known of a key.
struct Row<'a> {
    key: Option<&'a Value>,
    counts: Counts,
    /// First call and last completion.
    span_ns: Option<(u64, u64)>,
    /// Worse answers first.
    rank: u8,
    answer: String,
}

/// The section.
pub(super) fn section(data: &ReportData<'_>) -> Markup {
    let rows = rows(data);
    let total = rows.iter().fold(Counts::default(), |total, row| Counts {
        ok: total.ok + row.counts.ok,
        fail: total.fail + row.counts.fail,
        info: total.info + row.counts.info,
    });
    html! {
        section {
            h2 { "Operations" }
            p.note {
                (counted(total.total(), "operation")) ": " (count(total.ok)) " ok, " (count(total.fail)) " failed, "
                (count(total.info)) " indeterminate."
            }
            @if !rows.is_empty() { (table(&rows)) }
            @if rows.len() > MAX_KEYS { p.note { (left_out(&rows)) } }
        }
    }
}

fn left_out(rows: &[Row<'_>]) -> String {
    let hidden = &rows[MAX_KEYS..];
    let operations: u64 = hidden.iter().map(|row| row.counts.total()).sum();
    let clean = hidden.iter().all(|row| row.rank >= VALID);
    let nature = if clean {
        ", all of them clean or not checked"
    } else {
        ""
    };
    format!(
        "The {MAX_KEYS} keys that matter most are listed: those without a clean answer, then the busiest. Left out are {} with {}{nature}.",
        counted(hidden.len() as u64, "key"),
        counted(operations, "operation"),
    )
}

fn table(rows: &[Row<'_>]) -> Markup {
    html! {
        div.wide {
            table {
                thead { tr {
                    th { "Key" } th.number { "Operations" } th.number { "ok" } th.number { "failed" } th.number { "indeterminate" }
                    th { "In use" } th { "Answer" }
                } }
                tbody {
                    @for row in rows.iter().take(MAX_KEYS) {
                        tr.violated[row.rank == VIOLATED] {
                            td { (name(row.key)) }
                            @for number in [row.counts.total(), row.counts.ok, row.counts.fail, row.counts.info] {
                                td.number { (count(number)) }
                            }
                            td.number { (span(row.span_ns)) }
                            td { (row.answer) }
                        }
                    }
                }
            }
        }
    }
}

/// The key, as a link to its operations on the timeline where an address can say it.
fn name(key: Option<&Value>) -> Markup {
    let text = key_text(key);
    html! { a href=[key.and_then(link::to_key)] { (text) } }
}

fn span(span_ns: Option<(u64, u64)>) -> String {
    span_ns.map_or("–".to_owned(), |(from, to)| {
        format!("{} to {}", moment(from), moment(to))
    })
}

fn rows<'a>(data: &ReportData<'a>) -> Vec<Row<'a>> {
    let answers = answers(data);
    let mut by_key: BTreeMap<Option<&Value>, Row<'_>> = BTreeMap::new();
    for operation in &data.history.operations {
        let key = operation.key.as_ref();
        let row = by_key.entry(key).or_insert_with(|| {
            let unchecked = || (UNCHECKED, "not checked".to_owned());
            let (rank, answer) = answers.get(&key).cloned().unwrap_or_else(unchecked);
            Row {
                key,
                counts: Counts::default(),
                span_ns: None,
                rank,
                answer,
            }
        });
        row.take_in(operation);
    }
    let mut rows: Vec<Row<'_>> = by_key.into_values().collect();
    rows.sort_by_key(|row| (row.rank, std::cmp::Reverse(row.counts.total())));
    rows
}

impl Row<'_> {
    fn take_in(&mut self, operation: &Operation) {
        match operation.outcome {
            Outcome::Ok => self.counts.ok += 1,
            Outcome::Fail => self.counts.fail += 1,
            Outcome::Info => self.counts.info += 1,
        }
        let Some(called) = operation.call_time else {
            return;
        };
        let ended = operation.return_time.map_or(called.0, |time| time.0);
        let (from, to) = self.span_ns.unwrap_or((called.0, ended));
        self.span_ns = Some((from.min(called.0), to.max(ended)));
    }
}

fn answers<'a>(data: &ReportData<'a>) -> BTreeMap<Option<&'a Value>, (u8, String)> {
    let keys = data.analysis.map_or(&[][..], |analysis| &analysis.keys);
    keys.iter()
        .map(|key| (key.key.as_ref(), answer(&key.result)))
        .collect()
}

fn answer(result: &KeyResult) -> (u8, String) {
    match result {
        KeyResult::Invalid(violation) => (VIOLATED, format!("✗ {}", violation.anomaly.class)),
        KeyResult::Unknown { limit, .. } => (1, format!("! unknown: {limit}")),
        KeyResult::Valid { .. } => (VALID, "✓ linearizable".to_owned()),
    }
}

fn key_text(key: Option<&Value>) -> String {
    match key {
        None => "the one object".to_owned(),
        Some(Value::Text(text)) => clip(text, CELL_CHARS),
        Some(other) => clip(&other.to_string(), CELL_CHARS),
    }
}
