//! What will happen: every choice made and checked before anything starts.

mod arguments;
mod out;
mod stored;

use std::path::{Path, PathBuf};
use std::time::Duration;

use checker::Nanos;
use nemesis::NodeName;
use nemesis::net::NetChoice;
use nemesis::schedule::{FaultKind, PlanConfig, Schedule, Spans, plan};
use target_node::Bug;

use crate::budget::Limits;
use crate::cli::{Net, Require, RunArgs};
use crate::run::Habits;
use crate::workload::WorkloadName;
use arguments::{drawn_seed, kinds, nodes, parse, rate, workers};

pub(crate) use arguments::{at_least, at_most, program};
pub(crate) use out::{check_out, check_place};
pub(crate) use stored::typed;

/// Clients work undisturbed for so long before the first fault.
const QUIET_START: Duration = Duration::from_secs(2);
/// Kinds of fault may have to take turns; one needs at most so long.
const TIME_PER_KIND: Duration = Duration::from_secs(5);
const SHORTEST_RUN: Duration = Duration::from_secs(1);
/// A week: its schedule still fits into memory with ease.
const LONGEST_RUN: Duration = Duration::from_secs(7 * 24 * 3_600);

/// One run, decided.
#[derive(Debug, Clone)]
pub(crate) struct RunConfig {
    pub workload: WorkloadName,
    pub kinds: Vec<FaultKind>,
    /// Faults that are not drawn from the seed.
    pub given: Option<Given>,
    pub nodes: Vec<NodeName>,
    pub workers: usize,
    pub rate: f64,
    pub time_limit: Duration,
    pub habits: Habits,
    pub recovery_limit: Duration,
    pub check: Limits,
    pub seed: u64,
    pub net: NetChoice,
    pub replays: bool,
    pub capture: bool,
    pub bugs: Vec<Bug>,
    pub program: NodeProgram,
    pub node_args: Vec<String>,
    pub out: PathBuf,
    pub require: Require,
    pub test_count: u32,
    pub online: bool,
}

/// A schedule from a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Given {
    path: PathBuf,
    schedule: Schedule,
}

/// What runs as each node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum NodeProgram {
    /// This program, re-executed as the bundled node.
    Bundled(PathBuf),
    /// Another program, which takes the bundled node's arguments.
    Other(PathBuf),
}

impl NodeProgram {
    pub(crate) fn path(&self) -> &Path {
        match self {
            Self::Bundled(path) | Self::Other(path) => path,
        }
    }
}

/// Arguments that cannot be carried out: which, why, and what to write instead.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(crate) struct UsageError(pub String);

pub(crate) fn usage<T>(message: impl Into<String>) -> Result<T, UsageError> {
    Err(UsageError(message.into()))
}

impl RunConfig {
    /// Checks everything that can be checked without starting anything.
    pub(crate) fn new(args: &RunArgs) -> Result<Self, UsageError> {
        let nodes = nodes(args.nodes)?;
        let given = args.schedule.as_deref().map(given).transpose()?;
        let config = Self {
            workload: parse("--workload", &args.workload)?,
            kinds: match &given {
                Some(given) => given.schedule.kinds(),
                None => kinds(&args.nemesis)?,
            },
            given,
            workers: workers(&args.concurrency, nodes.len())?,
            nodes,
            rate: rate(args.rate)?,
            time_limit: at_most(
                "--time-limit",
                at_least("--time-limit", args.time_limit, SHORTEST_RUN)?,
                LONGEST_RUN,
            )?,
            habits: Habits {
                deadline: at_least(
                    "--operation-timeout",
                    args.operation_timeout,
                    Duration::from_millis(1),
                )?,
                retries: args.retry,
                reads: args.read_level,
            },
            recovery_limit: at_least(
                "--recovery-limit",
                args.recovery_limit,
                Duration::from_millis(1),
            )?,
            check: Limits {
                time: at_least("--check-limit", args.check_limit, Duration::from_millis(1))?,
                memory_bytes: args.memory_limit.as_u64(),
            },
            seed: args.seed.unwrap_or_else(drawn_seed),
            net: match args.net {
                Net::Auto => NetChoice::Auto,
                Net::Iptables => NetChoice::Iptables,
                Net::Switch => NetChoice::Switch,
            },
            replays: !args.no_replay,
            capture: args.capture,
            bugs: args
                .bug
                .iter()
                .map(|name| parse("--bug", name.trim()))
                .collect::<Result<_, _>>()?,
            program: program(args.node_bin.as_deref())?,
            node_args: args.node_arg.clone(),
            out: args.out.clone(),
            require: args.require,
            test_count: args.test_count,
            online: args.online,
        };
        config.check_together()?;
        Ok(config)
    }

