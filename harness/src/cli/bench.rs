//! What was typed behind `bench`.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};
use serde::Serialize;

use super::parse_duration;

/// The text below the options.
pub(crate) const EXAMPLES: &str = "\
Every round starts a fresh cluster of each system, one after the other, so that a slow minute of
the machine hits both. Figures are medians of the rounds; ratios are taken within a round, then
their median. Every client has one connection and sends its next operation when the last one is
answered. Everybody syncs to disk before answering. Load generator and nodes share this machine:
what counts is the ratio, not the figure.

Examples:
  adrasteia bench                       the node beside etcd, where that is installed
  adrasteia bench --target node --clients 64 --rounds 1
  adrasteia bench --duration 2s --warm-up 500ms --out today.json";

#[derive(Debug, Clone, Args)]
pub(crate) struct BenchArgs {
    /// Systems to measure, taking turns; ratios compare the first with the second
    #[arg(
        long,
        value_enum,
        value_name = "NAME,…",
        value_delimiter = ',',
        default_value = "node,etcd"
    )]
    pub target: Vec<Target>,
    /// Clients at once; each number is a measurement of its own
    #[arg(
        long,
        value_name = "N,…",
        value_delimiter = ',',
        default_value = "1,16,64"
    )]
    pub clients: Vec<usize>,
    /// What clients do
    #[arg(
        long,
        value_enum,
        value_name = "NAME,…",
        value_delimiter = ',',
        default_value = "put,get"
    )]
    pub operations: Vec<Operation>,
    /// Size of the values
    #[arg(long, value_name = "SIZE", default_value = "256B")]
    pub value_size: bytesize::ByteSize,
    /// Keys, chosen evenly at random
    #[arg(long, value_name = "N", default_value_t = 10_000)]
    pub keys: usize,
    /// Nodes in each cluster
    #[arg(long, value_name = "N", default_value_t = 3)]
    pub nodes: usize,
    /// How long each measurement takes
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = parse_duration)]
    pub duration: Duration,
    /// How long clients work before each measurement
    #[arg(long, value_name = "TIME", default_value = "2s", value_parser = parse_duration)]
    pub warm_up: Duration,
    /// Rounds: fresh clusters of every system, one system after the other
    #[arg(long, value_name = "N", default_value_t = 3)]
    pub rounds: u32,
    /// Which node clients connect to
    #[arg(long, value_enum, default_value_t = Route::Leader)]
    pub route: Route,
    /// Where disks are put, in a folder that is removed afterwards; not a tmpfs, which syncs nothing
    #[arg(long, value_name = "DIR", default_value = "/var/tmp")]
    pub data: PathBuf,
    /// The etcd program [default: the one in PATH]
    #[arg(long, value_name = "PATH")]
    pub etcd_bin: Option<PathBuf>,
    /// A program to run as node instead of the bundled one; it gets the same arguments
    #[arg(long, value_name = "PATH")]
    pub node_bin: Option<PathBuf>,
    /// Print one JSON object instead of tables
    #[arg(long)]
    pub json: bool,
    /// Write the JSON object to a file too
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
}

/// A system that can be started and measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, ValueEnum, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Target {
    /// The bundled node, through its HTTP door
    Node,
    /// etcd 3.4 or newer, through gRPC
    Etcd,
}

impl Target {
    /// The word for it on the command line.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Node => "node",
            Self::Etcd => "etcd",
        }
    }
}

/// What a client does over and over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, ValueEnum, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Operation {
    /// Write a value
    Put,
    /// Read linearizably
    Get,
}

impl Operation {
    /// The word for it on the command line.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Put => "put",
            Self::Get => "get",
        }
    }
}

/// Which node a client connects to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Route {
    /// The leader
    Leader,
    /// Each client another node; where that one refuses and names the leader, the client asks there
    Spread,
}

impl Route {
    /// The word for it on the command line.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Leader => "leader",
            Self::Spread => "spread",
        }
    }
}
