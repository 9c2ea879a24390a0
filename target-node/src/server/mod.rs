//! One node as a process: a single-threaded runtime for sockets, requests and Raft, and one
//! thread that waits for the disk.
//!
//! | file | idea |
//! |---|---|
//! | `node` | the task that owns Raft and the desk |
//! | `desk` | the state machine and the clients who wait for it |
//! | `viewers` | who wants to see the state at one index |
//! | `api` | the HTTP door |
//! | `reply` | what a client is told |
//! | `clock` | where time comes from |

mod api;
mod clock;
mod desk;
mod node;
mod reply;
mod viewers;

use std::{collections::BTreeMap, net::SocketAddr, time::Duration};

use anyhow::Context as _;
use clock::Clock;
use node::{Event, Node};
use tokio::{
    net::TcpListener,
    signal::unix::{SignalKind, signal},
    sync::{mpsc, watch},
    time::timeout,
};

use crate::{
    args::NodeArgs,
    config::NodeConfig,
    log::{Disk, Identity, RealDisk, Settings, StoreId, Wal, Writer},
    raft::{Addresses, Config, Membership, NodeId, Raft, Restored},
    transport::{self, Door, Outbox},
};

/// Events that wait for the node; senders wait when it is behind.
const INBOX_MAX: usize = 1024;
/// How long open requests may take to end when the node is told to stop.
const STOP_MAX: Duration = Duration::from_millis(300);

/// A disk that takes longer is worth a line.
const SLOW_DISK: Duration = Duration::from_millis(100);

/// Serves one node until SIGTERM or SIGINT.
///
/// Starts its own runtime; call it from a thread that is in none. The first line on standard error says
/// who this node is and which bugs it carries.
///
/// # Errors
/// Arguments that contradict each other, a data folder or an address that cannot be used, a damaged log,
/// and everything after which a node must not go on, such as a failed sync.
pub fn run(args: NodeArgs) -> anyhow::Result<()> {
    let config = NodeConfig::from_args(args)?;
    eprintln!("{}", banner(&config));
    log_to_stderr();
    if config.peers.len().is_multiple_of(2) {
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
        "target-node {} id={} client={} peer={} nodes={} data={} election={:?}..{:?} \
         heartbeat={:?} seed={} bugs={}",
        env!("CARGO_PKG_VERSION"),
        config.id,
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
    let peer_listener = bind(config.peer_addr, "--peer-addr").await?;
    let (events, inbox) = mpsc::channel(INBOX_MAX);
    let (wal, restored) = open_log(&config)?;
    let clock = Clock::start();
    let writer = start_writer(wal, clock, events.clone())?;

    let raft = Raft::new(raft_config(&config), restored, clock.now());
    let members = other_nodes(&config);
    let id = NodeId::new(&config.id);
    let cluster = cluster_id(&config.peers);
    let outbox = Outbox::start(&id, cluster, &members);
    let door = Door::new(id, cluster, members.into_keys().collect());
    tokio::spawn(transport::listen(peer_listener, door, events.clone()));

    let (node, status) = Node::new(raft, clock, writer, outbox, &config);
    let (stop, stopped) = watch::channel(false);
    let http = tokio::spawn(api::serve(client_listener, events, status, stopped));
    let end = node.run(inbox, terminated()?).await;
    let _ = stop.send(true);
    let _ = timeout(STOP_MAX, http).await;
    end
}

async fn bind(addr: SocketAddr, option: &str) -> anyhow::Result<TcpListener> {
    TcpListener::bind(addr)
        .await
        .with_context(|| format!("cannot listen on {addr}; choose another {option}"))
}

fn open_log(config: &NodeConfig) -> anyhow::Result<(Wal<RealDisk>, Restored)> {
    let folder = config.data.display();
    let disk = RealDisk::open(&config.data)
        .with_context(|| format!("cannot use the data folder {folder}; choose another --data"))?;
    let identity = Identity {
        node: config.id.clone(),
        cluster: cluster_id(&config.peers),
    };
    let settings = Settings {
        segment_bytes: config.segment_bytes,
        new_store: draw_store()?,
    };
    let (wal, restored) = Wal::open(disk, identity, settings)
        .with_context(|| format!("cannot open the log in {folder}"))?;
    tracing::info!(
        store = format_args!("{:016x}", wal.store().0),
        term = restored.hard.term.0,
        entries = restored.entries.len(),
        "read the log back"
    );
    Ok((wal, restored))
}

fn draw_store() -> anyhow::Result<StoreId> {
    RealDisk::draw_store_id()
        .context("the system gives no random number to mark the data folder with")
}

fn start_writer<D: Disk + Send + 'static>(
    wal: Wal<D>,
    clock: Clock,
    events: mpsc::Sender<Event>,
) -> anyhow::Result<Writer> {
    let report = move |done: Result<Duration, _>| {
        if let Ok(took) = &done
            && *took > SLOW_DISK
        {
            tracing::warn!("the disk took {took:?} for a batch; elections may time out meanwhile");
        }
        // A node that is gone needs no report.
        let _ = events.blocking_send(Event::Durable(done.map(drop)));
    };
    Writer::start(wal, move || clock.now(), report)
        .context("cannot start the thread that writes the log")
}

fn raft_config(config: &NodeConfig) -> Config {
    Config {
        id: NodeId::new(&config.id),
        bootstrap: initial_members(config),
        election_min: config.election.min,
        election_max: config.election.max,
        heartbeat: config.heartbeat,
        seed: config.seed,
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

fn other_nodes(config: &NodeConfig) -> BTreeMap<NodeId, SocketAddr> {
    let others = config.peers.iter().filter(|(id, _)| **id != config.id);
    others.map(|(id, addr)| (NodeId::new(id), *addr)).collect()
}

/// Tells clusters apart by the names of their members; addresses may change.
fn cluster_id(peers: &BTreeMap<String, SocketAddr>) -> u64 {
    let names = peers.keys().flat_map(|id| id.bytes().chain([0]));
    names.fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
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
