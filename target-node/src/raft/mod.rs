//! Raft as a pure state machine: `step(now, input)` in, effects out.
//!
//! Nothing in here knows sockets, disks, threads or clocks. Time is a `Duration` since some
//! origin that the caller owns; randomness is one seeded stream. The same core runs in the
//! process and in the simulation.
//!
//! Follows Ongaro and Ousterhout, "In Search of an Understandable Consensus Algorithm" (2014),
//! and Ongaro's thesis (2014) for pre-vote (§9.6), leader stickiness (§4.2.3), step-down without a quorum
//! (§6.2), reads without log entries (§6.4), writing to disk in parallel with sending (§10.2.1), changes
//! of the members (chapter 4), transfers of leadership (§3.10) and snapshots (chapter 5).
//!
//! | file | rule |
//! |---|---|
//! | `node` | the state, the roles and the one entry point |
//! | `election` | pre-vote, votes, becoming and ceasing to be a leader |
//! | `leader`, `progress` | replication to followers, the commit rule |
//! | `follower` | what an append request does to the log |
//! | `read` | rounds of heartbeats that confirm reads, leases, reads at followers |
//! | `change` | who joins and who leaves: catching up, one server at a time, joint consensus |
//! | `strangers` | nodes that lost their disk and kept their name |
//! | `transfer` | handing leadership over |
//! | `snapshot` | a log that begins later; snapshots for followers that lack what is gone |
//! | `log`, `entry` | the log in memory and what of it is on disk |
//! | `membership`, `quorum` | who belongs to the cluster, and how many of them decide |
//! | `effects`, `message` | what leaves the core |
//! | `durability` | which messages wait for which writes |

mod change;
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
mod snapshot;
mod strangers;
#[cfg(test)]
mod tests;
mod transfer;

pub(crate) use change::Change;
pub(crate) use durability::{Batch, Gate};
pub(crate) use effects::{
    Committed, CommittedConflict, Effects, Envelope, PartReceived, PartWanted, ReadGrant, Refusal,
    Token, Write,
};
pub(crate) use entry::{
    Body, Entry, HardState, LogIndex, NodeId, Payload, Position, StoreId, Term,
};
pub(crate) use membership::{Addresses, Membership};
pub(crate) use message::Message;
#[cfg(test)]
pub(crate) use message::{AppendOutcome, Ballot, Wanted, sample_append};
pub(crate) use node::{Config, Input, Raft, Restored, Role};
#[cfg(test)]
pub(crate) use quorum::Quorum;
pub(crate) use read::ReadLevel;
pub(crate) use snapshot::SnapshotMeta;
