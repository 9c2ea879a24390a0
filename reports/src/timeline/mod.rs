//! The run against real time: what happened around a contradiction, and the whole run at a glance.
//!
//! Drawn as SVG whose colours come from the page's style sheet, so that it follows a dark or light reader.

mod contradiction;
mod overview;
mod scale;
mod scene;
mod tracks;

pub(crate) use contradiction::contradiction;
pub(crate) use overview::overview;
pub(crate) use scene::{Scene, label};