    fn check_together(&self) -> Result<(), UsageError> {
        if self.test_count == 0 {
            return usage("--test-count 0 makes no run: ask for at least 1");
        }
        if self
            .seed
            .checked_add(u64::from(self.test_count) - 1)
            .is_none()
        {
            return usage(format!(
                "--seed {} cannot count up for --test-count {}: choose a smaller seed",
                self.seed, self.test_count
            ));
        }
        if !self.bugs.is_empty() && matches!(self.program, NodeProgram::Other(_)) {
            return usage("--bug plants bugs in the bundled node: leave out --node-bin, or --bug");
        }
        let nodes = self.nodes.len();
        if let Some(kind) = self.kinds.iter().find(|kind| kind.min_nodes() > nodes) {
            return usage(format!(
                "--nemesis {kind} needs at least {} nodes: raise --nodes",
                kind.min_nodes()
            ));
        }
        let schedule = self.schedule();
        if schedule.end_ns() > self.clients_end().0 {
            return usage(format!(
                "--schedule goes on until {}, --time-limit is {}: allow more",
                compact(Duration::from_nanos(schedule.end_ns())),
                compact(self.time_limit)
            ));
        }
        let planned = schedule.kinds();
        match self.kinds.iter().find(|kind| !planned.contains(kind)) {
            Some(kind) => usage(format!(
                "no {kind} fault fits into --time-limit {}: allow at least {}",
                humantime::format_duration(self.time_limit),
                humantime::format_duration(
                    TIME_PER_KIND * u32::try_from(self.kinds.len()).unwrap_or(1).max(2)
                ),
            )),
            None => Ok(()),
        }
    }

    /// What of this run only the switch can do, in words.
    pub(crate) fn needs_switch(&self) -> Option<String> {
        let kinds = self.kinds.iter().filter(|kind| kind.needs_switch());
        let capture = self.capture.then_some("--capture");
        let names: Vec<&str> = kinds.map(|kind| kind.name()).chain(capture).collect();
        (!names.is_empty()).then(|| names.join(", "))
    }

    /// When the clients' time is over, on the clock of the run.
    pub(crate) fn clients_end(&self) -> Nanos {
        Nanos(nanos(self.time_limit))
    }

    /// The faults of this run.
    pub(crate) fn schedule(&self) -> Schedule {
        if let Some(given) = &self.given {
            return given.schedule.clone();
        }
        let config = PlanConfig {
            nodes: self.nodes.clone(),
            kinds: self.kinds.clone(),
            quiet_start_ns: nanos(QUIET_START),
            time_limit_ns: self.clients_end().0,
            spans: Spans::default(),
        };
        plan(self.seed, &config)
    }

    /// The same run with the next seed, if there is one.
    pub(crate) fn next(&self) -> Option<Self> {
        let seed = self.seed.checked_add(1)?;
        Some(Self {
            seed,
            ..self.clone()
        })
    }

    /// Whether faults of disks are all that was asked for.
    pub(crate) fn only_disks(&self) -> bool {
        let of_disks = |kind: &FaultKind| matches!(kind, FaultKind::Disk(_));
        !self.kinds.is_empty() && self.kinds.iter().all(of_disks)
    }

    /// Whether faults of clocks are all that was asked for.
    pub(crate) fn only_clocks(&self) -> bool {
        let of_clocks = |kind: &FaultKind| matches!(kind, FaultKind::Clock(_));
        !self.kinds.is_empty() && self.kinds.iter().all(of_clocks)
    }

    /// The folder name that runs of this kind share.
    pub(crate) fn name(&self) -> String {
        format!("{}-{}-{}", self.workload, self.nemesis("+"), self.seed)
    }

    /// The kinds of fault in one word.
    pub(crate) fn nemesis(&self, separator: &str) -> String {
        let names: Vec<String> = self.kinds.iter().map(ToString::to_string).collect();
        if names.is_empty() {
            "none".to_owned()
        } else {
            names.join(separator)
        }
    }
}

fn given(path: &Path) -> Result<Given, UsageError> {
    let refused = |error: &dyn std::fmt::Display| {
        UsageError(format!("--schedule {}: {error}", path.display()))
    };
    let text = std::fs::read_to_string(path).map_err(|error| refused(&error))?;
    let schedule = Schedule::from_json(&text).map_err(|error| refused(&error))?;
    let path = path.canonicalize().map_err(|error| refused(&error))?;
    Ok(Given { path, schedule })
}

