//! One node without sockets, threads and files: Raft, what waits for the disk, the state machine, and the clients who
//! wait for what it will say.
//!
//! [`Replica::handle`] takes an event and says what is to be done. The process carries that out with sockets, a
//! disk and threads; the simulation with virtual ones. Nothing about the order of things is left to either,
//! so what the simulation finds out holds for the process.
//!
//! | file | idea |
//! |---|---|
//! | `node` | events in, outputs out |
//! | `desk` | the state machine and the clients who wait for it |
//! | `answer` | how an operation ends |
//! | `snapshots` | when a snapshot is due |
//! | `keeper` | what is done with snapshot files, on any disk |

mod answer;
mod desk;
mod keeper;
mod node;
mod snapshots;
#[cfg(test)]
mod tests;

pub(crate) use answer::{Answer, Gift, Outcome, Reason};
pub(crate) use desk::{Operation, Request};
pub(crate) use keeper::{Keeper, KeeperError, Kept, Task};
pub(crate) use node::{Event, Output, Replica, Standing, Watch};
pub(crate) use snapshots::SnapshotRule;
