//! The thread that keeps snapshot files, so that the node does not wait for them.

use std::{sync::mpsc, thread};

use super::node::Asker;
use crate::{
    log::Disk,
    replica::{self, Keeper, KeeperError, Task},
};

/// What came of a task.
pub(super) type Done = Result<replica::Event<Asker>, KeeperError>;

/// The way to the thread. What waits there is bounded by the replica: one image, and one part for each node.
#[derive(Debug)]
pub(super) struct SnapshotThread {
    tasks: mpsc::Sender<Task>,
}

impl SnapshotThread {
    /// Starts the thread. `report` is called from it; after an error it ends.
    pub(super) fn start<D: Disk + Send + 'static>(
        mut keeper: Keeper<D>,
        mut report: impl FnMut(Done) + Send + 'static,
    ) -> std::io::Result<Self> {
        let (tasks, queue) = mpsc::channel();
        thread::Builder::new()
            .name("snapshots".into())
            .spawn(move || {
                for task in queue {
                    match keeper.perform(task) {
                        Ok(Some(event)) => report(Ok(event)),
                        Ok(None) => {}
                        Err(error) => return report(Err(error)),
                    }
                }
            })?;
        Ok(Self { tasks })
    }

    pub(super) fn submit(&self, task: Task) {
        // A thread that ended has reported why, and the node is about to stop.
        let _ = self.tasks.send(task);
    }
}
