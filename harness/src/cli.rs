//! What was typed. Nothing is decided here: [`crate::config`] turns it into what will happen.

mod bench;
mod campaign;
mod faults;
mod matrix;
mod replay;
mod serve;
mod summary;

use std::path::PathBuf;
use std::time::Duration;

pub(crate) use bench::{BenchArgs, Operation, Route, Target};
pub(crate) use campaign::{CampaignArgs, Keep};
use clap::builder::ArgPredicate;
use clap::{Args, Parser, Subcommand, ValueEnum};
pub(crate) use faults::FaultArgs;
pub(crate) use matrix::{MatrixArgs, Shard};
pub(crate) use replay::{ReplayArgs, ShrinkArgs};
pub(crate) use serve::ServeArgs;
pub(crate) use summary::SummaryArgs;

const EXIT_CODES: &str = "\
Exit codes:
  0    linearizable: proven by a witness order
  1    a violation was found
  2    unknown: a limit was reached before an answer
  3    the test was too weak to count (no fault acted, nothing completed)
  4    the system did not recover or was unavailable, or a node died by itself
  254  the arguments or the input cannot be used
  255  the harness itself failed, or the cluster never came up

Examples:
  adrasteia --nemesis partition                       partitions come and go for 30 s
  adrasteia --nemesis partition,kill,pause --seed 7   three kinds of fault, reproducible choices
  adrasteia --nemesis partition --bug read-no-quorum  watch a planted bug being found
  adrasteia check history.edn --model cas-register    judge a history from any tool
  adrasteia doctor                                    what this machine permits";

const CONVERT_EXAMPLES: &str = "\
What a format has no place for is lost, such as times in etcd-log; what would change the
history is refused, such as keys there. A file that ends in .zst is compressed.

Examples:
  adrasteia convert history.edn --to jsonl --out history.jsonl.zst
  adrasteia convert runs/latest/history.jsonl --to edn | less
  adrasteia convert operations.json --from porcupine-operations --to jsonl";

/// Breaks a replicated system's world while clients work against it, and proves the history linearizable or says why not.
#[derive(Debug, Parser)]
#[command(name = "adrasteia", version, after_help = EXIT_CODES, args_conflicts_with_subcommands = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub command: Option<Command>,
    #[command(flatten)]
    pub run: RunArgs,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Start a cluster, break its world, judge the history (the default command)
    #[command(after_help = EXIT_CODES)]
    Run(RunArgs),
    /// Judge recorded histories: one line a file, the exit code of the worst
    Check(CheckArgs),
    /// Write a recorded history in another format
    #[command(after_help = CONVERT_EXAMPLES)]
    Convert(ConvertArgs),
    /// Measure how fast the bundled node and etcd are, side by side
    #[command(after_help = bench::EXAMPLES)]
    Bench(BenchArgs),
    /// Make a stored run again, under the same faults
    #[command(after_help = replay::EXAMPLES)]
    Replay(ReplayArgs),
    /// Leave faults out of a stored run as long as the violation still comes
    #[command(after_help = replay::EXAMPLES)]
    Shrink(ShrinkArgs),
    /// Hunt every planted bug of the bundled node, and watch the healthy one
    #[command(after_help = matrix::EXAMPLES)]
    Matrix(MatrixArgs),
    /// Make runs night after night: what failed before comes first, then fresh seeds of every workload and nemesis
    #[command(after_help = campaign::EXAMPLES)]
    Campaign(CampaignArgs),
    /// Tell what stored runs came to, for people and for build servers
    #[command(after_help = summary::ABOUT)]
    Summary(SummaryArgs),
    /// Show stored runs, and those under way, in a browser
    #[command(after_help = serve::EXAMPLES)]
    Serve(ServeArgs),
    /// Show the names that options accept, and what each means
    List(ListArgs),
    /// Show what this machine permits, and what to do about the rest
    Doctor,
    /// The bundled node (started by the harness)
    #[command(hide = true)]
    Node(target_node::NodeArgs),
}

