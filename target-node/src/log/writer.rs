//! The thread that waits for the disk, so that the node does not.

use std::{sync::mpsc, thread};

use super::{disk::Disk, error::StorageError, wal::Wal};
use crate::raft::Batch;

/// The way to the writing thread. It takes one batch at a time and reports each when it is durable.
#[derive(Debug)]
pub(crate) struct Writer {
    batches: mpsc::SyncSender<Batch>,
}

impl Writer {
    /// Starts the thread. `report` is called from it after each batch; after an error it ends.
    pub(crate) fn start<D: Disk + Send + 'static>(
        mut wal: Wal<D>,
        mut report: impl FnMut(Result<(), StorageError>) + Send + 'static,
    ) -> std::io::Result<Self> {
        let (batches, queue) = mpsc::sync_channel::<Batch>(1);
        thread::Builder::new().name("wal".into()).spawn(move || {
            for batch in queue {
                let done = wal.append(&batch.writes);
                let failed = done.is_err();
                report(done);
                if failed {
                    return;
                }
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
