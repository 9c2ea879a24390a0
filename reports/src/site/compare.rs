//! Two runs side by side, with what differs marked.

use maud::{Markup, html};

use super::differences::{Change, Matter, Row, matters};
use super::entry::Entry;
use super::frame::{page, run_link, verdict};
use super::live::Quantiles;
use super::overview::compare_link;
use crate::clip::{CELL_CHARS, clip};
use crate::quantity::plain;
use crate::result::RunResult;

/// One of the two runs.
#[derive(Clone, Copy, Debug)]
pub struct Side<'a> {
    /// What a list has of it.
    pub entry: &'a Entry,
    /// Its result.
    pub result: &'a RunResult,
    /// Latency of what was acknowledged, if its history could be read.
    pub latency: Option<Quantiles>,
}

/// The page that compares two runs.
#[must_use]
pub fn compare(folder: &str, left: &Side<'_>, right: &Side<'_>) -> String {
    let matters = matters(left, right);
    let rows = || matters.iter().flat_map(|matter| &matter.rows);
    let differing = rows().filter(|row| row.change == Change::Differs).count();
    let body = html! {
        h1 { "Two runs" }
        p.note {
            @if differing == 0 { "They differ in numbers only." }
            @else { (differing) " things differ; they are marked with ≠. Of numbers the change is told." }
            " " (compare_link(right.entry, left.entry, "Swap sides"))
        }
        div.wide {
            table.compared {
                thead {
                    tr {
                        th scope="col" { span.hidden { "What" } }
                        (side(left))
                        (side(right))
                        th scope="col" { "Change" }
                    }
                }
                @for matter in &matters { (told(matter)) }
            }
        }
    };
    page("Two runs", folder, None, &body)
}

fn side(side: &Side<'_>) -> Markup {
    html! {
        th scope="col" {
            (verdict(side.entry)) " " (run_link(side.entry))
            span.id { (clip(&side.entry.id, CELL_CHARS)) }
        }
    }
}

fn told(matter: &Matter) -> Markup {
    html! {
        tbody {
            tr.matter { th colspan="4" scope="rowgroup" { (matter.title) } }
            @for row in &matter.rows { (line(row)) }
        }
    }
}

fn line(row: &Row) -> Markup {
    html! {
        tr.differs[row.change == Change::Differs] {
            th scope="row" { (row.name) }
            td { (row.left) }
            td { (row.right) }
            td.number.change { (change(row.change)) }
        }
    }
}

fn change(change: Change) -> String {
    match change {
        Change::Same => "=".to_owned(),
        Change::Differs => "≠".to_owned(),
        Change::By(percent) if percent.abs() < 0.05 => "±0 %".to_owned(),
        Change::By(percent) => {
            let sign = if percent > 0.0 { "+" } else { "−" };
            let shown = match percent.abs() {
                large @ 10.0.. => large.round(),
                small => (small * 10.0).round() / 10.0,
            };
            format!("{sign}{} %", plain(shown))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_has_its_sign_and_two_digits() {
        let rows = [
            (Change::Same, "="),
            (Change::Differs, "≠"),
            (Change::By(0.01), "±0 %"),
            (Change::By(1.26), "+1.3 %"),
            (Change::By(-12.6), "−13 %"),
        ];
        for (given, expected) in rows {
            assert_eq!(change(given), expected);
        }
    }
}