#[derive(Debug, Clone, Args)]
pub(crate) struct RunArgs {
    /// Faults to inject, separated by commas (see: list nemeses): partition, kill, pause, delay, …; net, disk or clock
    /// for all of the network, disks or clocks; or none. With weights, as in partition=3,kill=1, there is one timeline, and each
    /// kind gets its share of it
    #[arg(
        long,
        value_name = "NAME,…",
        default_value = "partition",
        default_value_if("steps", ArgPredicate::IsPresent, "none")
    )]
    pub nemesis: String,
    /// Faults from a file instead, such as the schedule.json of another run
    #[arg(long, value_name = "FILE", conflicts_with = "nemesis")]
    pub schedule: Option<PathBuf>,
    #[command(flatten)]
    pub faults: FaultArgs,
    /// Steps that wait for what the system does, from a file or by name (see: list steps, and docs/steps.md); together with
    /// --nemesis or --schedule, or alone
    #[arg(long, value_name = "FILE|NAME")]
    pub steps: Option<String>,
    /// What clients do
    #[arg(long, value_name = "NAME", default_value = "register")]
    pub workload: String,
    /// Nodes in the cluster
    #[arg(
        long,
        value_name = "N",
        default_value_t = 5,
        allow_negative_numbers = true
    )]
    pub nodes: usize,
    /// Clients: a number, or a multiple of the nodes such as 2n
    #[arg(
        long,
        value_name = "N|Kn",
        default_value = "2n",
        allow_negative_numbers = true
    )]
    pub concurrency: String,
    /// Operations that arrive per second, over all clients, whether or not earlier ones have finished
    #[arg(
        long,
        value_name = "OPS",
        default_value_t = 200.0,
        allow_negative_numbers = true
    )]
    pub rate: f64,
    /// How long clients work, without start, recovery and checking
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = parse_duration)]
    pub time_limit: Duration,
    /// How long a client waits for one answer before it calls the outcome unknown. Clients that are stuck on a leader which
    /// was cut off should come free while it still believes that it leads
    #[arg(long, value_name = "TIME", default_value = "300ms", value_parser = parse_duration)]
    pub operation_timeout: Duration,
    /// Clients send a change again, in a session, until they know how it ended or ten times that time is over
    #[arg(long)]
    pub retry: bool,
    /// What reads ask the bundled node for
    #[arg(long, value_enum, default_value_t = ReadLevel::Linearizable)]
    pub read_level: ReadLevel,
    /// How long the system may take to serve every node's clients again after the last fault is healed
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = parse_duration)]
    pub recovery_limit: Duration,
    /// How long nobody's changes may be done although an undisturbed majority of the nodes could do them
    #[arg(long, value_name = "TIME", default_value = "5s", value_parser = parse_duration)]
    pub outage_limit: Duration,
    /// How often a leader may lose its office though nothing was wrong with it and a majority; without it they are only told
    #[arg(long, value_name = "N")]
    pub max_needless_elections: Option<u32>,
    /// How long the check may take
    #[arg(long, value_name = "TIME", default_value = "60s", value_parser = parse_duration)]
    pub check_limit: Duration,
    /// How much memory the check may use
    #[arg(long, value_name = "SIZE", default_value = "2GiB")]
    pub memory_limit: bytesize::ByteSize,
    /// Where all random choices come from; drawn and printed when not given
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    pub seed: Option<u64>,
    /// How nodes are connected and cut off
    #[arg(long, value_enum, default_value_t = Net::Auto)]
    pub net: Net,
    /// How nodes are given clocks of their own, where a fault of clocks was asked for
    #[arg(long, value_enum, default_value_t = Clocks::Auto)]
    pub clocks: Clocks,
    /// On the switch, do not deliver at a heal what a cut swallowed last: connections may then stay silent past the heal for
    /// as long as the cut lasted
    #[arg(long)]
    pub no_replay: bool,
    /// Record every packet between nodes and clients, and what became of it, in the run's packets.pcapng; needs the switch
    #[arg(long)]
    pub capture: bool,
    /// Bugs to plant in the bundled node, separated by commas (see: list bugs)
    #[arg(long, value_name = "NAME,…", value_delimiter = ',')]
    pub bug: Vec<String>,
    /// A program to run as each node instead of the bundled one; it gets the same arguments
    #[arg(long, value_name = "PATH")]
    pub node_bin: Option<PathBuf>,
    /// A further argument for each node, as in --node-arg=--snapshot-bytes=20000; may be given again
    #[arg(long, value_name = "ARG", allow_hyphen_values = true)]
    pub node_arg: Vec<String>,
    /// The folder that collects runs
    #[arg(long, value_name = "DIR", default_value = "runs")]
    pub out: PathBuf,
    /// Runs to make, with seeds that count up from the first
    #[arg(
        long,
        value_name = "N",
        default_value_t = 1,
        allow_negative_numbers = true
    )]
    pub test_count: u32,
    /// How hard the test must have tried: below it, the exit code is 3
    #[arg(long, value_enum, default_value_t = Require::Weak)]
    pub require: Require,
    /// Check the history while it is written, and end the run at the first proven violation
    #[arg(long)]
    pub online: bool,
    /// Show what would happen, and stop
    #[arg(long)]
    pub dry_run: bool,
}

