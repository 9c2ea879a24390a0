//! The runs of a night, made.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::Relaxed};

use anyhow::Result;
use indicatif::ProgressBar;

use super::night::Night;
use super::place::Place;
use super::plan::{Extent, Plan, Run};
use super::record::{Circumstances, Record};
use crate::cli::Keep;
use crate::clock::{self, Clock};
use crate::journal::Journal;
use crate::run::Ending;
use crate::{child, jobs, replay, say};

/// So many runs in a row that could not be made end the night: none will, and it might go on for hours.
const HOPELESS: u32 = 5;

/// Makes what failed before and then fresh runs, until `ending` is given or the time is over.
pub(super) fn through(
    plan: &Plan,
    night: &Night,
    place: &Place,
    journal: &Journal<Record>,
    ending: &Ending,
) -> Result<()> {
    let work = Work {
        plan,
        night,
        place,
        journal,
        ending,
        started: AtomicU64::new(0),
        lost: AtomicU32::new(0),
        bar: bar(plan, night),
    };
    let clock = Clock::start();
    let in_time = || match plan.extent {
        Extent::Seeds(_) => true,
        Extent::For(time) => clock.elapsed() < time,
    };
    let goes_on = |_: &Run| in_time() && work.lost.load(Relaxed) < HOPELESS;
    let again = night.again.iter().cloned();
    let runs = again.chain(night.fresh(plan)).take_while(goes_on);
    let end = jobs::through(plan.jobs, runs, ending, |run| work.make(&run));
    work.bar.finish_and_clear();
    if work.lost.load(Relaxed) >= HOPELESS {
        say::aside(format_args!(
            "the night ends: {HOPELESS} runs in a row could not be made; adrasteia doctor says what this machine permits"
        ));
    }
    end
}

fn bar(plan: &Plan, night: &Night) -> ProgressBar {
    match plan.extent {
        Extent::Seeds(_) => jobs::bar(night.again.len() + night.fresh(plan).count()),
        Extent::For(time) => jobs::clock_bar(time),
    }
}

struct Work<'a> {
    plan: &'a Plan,
    night: &'a Night,
    place: &'a Place,
    journal: &'a Journal<Record>,
    ending: &'a Ending,
    started: AtomicU64,
    /// How many runs in a row could not be made.
    lost: AtomicU32,
    bar: ProgressBar,
}

impl Work<'_> {
    /// Makes a run, and once more if it could not be made.
    fn make(&self, run: &Run) -> Result<()> {
        let Some(mut record) = self.once(run)? else {
            return Ok(());
        };
        if record.is_lost() && !self.ending.is_given() {
            record.retried = true;
            self.note(record)?;
            let Some(second) = self.once(run)? else {
                return Ok(());
            };
            record = second;
        }
        self.bar.inc(1);
        match record.is_lost() {
            true => self.lost.fetch_add(1, Relaxed),
            false => self.lost.swap(0, Relaxed),
        };
        self.note(record)
    }

    fn note(&self, record: Record) -> Result<()> {
        self.bar.suspend(|| say::aside(line(&record)));
        self.journal.add(record)
    }

    /// Makes a run; nothing if it was ended early.
    fn once(&self, run: &Run) -> Result<Option<Record>> {
        let clock = Clock::start();
        let making = self.place.making(self.started.fetch_add(1, Relaxed));
        let kept = run.again.as_ref().and_then(|again| again.faults.as_deref());
        let arguments = match kept {
            Some(file) => replay::under_faults(&run.arguments, file),
            None => run.arguments.clone(),
        };
        let Some(result) = child::make(&arguments, &making, self.ending)? else {
            return Ok(None);
        };
        let folder = self.place.take(&making)?;
        let why = result.as_ref().map_err(|error| format!("{error:#}"));
        let result = why.as_ref().map(|result| *result).map_err(String::as_str);
        let circumstances = Circumstances {
            night: self.night.number,
            when: humantime::format_rfc3339_seconds(clock::wall()).to_string(),
            program: self.plan.program.clone(),
            took_ms: u64::try_from(clock.elapsed().as_millis()).unwrap_or(u64::MAX),
            folder: folder.clone(),
        };
        let mut record = Record::new(run, result, circumstances);
        if let Some(folder) = folder {
            self.tidy(run, &mut record, &folder)?;
        }
        Ok(Some(record))
    }

    fn tidy(&self, run: &Run, record: &mut Record, folder: &str) -> Result<()> {
        if record.is_failure() && run.again.is_none() {
            record.faults = Some(self.place.keep_faults(folder)?);
        }
        match (record.failure, self.plan.keep) {
            (None, Keep::Failing) => self.place.thin(folder),
            (Some(_), _) | (None, Keep::All) => Ok(()),
        }
    }
}

fn line(record: &Record) -> String {
    let Record {
        workload,
        nemesis,
        seed,
        ..
    } = record;
    let again = if record.again { "again: " } else { "" };
    let after = record
        .detected_ms
        .map_or_else(String::new, |ms| format!(" after {:.1} s", ms as f64 / 1e3));
    let retried = if record.retried { "; once more" } else { "" };
    format!(
        "{again}{workload} under {nemesis}, seed {seed}: {}{after}{retried}",
        record.what()
    )
}
