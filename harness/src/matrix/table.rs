//! How it is told to people.

use super::summary::{BugRow, HealthyRow, Summary};

/// The whole answer.
pub(super) fn lines(summary: &Summary) -> Vec<String> {
    let mut lines = Vec::new();
    if !summary.bugs.is_empty() {
        lines.push(header());
        lines.extend(summary.bugs.iter().map(row));
        let (found, all) = (summary.found(), summary.bugs.len());
        lines.push(format!("{found} of {all} bugs found"));
        lines.extend(summary.bugs.iter().filter(|row| row.found == 0).map(silent));
    }
    lines.extend(healthy(&summary.healthy));
    if summary.missing > 0 {
        let count = summary.missing;
        lines.push(format!(
            "{count} runs are missing: call again with the same arguments"
        ));
        lines.extend(
            summary
                .broken
                .iter()
                .map(|why| format!("  could not be run: {why}")),
        );
    }
    lines
}

fn header() -> String {
    format!(
        "{:<26} {:>6}  {:>8} {:>8}  {:>4}  {:<13} {}",
        "bug", "found", "median", "worst", "ops", "expected", "found as"
    )
}

fn row(row: &BugRow) -> String {
    let seconds = |ms: Option<u64>| {
        ms.map_or_else(|| "-".to_owned(), |ms| format!("{:.1} s", ms as f64 / 1e3))
    };
    let operations = row.counterexample;
    let operations = operations.map_or_else(|| "-".to_owned(), |count| count.to_string());
    let classes: Vec<String> = row
        .classes
        .iter()
        .map(|(class, count)| format!("{class} {count}"))
        .collect();
    let line = format!(
        "{:<26} {:>6}  {:>8} {:>8}  {operations:>4}  {:<13} {}",
        row.bug,
        format!("{}/{}", row.found, row.runs),
        seconds(row.median_ms),
        seconds(row.worst_ms),
        row.expected,
        classes.join(", ")
    );
    line.trim_end().to_owned()
}

fn silent(row: &BugRow) -> String {
    match row.runs {
        0 => format!("  not run: {}", row.bug),
        _ => format!("  not found: {}, exposed by {}", row.bug, row.exposed_by),
    }
}

fn healthy(row: &HealthyRow) -> Vec<String> {
    if row.runs == 0 {
        return Vec::new();
    }
    let mut line = format!(
        "healthy node: {} runs, {} findings",
        row.runs,
        row.findings.len()
    );
    if row.unknown > 0 {
        line += &format!(", {} unknown", row.unknown);
    }
    if row.vacuous > 0 {
        line += &format!(", {} vacuous", row.vacuous);
    }
    let findings = row.findings.iter().map(|finding| format!("  {finding}"));
    std::iter::once(line).chain(findings).collect()
}
