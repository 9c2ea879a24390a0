//! Plots of a run as SVG: how long operations took, how many there were, how soon the system recovered, how wrong its clocks were.
//!
//! Each carries the faults as bands. Colours follow a dark or light reader by a style sheet inside each drawing; on a page the background is
//! that of the page, and as a file of its own a plot brings one.

mod canvas;
mod clocks;
mod latency;
mod quantiles;
mod rate;
mod recovery;
mod thin;
mod trend;

pub use clocks::clocks;
pub use latency::latency;
pub use quantiles::quantiles;
pub use rate::rate;
pub use recovery::recovery;
pub(crate) use trend::{Group, Kind, detection, verdicts};

use crate::data::ReportData;

/// A drawing with what a reader has to know about it.
#[derive(Clone, Debug)]
pub struct Plot {
    /// Its name as a file, without the ending.
    pub name: &'static str,
    /// What it shows, in a sentence.
    pub caption: &'static str,
    /// The drawing.
    pub svg: String,
}

/// Every plot that there is something to draw for.
#[must_use]
pub fn all(data: &ReportData<'_>) -> Vec<Plot> {
    let mut operations = data.history.operations.iter();
    if !operations.any(|operation| operation.return_time.is_some()) {
        return Vec::new();
    }
    let drawn = [
        ("quantiles", QUANTILES, Some(quantiles(data))),
        ("latency", LATENCY, Some(latency(data))),
        ("rate", RATE, Some(rate(data))),
        ("recovery", RECOVERY, recovery(data)),
        ("clocks", CLOCKS, clocks(data)),
    ];
    let plot = |(name, caption, svg): (_, _, Option<String>)| {
        Some(Plot {
            name,
            caption,
            svg: svg?,
        })
    };
    drawn.into_iter().filter_map(plot).collect()
}

const QUANTILES: &str =
    "Median, 95th and 99th percentile of latency by kind of operation and outcome (logarithmic).";
const LATENCY: &str = "Latency of each operation, from the moment it was due (logarithmic).";
const RATE: &str = "Operations completed per second, by outcome.";
const RECOVERY: &str = "From the heal of each fault to the first answer of each kind, and until the nodes it had hit served again (logarithmic).";
const CLOCKS: &str = "How far the clock of a node was off from true time while a fault had hold of it; each step is ten times the one before.";

impl Plot {
    /// The drawing as a file that stands alone, with a background of its own.
    #[must_use]
    pub fn file(&self) -> String {
        let background = "<style>.paper{fill:#fff}@media(prefers-color-scheme:dark){.paper{fill:#14161a}}</style>\
                          <rect class=\"paper\" width=\"100%\" height=\"100%\"/>";
        self.svg.replacen('>', &format!(">{background}"), 1)
    }
}
