//! What was typed behind `campaign`.

use std::num::NonZero;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};

use super::{Shard, parse_duration};

/// The text below the options.
pub(crate) const EXAMPLES: &str = "\
Every run is a line of OUT/campaign.jsonl, written as soon as it is over; its folder lies in OUT.
A run in which the system did wrong (violation, liveness, crash) is made again in every later
night, before anything else and under the faults it had, until it passed five times in a row. What
only the machine or the harness made fail is made once more at once. In the end OUT has junit.xml
and summary.md of this night.

Ctrl-C ends it: runs under way are dropped, everything else is kept; it says how to go on.

Exit codes are those of run; of several runs, the worst: a violation before everything. 255 also
when runs are missing.

Examples:
  adrasteia campaign              three fresh seeds of every workload under two nemeses
  adrasteia campaign --dry-run    what would be run tonight
  adrasteia campaign --for 8h --nemesis net --nemesis clock,partition --nemesis blackout
  adrasteia campaign --workload register --seeds 20 -- --node-bin ./server --require strong
  adrasteia campaign --seed 4100 --shard 1/4 --out shards/1    a quarter, for one of four machines";

#[derive(Debug, Clone, Args)]
pub(crate) struct CampaignArgs {
    /// The folder that collects all nights
    #[arg(long, value_name = "DIR", default_value = "runs/campaign")]
    pub out: PathBuf,
    /// What clients do, separated by commas; each is run under each nemesis
    #[arg(
        long,
        value_name = "NAME,…",
        value_delimiter = ',',
        default_value = "register,txn,counter"
    )]
    pub workload: Vec<String>,
    /// Faults of a run, as run takes them; given again, each is a nemesis of its own [default: partition, and
    /// partition,kill,pause]
    #[arg(long, value_name = "NAME,…")]
    pub nemesis: Vec<String>,
    /// Fresh seeds of each workload under each nemesis [default: 3]
    #[arg(long, value_name = "N", conflicts_with = "for_time")]
    pub seeds: Option<u32>,
    /// Go on with fresh seeds for so long; what is under way then is finished
    #[arg(long = "for", id = "for_time", value_name = "TIME", value_parser = parse_duration)]
    pub for_time: Option<Duration>,
    /// The first fresh seed; runs with it that the folder has already, of the same program, are not made again
    /// [default: behind the highest one in the folder]
    #[arg(long, value_name = "FIRST")]
    pub seed: Option<u64>,
    /// How long clients work in each run, unless a violation ends it
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = parse_duration)]
    pub time_limit: Duration,
    /// Runs at once [default: one for every two cores]
    #[arg(long, value_name = "N")]
    pub jobs: Option<NonZero<usize>>,
    /// Which part of the runs is made here, as in 2/4; all parts together make each run once, if they are given the same --seed
    #[arg(long, value_name = "I/N", default_value = "1/1")]
    pub shard: Shard,
    /// What stays of runs that passed
    #[arg(long, value_enum, default_value_t = Keep::Failing)]
    pub keep: Keep,
    /// Add the summary to the step summary that $GITHUB_STEP_SUMMARY names, and print annotations
    #[arg(long)]
    pub github: bool,
    /// What the runs are called together
    #[arg(long, value_name = "TEXT", default_value = "campaign")]
    pub title: String,
    /// Show what would be run, and stop
    #[arg(long)]
    pub dry_run: bool,
    /// Further options of run, for every run
    #[arg(last = true, value_name = "RUN OPTIONS")]
    pub further: Vec<String>,
}

/// What stays of a run that passed; of all others everything does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Keep {
    /// What is small: its result, configuration and schedule
    Failing,
    /// Everything
    All,
}
