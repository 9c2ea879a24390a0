//! What was typed, checked: cells of workload and nemesis, and the fresh runs of them, one of every cell before the next of any.

use std::num::NonZero;
use std::path::PathBuf;
use std::thread;
use std::time::Duration;

use clap::Parser as _;

use super::program::{fingerprint, parted};
use crate::cli::{CampaignArgs, Cli, Keep, Shard};
use crate::config::{RunConfig, UsageError, usage};

/// Nemeses that every system has to bear.
const NEMESES: [&str; 2] = ["partition", "partition,kill,pause"];
/// Fresh seeds of every cell.
const SEEDS: u32 = 3;

/// What was asked for.
///
/// - No two cells have the same arguments.
/// - Every cell's arguments make a run: that was tried.
#[derive(Debug, Clone)]
pub(super) struct Plan {
    pub cells: Vec<Cell>,
    pub extent: Extent,
    pub jobs: usize,
    pub keep: Keep,
    /// Release and build of what is tested.
    pub program: String,
    /// The arguments of `run` that are about the system.
    pub system: Vec<String>,
    /// The first fresh seed, where one was named.
    pub first_seed: Option<u64>,
    /// The folder that collects everything.
    pub out: PathBuf,
    shard: Shard,
}

/// How long it goes on with fresh seeds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Extent {
    /// So many of each cell.
    Seeds(u32),
    /// Until so much time is over.
    For(Duration),
}

/// A workload under a nemesis.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Cell {
    pub workload: String,
    pub nemesis: String,
    /// Arguments of `run`, with any seed.
    arguments: Vec<String>,
}

/// One run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Run {
    pub workload: String,
    pub nemesis: String,
    pub seed: u64,
    /// Arguments of `run`, without the place of its folder.
    pub arguments: Vec<String>,
    /// That it failed in an earlier night.
    pub again: Option<Again>,
}

/// A run that failed before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Again {
    /// Where the faults it had then are kept.
    pub faults: Option<PathBuf>,
}

impl Plan {
    /// Checks everything that can be checked without starting anything.
    pub(super) fn new(args: &CampaignArgs) -> Result<Self, UsageError> {
        let usual = NEMESES.map(str::to_owned);
        let nemeses = match args.nemesis.as_slice() {
            [] => &usual[..],
            named => named,
        };
        let (mut cells, mut configs): (Vec<Cell>, Vec<RunConfig>) = (Vec::new(), Vec::new());
        for nemesis in nemeses {
            for workload in args.workload.iter().map(|name| name.trim()) {
                let config = config(args, workload, nemesis)?;
                let cell = Cell {
                    workload: workload.to_owned(),
                    nemesis: nemesis.replace(' ', ""),
                    arguments: config.arguments(),
                };
                if !cells.iter().any(|other| other.arguments == cell.arguments) {
                    cells.push(cell);
                    configs.push(config);
                }
            }
        }
        let extent = match (args.for_time, args.seeds) {
            (Some(time), _) => Extent::For(time),
            (None, seeds) => Extent::Seeds(seeds.unwrap_or(SEEDS)),
        };
        let Some((cell, config)) = cells.first().zip(configs.first()) else {
            return usage("nothing to run: name a --workload");
        };
        Ok(Self {
            extent,
            jobs: args.jobs.map_or_else(usual_jobs, NonZero::get),
            keep: args.keep,
            program: fingerprint(config.program.path())?,
            system: parted(&cell.arguments).1,
            first_seed: args.seed,
            out: args.out.clone(),
            shard: args.shard,
            cells,
        })
    }

    /// How many fresh runs there are in all, where that is known.
    pub(super) fn count(&self, first_seed: u64) -> Option<usize> {
        match self.extent {
            Extent::Seeds(_) => Some(self.seeds(first_seed).count()),
            Extent::For(_) => None,
        }
    }

    /// All fresh runs from this seed on, in their order.
    pub(super) fn seeds(&self, first: u64) -> impl Iterator<Item = Run> {
        let count = match self.extent {
            Extent::Seeds(count) => u64::from(count),
            Extent::For(_) => u64::MAX,
        };
        let seeds = (0..count).map_while(move |number| first.checked_add(number));
        let cells = &self.cells;
        self.part(seeds.flat_map(move |seed| cells.iter().map(move |cell| cell.run(seed))))
    }

    /// What of it is made here.
    pub(super) fn part(&self, runs: impl Iterator<Item = Run>) -> impl Iterator<Item = Run> {
        let shard = self.shard;
        let numbered = runs.enumerate();
        numbered.filter_map(move |(number, run)| shard.has(number).then_some(run))
    }
}

impl Cell {
    fn run(&self, seed: u64) -> Run {
        let mut arguments = self.arguments.clone();
        let option = arguments.iter().position(|word| word == "--seed");
        if let Some(value) = option.and_then(|at| arguments.get_mut(at + 1)) {
            *value = seed.to_string();
        }
        Run {
            workload: self.workload.clone(),
            nemesis: self.nemesis.clone(),
            seed,
            arguments,
            again: None,
        }
    }
}

