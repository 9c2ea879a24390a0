//! Plots of a run as SVG that also stands alone as a file: latency of every operation, and operations per second.
//!
//! Both carry the faults as bands. Colours follow a dark or light reader by a style sheet inside each drawing.

mod canvas;
mod latency;
mod rate;
mod thin;

pub use latency::latency;
pub use rate::rate;
