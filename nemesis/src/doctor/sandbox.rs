//! A forked child in which something is tried, and which tells what came of it through a pipe.

use super::Refusal;
use crate::kernel::{self, Forked, exit_now};
use crate::lab;
use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::sys::wait::waitpid;
use nix::unistd::{alarm, pipe2};
use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Longest a probe may take.
const LIMIT_S: u32 = 20;

/// Where something is tried.
#[derive(Clone, Copy, Debug)]
pub(super) enum Surroundings {
    /// In a plain child.
    Bare,
    /// In a child that has entered a lab.
    Lab,
}

pub(super) type Attempt = fn() -> Result<String, Refusal>;

/// Makes the attempt in a child. Whatever happens to the child, there is an outcome.
pub(super) fn attempt(surroundings: Surroundings, attempt: Attempt) -> Result<String, Refusal> {
    run(surroundings, attempt).unwrap_or_else(|errno| {
        Err(Refusal {
            why: format!("cannot start a process to try it in: {errno}"),
            remedy: "raise the limits on processes and open files (ulimit -u, ulimit -n)".into(),
        })
    })
}

fn run(surroundings: Surroundings, attempt: Attempt) -> Result<Result<String, Refusal>, Errno> {
    let (read, write) = pipe2(OFlag::O_CLOEXEC)?;
    match kernel::fork()? {
        Forked::Child => be_the_child(surroundings, attempt, &write),
        Forked::Parent(child) => {
            drop(write);
            let mut told = Vec::new();
            let complete = File::from(read).read_to_end(&mut told).is_ok();
            waitpid(child, None)?;
            let outcome = serde_json::from_slice(&told).ok().filter(|_| complete);
            Ok(outcome.unwrap_or_else(|| {
                Err(Refusal {
                    why: format!("the attempt died, or took longer than {LIMIT_S} s"),
                    remedy: "look into the kernel log (dmesg)".into(),
                })
            }))
        }
    }
}

fn be_the_child(surroundings: Surroundings, attempt: Attempt, write: &OwnedFd) -> ! {
    alarm::set(LIMIT_S);
    let outcome = match surroundings {
        Surroundings::Bare => guarded(attempt),
        // In a lab the child of this child reports, and only a failure to get that far is reported here.
        Surroundings::Lab => match in_a_lab(attempt, write) {
            Ok(()) => exit_now(0),
            Err(refusal) => Err(refusal),
        },
    };
    tell(write, &outcome);
    exit_now(0)
}

fn in_a_lab(attempt: Attempt, write: &OwnedFd) -> Result<(), Refusal> {
    match lab::unshare_for_children()? {
        Forked::Parent(init) => {
            // The death of the init, by alarm or panic, shows as silence on the pipe.
            let _ = waitpid(init, None);
            Ok(())
        }
        Forked::Child => {
            alarm::set(LIMIT_S);
            let outcome = guarded(|| {
                lab::furnish()?;
                attempt()
            });
            tell(write, &outcome);
            exit_now(0)
        }
    }
}

/// A panic must not unwind into the copy of the parent's stack.
fn guarded(attempt: impl FnOnce() -> Result<String, Refusal>) -> Result<String, Refusal> {
    catch_unwind(AssertUnwindSafe(attempt)).unwrap_or_else(|_| {
        Err(Refusal {
            why: "the attempt panicked".into(),
            remedy: "report this with the message above".into(),
        })
    })
}

fn tell(pipe: &OwnedFd, outcome: &Result<String, Refusal>) {
    let text = serde_json::to_vec(outcome).expect("texts become JSON");
    if let Ok(pipe) = pipe.try_clone() {
        // A reader that is gone needs no answer.
        let _ = File::from(pipe).write_all(&text);
    }
}
