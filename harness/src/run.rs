//! One run, from a decided plan to an exit code.

mod admin;
mod client;
mod cluster;
mod copies;
mod coverage;
mod elections;
mod environment;
mod faults;
mod folder;
mod impact;
mod interpreter;
mod judge;
mod leaders;
mod live;
mod logs;
mod machine;
mod online;
mod outages;
mod phase;
mod recorder;
mod reply;
#[cfg(test)]
mod scene;
mod session;
mod stage;
mod traffic;
mod world;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::{Context as _, Result};
use checker::{CheckOptions, History};
use nemesis::disk::Disk;
use nemesis::net::{self, NetOptions};
use nemesis::schedule::Schedule;
use reports::{LogExcerpt, ReportData, RunResult};

use crate::cli::RunArgs;
use crate::clock;
use crate::config::{RunConfig, UsageError, check_out, check_place};
use crate::exit::Exit;
use crate::judgement::{self, Judgement};
use crate::progress::Progress;
use crate::say;
use cluster::{Clocks, SharedPlane};
use environment::Equipment;
use folder::Folder;

pub(crate) use client::Habits;
pub(crate) use leaders::Leaders;
pub(crate) use live::{LIVE, Live, Sign};
pub(crate) use phase::{EarlyEnd, Ending, signal};
pub(crate) use recorder::Completion;

/// Runs what was asked for: one run, or as many as `--test-count` says; the exit code is that of the worst.
pub(crate) fn command(args: &RunArgs) -> Result<Exit> {
    let config = match RunConfig::new(args) {
        Ok(config) => config,
        Err(error) => return refuse(&error),
    };
    if args.dry_run {
        return dry_run(&config);
    }
    if let Err(error) = check_out(&config.out) {
        return refuse(&error);
    }
    // Looked for outside, so that what is missing is said at once; tried inside.
    let wanted = config.wanted();
    if let Err(error) = net::choose(config.net, &wanted) {
        return refuse(&UsageError(error.to_string()));
    }
    if config.only_disks()
        && let Err(error) = Disk::reachable()
    {
        return refuse(&UsageError(error.to_string()));
    }
    let clocks = choose_clocks(&config);
    if let Err(refusal) = &clocks
        && config.only_clocks()
    {
        return refuse(&UsageError(format!(
            "clocks cannot be faked here: {refusal}"
        )));
    }
    nemesis::lab::enter()?;
    let equipment = Equipment {
        network: net::choose(config.net, &wanted)?,
        clocks,
    };
    let mut config = config;
    let mut worst = Exit::Valid;
    for number in 1..=config.test_count {
        if config.test_count > 1 {
            say::aside(format_args!(
                "run {number} of {}, seed {}",
                config.test_count, config.seed
            ));
        }
        let (exit, interrupted) = one(&config, &equipment)?;
        worst = worst.worst(exit);
        match config.next().filter(|_| !interrupted) {
            Some(next) => config = next,
            None => break,
        }
    }
    Ok(worst)
}

/// Tries them, where they will be needed.
fn choose_clocks(config: &RunConfig) -> Clocks {
    match config.wants_clocks() {
        true => {
            nemesis::doctor::choose_clocks(config.clocks).map_err(|refusal| refusal.to_string())
        }
        false => Err("no fault of clocks was asked for".to_owned()),
    }
}

fn refuse(error: &UsageError) -> Result<Exit> {
    say::aside(format_args!("adrasteia: {error}"));
    Ok(Exit::Usage)
}

fn dry_run(config: &RunConfig) -> Result<Exit> {
    if let Err(error) = check_place(&config.out) {
        return refuse(&error);
    }
    say::answer(format_args!("would run: {}", config.command()));
    let seconds = |ns| Duration::from_nanos(ns).as_secs_f64();
    for step in config.schedule().steps {
        say::answer(format_args!(
            "{:>8.3} s to {:>8.3} s  fault {:<2} {}",
            seconds(step.start_ns),
            seconds(step.stop_ns),
            step.id,
            step.fault
        ));
    }
    if let Some(steps) = &config.steps {
        say::answer(steps.story.to_string().trim_end());
    }
    Ok(Exit::Valid)
}

