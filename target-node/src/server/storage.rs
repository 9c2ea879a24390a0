//! The data folder, and the threads that write to it.

use std::time::Duration;

use anyhow::Context as _;
use tokio::sync::mpsc;

use super::{clock::Clock, cluster_id, metrics::Metrics, node::Event, snapshots::SnapshotThread};
use crate::{
    args::{DiskKind, StateKind},
    config::NodeConfig,
    log::{Disk, Identity, PowerLossDisk, RealDisk, Settings, StorageError, Unsynced, Wal, Writer},
    raft::{Restored, StoreId},
    replica::{Keeper, Kept},
    table::Tables,
};

/// A disk that takes longer for a batch is worth a line.
const SLOW_DISK: Duration = Duration::from_millis(100);
/// The folder, in the data folder, of a state that is kept on disk.
const TABLES_FOLDER: &str = "state";

/// What was found in the data folder, and who writes to it from now on.
pub(super) struct Storage {
    /// The mark of the folder.
    pub(super) store: StoreId,
    pub(super) writer: Writer,
    pub(super) restored: Restored,
    pub(super) snapshots: SnapshotThread,
    pub(super) kept: Kept,
}

/// Opens the data folder on the kind of disk asked for.
pub(super) fn open(
    config: &NodeConfig,
    clock: Clock,
    events: &mpsc::Sender<Event>,
    metrics: &Metrics,
) -> anyhow::Result<Storage> {
    let data = &config.data;
    let unusable = || {
        let folder = data.display();
        format!("cannot use the data folder {folder}; choose another --data")
    };
    let power_loss = |unsynced| PowerLossDisk::open(data, unsynced).with_context(unusable);
    match config.disk {
        DiskKind::Real => {
            let disk = RealDisk::open(data).with_context(unusable)?;
            open_on(disk, config, clock, events, metrics)
        }
        DiskKind::PowerLoss => open_on(power_loss(Unsynced::Lost)?, config, clock, events, metrics),
        DiskKind::PowerLossTorn => {
            open_on(power_loss(Unsynced::Torn)?, config, clock, events, metrics)
        }
    }
}

fn open_on<D: Disk + Send + 'static>(
    disk: D,
    config: &NodeConfig,
    clock: Clock,
    events: &mpsc::Sender<Event>,
    metrics: &Metrics,
) -> anyhow::Result<Storage> {
    let identity = Identity {
        node: config.id.clone(),
        cluster: cluster_id(&config.cluster),
    };
    let (wal, restored) = open_log(config, disk.clone(), identity.clone())?;
    let store = wal.store();
    let writer = start_writer(wal, clock, events.clone(), metrics.clone())?;
    let tables = open_tables(config)?;
    let (keeper, kept) = Keeper::open(disk, identity, tables)
        .with_context(|| format!("cannot open the snapshots in {}", config.data.display()))?;
    let snapshots = start_snapshots(keeper, events.clone())?;
    Ok(Storage {
        store,
        writer,
        restored,
        snapshots,
        kept,
    })
}

/// Where values of states are kept, if not in memory.
fn open_tables(config: &NodeConfig) -> anyhow::Result<Option<Tables>> {
    let folder = config.data.join(TABLES_FOLDER);
    let tables = match config.state {
        StateKind::Memory => Tables::remove(&folder).map(|()| None),
        StateKind::Disk => Tables::open(&folder).map(Some),
    };
    let unusable = || format!("cannot make the folder {} anew", folder.display());
    tables.with_context(unusable)
}

fn open_log<D: Disk>(
    config: &NodeConfig,
    disk: D,
    identity: Identity,
) -> anyhow::Result<(Wal<D>, Restored)> {
    let settings = Settings {
        segment_bytes: config.segment_bytes,
        new_store: draw_store()?,
        bugs: config.bugs,
    };
    let (wal, restored) = Wal::open(disk, identity, settings)
        .with_context(|| format!("cannot open the log in {}", config.data.display()))?;
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
    metrics: Metrics,
) -> anyhow::Result<Writer> {
    let report = move |done: Result<Duration, StorageError>| {
        if let Ok(took) = &done {
            metrics.on_durable(*took);
            if *took > SLOW_DISK {
                tracing::warn!("the disk took {took:?} for a batch; elections may time out");
            }
        }
        // A node that is gone needs no report.
        let _ = events.blocking_send(Event::Durable(done.map(drop)));
    };
    Writer::start(wal, move || clock.now(), report)
        .context("cannot start the thread that writes the log")
}

fn start_snapshots<D: Disk + Send + 'static>(
    keeper: Keeper<D>,
    events: mpsc::Sender<Event>,
) -> anyhow::Result<SnapshotThread> {
    let report = move |done| {
        let _ = events.blocking_send(Event::Snapshot(done));
    };
    SnapshotThread::start(keeper, report).context("cannot start the thread that keeps snapshots")
}
