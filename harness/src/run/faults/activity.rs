//! What goes on between the beginning and the end of a step.

use std::future::Future;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::timeout;

/// Work that is told when its step ends, and then gives what came of it.
pub(super) struct Activity<T> {
    over: watch::Sender<bool>,
    task: JoinHandle<T>,
}

/// What the work listens to.
pub(super) struct Until(watch::Receiver<bool>);

impl<T: Send + 'static> Activity<T> {
    pub(super) fn start<F: Future<Output = T> + Send + 'static>(
        work: impl FnOnce(Until) -> F,
    ) -> Self {
        let (over, listens) = watch::channel(false);
        let task = tokio::spawn(work(Until(listens)));
        Self { over, task }
    }

    pub(super) async fn end(self) -> Result<T, String> {
        self.over.send_replace(true);
        self.task.await.map_err(|error| error.to_string())
    }
}

impl Until {
    pub(super) fn is_over(&self) -> bool {
        *self.0.borrow()
    }

    /// Waits, but not beyond the end of the step; whether it goes on.
    pub(super) async fn goes_on_after(&mut self, pause: Duration) -> bool {
        timeout(pause, self.0.wait_for(|over| *over)).await.is_err()
    }
}
