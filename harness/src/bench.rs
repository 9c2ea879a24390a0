//! `adrasteia bench`: how fast the bundled node is, beside a system that people know, on the same machine at the same time.
//!
//! A figure from one machine says little; a ratio taken under the same load, on the same disk, by the same loop says
//! something. So every round starts a fresh cluster of each system, one after the other, and drives both by the same
//! closed loop.
//!
//! | file | idea |
//! |---|---|
//! | `plan` | what was typed, checked |
//! | `system` | what a system must offer to be measured: the two traits |
//! | `bundled`, `etcd` | the systems |
//! | `cluster` | processes on loopback, inside a lab |
//! | `rounds` | the order of everything |
//! | `load`, `worker` | the closed loop |
//! | `outage` | how long nobody is served when the leader goes |
//! | `usage`, `disk` | what the kernel says about memory, processor time and the disk |
//! | `sample`, `summary`, `table` | what was measured, what follows from it, and how it is told |

mod bundled;
mod cluster;
mod disk;
mod etcd;
mod load;
mod outage;
mod plan;
mod rounds;
mod sample;
mod summary;
mod system;
mod table;
mod usage;
mod worker;

use std::path::Path;

use anyhow::{Context as _, Result};

use crate::cli::BenchArgs;
use crate::config::UsageError;
use crate::exit::Exit;
use crate::{interrupt, say};
use plan::Plan;
use sample::{Record, Settings};
use summary::Summary;

/// Measures what was asked for, and tells it.
pub(crate) fn command(args: &BenchArgs) -> Result<Exit> {
    let plan = match Plan::new(args) {
        Ok(plan) => plan,
        Err(error) => return Ok(refuse(&error)),
    };
    for missing in &plan.missing {
        say::aside(format_args!(
            "not measured: {}: {}",
            missing.target.name(),
            missing.why
        ));
    }
    if cfg!(debug_assertions) {
        say::aside(
            "this is a debug build: the bundled node is slower than it need be; build with --release",
        );
    }
    nemesis::lab::enter()?;
    let ending = interrupt::ending("what was measured follows")?;
    let folder = tempfile::Builder::new()
        .prefix("adrasteia-bench-")
        .tempdir_in(&plan.data)
        .with_context(|| {
            format!(
                "cannot make a folder in {}; choose another --data",
                plan.data.display()
            )
        })?;
    let disk = disk::probe(folder.path())?;
    tell_disk(&disk, folder.path());

    let mut record = Record::new(Settings::of(&plan), disk, plan.missing.clone());
    let end = rounds::measure(&plan, folder.path(), &ending, &mut record);
    // Whatever ended it, what was measured is told.
    let told = tell(args, &record);
    end.and(told).map(|()| Exit::Valid)
}

fn refuse(error: &UsageError) -> Exit {
    say::aside(format_args!("adrasteia: {error}"));
    Exit::Usage
}

fn tell_disk(disk: &disk::DiskSpeed, folder: &Path) {
    if disk.is_tmpfs {
        say::aside(format_args!(
            "WARNING: {} is a tmpfs: a sync there costs nothing, and no figure below says anything about a disk; choose another --data",
            folder.display()
        ));
    }
    say::aside(format_args!("{}", table::disk_line(disk)));
}

fn tell(args: &BenchArgs, record: &Record) -> Result<()> {
    let summary = Summary::of(record);
    let json = || {
        serde_json::to_string_pretty(&sample::Report {
            record,
            summary: &summary,
        })
        .context("cannot write the result as JSON")
    };
    if let Some(out) = &args.out {
        std::fs::write(out, json()? + "\n")
            .with_context(|| format!("cannot write {}", out.display()))?;
    }
    if args.json {
        say::answer(json()?);
    } else {
        for line in table::lines(record, &summary) {
            say::answer(line);
        }
    }
    Ok(())
}
