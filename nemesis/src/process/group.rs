//! Who is in a process group, and in what state, as `/proc` tells it.

use std::fs;
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

fn state_and_group(folder: &Path) -> Option<(State, u32)> {
    parse_stat(&fs::read_to_string(folder.join("stat")).ok()?)
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
    }
}
