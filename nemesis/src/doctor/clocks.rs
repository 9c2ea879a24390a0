//! Whether the clock of a process can be set: `date` is given one that is a day ahead.

use super::Refusal;
use crate::clocks::{ChosenWay, ClockChange, ClockChoice, ClockError, ClockWay, NodeClock};
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
pub(super) fn by_vdso() -> Result<String, Refusal> {
    set_one(
        ClockWay::Vdso,
        "it does not ask the vDSO for the time; a kernel or C library that does is needed",
    )
}

/// The same.
pub(super) fn by_preload() -> Result<String, Refusal> {
    set_one(
        ClockWay::Preload,
        "it does not ask its C library for the time; one that is linked dynamically is needed",
    )
}

/// Takes a way; `works` tries one, and answers with what it saw. Where neither works the vDSO's refusal is told.
pub(super) fn choose(
    choice: ClockChoice,
    works: impl Fn(ClockWay) -> Result<String, Refusal>,
) -> Result<ChosenWay, Refusal> {
    let take = |way, reason| Ok(ChosenWay { way, reason });
    let asked = |way| works(way).and_then(|_| take(way, "asked for".to_owned()));
    match choice {
        ClockChoice::Vdso => asked(ClockWay::Vdso),
        ClockChoice::Preload => asked(ClockWay::Preload),
        ClockChoice::Auto => match works(ClockWay::Vdso) {
            Ok(seen) => take(ClockWay::Vdso, seen),
            Err(refusal) => match works(ClockWay::Preload) {
                Ok(_) => take(
                    ClockWay::Preload,
                    format!("vdso does not work here: {}", refusal.why),
                ),
                Err(_) => Err(refusal),
            },
        },
    }
}

fn set_one(way: ClockWay, remedy: &str) -> Result<String, Refusal> {
    let told_s = date_of_tomorrow(way)?;
    let ahead_s = told_s - crate::clock::wall_ns() / 1_000_000_000;
    // It ran within the last seconds.
    match DAY_S - 2 * GRACE.as_secs() as i64..=DAY_S {
        right if right.contains(&ahead_s) => Ok(format!("{DATE} was a day ahead")),
        _ => Err(Refusal {
            why: format!("{DATE} should be a day ahead and is {ahead_s} s"),
            remedy: remedy.to_owned(),
        }),
    }
}

fn date_of_tomorrow(way: ClockWay) -> Result<i64, Refusal> {
    let clock = NodeClock::create(Path::new(PAGE), way)?;
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
            ClockError::Architecture { .. } => "leave clock faults out on this machine",
            ClockError::Untraced | ClockError::Trace { .. } => {
                "or use --clocks preload, which traces nobody"
            }
            ClockError::Page { .. } | ClockError::Call { .. } => {
                "a tmpfs must be executable for it: look for a security module that says no (dmesg)"
            }
            ClockError::NotLoaded { .. } => {
                "a program that is linked dynamically is needed, and a tmpfs that may be executed from"
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

#[cfg(test)]
mod tests {
    use super::*;

    /// What is chosen where these ways work, and why.
    fn chosen(choice: ClockChoice, working: &[ClockWay]) -> Result<(ClockWay, String), String> {
        let works = |way| match working.contains(&way) {
            true => Ok(format!("{way} works")),
            false => Err(Refusal::of(&format!("no {way}"), "another machine")),
        };
        match choose(choice, works) {
            Ok(chosen) => Ok((chosen.way, chosen.reason)),
            Err(refusal) => Err(refusal.why),
        }
    }

    #[test]
    fn the_library_is_for_where_the_vdso_refuses() {
        use ClockWay::{Preload, Vdso};
        let all = [Vdso, Preload];
        let is = |way, reason: &str| Ok((way, reason.to_owned()));
        let refused = |why: &str| Err(why.to_owned());
        for (choice, working, expected) in [
            (ClockChoice::Auto, &all[..], is(Vdso, "vdso works")),
            (
                ClockChoice::Auto,
                &[Preload],
                is(Preload, "vdso does not work here: no vdso"),
            ),
            (ClockChoice::Auto, &[], refused("no vdso")),
            (ClockChoice::Preload, &all, is(Preload, "asked for")),
            (ClockChoice::Preload, &[Vdso], refused("no preload")),
            (ClockChoice::Vdso, &all, is(Vdso, "asked for")),
            (ClockChoice::Vdso, &[Preload], refused("no vdso")),
        ] {
            assert_eq!(chosen(choice, working), expected, "{choice}");
        }
    }
}
