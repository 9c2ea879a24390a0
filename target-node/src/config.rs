//! Arguments checked once: after this a node trusts its configuration.

use std::{collections::BTreeMap, net::SocketAddr, path::PathBuf, time::Duration};

use crate::{
    args::{DiskKind, NodeArgs, StateKind, TimeoutRange, TransportKind, repeated},
    bug::BugSet,
    directory::{Directory, DirectoryError, Member},
    replica::SnapshotRule,
};

/// Longest node name; it has a fixed place in the header of each log segment.
const ID_BYTES_MAX: usize = 32;
/// Smallest log segment that makes sense.
const SEGMENT_BYTES_MIN: u64 = 4096;
/// Heartbeats that must fit into the shortest election timeout.
const HEARTBEATS_PER_TIMEOUT: u32 = 3;

/// A node's arguments, checked against each other.
#[derive(Debug, Clone)]
pub(crate) struct NodeConfig {
    pub(crate) id: String,
    pub(crate) client_addr: SocketAddr,
    pub(crate) peer_addr: SocketAddr,
    pub(crate) peers: BTreeMap<String, SocketAddr>,
    pub(crate) client_addrs: BTreeMap<String, SocketAddr>,
    pub(crate) data: PathBuf,
    pub(crate) bugs: BugSet,
    pub(crate) election: TimeoutRange,
    pub(crate) heartbeat: Duration,
    pub(crate) seed: u64,
    pub(crate) segment_bytes: u64,
    pub(crate) transport: TransportKind,
    pub(crate) disk: DiskKind,
    pub(crate) state: StateKind,
    pub(crate) cluster: String,
    pub(crate) snapshot_rule: SnapshotRule,
    pub(crate) retained_entries: u64,
    pub(crate) append_bytes_max: usize,
    pub(crate) log_bytes_max: usize,
}

/// Arguments that are each well-formed but do not fit together.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The nodes cannot be found.
    #[error(transparent)]
    Directory(#[from] DirectoryError),
    /// The node is not a member of its own cluster.
    #[error("--id {id} is not one of --peers ({known}); list this node there too")]
    UnknownId {
        /// The name given.
        id: String,
        /// The members given.
        known: String,
    },
    /// A name that occurs twice, or is empty or too long for the log's header.
    #[error("{option} has a bad or repeated node name {id:?}; names are 1 to 32 bytes, each once")]
    BadName {
        /// The option that holds it.
        option: &'static str,
        /// The name.
        id: String,
    },
    /// Timing that would make elections fire at random.
    ///
    /// Raft, section 5.6: broadcast time ≪ election timeout.
    #[error(
        "--heartbeat {heartbeat:?} does not fit --election-timeout {min:?}..{max:?}: \
         at least 3 heartbeats must fit into the shortest timeout, and MIN must be below MAX"
    )]
    Timing {
        /// The heartbeat interval.
        heartbeat: Duration,
        /// The shortest election timeout.
        min: Duration,
        /// The longest election timeout.
        max: Duration,
    },
    /// A segment too small to hold a header and records.
    #[error("--segment-bytes {0} is too small; use at least 4096")]
    SegmentTooSmall(u64),
}

impl NodeConfig {
    /// Checks the arguments against each other.
    pub(crate) fn from_args(args: NodeArgs) -> Result<Self, ConfigError> {
        let named = Directory {
            peers: args.peers,
            clients: args.client_addrs,
        };
        let directory = args.directory.as_deref().map(Directory::read);
        let directory = directory.transpose()?.unwrap_or(named);
        check_names("--peers", &directory.peers)?;
        check_names("--client-addrs", &directory.clients)?;
        check_timing(args.heartbeat, args.election_timeout)?;
        if args.segment_bytes < SEGMENT_BYTES_MIN {
            return Err(ConfigError::SegmentTooSmall(args.segment_bytes));
        }
        let mut names: Vec<&str> = directory
            .peers
            .iter()
            .map(|peer| peer.id.as_str())
            .collect();
        names.sort_unstable();
        if !args.join && !names.contains(&args.id.as_str()) {
            let known = names.join(", ");
            return Err(ConfigError::UnknownId { id: args.id, known });
        }
        let cluster = args.cluster.unwrap_or_else(|| names.join(","));
        Ok(Self {
            id: args.id,
            client_addr: args.client_addr,
            peer_addr: args.peer_addr,
            peers: match args.join {
                true => BTreeMap::new(),
                false => by_name(directory.peers)?,
            },
            client_addrs: by_name(directory.clients)?,
            data: args.data,
            bugs: args.bug.into_iter().collect(),
            election: args.election_timeout,
            heartbeat: args.heartbeat,
            seed: args.seed,
            segment_bytes: args.segment_bytes,
            transport: args.transport,
            disk: args.disk,
            state: args.state,
            cluster,
            snapshot_rule: SnapshotRule {
                bytes_min: args.snapshot_bytes,
                factor: args.snapshot_factor,
            },
            retained_entries: args.retained_entries,
            append_bytes_max: args.append_bytes,
            log_bytes_max: args.log_bytes_max,
        })
    }
}

