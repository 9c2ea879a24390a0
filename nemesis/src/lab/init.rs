//! PID 1 of the lab: reaps whatever dies in it, passes signals on to the harness, and ends with it.

use super::outer::{Signals, exit_code};
use crate::kernel::exit_now;
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitPidFlag, waitpid};
use nix::unistd::Pid;
use std::os::fd::{AsFd, OwnedFd};

/// Exit code when the outer process is gone; nobody is left to read it.
const ORPHANED: i32 = 255;

/// Never returns: its exit takes the whole PID namespace with it.
pub(super) fn reap_and_forward(harness: Pid, leash: &OwnedFd, signals: &Signals) -> ! {
    loop {
        let mut waiting = [
            PollFd::new(signals.fd.as_fd(), PollFlags::POLLIN),
            PollFd::new(leash.as_fd(), PollFlags::POLLIN),
        ];
        if poll(&mut waiting, PollTimeout::NONE).is_err() {
            continue;
        }
        if waiting[1].any() == Some(true) {
            exit_now(ORPHANED);
        }
        while let Some(signal) = signals.next() {
            if signal == Signal::SIGCHLD {
                reap(harness);
            } else {
                // The harness may be gone already; then its SIGCHLD is next.
                let _ = kill(harness, signal);
            }
        }
    }
}

fn reap(harness: Pid) {
    loop {
        match waitpid(None, Some(WaitPidFlag::WNOHANG)) {
            Ok(status) => match (status.pid(), exit_code(&status)) {
                (None, _) => return,
                (Some(pid), Some(code)) if pid == harness => exit_now(code),
                (Some(_), _) => {}
            },
            Err(Errno::EINTR) => {}
            Err(_) => return,
        }
    }
}
