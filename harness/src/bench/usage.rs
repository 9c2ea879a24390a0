//! What the kernel says a process uses, from `/proc`.

use std::time::Duration;

use anyhow::{Context as _, Result};
use nix::unistd::{SysconfVar, sysconf};
use serde::Serialize;

/// Memory of one process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(super) struct Memory {
    /// Resident now (`VmRSS`).
    pub resident_kib: u64,
    /// The most that ever was resident (`VmHWM`).
    pub peak_kib: u64,
}

/// Memory of a process now.
pub(super) fn memory(pid: u32) -> Result<Memory> {
    let text = read(pid, "status")?;
    parse_memory(&text).with_context(|| format!("/proc/{pid}/status does not tell VmRSS and VmHWM"))
}

/// Processor time of a process so far, user and system.
pub(super) fn processor_time(pid: u32) -> Result<Duration> {
    let text = read(pid, "stat")?;
    let ticks = parse_ticks(&text)
        .with_context(|| format!("/proc/{pid}/stat does not tell processor time"))?;
    let per_second = sysconf(SysconfVar::CLK_TCK)
        .ok()
        .flatten()
        .and_then(|ticks| u64::try_from(ticks).ok())
        .context("the system does not tell its clock ticks")?;
    Ok(Duration::from_millis(ticks * 1_000 / per_second))
}

fn read(pid: u32, file: &str) -> Result<String> {
    let path = format!("/proc/{pid}/{file}");
    std::fs::read_to_string(&path).with_context(|| format!("cannot read {path}"))
}

fn parse_memory(status: &str) -> Option<Memory> {
    let field = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name))?;
        line.strip_suffix("kB")?.trim().parse().ok()
    };
    Some(Memory {
        resident_kib: field("VmRSS:")?,
        peak_kib: field("VmHWM:")?,
    })
}

/// User and system ticks; the name of the program, in parentheses, may hold anything.
fn parse_ticks(stat: &str) -> Option<u64> {
    let (_, fields) = stat.rsplit_once(')')?;
    let mut times = fields.split_whitespace().skip(11);
    let user: u64 = times.next()?.parse().ok()?;
    let system: u64 = times.next()?.parse().ok()?;
    Some(user + system)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_read_from_the_lines_that_tell_it() {
        let status = "Name:\tnode\nVmPeak:\t  900 kB\nVmHWM:\t  52 kB\nVmRSS:\t   48 kB\n";
        let expected = Memory {
            resident_kib: 48,
            peak_kib: 52,
        };
        assert_eq!(parse_memory(status), Some(expected));
        assert_eq!(parse_memory("Name:\tzombie\n"), None);
    }

    #[test]
    fn processor_time_is_read_behind_any_program_name() {
        let stat = "7 (a) b) S 1 7 7 0 -1 4194304 100 0 0 0 30 12 0 0 20 0 3 0 100";
        assert_eq!(parse_ticks(stat), Some(42));
        assert_eq!(parse_ticks("7 (a"), None);
    }

    #[test]
    fn this_process_uses_something() {
        let own = std::process::id();
        let memory = memory(own).unwrap();
        assert!(memory.resident_kib > 0 && memory.peak_kib >= memory.resident_kib);
        assert!(processor_time(own).is_ok());
    }
}
