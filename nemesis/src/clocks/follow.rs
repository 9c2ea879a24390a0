//! Scripts: every `exec` of a process and of what it starts is given the clock again.
//!
//! The tracer is a thread of its own. It ends when the process it began with does, or when nobody is left to follow; what
//! is still traced then goes on untraced, with the clock it has.

use super::ClockError;
use super::patch::{put_on, refused, step};
use crate::kernel::ptrace::{Happened, Release, next_of_any, reap, release, take_note};
use nix::libc;
use nix::sys::ptrace::{self, Options};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::path::PathBuf;
use std::sync::mpsc;
use std::thread;

/// Follows a process that has been told to stop, and lets it continue.
pub(super) fn follow(leader: Pid, page: PathBuf) -> Result<(), ClockError> {
    let (tell, told) = mpsc::sync_channel(1);
    let work = move || {
        let seized = seize(leader);
        let ready = seized.is_ok();
        // The other end waits for this.
        let _ = tell.send(seized);
        if ready {
            follow_on(leader, &page);
        }
    };
    let refuse = refused(leader, "start a thread that follows it");
    let spawned = thread::Builder::new()
        .name("clock-follower".into())
        .spawn(work);
    spawned.map_err(|_| refuse(nix::errno::Errno::EAGAIN))?;
    told.recv().expect("the thread tells before it ends")
}

fn seize(leader: Pid) -> Result<(), ClockError> {
    let events = Options::PTRACE_O_TRACEEXEC
        | Options::PTRACE_O_TRACEFORK
        | Options::PTRACE_O_TRACEVFORK
        | Options::PTRACE_O_TRACECLONE;
    ptrace::seize(leader, events).map_err(refused(leader, "follow it"))?;
    kill(leader, Signal::SIGCONT).map_err(refused(leader, "let it continue"))
}

fn follow_on(leader: Pid, page: &std::path::Path) {
    while let Ok(happened) = next_of_any() {
        match happened {
            Happened::Ended { pid } if pid == leader => return,
            Happened::Ended { pid } => drop(reap(pid)),
            Happened::Stopped { pid, signal, event } => {
                let (how, signal) = match event {
                    libc::PTRACE_EVENT_EXEC => {
                        let _ = take_note(pid);
                        (Release::Run, at_exec(pid, page))
                    }
                    libc::PTRACE_EVENT_STOP if stops_jobs(signal) => (Release::StayStopped, 0),
                    0 => (Release::Run, signal),
                    _ => (Release::Run, 0),
                };
                let _ = take_note(pid);
                // A process that was killed meanwhile is told as ended next.
                let _ = release(pid, how, signal);
            }
        }
    }
}

/// Gives a process its clock again; one that cannot have it goes on with the true time, which its memory map tells. The
/// answer is the signal with which it goes on.
fn at_exec(pid: Pid, page: &std::path::Path) -> i32 {
    let mut withheld = Vec::new();
    // It stands within the system call, whose answer would overwrite a register.
    let dressed = step(pid, &mut withheld).and_then(|()| put_on(pid, page));
    withheld.extend(dressed.unwrap_or_default());
    deliver(pid, &withheld)
}

/// Sends all signals but the first, which is the answer (zero is none).
pub(super) fn deliver(pid: Pid, withheld: &[i32]) -> i32 {
    let mut signals = still_wanted(withheld, told_to_continue(pid)).into_iter();
    let first = signals.next().unwrap_or(0);
    for signal in signals.filter_map(|number| Signal::try_from(number).ok()) {
        // It may have been killed meanwhile.
        let _ = kill(pid, signal);
    }
    first
}

/// The kernel forgets a stop that was not acted on when the process is told to continue; it cannot know of one that was withheld.
fn still_wanted(withheld: &[i32], told_to_continue: bool) -> Vec<i32> {
    let last = withheld.iter().rposition(|signal| *signal == libc::SIGCONT);
    let stale = match told_to_continue {
        true => withheld.len(),
        false => last.unwrap_or(0),
    };
    let is_wanted = |(at, signal): &(usize, &i32)| *at >= stale || !stops_jobs(**signal);
    let wanted = withheld.iter().enumerate().filter(is_wanted);
    wanted.map(|(_, signal)| *signal).collect()
}

/// Whether SIGCONT waits to be delivered.
fn told_to_continue(pid: Pid) -> bool {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let waiting = |line: &str| {
        let mask = line
            .strip_prefix("SigPnd:")
            .or(line.strip_prefix("ShdPnd:"))?;
        u64::from_str_radix(mask.trim(), 16).ok()
    };
    let mask = status
        .lines()
        .filter_map(waiting)
        .fold(0, |all, mask| all | mask);
    mask >> (libc::SIGCONT - 1) & 1 == 1
}

fn stops_jobs(signal: i32) -> bool {
    [libc::SIGSTOP, libc::SIGTSTP, libc::SIGTTIN, libc::SIGTTOU].contains(&signal)
}

#[cfg(test)]
mod tests {
    use super::*;
    use nix::libc::{SIGCONT, SIGSTOP, SIGURG};

    #[test]
    fn a_stop_counts_unless_it_was_taken_back() {
        let rows: [(&[i32], bool, &[i32]); 6] = [
            (&[], true, &[]),
            (&[SIGURG, SIGSTOP], false, &[SIGURG, SIGSTOP]),
            (&[SIGURG, SIGSTOP], true, &[SIGURG]),
            (&[SIGSTOP, SIGCONT], false, &[SIGCONT]),
            (&[SIGSTOP, SIGCONT, SIGSTOP], false, &[SIGCONT, SIGSTOP]),
            (&[SIGSTOP, SIGCONT, SIGSTOP], true, &[SIGCONT]),
        ];
        for (withheld, told_to_continue, wanted) in rows {
            assert_eq!(still_wanted(withheld, told_to_continue), wanted);
        }
    }
}
