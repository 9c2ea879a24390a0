//! Clocks that lie to one node: its wall clock jumps, drifts or flips to and fro, or its monotonic clock runs fast or
//! slow. The host's clock is never touched.
//!
//! Programs ask for the time through the vDSO, a page of code that the kernel maps into every process. There are two ways to come
//! between ([`ClockWay`]); in either a node shares a page of numbers with the harness, and a change of its clock is a change of those.
//!
//! * **The vDSO.** A node is stopped at its `exec`, before its first instruction; there a page of our own code and the numbers are
//!   mapped into it, and the entries of the vDSO are made to jump there. Then it is let go, and nobody traces it. That works for any
//!   program that asks the vDSO, linked statically or not, in any language, and for all that it forks; on x86-64, where ptrace is
//!   allowed. Costs: 0.1 µs more for each look at a clock.
//! * **A library** that `LD_PRELOAD` names, in the place of the C library's functions. It needs no right at all and follows every
//!   `exec`, and costs as much. A program that is linked statically cannot be given it, and is refused; one that loads it
//!   and asks the vDSO itself (Go with cgo) never looks at its clock, as its [`Witness`] tells.
//!
//! # Limits
//! * `exec` gives a process a vDSO of its own again. Where the program is a script its processes stay traced, and each
//!   `exec` is patched; where a binary executes another one, the new one has the true time, and
//!   [`NodeProcess::clock_reach`](crate::process::NodeProcess::clock_reach) says so. The library has no such limit, but that of a
//!   program that clears its environment, or has the rights of another user.
//! * The kernel waits by its own clock. A wait for an absolute time of the wall clock (`pthread_cond_timedwait`,
//!   `clock_nanosleep` with `TIMER_ABSTIME`) lasts longer by the offset when the clock is ahead, and ends at once when it is
//!   behind. Waits for a length of time are not concerned.
//! * So it is for the monotonic clock, where runtimes wait for absolute times more often (Rust's `Condvar::wait_timeout`):
//!   therefore no fault touches it unless it was asked for.
//! * A program that executes `rdtsc`, or makes the raw system call, sees the true time; so does a 32-bit program, which
//!   is refused.

mod change;
mod error;
#[cfg(target_arch = "x86_64")]
mod follow;
pub(crate) mod layout;
mod node;
pub(crate) mod page;
#[cfg(target_arch = "x86_64")]
mod patch;
mod preload;
mod setting;
#[cfg(target_arch = "x86_64")]
mod vdso;
mod way;

pub use change::ClockChange;
pub use error::ClockError;
pub use node::NodeClock;
pub use page::Witness;
pub use setting::{Setting, Slope, Strobe};
pub use way::{ChosenWay, ClockChoice, ClockWay};
