//! What the run was made of: seed, nodes, network, versions.

use maud::{Markup, html};

use crate::clip::{CELL_CHARS, clip};
use crate::data::ReportData;
use crate::result::RunResult;

/// The section.
pub(super) fn section(data: &ReportData<'_>) -> Markup {
    html! {
        section {
            h2 { "Environment" }
            dl.environment {
                @match data.result {
                    Some(result) => (run(result)),
                    None => (history(data)),
                }
                @if let Some(analysis) = data.analysis {
                    dt { "Model" } dd { (analysis.model.name) }
                }
                @if data.history.truncated {
                    dt { "History" } dd { "The last line is cut, as by a crash of the recorder; everything before it was read." }
                }
            }
        }
    }
}

fn run(result: &RunResult) -> Markup {
    html! {
        dt { "Seed" } dd { (result.seed) }
        dt { "Workload" } dd { (clip(&result.workload, CELL_CHARS)) }
        dt { "Nemesis" } dd { (list(&result.nemesis, "none")) }
        dt { "Nodes" } dd { (list(&result.nodes, "none")) }
        dt { "Planted bugs" } dd { (list(&result.bugs, "none")) }
        dt { "Network" } dd { (clip(&result.net.plane, CELL_CHARS)) ": " (clip(&result.net.reason, CELL_CHARS)) }
        @if let Some(clocks) = &result.clocks {
            dt { "Clocks" } dd { (clip(&clocks.way, CELL_CHARS)) ": " (clip(&clocks.reason, CELL_CHARS)) }
        }
        dt { "Version" } dd { "adrasteia " (clip(&result.environment.version, CELL_CHARS)) }
        dt { "Kernel" } dd { (clip(&result.environment.kernel, CELL_CHARS)) }
        dt { "Exit code" } dd { (result.exit_code) }
    }
}

fn history(data: &ReportData<'_>) -> Markup {
    html! {
        dt { "File" } dd { (clip(data.title, CELL_CHARS)) }
        dt { "Format" } dd { (data.history.format) }
        @if let Some(seed) = data.history.header.as_ref().and_then(|header| header.seed) {
            dt { "Seed" } dd { (seed) }
        }
    }
}

fn list(names: &[String], none: &str) -> String {
    if names.is_empty() {
        none.to_owned()
    } else {
        clip(&names.join(", "), CELL_CHARS)
    }
}
