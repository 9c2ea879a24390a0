//! The run against real time: what happened around a contradiction, the whole run at a glance, and every operation to look around in.
//!
//! The first two are SVG whose colours come from the page's style sheet, so that they follow a dark or light reader and can be printed; the
//! last is a canvas.

pub(crate) mod context;
mod contradiction;
mod labels;
mod overview;
mod scale;
mod scene;
mod tracks;

pub(crate) use contradiction::contradiction;
pub(crate) use overview::overview;
pub(crate) use scene::{Denied, Scene, label};
