//! The runs that are missing, made.

use std::path::Path;

use anyhow::{Context as _, Result};

use super::outcome::{End, Outcome};
use super::plan::{Cell, Plan};
use super::store::{Record, Store};
use crate::clock::Clock;
use crate::run::Ending;
use crate::{child, jobs, say};

/// Makes the runs of the plan that the store does not have, until `ending` is given.
pub(super) fn through(plan: &Plan, store: &Store, ending: &Ending) -> Result<()> {
    let known = store.lines();
    let is_known = |cell: &&Cell| {
        known
            .iter()
            .any(|record| record.arguments == cell.arguments)
    };
    let left: Vec<&Cell> = plan.cells.iter().filter(|cell| !is_known(cell)).collect();
    if left.len() < plan.cells.len() {
        let there = plan.cells.len() - left.len();
        say::aside(format_args!(
            "{there} of {} runs are there already",
            plan.cells.len()
        ));
    }
    let bar = jobs::bar(left.len());
    let end = jobs::through(plan.jobs, left.into_iter(), ending, |cell| {
        if let Some(record) = made(plan, cell, store, ending)? {
            bar.inc(1);
            bar.suspend(|| say::aside(line(&record)));
            store.add(record)?;
        }
        Ok(())
    });
    bar.finish_and_clear();
    end
}

/// Makes one run, and once more if it could not be made; nothing if it was ended early.
fn made(plan: &Plan, cell: &Cell, store: &Store, ending: &Ending) -> Result<Option<Record>> {
    let folder = plan.out.join(cell.name()).join(place(cell));
    let first = once(cell, &folder, ending)?;
    let record = match first {
        Some(record) if record.outcome.end == End::Broken => once(cell, &folder, ending)?,
        first => first,
    };
    let Some(mut record) = record else {
        return Ok(None);
    };
    let tells = match (record.outcome.end, cell.bug) {
        (End::Broken, _) | (End::Found, None) => true,
        (End::Found, Some(_)) => !store.lines().iter().any(|other| {
            other.bug == record.bug && other.outcome.end == End::Found && other.folder.is_some()
        }),
        (End::Silent | End::Unknown | End::Vacuous, _) => false,
    };
    if plan.keep || tells {
        record.folder = Some(folder);
    } else {
        std::fs::remove_dir_all(&folder)
            .with_context(|| format!("cannot remove {}", folder.display()))?;
    }
    Ok(Some(record))
}

/// A folder name that tells what went wrong, and differs where the faults or the seed do.
fn place(cell: &Cell) -> String {
    let told = |option: &&[String]| option[0] == "--nemesis" || option[0] == "--steps";
    let mut pairs = cell.arguments.windows(2);
    let faults = pairs.find(told).map_or("", |option| option[1].as_str());
    format!("{}-{}", faults.replace(',', "+"), cell.seed)
}

fn once(cell: &Cell, folder: &Path, ending: &Ending) -> Result<Option<Record>> {
    let clock = Clock::start();
    let Some(result) = child::make(&cell.arguments, folder, ending)? else {
        return Ok(None);
    };
    let outcome = match result {
        Ok(result) => Outcome::of(&result),
        Err(error) => Outcome::broken(&format!("{error:#}")),
    };
    let bug = cell.bug.map(|bug| bug.name().to_owned());
    let took_ms = u64::try_from(clock.elapsed().as_millis()).unwrap_or(u64::MAX);
    let arguments = cell.arguments.clone();
    Ok(Some(Record::new(
        bug, cell.seed, arguments, outcome, took_ms,
    )))
}

fn line(record: &Record) -> String {
    let name = record.bug.as_deref().unwrap_or(super::plan::HEALTHY);
    let Outcome {
        end,
        class,
        after_ms,
        why,
        ..
    } = &record.outcome;
    let what = match (end, class, after_ms) {
        (End::Found, Some(class), Some(ms)) => {
            format!("{class} after {:.1} s", *ms as f64 / 1e3)
        }
        (End::Found, ..) => "found".to_owned(),
        (End::Silent, ..) => "nothing found".to_owned(),
        (End::Unknown, ..) => "unknown".to_owned(),
        (End::Vacuous, ..) => "vacuous".to_owned(),
        (End::Broken, ..) => "could not be run".to_owned(),
    };
    let why = why
        .as_deref()
        .map_or_else(String::new, |why| format!(": {why}"));
    format!("{name}, seed {}: {what}{why}", record.seed)
}
