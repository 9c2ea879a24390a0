//! Real processes on loopback, through the HTTP door alone.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod cluster;
mod doors;
mod failover;
mod levels;
mod openapi;
mod sessions;
mod state;
