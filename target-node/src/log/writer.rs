//! The thread that waits for the disk, so that the node does not.

use std::{
    sync::mpsc::{self, Receiver, RecvTimeoutError},
    thread,
    time::Duration,
};

use super::{disk::Disk, error::StorageError, wal::Wal};
use crate::raft::Batch;

/// After this long without a batch the thread looks after the segments.
const IDLE: Duration = Duration::from_millis(5);

/// The way to the writing thread. It takes one batch at a time and reports each when it is durable.
#[derive(Debug)]
pub(crate) struct Writer {
    batches: mpsc::SyncSender<Batch>,
}

impl Writer {
    /// Starts the thread. `report` is called from it after each batch, with the time the disk took by the
    /// clock `now`; after an error, which need not be that of a batch, it ends.
    pub(crate) fn start<D: Disk + Send + 'static>(
        mut wal: Wal<D>,
        now: impl Fn() -> Duration + Send + 'static,
        mut report: impl FnMut(Result<Duration, StorageError>) + Send + 'static,
    ) -> std::io::Result<Self> {
        let (batches, queue) = mpsc::sync_channel::<Batch>(1);
        thread::Builder::new().name("wal".into()).spawn(move || {
            if let Err(error) = serve(&mut wal, &queue, now, &mut report) {
                report(Err(error));
            }
        })?;
        Ok(Self { batches })
    }

    /// Hands over a batch. The thread must be idle: this never waits.
    pub(crate) fn submit(&self, batch: Batch) {
        // A thread that ended has reported why, and the node is about to stop.
        let _ = self.batches.try_send(batch);
    }
}

fn serve<D: Disk>(
    wal: &mut Wal<D>,
    queue: &Receiver<Batch>,
    now: impl Fn() -> Duration,
    report: &mut impl FnMut(Result<Duration, StorageError>),
) -> Result<(), StorageError> {
    while let Some(batch) = next(wal, queue)? {
        let start = now();
        wal.append(&batch.writes)?;
        report(Ok(now() - start));
    }
    Ok(())
}

/// The next batch; nothing when the node is gone.
fn next<D: Disk>(wal: &mut Wal<D>, queue: &Receiver<Batch>) -> Result<Option<Batch>, StorageError> {
    match queue.recv_timeout(IDLE) {
        Ok(batch) => Ok(Some(batch)),
        Err(RecvTimeoutError::Disconnected) => Ok(None),
        Err(RecvTimeoutError::Timeout) => {
            wal.upkeep()?;
            Ok(queue.recv().ok())
        }
    }
}
