//! What GitHub shows: a step summary in its Markdown, and annotations by workflow commands.

use super::{Stored, table};
use crate::answers::{five, headline};
use crate::clip::{COMMAND_CHARS, SENTENCE_CHARS, clip};

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
        format!("## {}", inert(title)),
        String::new(),
        inert(&table::counts(runs)),
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
    let result = run.result;
    let mark = match run.failure() {
        None => "✅",
        Some(class) if class.is_of_the_system() => "❌",
        Some(_) => "⚠️",
    };
    format!(
        "| {mark} | {} | {} | {} | {} |",
        inert(&run.name()),
        inert(&clip(&headline(result).title, SENTENCE_CHARS)),
        result.operations.total(),
        result.faults.len(),
    )
}

fn told(run: &Stored<'_>) -> Vec<String> {
    let headline = headline(run.result);
    let mut lines = vec![
        format!("### {}", inert(&run.name())),
        String::new(),
        format!("**{}**", inert(&headline.title)),
        String::new(),
        inert(&headline.reason),
        String::new(),
    ];
    for answer in five(run.result) {
        lines.push(format!(
            "- {}: **{}**. {}",
            answer.question,
            answer.word,
            inert(&clip(&answer.detail, SENTENCE_CHARS))
        ));
    }
    lines.extend([
        String::new(),
        format!(
            "Run it again (the report is in `{}`):",
            run.folder.replace('`', "'")
        ),
        "```sh".to_owned(),
        clip(&run.result.command, COMMAND_CHARS).replace('`', "'"),
        "```".to_owned(),
    ]);
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
            let headline = headline(run.result);
            let title = property(&format!("{class}: {}", run.name()));
            let message = format!(
                "{}. {}\nrun it again: {}",
                headline.title, headline.reason, run.result.command
            );
            format!("::{level} title={title}::{}", data(&message))
        })
        .collect()
}

/// Text in which nothing is Markdown or HTML, on one line.
fn inert(text: &str) -> String {
    let mut inert = String::with_capacity(text.len());
    for char in text.chars() {
        match char {
            '<' => inert.push_str("&lt;"),
            '>' => inert.push_str("&gt;"),
            '&' => inert.push_str("&amp;"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '#' | '~' | '!' | '$' | '@' => {
                inert.push('\\');
                inert.push(char);
            }
            char if char.is_control() => inert.push(' '),
            char => inert.push(char),
        }
    }
    inert
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
