//! One node as a process: a single-threaded runtime for sockets, requests and Raft, one thread that writes
//! the log, and one that keeps snapshots.
//!
//! | file | idea |
//! |---|---|
//! | `node` | the task that owns the replica |
//! | `snapshots` | the thread that keeps snapshot files |
//! | `viewers` | who wants to see the state at one index |
//! | `api` | the HTTP door |
//! | `metrics` | what a node counts and measures |
//! | `dump` | the log as people want to see it |
//! | `reply` | what a client is told |
//! | `storage` | the data folder and the thread that writes to it |
//! | `clock` | where time comes from |

mod api;
mod clock;
mod dump;
mod metrics;
mod node;
mod reply;
mod snapshots;
mod storage;
mod viewers;

use std::{net::SocketAddr, sync::Arc, time::Duration};

use anyhow::Context as _;
use clock::Clock;
use metrics::Metrics;
use node::{Event, Node};
use storage::Storage;
use tokio::{
    net::{TcpListener, UdpSocket},
    signal::unix::{SignalKind, signal},
    sync::{mpsc, watch},
    time::timeout,
};

use crate::{
    args::{NodeArgs, TransportKind},
    config::NodeConfig,
    raft::{Addresses, Config, Membership, NodeId},
    replica::Replica,
    transport::{self, Door, Myself, Outbox, Way},
};

/// Events that wait for the node; senders wait when it is behind.
const INBOX_MAX: usize = 1024;
/// How long open requests may take to end when the node is told to stop.
const STOP_MAX: Duration = Duration::from_millis(300);

/// Serves one node until SIGTERM or SIGINT.
///
/// Starts its own runtime; call it from a thread that is in none. The first line on standard error says
/// who this node is and which bugs it carries, unless a name has to be waited for.
///
/// # Errors
/// Arguments that contradict each other, a data folder or an address that cannot be used, a damaged log,
/// and everything after which a node must not go on, such as a failed sync.
pub fn run(args: NodeArgs) -> anyhow::Result<()> {
    log_to_stderr();
    let config = NodeConfig::from_args(args)?;
    eprintln!("{}", banner(&config));
    if !config.peers.is_empty() && config.peers.len().is_multiple_of(2) {
        let nodes = config.peers.len();
        tracing::warn!("{nodes} nodes survive no more failures than {}", nodes - 1);
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("cannot start the runtime")?;
    runtime.block_on(serve(config))
}

/// One line that says what this process is.
fn banner(config: &NodeConfig) -> String {
    let bugs = config.bugs.names().join(",");
    format!(
        "target-node {} id={} cluster={} client={} peer={} nodes={} data={} election={:?}..{:?} \
         heartbeat={:?} seed={} bugs={}",
        env!("CARGO_PKG_VERSION"),
        config.id,
        config.cluster,
        config.client_addr,
        config.peer_addr,
        config.peers.len(),
        config.data.display(),
        config.election.min,
        config.election.max,
        config.heartbeat,
        config.seed,
        if bugs.is_empty() { "none" } else { &bugs },
    )
}

fn log_to_stderr() {
    let subscriber = tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_ansi(false)
        .with_target(false)
        .finish();
    // Tests run several nodes in one process; the first one's subscriber serves them all.
    let _ = tracing::subscriber::set_global_default(subscriber);
}

async fn serve(config: NodeConfig) -> anyhow::Result<()> {
    let client_listener = bind(config.client_addr, "--client-addr").await?;
    let peers = Peers::bind(&config).await?;
    let (events, inbox) = mpsc::channel(INBOX_MAX);
    let clock = Clock::start();
    let metrics = Metrics::new();
    let Storage {
        store,
        writer,
        restored,
        snapshots,
        kept,
    } = storage::open(&config, clock, &events, &metrics)?;

    let rule = config.snapshot_rule;
    let replica = Replica::new(raft_config(&config), rule, restored, kept, clock.now());
    let me = Myself {
        id: NodeId::new(&config.id),
        cluster: cluster_id(&config.cluster),
        addr: own_addr(&config),
        store,
    };
    let outbox = Outbox::new(me.clone(), peers.way());
    peers.listen(me, events.clone());

    let threads = (writer, snapshots);
    let (node, status) = Node::new(replica, clock, threads, outbox, &config, metrics.clone());
    let (stop, stopped) = watch::channel(false);
    let door = api::Door::new(events, status, metrics, clock, config.bugs);
    let http = tokio::spawn(api::serve(client_listener, door, stopped));
    let end = node.run(inbox, terminated()?).await;
    let _ = stop.send(true);
    let _ = timeout(STOP_MAX, http).await;
    end
}

async fn bind(addr: SocketAddr, option: &str) -> anyhow::Result<TcpListener> {
    TcpListener::bind(addr)
        .await
        .with_context(|| cannot_listen(addr, option))
}

fn cannot_listen(addr: SocketAddr, option: &str) -> String {
    format!("cannot listen on {addr}; choose another {option}")
}

/// Where the other nodes are heard.
enum Peers {
    Tcp(TcpListener),
    Udp(Arc<UdpSocket>),
}

impl Peers {
    async fn bind(config: &NodeConfig) -> anyhow::Result<Self> {
        let (addr, option) = (config.peer_addr, "--peer-addr");
        Ok(match config.transport {
            TransportKind::Tcp => Self::Tcp(bind(addr, option).await?),
            TransportKind::Udp => {
                let socket = UdpSocket::bind(addr).await;
                Self::Udp(Arc::new(
                    socket.with_context(|| cannot_listen(addr, option))?,
                ))
            }
        })
    }

    fn way(&self) -> Way {
        match self {
            Self::Tcp(_) => Way::Tcp,
            Self::Udp(socket) => Way::Udp(Arc::clone(socket)),
        }
    }

    fn listen(self, me: Myself, events: mpsc::Sender<Event>) {
        match self {
            Self::Tcp(listener) => {
                tokio::spawn(transport::listen(listener, Door::new(me), events));
            }
            Self::Udp(socket) => {
                tokio::spawn(transport::listen_for_datagrams(socket, me, events));
            }
        }
    }
}

/// Where other nodes reach this one.
fn own_addr(config: &NodeConfig) -> SocketAddr {
    let named = config.peers.get(&config.id).copied();
    named.unwrap_or(config.peer_addr)
}

fn raft_config(config: &NodeConfig) -> Config {
    Config {
        id: NodeId::new(&config.id),
        bootstrap: initial_members(config),
        election_min: config.election.min,
        election_max: config.election.max,
        heartbeat: config.heartbeat,
        seed: config.seed,
        life: clock::unique(),
        retained_entries: config.retained_entries,
        append_bytes_max: config.append_bytes_max,
        log_bytes_max: config.log_bytes_max,
        bugs: config.bugs,
    }
}

fn initial_members(config: &NodeConfig) -> Membership {
    let member = |(id, peer): (&String, &SocketAddr)| {
        let client = config.client_addrs.get(id).copied();
        let addresses = Addresses {
            peer: *peer,
            client,
        };
        (NodeId::new(id), addresses)
    };
    Membership::of_voters(config.peers.iter().map(member))
}

/// Tells clusters apart by their names.
fn cluster_id(name: &str) -> u64 {
    name.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

/// Ends with the first SIGTERM or SIGINT.
fn terminated() -> anyhow::Result<impl Future<Output = ()>> {
    let mut terminate = signal(SignalKind::terminate()).context("cannot watch for SIGTERM")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("cannot watch for SIGINT")?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}
