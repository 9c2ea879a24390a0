//! What nights of runs came to: how each cell of workload and nemesis ended, and what failed before.

use super::markdown::{code, inert};
use super::{FailureClass, cell};
use crate::clip::{CELL_CHARS, SENTENCE_CHARS, clip};
use crate::quantity::counted;
use std::collections::BTreeMap;

/// Longest name in a table of plain text.
const NAME_CHARS: usize = 60;

/// All of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Nights {
    /// What the runs of this night came to.
    pub cells: Vec<Cell>,
    /// What failed in this night or before and has not passed often enough since.
    pub known: Vec<KnownFailure>,
}

/// The runs of one workload under one nemesis.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cell {
    /// The workload's name.
    pub workload: String,
    /// The nemesis, as it was asked for.
    pub nemesis: String,
    /// How its runs ended.
    pub tally: Tally,
    /// The median time after which it was known that the system did wrong, in milliseconds.
    pub detected_ms: Option<u64>,
}

/// How often runs ended how.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Runs that did what was asked of them.
    pub passed: u64,
    /// The others, by the kind of failure.
    pub failed: BTreeMap<FailureClass, u64>,
}

/// A run that failed, and what became of it when it was made again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownFailure {
    /// The workload's name.
    pub workload: String,
    /// The nemesis, as it was asked for.
    pub nemesis: String,
    /// The seed.
    pub seed: u64,
    /// The kind of failure, and what is known of it: `violation: stale-read`.
    pub what: String,
    /// How often it failed again.
    pub failed_again: u64,
    /// How often it was made again and failed or passed.
    pub made_again: u64,
    /// How often it passed since it failed last.
    pub passed_since: u64,
    /// How often it has to pass to be forgotten.
    pub enough: u64,
    /// The folder of the first run that failed, as the reader finds it.
    pub folder: Option<String>,
}

impl Tally {
    /// Counts a run.
    pub fn count(&mut self, failure: Option<FailureClass>) {
        match failure {
            None => self.passed += 1,
            Some(class) => *self.failed.entry(class).or_default() += 1,
        }
    }

    fn of(&self, class: FailureClass) -> u64 {
        self.failed.get(&class).copied().unwrap_or_default()
    }

    /// In the order of the columns.
    fn numbers(&self) -> impl Iterator<Item = u64> {
        std::iter::once(self.passed).chain(COLUMNS.map(|class| self.of(class)))
    }
}

/// The kinds of failure in the order in which people look for them.
const COLUMNS: [FailureClass; 7] = [
    FailureClass::Violation,
    FailureClass::Liveness,
    FailureClass::Crash,
    FailureClass::Unknown,
    FailureClass::Vacuous,
    FailureClass::Weak,
    FailureClass::Infrastructure,
];

fn heads() -> impl Iterator<Item = &'static str> {
    std::iter::once("passed").chain(COLUMNS.map(FailureClass::name))
}

impl Nights {
    /// Lines of plain text.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        let names: Vec<String> = self
            .cells
            .iter()
            .map(|cell| clip(&cell.name(), NAME_CHARS))
            .collect();
        let width = names.iter().map(|name| name.chars().count()).max();
        let width = width.unwrap_or_default();
        let head: String = heads().map(|head| format!("  {head}")).collect();
        let mut lines = vec![format!("{:width$}{head}  found after", "")];
        lines.extend(names.iter().zip(&self.cells).map(|(name, cell)| {
            let numbers = heads().zip(cell.tally.numbers());
            let numbers: String = numbers
                .map(|(head, number)| format!("  {:>1$}", shown(number), head.len()))
                .collect();
            let line = format!("{name:width$}{numbers}  {}", cell.detected());
            line.trim_end().to_owned()
        }));
        if !self.known.is_empty() {
            lines.push(String::new());
            lines.push("known failures:".to_owned());
        }
        lines.extend(self.known.iter().map(|known| {
            let folder = known.folder.as_deref();
            let folder = folder.map_or_else(String::new, |folder| format!(" ({folder})"));
            let line = format!(
                "  {}: {}; {}{folder}",
                known.name(),
                known.what,
                known.since()
            );
            clip(&line, SENTENCE_CHARS)
        }));
        lines
    }

    /// The same in Markdown, under a title.
    #[must_use]
    pub fn markdown(&self, title: &str) -> String {
        let heads: Vec<&str> = heads().collect();
        let mut lines = vec![
            format!("## {}", inert(title, CELL_CHARS)),
            String::new(),
            format!("| | {} | found after |", heads.join(" | ")),
            format!("|---|{}---:|", "---:|".repeat(heads.len())),
        ];
        lines.extend(self.cells.iter().map(|cell| {
            let numbers: Vec<String> = cell.tally.numbers().map(shown).collect();
            let name = inert(&cell.name(), CELL_CHARS);
            format!("| {name} | {} | {} |", numbers.join(" | "), cell.detected())
        }));
        if !self.known.is_empty() {
            lines.extend([
                String::new(),
                "| known failure | what | since | first run |".to_owned(),
                "|---|---|---|---|".to_owned(),
            ]);
        }
        lines.extend(self.known.iter().map(|known| {
            let folder = known.folder.as_deref();
            let folder = folder.map_or_else(String::new, |folder| {
                code(&folder.replace('|', "/"), CELL_CHARS)
            });
            format!(
                "| {} | {} | {} | {folder} |",
                inert(&known.name(), CELL_CHARS),
                inert(&known.what, CELL_CHARS),
                known.since()
            )
        }));
        lines.push(String::new());
        lines.join("\n")
    }
}

/// A number that stands out where it is not zero.
fn shown(number: u64) -> String {
    match number {
        0 => "·".to_owned(),
        _ => number.to_string(),
    }
}

impl Cell {
    fn name(&self) -> String {
        cell(&self.workload, &self.nemesis)
    }

    fn detected(&self) -> String {
        let seconds = |ms| format!("{:.1} s", ms as f64 / 1e3);
        self.detected_ms.map_or_else(String::new, seconds)
    }
}

impl KnownFailure {
    fn name(&self) -> String {
        format!(
            "{}, seed {}",
            cell(&self.workload, &self.nemesis),
            self.seed
        )
    }

    /// `again in 3 of 4 runs, passed 1 of 5 times`.
    fn since(&self) -> String {
        let Self {
            failed_again,
            made_again,
            passed_since,
            enough,
            ..
        } = self;
        match (made_again, passed_since) {
            (0, _) => "not made again yet".to_owned(),
            (_, 0) => format!("again in {failed_again} of {}", counted(*made_again, "run")),
            (_, passed) if passed >= enough => format!(
                "again in {failed_again} of {}; passed {passed} times in a row, settled",
                counted(*made_again, "run")
            ),
            (_, passed) => format!(
                "again in {failed_again} of {}; passed {passed} of {enough} times in a row",
                counted(*made_again, "run")
            ),
        }
    }
}
