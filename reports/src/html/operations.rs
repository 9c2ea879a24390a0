//! Operations by key: how many ended how, and the answer for each key.

use std::collections::BTreeMap;

use checker::{KeyResult, Outcome, Value};
use maud::{Markup, html};

use crate::clip::{CELL_CHARS, clip};
use crate::data::ReportData;
use crate::quantity::{count, counted};
use crate::result::Counts;

/// Most keys listed; those without a clean answer come first.
const MAX_KEYS: usize = 500;

struct Row {
    key: Option<Value>,
    counts: Counts,
    /// Worse answers first; then shorter keys, so that `k2` comes before `k10`.
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
            @if rows.len() > MAX_KEYS {
                p.note { (MAX_KEYS) " of " (count(rows.len() as u64)) " keys are listed." }
            }
        }
    }
}

fn table(rows: &[Row]) -> Markup {
    html! {
        div.wide {
            table {
                thead { tr { th { "Key" } th.number { "ok" } th.number { "failed" } th.number { "indeterminate" } th { "Answer" } } }
                tbody {
                    @for row in rows.iter().take(MAX_KEYS) {
                        tr.violated[row.rank == VIOLATED] {
                            td { (key_text(row.key.as_ref())) }
                            td.number { (count(row.counts.ok)) }
                            td.number { (count(row.counts.fail)) }
                            td.number { (count(row.counts.info)) }
                            td { (row.answer) }
                        }
                    }
                }
            }
        }
    }
}

const VIOLATED: u8 = 0;

fn rows(data: &ReportData<'_>) -> Vec<Row> {
    let mut counts: BTreeMap<Option<&Value>, Counts> = BTreeMap::new();
    for operation in &data.history.operations {
        let counts = counts.entry(operation.key.as_ref()).or_default();
        match operation.outcome {
            Outcome::Ok => counts.ok += 1,
            Outcome::Fail => counts.fail += 1,
            Outcome::Info => counts.info += 1,
        }
    }
    let answers = answers(data);
    let mut rows: Vec<Row> = counts
        .into_iter()
        .map(|(key, counts)| {
            let (rank, answer) = answers
                .get(&key)
                .cloned()
                .unwrap_or((3, "not checked".to_owned()));
            Row {
                key: key.cloned(),
                counts,
                rank,
                answer,
            }
        })
        .collect();
    rows.sort_by_cached_key(|row| {
        (
            row.rank,
            key_text(row.key.as_ref()).chars().count(),
            row.key.clone(),
        )
    });
    rows
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
        KeyResult::Valid { .. } => (2, "✓ linearizable".to_owned()),
    }
}

fn key_text(key: Option<&Value>) -> String {
    match key {
        None => "the one object".to_owned(),
        Some(Value::Text(text)) => clip(text, CELL_CHARS),
        Some(other) => clip(&other.to_string(), CELL_CHARS),
    }
}
