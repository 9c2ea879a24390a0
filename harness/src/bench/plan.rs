//! What will be measured: every argument checked before anything starts.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Serialize;

use crate::cli::{BenchArgs, Operation, Route, Target};
use crate::config::{self, NodeProgram, UsageError, usage};

const MOST_NODES: usize = 9;
const MOST_CLIENTS: usize = 1_000;
const MOST_KEYS: usize = 10_000_000;
/// The bundled node refuses bodies beyond 256 KiB.
const LARGEST_VALUE_BYTES: u64 = 200 << 10;
const SHORTEST: Duration = Duration::from_millis(100);
const LONGEST: Duration = Duration::from_secs(3_600);

/// Everything that is to be measured.
///
/// - Lists are not empty and name nothing twice.
/// - Of `targets` every program exists; those that do not are `missing`.
#[derive(Debug, Clone)]
pub(super) struct Plan {
    pub targets: Vec<Measurable>,
    pub missing: Vec<Missing>,
    pub operations: Vec<Operation>,
    pub clients: Vec<usize>,
    pub route: Route,
    pub value_bytes: usize,
    pub keys: usize,
    pub nodes: usize,
    pub duration: Duration,
    pub warm_up: Duration,
    pub rounds: u32,
    pub data: PathBuf,
}

/// A system whose program was found.
#[derive(Debug, Clone)]
pub(super) enum Measurable {
    Node(NodeProgram),
    Etcd(PathBuf),
}

impl Measurable {
    pub(super) const fn target(&self) -> Target {
        match self {
            Self::Node(_) => Target::Node,
            Self::Etcd(_) => Target::Etcd,
        }
    }
}

/// A system that was asked for and cannot be measured.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Missing {
    pub target: Target,
    pub why: String,
}

impl Plan {
    /// Checks everything that can be checked without starting anything.
    pub(super) fn new(args: &BenchArgs) -> Result<Self, UsageError> {
        let (targets, missing) = find(args)?;
        Ok(Self {
            targets,
            missing,
            operations: each_once("--operations", &args.operations)?,
            clients: within_all("--clients", &args.clients, MOST_CLIENTS)?,
            route: args.route,
            value_bytes: value_bytes(args.value_size)?,
            keys: within("--keys", args.keys, MOST_KEYS)?,
            nodes: within("--nodes", args.nodes, MOST_NODES)?,
            duration: config::at_most(
                "--duration",
                config::at_least("--duration", args.duration, SHORTEST)?,
                LONGEST,
            )?,
            warm_up: config::at_most("--warm-up", args.warm_up, LONGEST)?,
            rounds: match args.rounds {
                0 => return usage("--rounds 0: choose at least 1"),
                rounds => rounds,
            },
            data: args
                .data
                .canonicalize()
                .or_else(|error| usage(format!("--data {}: {error}", args.data.display())))?,
        })
    }
}

fn find(args: &BenchArgs) -> Result<(Vec<Measurable>, Vec<Missing>), UsageError> {
    let mut found = Vec::new();
    let mut missing = Vec::new();
    for target in each_once("--target", &args.target)? {
        match target {
            Target::Node => found.push(Measurable::Node(config::program(args.node_bin.as_deref())?)),
            Target::Etcd => match etcd(args.etcd_bin.as_deref())? {
                Some(path) => found.push(Measurable::Etcd(path)),
                None => missing.push(Missing {
                    target,
                    why: "no etcd in PATH; install the package etcd-server, or name the program with --etcd-bin".to_owned(),
                }),
            },
        }
    }
    match found.is_empty() {
        true => usage(format!("--target: nothing to measure: {}", missing[0].why)),
        false => Ok((found, missing)),
    }
}

/// The etcd that was named, or else the first one in PATH.
fn etcd(named: Option<&Path>) -> Result<Option<PathBuf>, UsageError> {
    if let Some(path) = named {
        return match executable(path) {
            true => Ok(Some(path.to_owned())),
            false => usage(format!(
                "--etcd-bin {} is not an executable file",
                path.display()
            )),
        };
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut candidates = std::env::split_paths(&path).map(|folder| folder.join("etcd"));
    Ok(candidates.find(|candidate| executable(candidate)))
}

fn executable(path: &Path) -> bool {
    path.metadata()
        .is_ok_and(|file| file.is_file() && file.permissions().mode() & 0o111 != 0)
}

fn each_once<T: Copy + Ord>(option: &str, list: &[T]) -> Result<Vec<T>, UsageError> {
    let mut sorted = list.to_vec();
    sorted.sort_unstable();
    sorted.dedup();
    match sorted.len() == list.len() && !list.is_empty() {
        true => Ok(list.to_vec()),
        false => usage(format!("{option}: name each once, and at least one")),
    }
}

fn within_all(option: &str, list: &[usize], most: usize) -> Result<Vec<usize>, UsageError> {
    for value in list {
        within(option, *value, most)?;
    }
    each_once(option, list)
}

fn within(option: &str, value: usize, most: usize) -> Result<usize, UsageError> {
    match (1..=most).contains(&value) {
        true => Ok(value),
        false => usage(format!("{option} {value}: choose from 1 to {most}")),
    }
}

fn value_bytes(size: bytesize::ByteSize) -> Result<usize, UsageError> {
    match size.as_u64() {
        bytes @ 1..=LARGEST_VALUE_BYTES => Ok(usize::try_from(bytes).expect("a small number")),
        bytes => usage(format!(
            "--value-size {bytes} B: choose from 1 to {LARGEST_VALUE_BYTES} bytes"
        )),
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;
    use crate::cli::{Cli, Command};

    fn plan(options: &str) -> Result<Plan, UsageError> {
        let words = ["adrasteia", "bench"];
        let words = words.into_iter().chain(options.split_whitespace());
        match Cli::try_parse_from(words).unwrap().command {
            Some(Command::Bench(args)) => Plan::new(&args),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn what_was_typed_becomes_a_plan() {
        let plan = plan("--target node --clients 2,8 --value-size 1KiB --data .").unwrap();
        assert_eq!(plan.clients, [2, 8]);
        assert_eq!(plan.value_bytes, 1024);
        assert_eq!(plan.operations, [Operation::Put, Operation::Get]);
        assert!(matches!(plan.targets[..], [Measurable::Node(_)]));
    }

    #[test]
    fn what_cannot_be_measured_is_refused_with_the_value() {
        for (options, word) in [
            ("--clients 0", "--clients 0"),
            ("--clients 4,4", "each once"),
            ("--target node,node", "--target"),
            ("--rounds 0", "--rounds 0"),
            ("--nodes 12", "--nodes 12"),
            ("--value-size 1MiB", "1048576"),
            ("--duration 1ms", "--duration 1ms"),
            ("--data /no/such/folder", "/no/such/folder"),
            ("--target etcd --etcd-bin /etc/passwd", "/etc/passwd"),
        ] {
            let UsageError(message) = plan(
                &format!("--target node {options}").replace("--target node --target", "--target"),
            )
            .unwrap_err();
            assert!(message.contains(word), "{options}: {message}");
        }
    }
}