/// Makes one run and tells its verdict; also whether the user interrupted it.
fn one(config: &RunConfig, equipment: &Equipment) -> Result<(Exit, bool)> {
    let folder = Folder::create(&config.out, &config.name(), clock::wall())?;
    folder.write("config.json", &config.to_json())?;
    write_schedule(&folder, &config.schedule())?;
    if let Some(steps) = &config.steps {
        folder.write("steps.toml", &steps.text)?;
    }
    let live = Live::create(&folder.file(LIVE))?;
    let progress = Progress::new(config.time_limit, live);
    let network = &equipment.network;
    progress.say(&format!(
        "seed {}; network: {} ({})",
        config.seed, network.kind, network.reason
    ));
    if let Ok(clocks) = &equipment.clocks {
        progress.say(&format!("clocks: {} ({})", clocks.way, clocks.reason));
    }
    let plane: SharedPlane = Arc::new(Mutex::new(net::build(
        network.kind,
        &config.nodes,
        &NetOptions {
            seed: config.seed,
            replays_held_segments: config.replays,
            capture: config.capture.then(|| folder.file("packets.pcapng")),
        },
    )?));

    let runtime = tokio::runtime::Runtime::new().context("cannot start the runtime")?;
    let (ender, ending) = signal();
    let signals = (ender, ending.clone());
    let evidence = runtime.block_on(stage::perform(
        config,
        &folder,
        &plane,
        equipment.clone(),
        &progress,
        signals,
    ));
    progress.finish();
    let mut evidence = evidence?;
    let mut schedule = config.schedule();
    schedule.steps.append(&mut evidence.done);
    write_schedule(&folder, &schedule)?;

    progress.act("checking the history");
    // The runtime lives on: it listens for the signal that cuts the check short.
    let (history, judgement) = check_history(config, &folder, ending)?;
    drop(runtime);
    let began = evidence.began;
    let result = judge::judge(config, &history, &judgement, evidence);
    let logs = logs::excerpt(&folder, &config.nodes, began, &history, &result);
    write_reports(&folder, &result, &history, &judgement, logs.as_ref())?;
    tell(&folder, &result);
    Ok((judge::exit(&result, config.require), result.interrupted))
}

fn write_schedule(folder: &Folder, schedule: &Schedule) -> Result<()> {
    folder.write("schedule.json", &serde_json::to_string_pretty(schedule)?)
}

fn check_history(
    config: &RunConfig,
    folder: &Folder,
    ending: Ending,
) -> Result<(History, Judgement)> {
    let path = folder.file("history.jsonl");
    let bytes = std::fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
    let history = checker::formats::read(
        &bytes,
        Some(checker::Format::Jsonl),
        &path.display().to_string(),
    )?;
    // Whoever ended the clients' time early still wants the verdict.
    let ending = Some(ending).filter(|ending| !ending.is_given());
    let budget = config.check.start().ended_by(ending.clone()).shown();
    let spec = history.default_model();
    let judgement = judgement::decide(&history, &spec, &CheckOptions::default(), &budget)?;
    drop(budget);
    let patience = config.check.explaining().start().ended_by(ending.clone());
    let judgement = judgement.explained(&history, &patience);
    let budget = config.check.start().ended_by(ending);
    let judgement = judgement.certified(&history, &budget);
    Ok((history, judgement))
}

fn write_reports(
    folder: &Folder,
    result: &RunResult,
    history: &History,
    judgement: &Judgement,
    logs: Option<&LogExcerpt>,
) -> Result<()> {
    let nemesis = match result.nemesis.as_slice() {
        [] => "no nemesis".to_owned(),
        kinds => kinds.join(" + "),
    };
    let title = format!("{} · {nemesis} · seed {}", result.workload, result.seed);
    let data = ReportData {
        title: &title,
        result: Some(result),
        history,
        analysis: Some(&judgement.analysis),
        explanation: Some(&judgement.explanation),
        logs,
    };
    folder.write("result.json", &result.to_json())?;
    for plot in reports::plots::all(&data) {
        folder.write(&format!("plots/{}.svg", plot.name), &plot.file())?;
    }
    folder.write("report.html", &reports::html::render(&data))
}

fn tell(folder: &Folder, result: &RunResult) {
    for line in reports::terminal::verdict_lines(result) {
        say::answer(format_args!("{line}"));
    }
    say::answer(format_args!(
        "{}",
        reports::terminal::report_line(&folder.through_latest("report.html").display().to_string())
    ));
}
