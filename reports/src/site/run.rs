//! One run: its answers, what it can be compared with, and its files.

use maud::{Markup, html};

use super::entry::{Entry, Plan, State};
use super::frame::{nemesis, page, verdict, when};
use super::link;
use super::overview::compare_link;
use crate::answers::{five, headline};
use crate::clip::{CELL_CHARS, SENTENCE_CHARS, clip};
use crate::html::{card, replay, tone_class};
use crate::quantity::{count, duration, moment};
use crate::result::{Counts, RunResult};

const REPORT: &str = "report.html";

/// A file of a run folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredFile {
    /// Its path below the run folder, with `/` between its parts.
    pub name: String,
    /// Its size.
    pub bytes: u64,
}

/// How a file is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileKind {
    /// The report: the only page among them, which brings its own policy.
    Report,
    /// A plot.
    Drawing,
    /// Text, as it stands.
    Text,
    /// Anything else; it is saved.
    Bytes,
}

impl StoredFile {
    /// How it is shown, by its name.
    #[must_use]
    pub fn kind(&self) -> FileKind {
        let extension = self.name.rsplit('/').next().and_then(|name| {
            let (stem, extension) = name.rsplit_once('.')?;
            (!stem.is_empty()).then_some(extension)
        });
        match (self.name.as_str(), extension) {
            (REPORT, _) => FileKind::Report,
            (name, Some("svg")) if !name.contains('/') => FileKind::Drawing,
            (_, Some("json" | "jsonl" | "log" | "toml" | "txt")) => FileKind::Text,
            _ => FileKind::Bytes,
        }
    }
}

impl FileKind {
    fn word(self) -> &'static str {
        match self {
            FileKind::Report => "page",
            FileKind::Drawing => "plot",
            FileKind::Text => "text",
            FileKind::Bytes => "download",
        }
    }
}

/// The page of a run that is not under way. `result` is its whole result, if it has one; `alike` are earlier runs of the same
/// test, newest first.
#[must_use]
pub fn run(
    folder: &str,
    entry: &Entry,
    result: Option<&RunResult>,
    files: &[StoredFile],
    alike: &[&Entry],
) -> String {
    let body = html! {
        p.crumb { a href="/" { "Runs" } " / " (clip(&entry.id, CELL_CHARS)) }
        @match (&entry.state, result) {
            (State::Judged(_), Some(result)) => (judged(entry, result, files)),
            (State::Judged(_), None) => (why(entry, "Its result cannot be read any more", "It was there a moment ago.")),
            (State::Broken(reason), _) => (why(entry, "This run cannot be read", reason)),
            (State::Unfinished(plan) | State::UnderWay(plan), _) => {
                (why(entry, "Ended without a result", "Nobody writes it any more, and it has no result: it was killed, or its harness failed. Its history can be judged all the same, by adrasteia check."))
                (asked(entry, plan))
            }
        }
        (comparisons(entry, alike))
        (self::files(entry, files))
    };
    let title = entry
        .judged()
        .map_or(entry.id.as_str(), |judged| &judged.title);
    page(title, folder, None, &body)
}

fn judged(entry: &Entry, result: &RunResult, files: &[StoredFile]) -> Markup {
    let headline = headline(result);
    let has_report = files.iter().any(|file| file.kind() == FileKind::Report);
    html! {
        section.verdict.(tone_class(headline.tone)) {
            p { (verdict(entry)) }
            h1 { (headline.title) }
            p.reason { (headline.reason) }
            @if has_report {
                p.actions { a.button.primary href=(link::file(&entry.id, REPORT)) { "Open the report" } }
            }
        }
        div.answers { @for answer in five(result) { (card(&answer)) } }
        (replay(&result.command))
        (facts(entry, result))
    }
}

fn facts(entry: &Entry, result: &RunResult) -> Markup {
    let detected = entry.judged().and_then(|judged| judged.detected_ns);
    html! {
        section {
            h2 { "The run" }
            dl.environment {
                dt { "Began" } dd { (when(&entry.started)) " UTC" }
                dt { "Test" } dd { (clip(&result.workload, CELL_CHARS)) " under " (nemesis(&result.nemesis)) ", seed " (result.seed) }
                dt { "Bugs" } dd { (listed(&result.bugs)) }
                dt { "Length" } dd { (moment(result.duration_ns)) }
                @if let Some(at) = detected { dt { "Detected after" } dd { (duration(at)) } }
                dt { "Operations" } dd { (outcomes(result.operations)) }
                dt { "Faults" } dd { (count(result.faults.len() as u64)) }
                dt { "Leader changes" } dd { (result.leader_changes) }
                dt { "Nodes" } dd { (listed(&result.nodes)) }
                dt { "Made by" } dd { "adrasteia " (clip(&result.environment.version, 40)) " on " (clip(&result.environment.kernel, 80)) }
            }
        }
    }
}

