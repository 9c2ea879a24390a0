//! Whether the clock of a process can be set: `date` is given one that is a day ahead.

use super::Refusal;
use crate::clocks::{ClockChange, ClockError, NodeClock};
use crate::process::{NodeProcess, ProcessError, ProcessSpec};
use std::fs::{self, File};
use std::path::Path;
use std::time::Duration;

const DATE: &str = "/bin/date";
const PAGE: &str = "/run/clock-probe";
const LOG: &str = "/run/clock-probe.log";
const DAY_S: i64 = 86_400;

/// How long `date` may take.
const GRACE: Duration = Duration::from_secs(5);

/// Runs in a lab, whose `/run` is private.
pub(super) fn set_one() -> Result<String, Refusal> {
    let told_s = date_of_tomorrow()?;
    let ahead_s = told_s - crate::clock::wall_ns() / 1_000_000_000;
    // It ran within the last seconds.
    match DAY_S - 2 * GRACE.as_secs() as i64..=DAY_S {
        right if right.contains(&ahead_s) => Ok(format!("{DATE} was a day ahead")),
        _ => Err(Refusal {
            why: format!("{DATE} should be a day ahead and is {ahead_s} s"),
            remedy:
                "it does not ask the vDSO for the time; a kernel or C library that does is needed"
                    .into(),
        }),
    }
}

fn date_of_tomorrow() -> Result<i64, Refusal> {
    let clock = NodeClock::create(Path::new(PAGE))?;
    clock.install(ClockChange::Jump {
        offset_ns: DAY_S * 1_000_000_000,
    })?;
    let unusable = |error: &dyn std::fmt::Display| Refusal::of(error, "see that /bin/date exists");
    let spec = ProcessSpec {
        program: DATE.as_ref(),
        args: vec!["+%s".into()],
        env: Vec::new(),
        log: File::create(LOG).map_err(|error| unusable(&error))?,
        namespace: None,
        clock: Some(&clock),
    };
    let mut date = NodeProcess::spawn(&spec)?;
    date.wait(GRACE)?;
    let told = fs::read_to_string(LOG).map_err(|error| unusable(&error))?;
    told.trim()
        .parse()
        .map_err(|_| unusable(&format!("{DATE} says {:?}", told.trim())))
}

impl From<ClockError> for Refusal {
    fn from(error: ClockError) -> Refusal {
        let remedy = match error {
            ClockError::Architecture => "leave clock faults out on this machine",
            ClockError::Trace { .. } => {
                "sysctl kernel.yama.ptrace_scope=1, or --cap-add SYS_PTRACE for a container"
            }
            ClockError::Page { .. } | ClockError::Call { .. } => {
                "a tmpfs must be executable for it: look for a security module that says no (dmesg)"
            }
            ClockError::Vdso { .. } => "boot the kernel with its vDSO (no vdso=0)",
            ClockError::Ended { .. } => "look into the kernel log (dmesg)",
        };
        Refusal::of(&error, remedy)
    }
}

impl From<ProcessError> for Refusal {
    fn from(error: ProcessError) -> Refusal {
        match error {
            ProcessError::Clock { source, .. } => source.into(),
            ProcessError::Spawn { .. }
            | ProcessError::Ended { .. }
            | ProcessError::Refused { .. }
            | ProcessError::TooSlow { .. } => Refusal::of(&error, "see that /bin/date exists"),
        }
    }
}
