//! What will happen: every choice made and checked before anything starts.

mod arguments;
mod faults;
mod out;
mod stored;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::Duration;

use checker::Nanos;
use nemesis::NodeName;
use nemesis::clocks::ClockChoice;
use nemesis::net::{Means, NetChoice, Wanted};
use nemesis::schedule::{FaultKind, PlanConfig, Preferences, Schedule, Spans, plan};
use target_node::Bug;

use crate::budget::Limits;
use crate::cli::{Clocks, Net, Require, RunArgs};
use crate::run::Habits;
use crate::steps::Steps;
use crate::workload::WorkloadName;
use arguments::{drawn_seed, nodes, parse, rate, workers};
use faults::{enough, kinds, preferences, spans};

pub(crate) use arguments::{at_least, at_most, program};
pub(crate) use out::{check_out, check_place};
pub(crate) use stored::typed;

/// Clients work undisturbed for so long before the first fault.
const QUIET_START: Duration = Duration::from_secs(2);
const SHORTEST_RUN: Duration = Duration::from_secs(1);
/// A week: its schedule still fits into memory with ease.
const LONGEST_RUN: Duration = Duration::from_secs(7 * 24 * 3_600);

/// One run, decided.
#[derive(Debug, Clone)]
pub(crate) struct RunConfig {
    pub workload: WorkloadName,
    pub kinds: Vec<FaultKind>,
    pub preferences: Preferences,
    pub spans: Spans,
    /// Faults that are not drawn from the seed.
    pub given: Option<Given>,
    /// Faults that wait for what the system does.
    pub steps: Option<Steps>,
    pub nodes: Vec<NodeName>,
    pub workers: usize,
    pub rate: f64,
    pub time_limit: Duration,
    pub habits: Habits,
    pub recovery_limit: Duration,
    pub outage_limit: Duration,
    pub max_needless_elections: Option<u32>,
    pub check: Limits,
    pub seed: u64,
    pub net: NetChoice,
    /// How nodes get clocks of their own.
    pub clocks: ClockChoice,
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
        let time_limit = at_most(
            "--time-limit",
            at_least("--time-limit", args.time_limit, SHORTEST_RUN)?,
            LONGEST_RUN,
        )?;
        let kinds = match &given {
            Some(given) => (given.schedule.kinds(), BTreeMap::new()),
            None => kinds(&args.nemesis)?,
        };
        let config = Self {
            workload: parse("--workload", &args.workload)?,
            preferences: preferences(&args.faults, &kinds, &nodes)?,
            spans: spans(&args.faults, time_limit)?,
            kinds: kinds.0,
            given,
            steps: args
                .steps
                .as_deref()
                .map(|named| Steps::read(named, &nodes))
                .transpose()?,
            workers: workers(&args.concurrency, nodes.len())?,
            nodes,
            rate: rate(args.rate)?,
            time_limit,
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
            outage_limit: at_least(
                "--outage-limit",
                args.outage_limit,
                Duration::from_millis(1),
            )?,
            max_needless_elections: args.max_needless_elections,
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
            clocks: match args.clocks {
                Clocks::Auto => ClockChoice::Auto,
                Clocks::Vdso => ClockChoice::Vdso,
                Clocks::Preload => ClockChoice::Preload,
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
        if let Some(kind) = self
            .all_kinds()
            .iter()
            .find(|kind| kind.min_nodes() > nodes)
        {
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
        // Where kinds have weights, a light one may have no fault in a short run.
        let missing = |kind: &&FaultKind| match self.preferences.weights.is_empty() {
            true => !planned.contains(kind),
            false => planned.is_empty(),
        };
        match self.kinds.iter().find(missing) {
            Some(kind) => usage(format!(
                "no {kind} fault fits into --time-limit {}: allow at least {}",
                compact(self.time_limit),
                compact(enough(&self.spans, self.kinds.len())),
            )),
            None => Ok(()),
        }
    }

    /// The kinds of fault that were asked for, drawn or in steps, each once.
    pub(crate) fn all_kinds(&self) -> Vec<FaultKind> {
        let of_steps = self.steps.iter().flat_map(|steps| steps.story.kinds());
        let kinds: BTreeSet<FaultKind> = self.kinds.iter().copied().chain(of_steps).collect();
        kinds.into_iter().collect()
    }

    /// What this run wants of the network.
    pub(crate) fn wanted(&self) -> Vec<Wanted> {
        let kinds = self.all_kinds().into_iter();
        let kinds = kinds.map(|kind| (kind.name(), kind.means()));
        let capture = self.capture.then_some(("--capture", Means::Switch));
        let wanted = kinds.chain(capture).map(|(what, means)| Wanted {
            what: what.to_owned(),
            means,
        });
        wanted.collect()
    }

    /// When the clients' time is over, on the clock of the run.
    pub(crate) fn clients_end(&self) -> Nanos {
        Nanos(nanos(self.time_limit))
    }

    /// The node that a process of the history asks first. Workers are dealt out to the nodes in turn, and a worker's
    /// processes are all those that have the same rest by the number of workers.
    pub(crate) fn home(&self, process: i64) -> &NodeName {
        let workers = i64::try_from(self.workers).unwrap_or(i64::MAX);
        let worker = usize::try_from(process.rem_euclid(workers)).unwrap_or_default();
        &self.nodes[worker % self.nodes.len()]
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
            spans: self.spans.clone(),
            preferences: self.preferences.clone(),
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
        self.only(|kind| matches!(kind, FaultKind::Disk(_)))
    }

    /// Whether a fault of clocks was asked for.
    pub(crate) fn wants_clocks(&self) -> bool {
        self.all_kinds().iter().any(is_of_clocks)
    }

    /// Whether faults of clocks are all that was asked for.
    pub(crate) fn only_clocks(&self) -> bool {
        self.only(is_of_clocks)
    }

    fn only(&self, such: impl Fn(&FaultKind) -> bool) -> bool {
        let kinds = self.all_kinds();
        !kinds.is_empty() && kinds.iter().all(such)
    }

    /// The folder name that runs of this kind share.
    pub(crate) fn name(&self) -> String {
        let faults = match &self.steps {
            Some(_) if self.kinds.is_empty() => "steps".to_owned(),
            Some(_) => format!("steps+{}", self.nemesis("+")),
            None => self.nemesis("+"),
        };
        format!("{}-{faults}-{}", self.workload, self.seed)
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

const fn is_of_clocks(kind: &FaultKind) -> bool {
    matches!(kind, FaultKind::Clock(_))
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

    fn beyond_rules(config: &RunConfig) -> Vec<(String, Means)> {
        let wanted = config.wanted().into_iter();
        wanted
            .map(|wanted| (wanted.what, wanted.means))
            .filter(|(_, means)| *means != Means::Rules)
            .collect()
    }

    #[test]
    fn what_takes_more_than_rules_of_iptables_is_named() {
        let wanted = |line: &str| beyond_rules(&config(&format!("--nemesis {line}")).unwrap());
        let named = |names: &[(&str, Means)]| -> Vec<(String, Means)> {
            names
                .iter()
                .map(|(name, means)| ((*name).to_owned(), *means))
                .collect()
        };
        assert_eq!(wanted("partition,loss,client-partition,kill"), []);
        assert_eq!(
            wanted("flap,partition,delay,duplicate,rate --capture"),
            named(&[
                ("delay", Means::Netem),
                ("duplicate", Means::Copies),
                ("rate", Means::Bottleneck),
                ("flap", Means::Switch),
                ("--capture", Means::Switch),
            ])
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
            ("--nemesis partition=0,kill", "from 1 to 100"),
            ("--nemesis partition=often", "as in partition=3,kill=1"),
            ("--target kill=one", "no fault of this run"),
            (
                "--nemesis kill --target majority",
                "allow it with --beyond-minority",
            ),
            ("--range delay=1ms", "no fault of this run"),
            ("--nemesis delay --range delay=5%", "delay=50ms..500ms"),
            ("--fault-length 3s..1s", "the shorter time first"),
            ("--fault-length fast", "a range is 1s..3s"),
            ("--fault-length 0s", "at least 1ms"),
            (
                "--fault-length 20s..40s --time-limit 20s",
                "allow at least 22s500ms",
            ),
            (
                "--fault-length 1ms --fault-interval 0s --time-limit 1day",
                "more than 1000000 faults",
            ),
            ("--bug no-such-bug", "no-such-bug"),
            ("--node-bin /no/such/file", "/no/such/file"),
            ("--node-bin /etc/passwd", "not an executable"),
            ("--node-bin /bin/true --bug read-no-quorum", "--node-bin"),
            ("--steps no-such-steps", "list steps"),
            ("--nodes 1 --steps late-orders", "at least 2 nodes"),
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
    fn a_shaped_schedule_is_made_again() {
        let usual = config("--nemesis kill,delay --seed 9").unwrap();
        for line in [
            "--nemesis kill=3,delay",
            "--nemesis kill,delay --target leader,kill=minority,n1+n2",
            "--nemesis kill,delay --target majority --beyond-minority",
            "--nemesis kill,delay --fault-length 500ms..2s",
            "--nemesis kill,delay --fault-interval 3s",
            "--nemesis kill,delay --range delay=10ms..20ms",
        ] {
            let first = config(&format!("{line} --seed 9")).unwrap();
            assert_ne!(first.schedule(), usual.schedule(), "{line}");
            let command = first.command();
            let again = config(command.rsplit_once(" run ").unwrap().1).unwrap();
            assert_eq!(again.schedule(), first.schedule(), "{line}");
            assert_eq!(again.command(), command);
        }
    }

    #[test]
    fn a_light_kind_may_be_missing_from_a_short_run() {
        let drawn = |seed: u64| {
            let line = format!("--nemesis partition=100,kill=1 --seed {seed}");
            let config = config(&line).unwrap();
            assert_eq!(config.kinds, [FaultKind::Partition, FaultKind::Kill]);
            config.schedule().kinds()
        };
        assert!((1..5).any(|seed| drawn(seed) == [FaultKind::Partition]));
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
    fn steps_come_alone_or_beside_drawn_faults_and_are_named_in_the_command() {
        let alone = config("--steps leader-left-behind --seed 1").unwrap();
        assert!(alone.kinds.is_empty());
        assert_eq!(alone.all_kinds(), [FaultKind::Partition, FaultKind::Kill]);
        let both = config("--steps late-orders --nemesis kill --seed 1").unwrap();
        assert_eq!(both.kinds, [FaultKind::Kill]);
        assert_eq!(beyond_rules(&both), [("delay".to_owned(), Means::Netem)]);
        for config_of in [alone, both] {
            let again = config(&config_of.arguments().join(" ")).unwrap();
            assert_eq!(again.steps, config_of.steps);
            assert_eq!(again.schedule(), config_of.schedule());
        }
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
