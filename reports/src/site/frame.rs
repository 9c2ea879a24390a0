//! What every page has around it, in the style of the report.

use maud::{DOCTYPE, Markup, html};

use super::entry::Entry;
use super::link;
use crate::answers::Tone;
use crate::clip::{CELL_CHARS, clip};
use crate::html::{COPY, STYLE, mark, tone_class};

const SITE: &str = include_str!("site.css");
const LIVE: &str = include_str!("live.js");

/// The scripts of the site: copying a command, and the view of a run under way. Every page works without them.
pub const SCRIPT: [&str; 2] = [COPY, LIVE];

/// The style sheet of the site: that of the report, and what lists need.
#[must_use]
pub fn style() -> String {
    format!("{STYLE}{SITE}")
}

/// A page that says why there is none.
#[must_use]
pub fn refusal(title: &str, reason: &str) -> String {
    let body = html! {
        section.verdict.caution {
            h1 { (title) }
            p.reason { (clip(reason, 1_000)) }
        }
    };
    page(title, "", None, &body)
}

/// A whole page; `refresh_s` is how often a reader without scripts sees it anew.
pub(super) fn page(title: &str, folder: &str, refresh_s: Option<u32>, body: &Markup) -> String {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (clip(title, CELL_CHARS)) " · adrasteia" }
                link rel="icon" href="data:,";
                link rel="stylesheet" href="/style.css";
                @if let Some(seconds) = refresh_s {
                    noscript { meta http-equiv="refresh" content=(seconds); }
                }
                script src="/script.js" defer {}
            }
            body.site {
                a.skip href="#content" { "Skip to the content" }
                main {
                    header {
                        p.product { a href="/" { "adrasteia" } }
                        @if !folder.is_empty() { p.run { (clip(folder, CELL_CHARS)) } }
                        nav aria-label="Site" {
                            a href="/" { "Runs" } " " a href="/trend" { "Trend" }
                        }
                    }
                    div #content tabindex="-1" { (body) }
                }
            }
        }
    }
    .into_string()
}

/// The verdict on a run as a small label.
pub(super) fn verdict(entry: &Entry) -> Markup {
    let verdict = entry.verdict();
    html! {
        span.label.(tone_class(verdict.tone())) { (mark(verdict.tone())) " " (verdict.name()) }
    }
}

/// A word with the sign of its tone.
pub(super) fn toned(tone: Tone, word: &str) -> Markup {
    html! { span.toned.(tone_class(tone)) { (mark(tone)) " " (word) } }
}

/// The name of a run, which leads to its page.
pub(super) fn run_link(entry: &Entry) -> Markup {
    html! { a href=(link::run(&entry.id)) { (when(&entry.started)) } }
}

/// `2026-11-21 14:07:54` of a time in RFC 3339.
pub(super) fn when(started: &str) -> String {
    let shown: String = started.chars().take(19).collect();
    clip(&shown.replace('T', " "), 40)
}

/// What faults were asked for.
pub(super) fn nemesis(kinds: &[String]) -> String {
    match kinds {
        [] => "none".to_owned(),
        kinds => clip(&kinds.join(" + "), CELL_CHARS),
    }
}