impl Run {
    /// `register under partition,kill, seed 7`.
    pub(super) fn name(&self) -> String {
        let Self {
            workload,
            nemesis,
            seed,
            ..
        } = self;
        format!("{workload} under {nemesis}, seed {seed}")
    }
}

/// Nodes and clients of a run keep more than one core busy now and then.
fn usual_jobs() -> usize {
    thread::available_parallelism().map_or(1, |cores| cores.get().div_ceil(2))
}

fn config(args: &CampaignArgs, workload: &str, nemesis: &str) -> Result<RunConfig, UsageError> {
    let time_limit = humantime::format_duration(args.time_limit).to_string();
    let time_limit = time_limit.replace(' ', "");
    // What the campaign decides is among them, so that it is refused behind the --.
    let own = [
        "adrasteia",
        "run",
        "--workload",
        workload,
        "--nemesis",
        nemesis,
        "--time-limit",
        &time_limit,
        "--seed",
        "0",
        "--test-count",
        "1",
        "--out",
        ".",
        "--dry-run",
    ];
    let online = Some("--online").filter(|word| !args.further.iter().any(|given| given == word));
    let further = args.further.iter().map(String::as_str);
    let typed = Cli::try_parse_from(own.into_iter().chain(online).chain(further))
        .map_err(|error| UsageError(told(&error)))?;
    match typed.command {
        Some(crate::cli::Command::Run(run)) => RunConfig::new(&run),
        _ => usage("what stands behind -- are options of run"),
    }
}

/// The first line of what clap says.
fn told(error: &clap::Error) -> String {
    let text = error.to_string();
    let first = text.lines().next().unwrap_or_default();
    let first = first.strip_prefix("error: ").unwrap_or(first);
    format!(
        "behind --: {first}; there stand options of run that the campaign does not choose itself"
    )
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::cli::Command;

    pub(in crate::campaign) fn plan(options: &str) -> Result<Plan, UsageError> {
        let words = ["adrasteia", "campaign"].into_iter();
        let typed = Cli::try_parse_from(words.chain(options.split_whitespace())).unwrap();
        match typed.command {
            Some(Command::Campaign(args)) => Plan::new(&args),
            other => panic!("{other:?}"),
        }
    }

    pub(in crate::campaign) fn names(runs: impl Iterator<Item = Run>) -> Vec<String> {
        runs.map(|run| run.name()).collect()
    }

    #[test]
    fn a_first_night_begins_with_one_of_every_cell() {
        let plan =
            plan("--workload register,counter --nemesis partition,kill --nemesis none --seeds 2")
                .unwrap();
        assert_eq!(
            names(plan.seeds(1)),
            [
                "register under partition,kill, seed 1",
                "counter under partition,kill, seed 1",
                "register under none, seed 1",
                "counter under none, seed 1",
                "register under partition,kill, seed 2",
                "counter under partition,kill, seed 2",
                "register under none, seed 2",
                "counter under none, seed 2",
            ]
        );
        let run = plan.seeds(1).last().unwrap().arguments;
        let config = Cli::try_parse_from([&["adrasteia".to_owned()], &run[..]].concat()).unwrap();
        let config = RunConfig::new(&config.run).unwrap();
        assert_eq!((config.seed, config.online), (2, true));
        assert_eq!(config.arguments(), run);
    }

    #[test]
    fn there_is_no_end_where_only_time_ends_it() {
        let plan = plan("--for 2h --nemesis none --workload register").unwrap();
        assert_eq!(plan.count(1), None);
        assert_eq!(plan.seeds(1).take(5_000).count(), 5_000);
    }

    #[test]
    fn shards_make_each_run_once() {
        let options = "--seeds 3 --seed 40";
        let all = |options: &str| {
            let plan = plan(options).unwrap();
            names(plan.seeds(40))
        };
        let whole = all(options);
        assert_eq!(whole.len(), 3 * 3 * NEMESES.len());
        let parts =
            ["1/4", "2/4", "3/4", "4/4"].map(|part| all(&format!("{options} --shard {part}")));
        assert!(parts.iter().all(|part| !part.is_empty()));
        let mut together = parts.concat();
        together.sort_by_key(|name| whole.iter().position(|other| other == name));
        assert_eq!(together, whole);
    }

    #[test]
    fn what_cannot_be_run_is_refused_with_its_remedy() {
        for (options, word) in [
            ("--workload bank", "bank"),
            ("--nemesis earthquake", "earthquake"),
            ("--time-limit 10ms", "--time-limit"),
            ("-- --seed 7", "--seed"),
            ("-- --out there", "--out"),
            ("-- --test-count 2", "--test-count"),
            ("-- --dry-run", "--dry-run"),
            ("-- --no-such-option", "--no-such-option"),
            ("-- --node-bin /no/such/file", "/no/such/file"),
        ] {
            let UsageError(message) = plan(options).unwrap_err();
            assert!(message.contains(word), "{options}: {message}");
            assert!(!message.contains('\n'), "{message}");
        }
    }

    #[test]
    fn a_cell_that_is_named_twice_is_one() {
        let plan = plan("--workload register,register --nemesis kill --nemesis kill,kill").unwrap();
        assert_eq!(plan.cells.len(), 1);
    }
}
