//! `adrasteia serve`, asked over HTTP as a browser does, and as nobody should.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod refusals;
mod runs;
mod server;
mod under_way;
