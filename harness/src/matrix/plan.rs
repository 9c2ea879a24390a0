//! The runs of a matrix: all of them, in an order in which the first ones already tell something.

use std::num::NonZero;
use std::path::PathBuf;
use std::thread;

use clap::ValueEnum as _;
use target_node::Bug;

use super::trial::Trial;
use crate::cli::{Cli, MatrixArgs};
use crate::config::{RunConfig, UsageError, usage};

/// Everything that is to be run here.
///
/// - No two cells have the same arguments.
/// - Every cell's arguments make a run: that was tried.
#[derive(Debug, Clone)]
pub(super) struct Plan {
    pub bugs: Vec<Bug>,
    pub cells: Vec<Cell>,
    pub jobs: usize,
    pub out: PathBuf,
    pub keep: bool,
}

/// One run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Cell {
    pub bug: Option<Bug>,
    pub seed: u32,
    /// Arguments of `run`, without the place of its folder.
    pub arguments: Vec<String>,
}

impl Cell {
    /// The word for what runs.
    pub(super) fn name(&self) -> &'static str {
        self.bug.map_or(HEALTHY, Bug::name)
    }
}

/// Clients of each run, and how much they do: what goes wrong for some milliseconds must be met by somebody.
const RATE: &str = "400";
const CONCURRENCY: &str = "6n";

/// How long the check of a run may take, and its explanation as long again.
const CHECK_LIMIT: &str = "10s";

/// The node without bugs.
pub(super) const HEALTHY: &str = "healthy";

impl Plan {
    /// Checks everything that can be checked without starting anything.
    pub(super) fn new(args: &MatrixArgs) -> Result<Self, UsageError> {
        let bugs = bugs(&args.bugs)?;
        let all = interleaved(planted(args, &bugs), healthy(args, &bugs));
        if all.is_empty() {
            return usage("nothing to run: name --bugs and --seeds, or ask for --healthy runs");
        }
        for cell in &all {
            try_out(cell)?;
        }
        let cells = all.into_iter().enumerate();
        Ok(Self {
            bugs,
            cells: cells
                .filter(|(index, _)| args.shard.has(*index))
                .map(|(_, cell)| cell)
                .collect(),
            jobs: args
                .jobs
                .or_else(|| thread::available_parallelism().ok())
                .map_or(1, NonZero::get),
            out: args.out.clone(),
            keep: args.keep,
        })
    }
}

fn bugs(text: &str) -> Result<Vec<Bug>, UsageError> {
    match text {
        "all" => Ok(Bug::ALL.to_vec()),
        "none" => Ok(Vec::new()),
        names => {
            let parse = |name: &str| {
                name.trim()
                    .parse::<Bug>()
                    .or_else(|error| usage(format!("--bugs: {error}")))
            };
            let mut bugs: Vec<Bug> = names.split(',').map(parse).collect::<Result<_, _>>()?;
            bugs.sort_unstable();
            bugs.dedup();
            Ok(bugs)
        }
    }
}

/// All bugs with the first seed, then all with the second, and so on.
fn planted(args: &MatrixArgs, bugs: &[Bug]) -> Vec<Cell> {
    let cell = |seed, bug: Bug| Cell {
        bug: Some(bug),
        seed,
        arguments: arguments(args, Some(bug), seed, Trial::of(bug)),
    };
    seeds(args, args.seeds)
        .flat_map(|seed| bugs.iter().map(move |bug| cell(seed, *bug)))
        .collect()
}

/// The healthy node under the faults of one bug after the other.
fn healthy(args: &MatrixArgs, bugs: &[Bug]) -> Vec<Cell> {
    let mut trials: Vec<Trial> = Vec::new();
    let of: &[Bug] = if bugs.is_empty() { &Bug::ALL } else { bugs };
    for trial in of.iter().map(|bug| Trial::of(*bug)) {
        if !trials.contains(&trial) {
            trials.push(trial);
        }
    }
    let cell = |(seed, trial)| Cell {
        bug: None,
        seed,
        arguments: arguments(args, None, seed, trial),
    };
    seeds(args, args.healthy)
        .zip(trials.into_iter().cycle())
        .map(cell)
        .collect()
}

fn seeds(args: &MatrixArgs, count: u32) -> impl Iterator<Item = u32> + use<> {
    let first = args.first_seed;
    (0..count).map(move |number| first.wrapping_add(number))
}