fn by_name(members: Vec<Member>) -> Result<BTreeMap<String, SocketAddr>, DirectoryError> {
    let found = members
        .into_iter()
        .map(|member| Ok((member.id, member.place.resolve()?)));
    found.collect()
}

fn check_names(option: &'static str, members: &[Member]) -> Result<(), ConfigError> {
    let unfit = |id: &&str| id.is_empty() || id.len() > ID_BYTES_MAX;
    let bad = repeated(members)
        .into_iter()
        .chain(
            members
                .iter()
                .map(|member| member.id.as_str())
                .filter(unfit),
        )
        .next();
    match bad {
        Some(id) => Err(ConfigError::BadName {
            option,
            id: id.into(),
        }),
        None => Ok(()),
    }
}

fn check_timing(heartbeat: Duration, election: TimeoutRange) -> Result<(), ConfigError> {
    let TimeoutRange { min, max } = election;
    let fits = !heartbeat.is_zero() && heartbeat * HEARTBEATS_PER_TIMEOUT <= min && min < max;
    if fits {
        Ok(())
    } else {
        Err(ConfigError::Timing {
            heartbeat,
            min,
            max,
        })
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(clap::Parser)]
    struct Cli {
        #[command(flatten)]
        node: NodeArgs,
    }

    fn parse(extra: &str) -> Result<Result<NodeConfig, ConfigError>, clap::Error> {
        let base = "node --client-addr 127.0.0.1:8000 --peer-addr 127.0.0.1:7000 --data d \
                    --peers n1=127.0.0.1:7000,n2=127.0.0.1:7001";
        let words = base.split_whitespace().chain(extra.split_whitespace());
        Cli::try_parse_from(words).map(|cli| NodeConfig::from_args(cli.node))
    }

    fn config(extra: &str) -> Result<NodeConfig, ConfigError> {
        parse(extra).expect("well-formed arguments")
    }

    #[test]
    fn good_arguments_become_a_configuration() {
        let config =
            config("--id n2 --bug read-no-quorum,vote-no-persist --heartbeat 20ms").unwrap();
        assert_eq!(config.peers.len(), 2);
        assert_eq!(config.bugs.names(), ["read-no-quorum", "vote-no-persist"]);
        assert_eq!(config.election.max, Duration::from_millis(300));
    }

    #[test]
    fn contradictions_are_refused_with_the_value() {
        let error = |extra| config(extra).unwrap_err().to_string();
        assert!(error("--id n3").contains("n1, n2"));
        assert!(error("--id n1 --heartbeat 100ms").contains("100ms"));
        assert!(error("--id n1 --election-timeout 300ms..300ms").contains("300ms..300ms"));
        assert!(error("--id n1 --segment-bytes 100").contains("100"));
        assert!(error("--id n1 --client-addrs n1=1.1.1.1:1,n1=1.1.1.1:2").contains("\"n1\""));
    }

    #[test]
    fn a_directory_takes_the_place_of_lists() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("directory");
        std::fs::write(
            &path,
            "n1 localhost:7000 127.0.0.1:8000\nn2 127.0.0.1:7001\n",
        )
        .unwrap();
        let config = |id: &str| {
            let base = "node --client-addr 127.0.0.1:8000 --peer-addr 127.0.0.1:7000 --data d";
            let words = base.split(' ').chain(["--id", id, "--directory"]);
            let path = path.to_str().expect("a plain name");
            NodeConfig::from_args(Cli::try_parse_from(words.chain([path])).unwrap().node)
        };
        let found = config("n1").unwrap();
        assert_eq!(found.cluster, "n1,n2");
        assert_eq!(found.peers["n1"].port(), 7000);
        assert!(found.peers["n1"].ip().is_loopback());
        assert_eq!(found.client_addrs.len(), 1);
        assert!(config("n3").unwrap_err().to_string().contains("n1, n2"));
    }

    #[test]
    fn malformed_values_are_usage_errors() {
        for extra in [
            "--id n1 --election-timeout 3",
            "--id n1 --bug nosuch",
            "--id n1 --client-addrs x",
        ] {
            assert!(parse(extra).is_err(), "{extra}");
        }
    }
}
