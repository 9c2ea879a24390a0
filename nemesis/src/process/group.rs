//! Who is in a process group, and in what state, as `/proc` tells it.

use nix::libc::{SYS_clone, SYS_clone3, c_long};
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// A process of a group.
#[derive(Debug)]
pub(super) struct Member {
    pub(super) pid: u32,
    /// The state of each of its threads.
    pub(super) threads: Vec<State>,
}

/// The state of a thread, as far as pausing needs it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// Stopped by a signal (`T`) or by its tracer (`t`).
    Stopped,
    /// In the kernel until the child that it made with `vfork` executes a program. It cannot be stopped then, and runs no
    /// more than that child does.
    InVfork,
    /// Dead, perhaps not reaped.
    Dead,
    /// Anything else.
    Alive,
}

impl Member {
    /// True when none of its threads can run.
    pub(super) fn is_stopped(&self) -> bool {
        !self.threads.contains(&State::Alive)
    }

    /// True when it goes on only when it is told to.
    pub(super) fn waits_for_sigcont(&self) -> bool {
        self.is_stopped() && self.threads.contains(&State::Stopped)
    }
}

/// The living processes whose group is `group`.
pub(super) fn members(group: u32) -> Vec<Member> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    pids.filter_map(|pid| member(pid, group)).collect()
}

/// The process, when it is in the group and alive.
fn member(pid: u32, group: u32) -> Option<Member> {
    let folder = Path::new("/proc").join(pid.to_string());
    let (state, its_group) = state_and_group(&folder)?;
    if its_group != group || state == State::Dead {
        return None;
    }
    let tasks = fs::read_dir(folder.join("task")).ok()?.flatten();
    let states = tasks.filter_map(|task| state_and_group(&task.path()));
    let threads = states.map(|(state, _)| state).collect();
    Some(Member { pid, threads })
}

/// Whether a process has this file in its memory.
pub(super) fn has_mapped(pid: u32, file: &Path) -> bool {
    let maps = fs::read(format!("/proc/{pid}/maps")).unwrap_or_default();
    let name = file.as_os_str().as_bytes();
    maps.split(|byte| *byte == b'\n')
        .any(|line| line.ends_with(name))
}

fn state_and_group(folder: &Path) -> Option<(State, u32)> {
    let (state, group) = parse_stat(&fs::read_to_string(folder.join("stat")).ok()?)?;
    match state {
        State::Alive if is_in_vfork(folder) => Some((State::InVfork, group)),
        State::Alive | State::Stopped | State::InVfork | State::Dead => Some((state, group)),
    }
}

/// Whether a thread sleeps in a call that makes a process: it does so only for the sake of `vfork`.
fn is_in_vfork(folder: &Path) -> bool {
    const MAKES: &[c_long] = &[
        SYS_clone,
        SYS_clone3,
        #[cfg(target_arch = "x86_64")]
        nix::libc::SYS_vfork,
    ];
    // Of one that runs it says only that.
    let call = fs::read_to_string(folder.join("syscall")).unwrap_or_default();
    let number = call.split_whitespace().next().unwrap_or_default();
    number.parse().is_ok_and(|number| MAKES.contains(&number))
}

/// State and group from a line of `/proc/PID/stat`. The name of the program, in parentheses, may hold anything.
fn parse_stat(line: &str) -> Option<(State, u32)> {
    let (_, fields) = line.rsplit_once(')')?;
    let mut fields = fields.split_whitespace();
    let state = match fields.next()? {
        "T" | "t" => State::Stopped,
        "Z" | "X" | "x" => State::Dead,
        _ => State::Alive,
    };
    let _parent = fields.next()?;
    Some((state, fields.next()?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn state_is_read_behind_any_program_name() {
        let line = "7 (a) R 1 2 (b) T) T 5 42 7 0 -1";
        assert_eq!(parse_stat(line), Some((State::Stopped, 42)));
        assert_eq!(parse_stat("7 (sh) S 5 42 7"), Some((State::Alive, 42)));
        assert_eq!(parse_stat("7 (sh"), None);
    }

    #[test]
    fn a_process_with_a_running_thread_is_not_stopped() {
        let member = |threads| Member { pid: 1, threads };
        assert!(!member(vec![State::Stopped, State::Alive]).is_stopped());
        assert!(member(vec![State::Stopped, State::Dead]).is_stopped());
        assert!(member(vec![State::Stopped, State::InVfork]).waits_for_sigcont());
        assert!(member(vec![State::InVfork]).is_stopped());
        assert!(!member(vec![State::InVfork]).waits_for_sigcont());
    }
}