#[derive(Debug, Clone, Args)]
pub(crate) struct CheckArgs {
    /// History files, plain or compressed with zstd or gzip; - for standard input
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// The sequential model to check against [default: what the file names, else what its functions tell]
    #[arg(long, value_name = "NAME")]
    pub model: Option<String>,
    /// The state before the first operation, as JSON or EDN [default: nil]
    #[arg(long, value_name = "VALUE")]
    pub initial: Option<String>,
    /// jsonl, json, edn, etcd-log, porcupine-kv, porcupine-operations, or auto to find out from the content
    #[arg(long, value_name = "NAME", default_value = "auto")]
    pub format: String,
    /// How long each file may take, reading and checking
    #[arg(long, value_name = "TIME", default_value = "60s", value_parser = parse_duration)]
    pub time_limit: Duration,
    /// How much memory the check may use
    #[arg(long, value_name = "SIZE", default_value = "2GiB")]
    pub memory_limit: bytesize::ByteSize,
    /// How to decide: auto, search, fast or frontier; all are exact and differ in cost
    #[arg(long, value_name = "NAME", default_value = "auto")]
    pub algorithm: String,
    /// Threads that may work at once [default: one a core]
    #[arg(long, value_name = "N")]
    pub workers: Option<std::num::NonZero<usize>>,
    /// Have the answer verified: every witness replayed, every violation shrunk to a counterexample and tried by brute force
    #[arg(long)]
    pub certify: bool,
    /// Print one JSON object a file instead of a line
    #[arg(long)]
    pub json: bool,
    /// Write an HTML report (one file only)
    #[arg(long, value_name = "FILE.html")]
    pub report: Option<PathBuf>,
}

#[derive(Debug, Clone, Args)]
pub(crate) struct ConvertArgs {
    /// The history file, plain or compressed; - for standard input
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// jsonl, json, edn, etcd-log, porcupine-kv or porcupine-operations
    #[arg(long, value_name = "FORMAT")]
    pub to: String,
    /// The format of FILE, or auto to find out from the content
    #[arg(long, value_name = "FORMAT", default_value = "auto")]
    pub from: String,
    /// Where to write [default: standard output]
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct ListArgs {
    /// What to list
    #[arg(value_enum)]
    pub what: Option<Catalogue>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Catalogue {
    Nemeses,
    Targets,
    Steps,
    Workloads,
    Bugs,
    Models,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Net {
    /// iptables where it is installed and works and its rules are enough, else the switch
    Auto,
    /// bridge and veth, with rules in each node's network namespace; what delays, reorders or corrupts packets there is the
    /// kernel's netem, where it has one
    Iptables,
    /// a userspace switch in the harness, which can do everything
    Switch,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Clocks {
    /// The vDSO where it can be patched, else a preloaded library
    Auto,
    /// The vDSO is patched: any program, on x86-64, where ptrace is allowed
    Vdso,
    /// A preloaded library: programs that are linked dynamically and ask their C library for the time, as those in Go do not
    Preload,
}

/// Ways of reading that all promise to see everything complete before, and one that does not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ReadLevel {
    /// The leader, which asks a majority whether it leads
    Linearizable,
    /// Any node, which asks the leader from which entry on it may answer
    Follower,
    /// The leader alone, while its lease lasts
    Lease,
    /// Through the log
    Log,
    /// Whatever the asked node has: not linearizable
    Local,
}

impl ReadLevel {
    /// The word for it on the command line and at the node's door.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Linearizable => "linearizable",
            Self::Follower => "follower",
            Self::Lease => "lease",
            Self::Log => "log",
            Self::Local => "local",
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Require {
    /// Even a run in which nothing acted may pass
    Nothing,
    /// A fault must have acted and operations completed
    Weak,
    /// Every kind of fault must have acted while operations completed
    Strong,
}

impl Require {
    /// The word for it on the command line.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Nothing => "nothing",
            Self::Weak => "weak",
            Self::Strong => "strong",
        }
    }
}

pub(crate) fn parse_duration(text: &str) -> Result<Duration, String> {
    humantime::parse_duration(text).map_err(|error| format!("{error} (examples: 30s, 500ms, 2m)"))
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_consistent() {
        super::Cli::command().debug_assert();
    }
}
