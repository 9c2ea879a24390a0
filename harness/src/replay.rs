//! `adrasteia replay` and `adrasteia shrink`: the same faults again, and fewer of them.
//!
//! A schedule says when each fault begins and ends, a file of steps what each waits for; what the system does meanwhile is
//! its own affair. So a violation comes again in some of the runs, and how many is what there is to say.

mod faults;
mod stored;

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use nemesis::schedule::Shrinking;
use reports::{Consistency, Infrastructure, RunResult};

use crate::cli::{ReplayArgs, ShrinkArgs};
use crate::exit::Exit;
use crate::run::Ending;
use crate::{child, interrupt, say};
use faults::Faults;
use stored::Stored;

pub(crate) use stored::{faults_file, under_faults};

/// Runs a stored run again, as often as asked.
pub(crate) fn replay(args: &ReplayArgs) -> Result<Exit> {
    let stored = match Stored::read(&args.run) {
        Ok(stored) => stored,
        Err(error) => return Ok(refuse(&error)),
    };
    nemesis::lab::enter()?;
    let ending = interrupt::ending("what came of the runs so far follows")?;
    let again = Again {
        stored: &stored,
        out: &args.out,
        ending: &ending,
    };
    let (mut violations, mut made) = (0, 0);
    for number in 1..=args.times.get() {
        let Some(result) = again.run(&stored.faults, &number.to_string())? else {
            break;
        };
        made += 1;
        violations += u32::from(is_violation(&result));
        say::answer(format_args!("run {number}: {}", told(&result)));
    }
    say::answer(format_args!("a violation in {violations} of {made} runs"));
    Ok(match violations {
        0 => Exit::Valid,
        _ => Exit::Violation,
    })
}

/// Leaves out faults as long as the violation still comes.
pub(crate) fn shrink(args: &ShrinkArgs) -> Result<Exit> {
    let stored = match Stored::read(&args.run) {
        Ok(stored) => stored,
        Err(error) => return Ok(refuse(&error)),
    };
    nemesis::lab::enter()?;
    let ending = interrupt::ending("the least that was found so far follows")?;
    let again = Again {
        stored: &stored,
        out: &args.out,
        ending: &ending,
    };
    let mut shrinking = Shrinking::new(stored.faults.parts());
    let mut tries = 0;
    while let Some(parts) = shrinking.next() {
        let candidate = stored.faults.of_parts(&parts);
        if !candidate.is_whole(&stored.nodes) {
            shrinking.tell(false);
            continue;
        }
        tries += 1;
        let name = format!("try-{tries}");
        let Some(hits) = again.hits(&candidate, &name, args.tries.get(), true)? else {
            break;
        };
        let what = if hits > 0 {
            "still a violation"
        } else {
            "no violation"
        };
        say::aside(format_args!("try {tries}: {} faults: {what}", parts.len()));
        shrinking.tell(hits > 0);
    }
    let least = stored.faults.of_parts(shrinking.least());
    let confirmed = match ending.is_given() {
        true => None,
        false => again.hits(&least, "least", args.times.get(), false)?,
    };
    let path = least.store(&args.out)?;
    let all = stored.faults.parts().len();
    let left = shrinking.least().len();
    say::answer(format_args!("{left} of {all} faults are left:"));
    for line in least.told(&stored.nodes) {
        say::answer(format_args!("  {line}"));
    }
    if let Some(hits) = confirmed {
        say::answer(format_args!(
            "with them a violation in {hits} of {} runs",
            args.times
        ));
    }
    let command = crate::config::typed(&stored.arguments(&least, &path));
    say::answer(format_args!("run it again: {command}"));
    Ok(match confirmed {
        Some(0) => Exit::Valid,
        Some(_) | None => Exit::Violation,
    })
}

fn refuse(error: &anyhow::Error) -> Exit {
    say::aside(format_args!("adrasteia: {error:#}"));
    Exit::Usage
}

/// Runs with the arguments of a stored one.
struct Again<'a> {
    stored: &'a Stored,
    out: &'a Path,
    ending: &'a Ending,
}

impl Again<'_> {
    /// One run under `faults`; none if it was ended early.
    fn run(&self, faults: &Faults, name: &str) -> Result<Option<RunResult>> {
        let folder: PathBuf = self.out.join(name);
        std::fs::create_dir_all(&folder)
            .with_context(|| format!("cannot create {}; choose another --out", folder.display()))?;
        let path = faults.store(&folder)?;
        let arguments = self.stored.arguments(faults, &path);
        let made = child::make(&arguments, &folder, self.ending)?;
        let result = made.transpose()?;
        if let Some(result) = &result
            && result.infrastructure == Infrastructure::Failed
        {
            let why = result
                .infrastructure_error
                .as_deref()
                .unwrap_or("no reason");
            anyhow::bail!("a run could not be made: {why}");
        }
        Ok(result)
    }

    /// In how many of `times` runs there was a violation; with `is_enough`, one ends the runs.
    fn hits(
        &self,
        faults: &Faults,
        name: &str,
        times: u32,
        one_is_enough: bool,
    ) -> Result<Option<u32>> {
        let mut hits = 0;
        for number in 1..=times {
            let name = format!("{name}-{number}");
            let Some(result) = self.run(faults, &name)? else {
                return Ok(None);
            };
            hits += u32::from(is_violation(&result));
            if one_is_enough && hits > 0 {
                break;
            }
        }
        Ok(Some(hits))
    }
}

fn is_violation(result: &RunResult) -> bool {
    result.consistency == Consistency::Violation
}

fn told(result: &RunResult) -> String {
    match (result.consistency, result.anomalies.first()) {
        (Consistency::Violation, Some(anomaly)) => {
            format!("{}: {}", anomaly.class, anomaly.explanation)
        }
        (Consistency::Violation, None) => "violation".to_owned(),
        (Consistency::Valid, _) => "linearizable".to_owned(),
        (Consistency::Unknown, _) => {
            let why = result.unknown.as_deref().unwrap_or("no reason");
            format!("unknown: {why}")
        }
    }
}
