//! What the night came to: a table, JUnit XML, Markdown, and the exit code.

use anyhow::Result;
use reports::ci::{self, Cell, FailureClass, KnownFailure, Nights, Stored, Suite, Tally};

use super::known::{ENOUGH, Known, known};
use super::night::Night;
use super::place::Place;
use super::plan::Plan;
use super::record::Record;
use crate::cli::CampaignArgs;
use crate::exit::Exit;
use crate::say;
use crate::summary::{self, Run};

/// Tells everything; the exit code is that of the worst run of the night.
pub(super) fn tell(
    args: &CampaignArgs,
    plan: &Plan,
    night: &Night,
    place: &Place,
    records: &[Record],
) -> Result<Exit> {
    let tonight: Vec<&Record> = night.there.iter().chain(made(night, records)).collect();
    let missing = missing(plan, night, &tonight);
    let nights = nights(night, records, &tonight, place);
    for line in nights.lines() {
        say::answer(line);
    }
    let (again, fresh) = (
        stored(&tonight, true, place),
        stored(&tonight, false, place),
    );
    write(args, place, &nights, &again, &fresh)?;
    if missing > 0 {
        say::answer(format_args!(
            "\n{missing} runs are missing; the same command with --seed {} goes on",
            night.first_seed
        ));
    }
    say::answer(format_args!(
        "\nall of it: {}, {}, {}",
        place.file("summary.md").display(),
        place.file("junit.xml").display(),
        place.journal().display()
    ));
    Ok(exit(&tonight, missing))
}

/// The runs that this night made.
fn made<'a>(night: &Night, records: &'a [Record]) -> impl Iterator<Item = &'a Record> {
    let number = night.number;
    records.iter().filter(move |record| record.night == number)
}

fn missing(plan: &Plan, night: &Night, tonight: &[&Record]) -> usize {
    let ended = |again| {
        let ended = tonight
            .iter()
            .filter(|one| one.again == again && !one.retried);
        ended.count()
    };
    let fresh = plan.count(night.first_seed).unwrap_or_default();
    // A run that failed before may be there as a fresh one of an interrupted night, and then is made again as well.
    night.again.len().saturating_sub(ended(true)) + fresh.saturating_sub(ended(false))
}

/// The worst end of a run; a run that was made once more ended as the second one did.
fn exit(tonight: &[&Record], missing: usize) -> Exit {
    let last = tonight.iter().filter(|record| !record.retried);
    let worst = last
        .map(|record| of_class(record.failure))
        .fold(Exit::Valid, Exit::worst);
    match missing {
        0 => worst,
        _ => worst.worst(Exit::Harness),
    }
}

fn of_class(class: Option<FailureClass>) -> Exit {
    match class {
        None => Exit::Valid,
        Some(FailureClass::Violation) => Exit::Violation,
        Some(FailureClass::Infrastructure) => Exit::Harness,
        Some(FailureClass::Crash | FailureClass::Liveness) => Exit::Liveness,
        Some(FailureClass::Unknown) => Exit::Unknown,
        Some(FailureClass::Vacuous | FailureClass::Weak) => Exit::Strength,
    }
}

fn nights(night: &Night, records: &[Record], tonight: &[&Record], place: &Place) -> Nights {
    let mut names: Vec<(&str, &str)> = Vec::new();
    for name in tonight.iter().map(|record| cell(record)) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names.sort_unstable();
    let of_name = |name: &(&str, &str)| -> Vec<&Record> {
        let own = tonight.iter().filter(|record| cell(record) == *name);
        own.copied().collect()
    };
    let concerns_tonight = |known: &Known<'_>| !known.is_settled() || known.is_of(night.number);
    let known = known(records).into_iter().filter(concerns_tonight);
    Nights {
        cells: names.iter().map(|name| row(name, &of_name(name))).collect(),
        known: known.map(|known| told(&known, place)).collect(),
    }
}

fn cell(record: &Record) -> (&str, &str) {
    (&record.workload, &record.nemesis)
}

fn row((workload, nemesis): &(&str, &str), records: &[&Record]) -> Cell {
    let mut tally = Tally::default();
    for record in records {
        tally.count(record.failure);
    }
    let failed = records.iter().filter(|one| one.is_failure());
    let mut times: Vec<u64> = failed.filter_map(|one| one.detected_ms).collect();
    times.sort_unstable();
    Cell {
        workload: (*workload).to_owned(),
        nemesis: (*nemesis).to_owned(),
        tally,
        detected_ms: times.get(times.len() / 2).copied(),
    }
}

fn told(known: &Known<'_>, place: &Place) -> KnownFailure {
    let first = known.first;
    KnownFailure {
        workload: first.workload.clone(),
        nemesis: first.nemesis.clone(),
        seed: first.seed,
        what: first.what(),
        failed_again: known.failed_again,
        made_again: known.made_again,
        passed_since: known.passed_since,
        enough: ENOUGH,
        folder: first
            .folder
            .as_deref()
            .map(|below| place.file(below).display().to_string()),
    }
}

/// What lies in the folders of runs; of a run that has none, what its line says.
fn stored(tonight: &[&Record], again: bool, place: &Place) -> Vec<Run> {
    let last = tonight
        .iter()
        .filter(|one| one.again == again && !one.retried);
    last.map(|record| match (&record.folder, &record.answers) {
        (Some(below), Some(_)) => Run::read(&place.file(below)),
        (folder, _) => {
            let name = format!(
                "{} under {}, seed {}",
                record.workload, record.nemesis, record.seed
            );
            Run::lost(
                folder.clone().unwrap_or(name),
                record.finding.clone().unwrap_or_default(),
            )
        }
    })
    .collect()
}

fn write(
    args: &CampaignArgs,
    place: &Place,
    nights: &Nights,
    again: &[Run],
    fresh: &[Run],
) -> Result<()> {
    let again: Vec<Stored<'_>> = again.iter().map(Run::stored).collect();
    let fresh: Vec<Stored<'_>> = fresh.iter().map(Run::stored).collect();
    let failed_before = format!("{}, failed before", args.title);
    let suites = [
        Suite {
            name: &failed_before,
            runs: &again,
        },
        Suite {
            name: &args.title,
            runs: &fresh,
        },
    ];
    summary::write(&place.file("junit.xml"), &ci::junit(&suites))?;
    let all = [again, fresh].concat();
    let markdown = format!(
        "{}
{}",
        nights.markdown(&args.title),
        ci::summary("The runs of this night", &all)
    );
    summary::write(&place.file("summary.md"), &markdown)?;
    match args.github {
        true => summary::to_github(&markdown, &all),
        false => Ok(()),
    }
}
