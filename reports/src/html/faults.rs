//! Faults and leaders over the whole run, and the ledger: every fault with the evidence that it acted.

use maud::{Markup, html};
use serde_json::Value;

use crate::clip::{CELL_CHARS, clip};
use crate::data::ReportData;
use crate::finding::Finding;
use crate::quantity::{count, counted, duration, moment};
use crate::result::FaultRecord;
use crate::timeline::overview;

/// Entries of a map of numbers that are named.
const LARGEST: usize = 4;

/// The section; empty for a history alone.
pub(super) fn section(data: &ReportData<'_>, findings: &[Finding]) -> Markup {
    let Some(result) = data.result else {
        return html! {};
    };
    html! {
        section {
            h2 { "Faults and leaders" }
            @if let Some(picture) = overview(data, findings) {
                div.wide { (picture) }
            }
            @if result.faults.is_empty() {
                p.note { "No faults were asked for." }
            } @else {
                (ledger(&result.faults))
            }
        }
    }
}

fn ledger(faults: &[FaultRecord]) -> Markup {
    html! {
        h3 { "Fault ledger" }
        div.wide {
            table {
                thead { tr { th { "#" } th { "Fault" } th { "Began" } th { "Lasted" } th { "Effect" } th { "Evidence" } } }
                tbody { @for fault in faults { (row(fault)) } }
            }
        }
    }
}

fn row(fault: &FaultRecord) -> Markup {
    html! {
        tr {
            td.number { (fault.id) }
            td { strong { (clip(&fault.name, 40)) } br; (clip(&fault.description, CELL_CHARS)) }
            td.number { (moment(fault.start_ns)) }
            td.number { (duration(fault.end_ns.saturating_sub(fault.start_ns))) }
            td { span.effect.(fault.effect) { (fault.effect) } }
            td {
                @for (name, value) in &fault.evidence {
                    p.evidence { span.name { (clip(&name.replace('_', " "), 40)) ": " } (evidence(value)) }
                }
            }
        }
    }
}

/// One measurement: a map of numbers as its total and its largest entries, everything else as it is.
fn evidence(value: &Value) -> String {
    if let Some(numbers) = numbers(value) {
        return summary(numbers);
    }
    match value {
        Value::String(text) => clip(text, CELL_CHARS),
        Value::Number(number) => number.as_u64().map_or_else(|| number.to_string(), count),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => {
            clip(&value.to_string(), CELL_CHARS)
        }
    }
}

fn numbers(value: &Value) -> Option<Vec<(&str, u64)>> {
    let entries = value.as_object()?.iter();
    entries
        .map(|(name, value)| Some((name.as_str(), value.as_u64()?)))
        .collect()
}

fn summary(mut numbers: Vec<(&str, u64)>) -> String {
    let total: u64 = numbers.iter().map(|(_, number)| number).sum();
    numbers.sort_by_key(|(name, number)| (std::cmp::Reverse(*number), *name));
    let largest: Vec<String> = numbers
        .iter()
        .take(LARGEST)
        .map(|(name, number)| format!("{} {}", clip(name, 40), count(*number)))
        .collect();
    let more = numbers.len().saturating_sub(LARGEST);
    match (largest.is_empty(), more) {
        (true, _) => "none".to_owned(),
        (false, 0) => format!("{} ({})", count(total), largest.join(", ")),
        (false, more) => format!(
            "{} ({}, and {})",
            count(total),
            largest.join(", "),
            counted(more as u64, "other")
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn evidence_is_summarised() {
        let rows = [
            (
                json!({"n1 -> n2": 3, "n1 -> n3": 1200}),
                "1\u{202f}203 (n1 -> n3 1\u{202f}200, n1 -> n2 3)",
            ),
            (
                json!({"a": 1, "b": 2, "c": 3, "d": 4, "e": 5}),
                "15 (e 5, d 4, c 3, b 2, and 1 other)",
            ),
            (json!({}), "none"),
            (json!({"a": "text"}), "{\"a\":\"text\"}"),
            (json!("SIGKILL"), "SIGKILL"),
            (json!(12345), "12\u{202f}345"),
            (json!(-1.5), "-1.5"),
            (json!([1, 2]), "[1,2]"),
        ];
        for (value, expected) in rows {
            assert_eq!(evidence(&value), expected, "{value}");
        }
    }
}
