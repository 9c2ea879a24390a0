//! The context: every operation of a history against real time, on a canvas that the reader zooms and searches.
//!
//! The page carries the operations as columns (`columns`), deflated and in Base64; its scripts, the `*.js` beside this file, unpack and
//! draw them. What is in view is drawn as bars; where operations are denser than pixels, each pixel of a lane is a count by outcome.
//! Foreign texts reach the page as text nodes or as text on the canvas, never as markup.

mod choice;
mod columns;
mod head;
mod names;

use std::io::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use flate2::Compression;
use flate2::write::DeflateEncoder;
use maud::{Markup, html};

use self::choice::Choice;
use self::columns::document;
use self::head::Head;
use crate::data::ReportData;
use crate::finding::Finding;
use crate::quantity::count;

/// What draws the operations.
pub(crate) const SCRIPT: &str = concat!(
    include_str!("unpack.js"),
    include_str!("words.js"),
    include_str!("rows.js"),
    include_str!("filter.js"),
    include_str!("view.js"),
    include_str!("paint.js"),
    include_str!("bars.js"),
    include_str!("link.js"),
    include_str!("input.js"),
    include_str!("main.js"),
);

/// The section; empty for a history without operations.
pub(crate) fn context(data: &ReportData<'_>, findings: &[Finding]) -> Markup {
    let all = &data.history.operations;
    if all.is_empty() {
        return html! {};
    }
    let choice = Choice::of(all, findings);
    let carried = choice.operations.len();
    html! {
        section.context #context {
            h2 { "Every operation in time" }
            @if carried < all.len() {
                p.note { (count(carried as u64)) " of " (count(all.len() as u64)) " operations, those around the contradiction or else the first." }
            }
            noscript { p.note { "This timeline needs scripts. Everything else on the page does without." } }
            (controls())
            p.status role="status" {}
            div.sheet hidden {
                canvas tabindex="0" role="application" aria-label="Timeline of every operation" aria-describedby="context-keys" {}
                div.tip hidden {}
            }
            div.chosen aria-live="polite" {}
            (legend())
            script #operations type="application/octet-stream" { (packed(data, findings, &choice)) }
        }
    }
}

fn controls() -> Markup {
    html! {
        form.controls hidden {
            label { "Search" input name="text" type="search" placeholder="value, error, n1 …" autocomplete="off"; }
            label { "Key" input name="key" type="search" autocomplete="off"; }
            label { "Value" input name="value" type="search" autocomplete="off"; }
            label { "Type" select name="type" { option value="" { "all" } } }
            label { "Node" select name="node" { option value="" { "all" } } }
            label { "Outcome" select name="outcome" {
                option value="" { "all" } option value="0" { "ok" } option value="1" { "failed" } option value="2" { "indeterminate" }
            } }
            label { "Lanes" select name="lanes" { option value="client" { "by client" } option value="node" { "by node" } } }
            div.buttons {
                button type="button" name="in" aria-label="Zoom in" { "+" }
                button type="button" name="out" aria-label="Zoom out" { "−" }
                button type="button" name="all" { "All" }
                button type="button" name="previous" { "‹ Match" }
                button type="button" name="next" { "Match ›" }
                button type="button" name="contradiction" hidden { "Contradiction" }
            }
        }
    }
}

fn legend() -> Markup {
    html! {
        p.note #context-keys {
            "Filled is ok, hollow is failed, hatched with an open end is indeterminate. Where operations are denser than pixels, the height says how many "
            "began there, with a mark at the top of the lane for failed ones and one below it for indeterminate ones. "
            "Drag to move, scroll with Ctrl or pinch to zoom, tap an operation to choose it; the address then leads to it. "
            "Keys: ← → move, + − zoom, Home all, / search, n p next and previous match, v the contradiction, Esc nothing chosen."
        }
    }
}

/// The operations as text.
fn packed(data: &ReportData<'_>, findings: &[Finding], choice: &Choice<'_>) -> String {
    let head = Head::of(data, findings, choice);
    let head = serde_json::to_string(&head).expect("its keys are names");
    STANDARD_NO_PAD.encode(deflated(&document(&head, choice)))
}

fn deflated(document: &[u8]) -> Vec<u8> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
    encoder
        .write_all(document)
        .and_then(|()| encoder.finish())
        .expect("memory takes every write")
}
