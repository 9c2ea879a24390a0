//! What can go wrong on one Linux machine, when, with what evidence, and how it is undone.
//!
//! The pure half says what goes wrong: [`partition`] holds partitions as data and [`schedule`] draws, from a seed, when
//! each fault begins and ends. The kernel half makes it happen: [`lab`] isolates the whole experiment in namespaces
//! that vanish with it, [`net`] joins the nodes by a network whose links can be cut, [`process`] starts, kills and stops
//! them, [`clocks`] lie to them about the time, [`disk`] is a disk that can fail, and [`doctor`] says which of this the
//! host permits.
//!
//! Nothing here knows what system is under test.

mod clock;
pub mod clocks;
pub mod disk;
pub mod doctor;
mod kernel;
pub mod lab;
pub mod net;
mod node_name;
pub mod partition;
pub mod process;
pub mod schedule;

pub use node_name::{NodeName, NodeNameError};
