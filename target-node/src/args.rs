//! What is typed on the command line of a node.

use std::{collections::BTreeSet, net::SocketAddr, path::PathBuf, str::FromStr, time::Duration};

use crate::{bug::Bug, directory::Member};

/// The arguments of one node; the harness embeds them as a hidden sub-command.
#[derive(Debug, Clone, clap::Args)]
pub struct NodeArgs {
    /// Name of this node, one of those in --peers unless it joins
    #[arg(long, value_name = "ID")]
    pub id: String,

    /// Address the HTTP door for clients listens on
    #[arg(long, value_name = "IP:PORT")]
    pub client_addr: SocketAddr,

    /// Address this node listens on for the other nodes
    #[arg(long, value_name = "IP:PORT")]
    pub peer_addr: SocketAddr,

    /// All nodes of a new cluster, this one included: n1=10.0.0.1:7000,n2=raft-2.example:7000. Names are looked up
    /// once, at the start. A log that has begun knows its members better; only addresses are taken from here then
    #[arg(
        long,
        value_name = "ID=HOST:PORT",
        value_delimiter = ',',
        required_unless_present_any = ["join", "directory"]
    )]
    pub peers: Vec<Member>,

    /// A file that says the same as --peers and --client-addrs: a line `ID HOST:PORT HOST:PORT` for each node
    #[arg(long, value_name = "FILE", conflicts_with_all = ["peers", "client_addrs"])]
    pub directory: Option<PathBuf>,

    /// Start without members and wait to be added to the cluster named by --cluster
    #[arg(long, requires = "cluster")]
    pub join: bool,

    /// Name of the cluster; nodes of different clusters refuse each other [default: the names in --peers,
    /// as in n1,n2,n3]
    #[arg(long, value_name = "NAME")]
    pub cluster: Option<String>,

    /// HTTP addresses of the nodes, for the leader hints given to clients
    #[arg(long, value_name = "ID=HOST:PORT", value_delimiter = ',')]
    pub client_addrs: Vec<Member>,

    /// Folder of the log; created when absent
    #[arg(long, value_name = "DIR")]
    pub data: PathBuf,

    /// Planted bugs this node carries
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    pub bug: Vec<Bug>,

    /// Range the election timeout is drawn from
    #[arg(long, value_name = "MIN..MAX", default_value = "150ms..300ms")]
    pub election_timeout: TimeoutRange,

    /// Interval of the leader's heartbeats
    #[arg(long, value_name = "DURATION", default_value = "50ms", value_parser = humantime::parse_duration)]
    pub heartbeat: Duration,

    /// Seed of the election timeouts; each node mixes its name in
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub seed: u64,

    /// Size of one log segment file in bytes
    #[arg(long, value_name = "BYTES", default_value_t = 1 << 20)]
    pub segment_bytes: u64,

    /// Entries applied since the last snapshot that make the next one due, in bytes
    #[arg(long, value_name = "BYTES", default_value_t = 4 << 20)]
    pub snapshot_bytes: u64,

    /// How many times the size of the last snapshot they must at least weigh
    #[arg(long, value_name = "N", default_value_t = 4)]
    pub snapshot_factor: u64,

    /// Entries that stay in the log behind a snapshot, for nodes that lag a little
    #[arg(long, value_name = "N", default_value_t = 1000)]
    pub retained_entries: u64,

    /// Bytes of entries in one append request at most; one entry goes whatever its size
    #[arg(long, value_name = "BYTES", default_value_t = 64 << 10)]
    pub append_bytes: usize,

    /// Bytes of entries in memory beyond which a leader takes no more until a snapshot is done
    #[arg(long, value_name = "BYTES", default_value_t = 256 << 20)]
    pub log_bytes_max: usize,

    /// How nodes speak to each other; all of a cluster the same way
    #[arg(long, value_enum, value_name = "KIND", default_value_t = TransportKind::Tcp)]
    pub transport: TransportKind,

    /// What a kill leaves on disk
    #[arg(long, value_enum, value_name = "KIND", default_value_t = DiskKind::Real)]
    pub disk: DiskKind,

    /// Where values are kept between changes; snapshots and the log are on disk in any case
    #[arg(long, value_enum, value_name = "KIND", default_value_t = StateKind::Memory)]
    pub state: StateKind,
}

/// How messages between nodes travel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum TransportKind {
    /// In order, over connections
    Tcp,
    /// As datagrams, which may be lost, doubled or overtaken: what happens to packets happens to messages
    Udp,
}

/// Where a node keeps the values of its state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum StateKind {
    /// All of them in memory
    Memory,
    /// In a file made anew at each start; in memory are those that changed since the last snapshot
    Disk,
}

/// What a kill of the process leaves of its writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum DiskKind {
    /// Everything written, as the kernel keeps it
    Real,
    /// Only what was synced, as after a power cut
    PowerLoss,
    /// What was synced, and parts of the rest
    PowerLossTorn,
}

/// `MIN..MAX`: the range a random timeout is drawn from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimeoutRange {
    /// Shortest timeout, included.
    pub min: Duration,
    /// Longest timeout, excluded.
    pub max: Duration,
}

/// Text that is not `MIN..MAX`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not of the form MIN..MAX, as in 150ms..300ms")]
pub struct BadTimeoutRange(String);

impl FromStr for TimeoutRange {
    type Err = BadTimeoutRange;

    fn from_str(text: &str) -> Result<Self, BadTimeoutRange> {
        let bad = || BadTimeoutRange(text.into());
        let (min, max) = text.split_once("..").ok_or_else(bad)?;
        let parse = |part| humantime::parse_duration(part).map_err(|_| bad());
        Ok(Self {
            min: parse(min)?,
            max: parse(max)?,
        })
    }
}

/// The names that occur more than once, each once.
pub(crate) fn repeated(members: &[Member]) -> BTreeSet<&str> {
    let mut seen = BTreeSet::new();
    members
        .iter()
        .map(|member| member.id.as_str())
        .filter(|id| !seen.insert(*id))
        .collect()
}
