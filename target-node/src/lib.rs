//! The patient: a replicated key-value store whose bugs can be switched on.
#![forbid(unsafe_code)]

mod args;
mod bug;
mod config;
mod kv;
mod log;
mod raft;
mod server;
#[cfg(test)]
mod sim;
mod transport;

pub use args::{BadMember, BadTimeoutRange, Member, NodeArgs, TimeoutRange};
pub use bug::{Bug, BugSet, UnknownBug};
pub use config::ConfigError;
pub use server::run;