fn arguments(args: &MatrixArgs, bug: Option<Bug>, seed: u32, trial: Trial) -> Vec<String> {
    let net = args.net.to_possible_value();
    let net = net.expect("no way to connect nodes is hidden");
    let time_limit = humantime::format_duration(args.time_limit).to_string();
    let common = [
        ("--nodes", trial.nodes.to_string()),
        ("--net", net.get_name().to_owned()),
        ("--time-limit", time_limit.replace(' ', "")),
        ("--rate", RATE.to_owned()),
        ("--concurrency", CONCURRENCY.to_owned()),
        ("--seed", seed.to_string()),
        ("--check-limit", CHECK_LIMIT.to_owned()),
        ("--require", "nothing".to_owned()),
    ];
    // A bug's own faults, with whom they hit and for how long, or those that are named for all.
    let faults: Vec<String> = match args.nemesis.as_str() {
        "auto" => words(trial.faults),
        named => vec!["--nemesis".to_owned(), named.to_owned()],
    };
    let own: Vec<String> = faults.into_iter().chain(words(trial.clients)).collect();
    let is_own = |option: &str| own.iter().any(|word| word == option);
    let mut arguments: Vec<String> = common
        .into_iter()
        .filter(|(option, _)| !is_own(option))
        .flat_map(|(option, value)| [option.to_owned(), value])
        .collect();
    arguments.push("--online".to_owned());
    arguments.extend(bug.map(|bug| format!("--bug={bug}")));
    arguments.extend(own);
    arguments
}

fn words(text: &str) -> Vec<String> {
    text.split_whitespace().map(str::to_owned).collect()
}

/// What a run would refuse is refused before any run is made.
fn try_out(cell: &Cell) -> Result<(), UsageError> {
    use clap::Parser as _;

    let words = ["adrasteia"].into_iter();
    let words = words.chain(cell.arguments.iter().map(String::as_str));
    let typed = Cli::try_parse_from(words).map_err(|error| UsageError(error.to_string()))?;
    RunConfig::new(&typed.run).map(drop)
}

/// Spreads the second list evenly over the first.
fn interleaved(first: Vec<Cell>, second: Vec<Cell>) -> Vec<Cell> {
    let (many, few) = (first.len().max(1), second.len());
    let mut second = second.into_iter();
    let mut all = Vec::new();
    let mut taken = 0;
    for (number, cell) in (1..).zip(first) {
        all.push(cell);
        let due = number * few / many;
        all.extend(second.by_ref().take(due - taken));
        taken = due;
    }
    all.extend(second);
    all
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use clap::Parser as _;

    use super::*;
    use crate::cli::Command;

    fn plan(options: &str) -> Result<Plan, UsageError> {
        let words = ["adrasteia", "matrix"].into_iter();
        let typed = Cli::try_parse_from(words.chain(options.split_whitespace())).unwrap();
        match typed.command {
            Some(Command::Matrix(args)) => Plan::new(&args),
            other => panic!("{other:?}"),
        }
    }

    fn told(plan: &Plan) -> BTreeSet<String> {
        let cells = plan.cells.iter();
        cells.map(|cell| cell.arguments.join(" ")).collect()
    }

    #[test]
    fn every_bug_has_a_trial_that_makes_a_run() {
        let plan = plan("--seeds 2 --healthy 3").unwrap();
        assert_eq!(plan.cells.len(), 2 * Bug::ALL.len() + 3);
        assert_eq!(told(&plan).len(), plan.cells.len(), "all differ");
        let healthy = plan.cells.iter().filter(|cell| cell.bug.is_none());
        assert_eq!(healthy.count(), 3);
        assert!(
            plan.cells[Bug::ALL.len()..]
                .iter()
                .any(|cell| cell.bug.is_none())
        );
    }

    #[test]
    fn shards_make_each_run_once() {
        let whole = told(&plan("--seeds 3 --healthy 7").unwrap());
        let parts = ["1/3", "2/3", "3/3"]
            .map(|shard| told(&plan(&format!("--seeds 3 --healthy 7 --shard {shard}")).unwrap()));
        assert_eq!(parts.iter().map(BTreeSet::len).sum::<usize>(), whole.len());
        assert_eq!(parts.into_iter().flatten().collect::<BTreeSet<_>>(), whole);
    }

    #[test]
    fn what_cannot_be_run_is_refused_with_the_value() {
        for (options, word) in [
            ("--bugs no-such-bug", "no-such-bug"),
            ("--bugs none --healthy 0", "--healthy"),
            ("--nemesis earthquake", "earthquake"),
            ("--time-limit 10ms", "--time-limit"),
        ] {
            let UsageError(message) = plan(options).unwrap_err();
            assert!(message.contains(word), "{options}: {message}");
        }
    }

    #[test]
    fn the_same_faults_for_all_where_they_are_named() {
        let plan = plan("--bugs quorum-half --seeds 1 --healthy 1 --nemesis kill,pause").unwrap();
        assert!(
            told(&plan)
                .iter()
                .all(|cell| cell.contains("--nemesis kill,pause"))
        );
    }
}
