//! Whole runs from outside, as a user starts them: real processes, real faults, one verdict.
//!
//! Each test that needs something of the host tries it first, or asks `adrasteia doctor`, and says aloud what it skipped.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod bench;
mod campaign;
mod ends;
mod findings;
mod leftovers;
mod matrix;
mod nodes;
mod program;
mod replay;
mod steps;
mod world;
