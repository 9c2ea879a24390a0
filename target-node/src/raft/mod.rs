//! Raft as a pure state machine: `step(now, input)` in, effects out.
//!
//! Nothing in here knows sockets, disks, threads or clocks. Time is a `Duration` since some
//! origin that the caller owns; randomness is one seeded stream. The same core runs in the
//! process and in the simulation.
//!
//! Follows Ongaro and Ousterhout, "In Search of an Understandable Consensus Algorithm" (2014),
//! and Ongaro's thesis (2014) for pre-vote (§9.6), leader stickiness (§4.2.3), step-down without a quorum
//! (§6.2), reads without log entries (§6.4) and writing to disk in parallel with sending (§10.2.1).
//!
//! | file | rule |
//! |---|---|
//! | `node` | the state, the roles and the one entry point |
//! | `election` | pre-vote, votes, becoming and ceasing to be a leader |
//! | `leader`, `progress` | replication to followers, the commit rule |
//! | `follower` | what an append request does to the log |
//! | `read` | rounds of heartbeats that confirm reads |
//! | `log`, `entry` | the log in memory and what of it is on disk |
//! | `membership`, `quorum` | who belongs to the cluster, and how many of them decide |
//! | `effects`, `message` | what leaves the core |
//! | `durability` | which messages wait for which writes |

mod durability;
mod effects;
mod election;
mod entry;
mod follower;
mod leader;
mod log;
mod membership;
mod message;
mod node;
mod progress;
mod quorum;
mod read;
#[cfg(test)]
mod tests;

pub(crate) use durability::{Batch, Gate};
pub(crate) use effects::{Committed, Effects, Envelope, ReadGrant, Refusal, Token, Write};
pub(crate) use entry::{Body, Entry, HardState, LogIndex, NodeId, Payload, Position, Term};
pub(crate) use membership::{Addresses, Membership};
pub(crate) use message::Message;
#[cfg(test)]
pub(crate) use message::sample_append;
pub(crate) use node::{Config, Input, Raft, Restored, Role};
