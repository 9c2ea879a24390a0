//! What is planned, before anything happens: drawn schedules, those that people shape, and files of steps.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod chosen;
mod looks;
mod plan;
mod shaped;
mod steps;
