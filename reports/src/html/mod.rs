//! The page: one file that explains a run offline, from the verdict in words down to the environment.
//!
//! Nothing is fetched and every foreign value is escaped; a content policy in the page forbids requests on top.

mod available;
mod contradiction;
mod counterexample;
mod coverage;
mod environment;
mod facts;
mod faults;
mod link;
mod logs;
mod operations;
mod orders;
mod verdict;
mod violated;

pub(crate) use verdict::{card, mark, replay, tone_class};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use maud::{DOCTYPE, Markup, PreEscaped, html};
use sha2::{Digest as _, Sha256};

use crate::clip::{CELL_CHARS, clip};
use crate::data::ReportData;
use crate::finding::findings;
use crate::plots::{self, Plot};
use crate::quantity::moment;
use crate::timeline::context;

/// The style of the page, which the pages of a server of runs share.
pub(crate) const STYLE: &str = include_str!("style.css");
pub(crate) const COPY: &str = include_str!("copy.js");

/// The whole page. Equal input gives a byte-identical page.
#[must_use]
pub fn render(data: &ReportData<'_>) -> String {
    let findings = findings(data);
    let headline = verdict::headline(data, &findings);
    let title = clip(data.title, CELL_CHARS);
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(policy());
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (headline.title) " · " (title) }
                link rel="icon" href="data:,";
                style { (PreEscaped(STYLE)) }
            }
            body {
                main {
                    (masthead(data, &title))
                    (verdict::section(data, &headline, &findings))
                    (contradiction::section(data, &findings))
                    (counterexample::section(data, &findings))
                    (logs::section(data, &findings))
                    (context::context(data, &findings))
                    (coverage::section(data))
                    (faults::section(data, &findings))
                    (available::section(data))
                    (plots(data))
                    (operations::section(data))
                    (environment::section(data))
                }
                script { (PreEscaped(COPY)) }
                script { (PreEscaped(context::SCRIPT)) }
            }
        }
    }
    .into_string()
}

/// Nothing is fetched, and no script runs but the page's own.
fn policy() -> String {
    let allowed = [COPY, context::SCRIPT].map(|script| {
        let hash = STANDARD.encode(Sha256::digest(script));
        format!("'sha256-{hash}'")
    });
    format!(
        "default-src 'none'; style-src 'unsafe-inline'; script-src {}; img-src data:",
        allowed.join(" ")
    )
}

fn masthead(data: &ReportData<'_>, title: &str) -> Markup {
    html! {
        header {
            p.product { "adrasteia" }
            p.run { (title) }
            @if let Some(result) = data.result {
                p.when {
                    (clip(&result.environment.started, 40)) " · ran " (moment(result.duration_ns))
                    @if result.interrupted { " · ended early by the user" }
                    @if let Some(stopped) = &result.stopped_online {
                        " · ended at the first violation, proven at " (moment(stopped.at_ns))
                    }
                }
            }
        }
    }
}

fn plots(data: &ReportData<'_>) -> Markup {
    let plots = plots::all(data);
    html! {
        @if !plots.is_empty() {
            section {
                h2 { "Latency, throughput and recovery" }
                @for plot in &plots { (figure(plot)) }
            }
        }
    }
}

/// A plot of this crate, which escapes its own texts.
fn figure(plot: &Plot) -> Markup {
    html! {
        figure {
            figcaption { (plot.caption) }
            div.wide { (PreEscaped(&plot.svg)) }
        }
    }
}