/// `5 990 ok, 12 failed, 3 indeterminate`.
pub(super) fn outcomes(counts: Counts) -> String {
    format!(
        "{} ok, {} failed, {} indeterminate",
        count(counts.ok),
        count(counts.fail),
        count(counts.info)
    )
}

pub(super) fn listed(names: &[String]) -> String {
    match names {
        [] => "none".to_owned(),
        names => clip(&names.join(", "), SENTENCE_CHARS),
    }
}

fn why(entry: &Entry, title: &str, reason: &str) -> Markup {
    html! {
        section.verdict.(tone_class(entry.verdict().tone())) {
            p { (verdict(entry)) }
            h1 { (title) }
            p.reason { (clip(reason, SENTENCE_CHARS)) }
        }
    }
}

/// What was asked of a run without a result.
pub(super) fn asked(entry: &Entry, plan: &Plan) -> Markup {
    html! {
        @if !plan.command.is_empty() { (replay(&plan.command)) }
        dl.environment {
            dt { "Began" } dd { (when(&entry.started)) " UTC" }
            dt { "Test" } dd {
                (clip(&plan.workload, CELL_CHARS)) " under " (nemesis(&plan.nemesis))
                @if let Some(seed) = plan.seed { ", seed " (seed) }
            }
            dt { "Bugs" } dd { (listed(&plan.bugs)) }
        }
    }
}

fn comparisons(entry: &Entry, alike: &[&Entry]) -> Markup {
    html! {
        @if !alike.is_empty() && entry.judged().is_some() {
            section {
                h2 { "Earlier runs of this test" }
                ul.plain {
                    @for other in alike {
                        li {
                            (verdict(other)) " " a href=(link::run(&other.id)) { (when(&other.started)) }
                            @if let Some(seed) = other.plan().and_then(|plan| plan.seed) { ", seed " (seed) }
                            " · " (compare_link(other, entry, "compare"))
                        }
                    }
                }
            }
        }
    }
}

/// Every file of the run.
pub(super) fn files(entry: &Entry, files: &[StoredFile]) -> Markup {
    html! {
        section {
            h2 { "Files" }
            @if files.is_empty() { p.note { "There are none." } }
            @else {
                table.files {
                    thead { tr { th scope="col" { "Name" } th scope="col" { "Size" } th scope="col" { "Shown as" } } }
                    tbody {
                        @for file in files {
                            tr {
                                td { a href=(link::file(&entry.id, &file.name)) { (clip(&file.name, CELL_CHARS)) } }
                                td.number { (size(file.bytes)) }
                                td { (file.kind().word()) }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// A size in the largest unit that leaves at least one digit before the point.
pub(super) fn size(bytes: u64) -> String {
    const UNITS: [&str; 4] = ["KiB", "MiB", "GiB", "TiB"];
    if bytes < 1024 {
        return format!("{bytes} B");
    }
    let mut shown = bytes as f64 / 1024.0;
    let mut unit = UNITS[0];
    for larger in &UNITS[1..] {
        if shown < 1024.0 {
            break;
        }
        shown /= 1024.0;
        unit = larger;
    }
    format!("{shown:.1} {unit}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_report_is_a_page() {
        let rows = [
            ("report.html", FileKind::Report),
            ("data/n1/report.html", FileKind::Bytes),
            ("data/n1/latency.svg", FileKind::Bytes),
            ("rate.svg", FileKind::Drawing),
            ("history.jsonl", FileKind::Text),
            ("n1.log", FileKind::Text),
            (".log", FileKind::Bytes),
            ("x.HTML", FileKind::Bytes),
            ("packets.pcapng", FileKind::Bytes),
            ("lock", FileKind::Bytes),
        ];
        for (name, expected) in rows {
            let file = StoredFile {
                name: name.to_owned(),
                bytes: 0,
            };
            assert_eq!(file.kind(), expected, "{name}");
        }
    }

    #[test]
    fn sizes_have_their_unit() {
        let rows = [
            (0, "0 B"),
            (1023, "1023 B"),
            (1024, "1.0 KiB"),
            (1_572_864, "1.5 MiB"),
            (u64::MAX, "16777216.0 TiB"),
        ];
        for (bytes, expected) in rows {
            assert_eq!(size(bytes), expected);
        }
    }
}
