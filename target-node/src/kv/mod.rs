//! The state machine: what entries of the log do, and nothing else.
//!
//! It is a function of the log: no clock, no randomness, no order that differs between nodes. Time is
//! what leaders wrote into entries ([`time`]); the token of a lock and the name of a session are the index
//! of an entry. An entry that a node does not understand changes nothing on any node.
//!
//! | file | idea |
//! |---|---|
//! | `state` | the state after a prefix of the log, and the one way to change it |
//! | `command` | what clients ask, as entries carry it |
//! | `applied` | what a command did |
//! | `value` | JSON in one spelling |
//! | `values` | keys and what they hold; transactions |
//! | `layers` | a map in layers: what changed lately over what rests elsewhere |
//! | `base` | what values may rest on |
//! | `locks` | locks with fencing tokens |
//! | `sessions` | exactly once: who asked what, and what was answered |
//! | `time` | the cluster's time, carried by the log |
//! | `quirks` | what planted bugs change |
//! | `record` | the pieces of a state |
//! | `image` | the whole state as a stream of bytes, and its hash |

mod applied;
mod base;
mod command;
mod image;
mod layers;
mod locks;
mod quirks;
mod record;
mod sessions;
mod state;
#[cfg(test)]
mod tests;
mod time;
mod value;
mod values;

pub(crate) use applied::{Applied, Rejection};
pub(crate) use base::{Base, BaseError, Changes};
pub(crate) use command::{Command, Condition, Key, MicroOp, Nature, Proposal, Transaction};
pub(crate) use image::ImageError;
pub(crate) use layers::Flushed;
pub(crate) use locks::Fence;
pub(crate) use quirks::Quirks;
pub(crate) use sessions::{ClientId, Sequence, Stamp};
pub(crate) use state::Kv;
pub(crate) use time::ClusterClock;
pub(crate) use value::JsonText;
