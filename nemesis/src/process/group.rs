//! Who is in a process group, in what state, and what processor time it took, as `/proc` tells it.

use nix::libc::{SYS_clone, SYS_clone3, c_long};
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::time::Duration;

/// A process of a group.
#[derive(Debug)]
pub(super) struct Member {
    pub(super) pid: u32,
    /// The state of each of its threads.
    pub(super) threads: Vec<State>,
    /// The processor time it has used, without that of children that have ended.
    pub(super) cpu: Duration,
}

/// What a line of `/proc/PID/stat` says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stat {
    state: State,
    group: u32,
    cpu: Duration,
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
    let stat = stat(&folder)?;
    if stat.group != group || stat.state == State::Dead {
        return None;
    }
    let tasks = fs::read_dir(folder.join("task")).ok()?.flatten();
    let stats = tasks.filter_map(|task| self::stat(&task.path()));
    Some(Member {
        pid,
        threads: stats.map(|stat| stat.state).collect(),
        cpu: stat.cpu,
    })
}

/// Whether a process has this file in its memory.
pub(super) fn has_mapped(pid: u32, file: &Path) -> bool {
    let maps = fs::read(format!("/proc/{pid}/maps")).unwrap_or_default();
    let name = file.as_os_str().as_bytes();
    maps.split(|byte| *byte == b'\n')
        .any(|line| line.ends_with(name))
}

fn stat(folder: &Path) -> Option<Stat> {
    let stat = parse_stat(&fs::read_to_string(folder.join("stat")).ok()?)?;
    let state = match stat.state {
        State::Alive if is_in_vfork(folder) => State::InVfork,
        state @ (State::Alive | State::Stopped | State::InVfork | State::Dead) => state,
    };
    Some(Stat { state, ..stat })
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

/// Reads a line of `/proc/PID/stat`. The name of the program, in parentheses, may hold anything.
fn parse_stat(line: &str) -> Option<Stat> {
    /// The unit of times there, whatever the kernel's own is (`USER_HZ`).
    const TICK: Duration = Duration::from_millis(10);
    let (_, fields) = line.rsplit_once(')')?;
    let fields: Vec<&str> = fields.split_whitespace().collect();
    let number = |place: usize| fields.get(place)?.parse::<u32>().ok();
    let state = match *fields.first()? {
        "T" | "t" => State::Stopped,
        "Z" | "X" | "x" => State::Dead,
        _ => State::Alive,
    };
    let (of_program, of_kernel) = (number(11)?, number(12)?);
    Some(Stat {
        state,
        group: number(2)?,
        cpu: TICK * of_program.saturating_add(of_kernel),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn state_is_read_behind_any_program_name() {
        let line = "7 (a) R 1 2 (b) T) T 5 42 7 0 -1 0 0 0 0 0 12 3 99 9 20";
        let stat = Stat {
            state: State::Stopped,
            group: 42,
            cpu: Duration::from_millis(150),
        };
        assert_eq!(parse_stat(line), Some(stat));
        assert_eq!(parse_stat("7 (sh) S 5 42 7"), None);
        assert_eq!(parse_stat("7 (sh"), None);
    }

    #[test]
    fn a_process_with_a_running_thread_is_not_stopped() {
        let member = |threads| Member {
            pid: 1,
            threads,
            cpu: Duration::ZERO,
        };
        assert!(!member(vec![State::Stopped, State::Alive]).is_stopped());
        assert!(member(vec![State::Stopped, State::Dead]).is_stopped());
        assert!(member(vec![State::Stopped, State::InVfork]).waits_for_sigcont());
        assert!(member(vec![State::InVfork]).is_stopped());
        assert!(!member(vec![State::InVfork]).waits_for_sigcont());
    }
}
