//! The lab: namespaces of our own around the whole experiment.
//!
//! [`enter`] moves the program into fresh user (unless it is privileged already), mount, network and PID namespaces.
//! Three processes come out of it:
//!
//! ```text
//! outer     the process the user started: forwards signals, waits, exits with the lab's status
//!  └ PID 1  the lab's init: reaps, forwards signals, exits when the harness does
//!     └ PID 2  the harness: where `enter` returns
//! ```
//!
//! Whichever of the three is killed, even by `kill -9`, the kernel then kills every process of the PID namespace and
//! with the last of them removes the networks, links, rules and mounts. Nothing has to be cleaned up, and nothing stale
//! can be met by the next run.

mod cordon;
mod error;
mod init;
mod outer;
mod status;

pub(crate) use cordon::furnish;
pub use error::{LabError, LabStep};

use crate::kernel::{self, Forked};
use std::io::Write;
use std::sync::atomic::{AtomicBool, Ordering};

/// Whether this process is the inside of a lab.
static INSIDE: AtomicBool = AtomicBool::new(false);

/// Proof that the process is inside a lab.
#[derive(Debug)]
#[non_exhaustive]
pub struct Lab {
    /// True when the lab has a user namespace of its own, because the program was started without privileges.
    pub user_namespace: bool,
}

/// Enters the lab: returns in a new process that is PID 2 of a PID namespace, with a private mount tree, its own
/// `/proc`, an empty `/run` and a network namespace in which only loopback exists. It sees itself as root.
///
/// Call it first in `main`. The calling process never returns from a successful call: it stays outside, passes
/// SIGINT, SIGTERM, SIGHUP and SIGQUIT on, each of them once, and exits with the status of the inside, or with 128 and
/// the number of the signal that killed it. The inside is a process group of its own, so that Ctrl-C reaches it only
/// through the outside; Ctrl-Z stops the outside only, and the experiment goes on.
///
/// # Errors
/// [`LabError`] when the process has more than one thread, or the host refuses a step; it says which, why, and what
/// to do about it.
pub fn enter() -> Result<Lab, LabError> {
    require_one_thread()?;
    flush_output();
    let lab = cordon::unshare_all()?;
    let leash = outer::Leash::new()?;
    let signals = outer::Signals::block()?;
    match kernel::fork().map_err(|errno| LabError::at(LabStep::Fork, errno))? {
        Forked::Parent(init) => outer::stay_outside(init, leash, &signals),
        Forked::Child => {
            let leash = leash.inner_end()?;
            match kernel::fork().map_err(|errno| LabError::at(LabStep::Fork, errno))? {
                Forked::Parent(harness) => init::reap_and_forward(harness, &leash, &signals),
                Forked::Child => signals.unblock()?,
            }
        }
    }
    cordon::furnish()?;
    INSIDE.store(true, Ordering::Relaxed);
    Ok(lab)
}

/// The first half of a lab for a probe: the child it forks is PID 1 of the new namespaces and has yet to [`furnish`]
/// them. Nobody waits, forwards or reaps.
pub(crate) fn unshare_for_children() -> Result<Forked, LabError> {
    cordon::unshare_all()?;
    kernel::fork().map_err(|errno| LabError::at(LabStep::Fork, errno))
}

/// The namespaces of somebody without privileges, for a probe that is over then.
pub(crate) fn unshare_for_nobody() -> Result<(), LabError> {
    cordon::unshare_user()?;
    cordon::unshare_rest()
}

/// True once [`enter`] has returned in this process.
pub fn inside() -> bool {
    INSIDE.load(Ordering::Relaxed)
}

fn require_one_thread() -> Result<(), LabError> {
    match status::threads()? {
        1 => Ok(()),
        count => Err(LabError::Threads { count }),
    }
}

/// What is still buffered would otherwise be written by both sides of the fork.
fn flush_output() {
    // A closed stdout or stderr is not a reason to refuse the lab.
    let _ = std::io::stdout().flush();
    let _ = std::io::stderr().flush();
}
