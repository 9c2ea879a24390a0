//! The checker against histories with known answers, an oracle, and malformed input.

#![forbid(unsafe_code)]

#[path = "../../examples/explode/bursts.rs"]
mod bursts;
mod certificates;
mod corpus;
mod counterexamples;
mod draw;
mod explanations;
mod fast;
mod foreign;
mod formats;
mod fuzz;
mod interchange;
mod large;
mod limits;
mod notation;
mod online;
mod oracle;
mod random;
mod simulate;
mod threads;
mod weakening;
mod weaker;
mod witness;
