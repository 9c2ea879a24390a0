//! Runs in a few lines of plain text, for a terminal or a chat.

use super::Stored;
use crate::clip::{CELL_CHARS, SENTENCE_CHARS, clip};
use crate::quantity::counted;

/// A line for each run that is no pass, and one that counts them all.
#[must_use]
pub fn table(runs: &[Stored<'_>]) -> Vec<String> {
    let mut lines: Vec<String> = runs.iter().filter_map(line).collect();
    lines.push(counts(runs));
    lines
}

fn line(run: &Stored<'_>) -> Option<String> {
    let class = run.failure()?;
    let name = clip(&run.name(), CELL_CHARS);
    let title = clip(&run.headline().title, SENTENCE_CHARS);
    let folder = clip(run.folder, SENTENCE_CHARS);
    Some(format!("{class:<14} {name}: {title} ({folder})"))
}

/// `12 runs: 10 passed, 1 violation, 1 unknown`.
pub(super) fn counts(runs: &[Stored<'_>]) -> String {
    let passed = runs.iter().filter(|run| run.failure().is_none()).count();
    let mut parts = vec![format!("{passed} passed")];
    for class in super::FailureClass::ALL {
        let count = runs
            .iter()
            .filter(|run| run.failure() == Some(class))
            .count();
        if count > 0 {
            parts.push(format!("{count} {class}"));
        }
    }
    format!(
        "{}: {}",
        counted(runs.len() as u64, "run"),
        parts.join(", ")
    )
}
