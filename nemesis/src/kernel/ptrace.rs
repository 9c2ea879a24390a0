//! Tracing and waiting: what `nix` has no function for, or none that knows every signal.
//!
//! No function but [`reap`] takes note of the end of a process, so that whoever started it still can.

use nix::errno::Errno;
use nix::libc;
use nix::unistd::Pid;
use std::os::unix::process::CommandExt;
use std::process::Command;

/// What happened to a child or tracee.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Happened {
    /// It stands still until it is let go: before a signal is delivered, or at an event (`PTRACE_EVENT_…`, zero is none).
    Stopped { pid: Pid, signal: i32, event: i32 },
    /// It is gone, and has to be reaped.
    Ended { pid: Pid },
}

/// How a tracee that stands still goes on.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Release {
    /// It runs.
    Run,
    /// It runs and is traced no longer.
    Free,
    /// It stays stopped by its job control, until somebody lets it continue.
    StayStopped,
}

/// What a spawn fails with when its child may not be traced. An exec never does, so the two can be told apart.
pub(crate) const NOT_TRACED: Errno = Errno::ENOTNAM;

/// Makes `command` stop at its exec, traced by the thread that spawns it, or not start with [`NOT_TRACED`].
pub(crate) fn stop_at_exec(command: &mut Command) {
    let ask = || nix::sys::ptrace::traceme().map_err(|_| std::io::Error::from(NOT_TRACED));
    // SAFETY: the closure makes one system call, allocates nothing and takes no lock, as is asked between fork and exec.
    unsafe { command.pre_exec(ask) };
}

/// Lets a tracee that stands still go on, with this signal (zero is none).
pub(crate) fn release(pid: Pid, how: Release, signal: i32) -> Result<(), Errno> {
    const PTRACE_LISTEN: libc::c_uint = 0x4208;
    let request = match how {
        Release::Run => libc::PTRACE_CONT,
        Release::Free => libc::PTRACE_DETACH,
        Release::StayStopped => PTRACE_LISTEN,
    };
    let none: *mut libc::c_void = std::ptr::null_mut();
    // SAFETY: these requests take numbers only; one that is no stopped tracee gives ESRCH.
    let result = unsafe { libc::ptrace(request, pid.as_raw(), none, libc::c_long::from(signal)) };
    Errno::result(result).map(drop)
}

/// Waits until a child or tracee stops or ends, and takes note of a stop.
pub(crate) fn wait_for(pid: Pid) -> Result<Happened, Errno> {
    let flags = libc::WEXITED | libc::WSTOPPED | libc::WNOWAIT | libc::__WALL;
    let happened = wait(libc::P_PID, pid, flags)?;
    if let Some(Happened::Stopped { .. }) = happened {
        take_note(pid)?;
    }
    happened.ok_or(Errno::ECHILD)
}

/// Waits until something happens to any tracee of this thread, without taking note of it. ECHILD when none is left.
pub(crate) fn next_of_any() -> Result<Happened, Errno> {
    let flags = libc::WEXITED | libc::WSTOPPED | libc::WNOWAIT | libc::__WALL | libc::__WNOTHREAD;
    wait(libc::P_ALL, Pid::from_raw(0), flags)?.ok_or(Errno::ECHILD)
}

/// Takes note of a stop, so that it is not told again.
pub(crate) fn take_note(pid: Pid) -> Result<(), Errno> {
    let flags = libc::WSTOPPED | libc::WNOHANG | libc::__WALL;
    wait(libc::P_PID, pid, flags).map(drop)
}

/// Takes note of an end. A tracee is left to its parent then.
pub(crate) fn reap(pid: Pid) -> Result<(), Errno> {
    let flags = libc::WEXITED | libc::WNOHANG | libc::__WALL;
    wait(libc::P_PID, pid, flags).map(drop)
}

/// Whether a child has ended. What a tracer in this program sees of it as well is not taken for an end.
pub(crate) fn has_ended(pid: Pid) -> Result<bool, Errno> {
    let flags = libc::WEXITED | libc::WNOWAIT | libc::WNOHANG;
    let happened = wait(libc::P_PID, pid, flags)?;
    Ok(matches!(happened, Some(Happened::Ended { .. })))
}

/// Nothing when nothing has happened and `flags` do not ask to wait.
fn wait(whom: libc::idtype_t, pid: Pid, flags: i32) -> Result<Option<Happened>, Errno> {
    loop {
        // SAFETY: siginfo_t is plain numbers, for which all zeroes is a value.
        let mut info: libc::siginfo_t = unsafe { std::mem::zeroed() };
        let id = pid.as_raw().cast_unsigned();
        // SAFETY: waitid writes the siginfo, which outlives the call.
        let waited = unsafe { libc::waitid(whom, id, &mut info, flags) };
        match Errno::result(waited) {
            Ok(_) => return Ok(happened(&info)),
            Err(Errno::EINTR) => {}
            Err(errno) => return Err(errno),
        }
    }
}

fn happened(info: &libc::siginfo_t) -> Option<Happened> {
    // SAFETY: waitid has filled in the fields of a child's signal, or left them zero.
    let (raw, status) = unsafe { (info.si_pid(), info.si_status()) };
    let pid = Pid::from_raw(raw);
    match (raw, info.si_code) {
        (0, _) => None,
        (_, libc::CLD_TRAPPED | libc::CLD_STOPPED) => Some(Happened::Stopped {
            pid,
            signal: status & 0xff,
            event: status >> 8,
        }),
        (_, _) => Some(Happened::Ended { pid }),
    }
}
