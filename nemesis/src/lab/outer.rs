//! The process that stays outside: the one the user sees, signals and waits for.

use super::cordon::At;
use super::{LabError, LabStep, status};
use crate::kernel;
use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::sys::prctl;
use nix::sys::signal::{SigSet, Signal, kill};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::{Pid, pipe2, setpgid};
use std::os::fd::OwnedFd;
use std::time::Duration;

/// The signals that are passed on to the inside, unless they are ignored.
const FORWARDED: [Signal; 4] = [
    Signal::SIGINT,
    Signal::SIGTERM,
    Signal::SIGHUP,
    Signal::SIGQUIT,
];

/// A sender such as `timeout` signals the process and then its whole group; what arrives again within this time is the
/// same wish.
const ECHO: Duration = Duration::from_millis(50);

/// A pipe nobody writes to. The outer process alone holds the writing end, so the reading end hangs up when it dies.
pub(super) struct Leash {
    read: OwnedFd,
    write: OwnedFd,
}

impl Leash {
    pub(super) fn new() -> Result<Leash, LabError> {
        let (read, write) = pipe2(OFlag::O_CLOEXEC).at(LabStep::Fork)?;
        Ok(Leash { read, write })
    }

    /// In the child: lets go of the writing end, asks to be killed with the outer process, and leaves its process
    /// group, so that a Ctrl-C on the terminal reaches the inside only when it is forwarded.
    pub(super) fn inner_end(self) -> Result<OwnedFd, LabError> {
        drop(self.write);
        prctl::set_pdeathsig(Signal::SIGKILL).at(LabStep::Fork)?;
        setpgid(Pid::from_raw(0), Pid::from_raw(0)).at(LabStep::Fork)?;
        kernel::ignore_terminal_output_stops().at(LabStep::Fork)?;
        Ok(self.read)
    }
}

/// The signals an outer process or an init takes one by one, instead of being interrupted or killed by them.
pub(super) struct Signals {
    taken: SigSet,
    before: SigSet,
    pub(super) fd: SignalFd,
}

impl Signals {
    pub(super) fn block() -> Result<Signals, LabError> {
        kernel::notice_children().at(LabStep::Fork)?;
        // What was ignored from the start, as under `nohup`, stays so.
        let ignored = status::ignored_signals()?;
        let mut taken = SigSet::empty();
        taken.add(Signal::SIGCHLD);
        for signal in FORWARDED {
            if ignored >> (signal as u32 - 1) & 1 == 0 {
                taken.add(signal);
            }
        }
        let before = SigSet::thread_get_mask().at(LabStep::Fork)?;
        taken.thread_block().at(LabStep::Fork)?;
        let flags = SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK;
        let fd = SignalFd::with_flags(&taken, flags).at(LabStep::Fork)?;
        Ok(Signals { taken, before, fd })
    }

    /// In the harness: signals come as they did before.
    pub(super) fn unblock(self) -> Result<(), LabError> {
        self.before.thread_set_mask().at(LabStep::Fork)
    }

    /// The next pending signal, without waiting.
    pub(super) fn next(&self) -> Option<Signal> {
        let info = self.fd.read_signal().ok().flatten()?;
        Signal::try_from(info.ssi_signo as i32).ok()
    }

    /// The next signal.
    fn wait(&self) -> Signal {
        loop {
            if let Ok(signal) = self.taken.wait() {
                return signal;
            }
        }
    }
}

/// Forwards signals and waits for the lab's init; then exits with its status.
pub(super) fn stay_outside(init: Pid, leash: Leash, signals: &Signals) -> ! {
    drop(leash.read);
    loop {
        let signal = signals.wait();
        if signal == Signal::SIGCHLD {
            if let Some(code) = exit_code_of(init) {
                std::process::exit(code);
            }
        } else {
            // The init may be gone already; then its SIGCHLD is next.
            let _ = kill(init, signal);
            swallow_echo(signal);
        }
    }
}

fn swallow_echo(signal: Signal) {
    std::thread::sleep(ECHO);
    let mut again = SigSet::empty();
    again.add(signal);
    if let Ok(fd) = SignalFd::with_flags(&again, SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK) {
        let _ = fd.read_signal();
    }
}

/// The exit code of a child that has ended: its own, or 128 and the number of the signal that killed it.
pub(super) fn exit_code_of(child: Pid) -> Option<i32> {
    match waitpid(child, Some(WaitPidFlag::WNOHANG)) {
        Ok(status) => exit_code(&status),
        Err(Errno::EINTR) => None,
        Err(_) => Some(255),
    }
}

/// The exit code of a wait status that reports an end.
pub(super) fn exit_code(status: &WaitStatus) -> Option<i32> {
    match *status {
        WaitStatus::Exited(_, code) => Some(code),
        WaitStatus::Signaled(_, signal, _) => Some(128 + signal as i32),
        WaitStatus::Stopped(..)
        | WaitStatus::PtraceEvent(..)
        | WaitStatus::PtraceSyscall(_)
        | WaitStatus::Continued(_)
        | WaitStatus::StillAlive => None,
    }
}