fn compact(duration: Duration) -> String {
    humantime::format_duration(duration)
        .to_string()
        .replace(' ', "")
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;
    use nemesis::schedule::NetworkKind;

    use super::*;
    use crate::cli::Cli;

    fn config(line: &str) -> Result<RunConfig, UsageError> {
        let words = std::iter::once("adrasteia").chain(line.split_whitespace());
        RunConfig::new(&Cli::try_parse_from(words).unwrap().run)
    }

    #[test]
    fn the_defaults_make_a_run() {
        let config = config("--seed 1").unwrap();
        assert_eq!(config.nodes.len(), 5);
        assert_eq!(config.workers, 10);
        assert_eq!(config.kinds, [FaultKind::Partition]);
        assert!(config.schedule().steps.len() >= 5);
    }

    #[test]
    fn a_group_stands_for_its_kinds() {
        let kinds = |line| config(line).unwrap().kinds;
        let [delay, unnoticed] =
            [NetworkKind::Delay, NetworkKind::CorruptUnnoticed].map(FaultKind::Network);
        let net = kinds("--nemesis kill,net,delay --time-limit 60s");
        assert!(
            [FaultKind::Kill, FaultKind::Partition, delay]
                .iter()
                .all(|kind| net.contains(kind))
        );
        assert!(net.is_sorted() && !net.contains(&unnoticed));
    }

    #[test]
    fn what_only_the_switch_can_do_is_named() {
        let needs = |nemesis: &str| {
            config(&format!("--nemesis {nemesis}"))
                .unwrap()
                .needs_switch()
        };
        assert_eq!(needs("partition,loss,client-partition"), None);
        assert_eq!(
            needs("flap,partition,delay"),
            Some("delay, flap".to_owned())
        );
    }

    #[test]
    fn each_mistake_is_named_with_its_remedy() {
        for (line, part) in [
            ("--nemesis earthquake", "earthquake"),
            ("--workload bank", "register"),
            ("--nodes 0", "--nodes 0"),
            ("--nodes 100", "1 to 99"),
            ("--concurrency fast", "2n"),
            ("--concurrency 0n", "--concurrency"),
            ("--rate 0", "--rate 0"),
            ("--rate=-3", "--rate"),
            ("--time-limit 10ms", "--time-limit"),
            ("--time-limit 1000000h", "at most 7days"),
            ("--check-limit 0s", "--check-limit"),
            (
                "--nemesis partition --time-limit 2s",
                "no partition fault fits",
            ),
            ("--nodes 1 --nemesis partition", "at least 2 nodes"),
            ("--bug no-such-bug", "no-such-bug"),
            ("--node-bin /no/such/file", "/no/such/file"),
            ("--node-bin /etc/passwd", "not an executable"),
            ("--node-bin /bin/true --bug read-no-quorum", "--node-bin"),
            ("--schedule /no/such/file", "/no/such/file"),
            ("--schedule /etc/passwd", "not a schedule"),
            ("--test-count 0", "--test-count"),
            (
                "--seed 18446744073709551615 --test-count 2",
                "a smaller seed",
            ),
        ] {
            match config(line) {
                Err(UsageError(message)) => assert!(message.contains(part), "{line}: {message}"),
                Ok(_) => panic!("{line} was accepted"),
            }
        }
    }

    #[test]
    fn the_replay_command_makes_the_same_schedule() {
        let first = config("--nemesis kill,partition --seed 9 --nodes 3 --rate 50 --time-limit 12s --bug read-no-quorum --online").unwrap();
        let command = first.command();
        let words = command.rsplit_once(" run ").unwrap().1;
        let again = config(words).unwrap();
        assert_eq!(again.schedule(), first.schedule());
        assert!(again.online);
        assert_eq!(again.command(), command);
    }

    #[test]
    fn a_schedule_from_a_file_is_followed_as_it_is() {
        let drawn = config("--nemesis kill,pause --seed 3").unwrap().schedule();
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), serde_json::to_string(&drawn).unwrap()).unwrap();
        let line = format!(
            "--seed 4 --retry --read-level log --schedule {}",
            file.path().display()
        );
        let given = config(&line).unwrap();
        assert_eq!(given.schedule(), drawn);
        assert_eq!(given.kinds, [FaultKind::Kill, FaultKind::Pause]);
        let words = given.arguments().join(" ");
        let again = config(&words).unwrap();
        assert_eq!(again.schedule(), drawn);
        assert_eq!(again.arguments(), given.arguments());
        let UsageError(short) = config(&format!("{line} --time-limit 5s")).unwrap_err();
        assert!(short.contains("--time-limit is 5s"), "{short}");
    }

    #[test]
    fn the_names_of_faults_may_come_in_any_order_and_twice() {
        assert_eq!(
            config("--nemesis kill,partition,kill").unwrap().kinds,
            config("--nemesis partition,kill").unwrap().kinds
        );
        assert!(config("--nemesis none").unwrap().kinds.is_empty());
    }
}
