//! What GitHub shows: a step summary in its Markdown, and annotations by workflow commands.

use super::markdown::{code, inert};
use super::{Stored, table};
use crate::answers::five;
use crate::clip::{CELL_CHARS, COMMAND_CHARS, SENTENCE_CHARS, clip};

/// Most annotations that a page of GitHub shows of one step.
const MAX_ANNOTATIONS: usize = 10;
/// Runs told in full; the rest is in the table and in the artifacts. A summary may take 1 MiB.
const MAX_TOLD: usize = 20;
/// Runs in the table.
const MAX_ROWS: usize = 500;

/// A step summary: all runs in a table, and each that is no pass in words.
#[must_use]
pub fn summary(title: &str, runs: &[Stored<'_>]) -> String {
    let mut lines = vec![
        format!("## {}", inert(title, CELL_CHARS)),
        String::new(),
        inert(&table::counts(runs), SENTENCE_CHARS),
        String::new(),
        "| | run | what came of it | operations | faults |".to_owned(),
        "|---|---|---|---:|---:|".to_owned(),
    ];
    lines.extend(runs.iter().take(MAX_ROWS).map(row));
    if runs.len() > MAX_ROWS {
        lines.push(format!("\n{} more are not shown.", runs.len() - MAX_ROWS));
    }
    let failed = runs.iter().filter(|run| run.failure().is_some());
    for run in failed.take(MAX_TOLD) {
        lines.push(String::new());
        lines.extend(told(run));
    }
    lines.push(String::new());
    lines.join("\n")
}

fn row(run: &Stored<'_>) -> String {
    let mark = match run.failure() {
        None => "✅",
        Some(class) if class.is_of_the_system() => "❌",
        Some(_) => "⚠️",
    };
    let (operations, faults) = match run.result {
        Ok(result) => (
            result.operations.total().to_string(),
            result.faults.len().to_string(),
        ),
        Err(_) => Default::default(),
    };
    format!(
        "| {mark} | {} | {} | {operations} | {faults} |",
        inert(&run.name(), CELL_CHARS),
        inert(&run.headline().title, SENTENCE_CHARS),
    )
}

fn told(run: &Stored<'_>) -> Vec<String> {
    let headline = run.headline();
    let mut lines = vec![
        format!("### {}", inert(&run.name(), CELL_CHARS)),
        String::new(),
        format!("**{}**", inert(&headline.title, SENTENCE_CHARS)),
        String::new(),
        inert(&headline.reason, SENTENCE_CHARS),
    ];
    if let Ok(result) = run.result {
        lines.push(String::new());
        lines.extend(five(result).map(|answer| {
            let detail = inert(&answer.detail, SENTENCE_CHARS);
            format!("- {}: **{}**. {detail}", answer.question, answer.word)
        }));
        let folder = code(run.folder, SENTENCE_CHARS);
        lines.extend([
            String::new(),
            format!("Run it again (the report is in {folder}):"),
            "```sh".to_owned(),
            clip(&result.command, COMMAND_CHARS).replace('`', "'"),
            "```".to_owned(),
        ]);
    }
    lines
}

/// Workflow commands that put an annotation on the page for each run that is no pass.
#[must_use]
pub fn annotations(runs: &[Stored<'_>]) -> Vec<String> {
    let failed = runs.iter().filter_map(|run| Some((run, run.failure()?)));
    failed
        .take(MAX_ANNOTATIONS)
        .map(|(run, class)| {
            let level = if class.is_of_the_system() {
                "error"
            } else {
                "warning"
            };
            let headline = run.headline();
            let title = property(&format!("{class}: {}", run.name()));
            let again = run.result.map_or_else(
                |_| String::new(),
                |result| format!("\nrun it again: {}", result.command),
            );
            let message = format!("{}. {}{again}", headline.title, headline.reason);
            format!("::{level} title={title}::{}", data(&message))
        })
        .collect()
}

/// As the message of a workflow command is written.
fn data(text: &str) -> String {
    text.replace('%', "%25")
        .replace('\r', "%0D")
        .replace('\n', "%0A")
}

/// As a property of a workflow command is written.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}
