//! Drives the clients: operations arrive when they are due, whether or not earlier ones have finished.
//!
//! Each worker has an arrival process of its own (exponential gaps from its own random stream). A worker that is
//! held up by a slow answer calls the overdue operations as soon as it can; each keeps the time at which it was
//! due, so the waiting shows up as latency instead of vanishing (coordinated omission).

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rand::RngExt as _;
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::client::Client;
use super::phase::Ending;
use super::recorder::{Completion, Recorder};
use crate::clock::Clock;
use crate::progress::Progress;
use crate::workload::{Invocation, Part, Workload, stream};
use checker::Nanos;

/// Pause between two attempts at an operation that must succeed in the end.
const RETRY_PAUSE: Duration = Duration::from_millis(50);

/// Everything the workers share.
#[derive(Clone)]
pub(crate) struct Interpreter {
    pub workload: Arc<Mutex<Box<dyn Workload>>>,
    pub recorder: Recorder,
    pub clock: Clock,
    pub progress: Progress,
    pub seed: u64,
}

/// One client thread of the history: its client, and the process it is now.
pub(crate) struct Worker {
    number: usize,
    process: i64,
    workers: i64,
    part: Part,
    client: Client,
}

impl Worker {
    /// Worker `number` of `workers`.
    pub(crate) fn new(number: usize, workers: usize, part: Part, client: Client) -> Self {
        let count = |n: usize| i64::try_from(n).expect("there are at most some thousand workers");
        Self {
            number,
            process: count(number),
            workers: count(workers),
            part,
            client,
        }
    }
}

impl Interpreter {
    /// Lets all workers work until `until_ns`, at `rate` operations per second together. Returns the workers, and how
    /// many operations that were due were never called.
    pub(crate) async fn work(
        &self,
        workers: Vec<Worker>,
        rate: f64,
        until_ns: u64,
        ending: &Ending,
    ) -> (Vec<Worker>, u64) {
        let own_rate = rate / workers.len() as f64;
        let mut tasks = JoinSet::new();
        for worker in workers {
            tasks.spawn(
                self.clone()
                    .work_one(worker, own_rate, until_ns, ending.clone()),
            );
        }
        let done = tasks.join_all().await;
        let overdue = done.iter().map(|(_, overdue)| overdue).sum();
        let mut workers: Vec<Worker> = done.into_iter().map(|(worker, _)| worker).collect();
        workers.sort_by_key(|worker| worker.number);
        (workers, overdue)
    }

    async fn work_one(
        self,
        mut worker: Worker,
        rate: f64,
        until_ns: u64,
        mut ending: Ending,
    ) -> (Worker, u64) {
        let mut rng = stream(self.seed, 1 + worker.number as u64);
        let mut overdue = 0;
        let mut due_ns = 0;
        loop {
            due_ns += gap_ns(rate, rng.random());
            if due_ns >= until_ns {
                return (worker, overdue);
            }
            if self.clock.nanos().0 >= until_ns {
                overdue += 1;
                continue;
            }
            if ending
                .sleep_until(self.clock.instant(due_ns))
                .await
                .is_break()
            {
                return (worker, overdue);
            }
            let invocation = self.workload().next(worker.part, &mut rng);
            self.perform(&mut worker, &invocation, Nanos(due_ns)).await;
        }
    }

    /// Calls `invocations`, shared out over the workers, each until it is acknowledged or `deadline` has passed.
    /// Returns the workers and how many were acknowledged.
    pub(crate) async fn insist(
        &self,
        workers: Vec<Worker>,
        invocations: Vec<Vec<Invocation>>,
        deadline: Instant,
    ) -> (Vec<Worker>, usize) {
        let mut tasks = JoinSet::new();
        for (worker, own) in workers.into_iter().zip(invocations) {
            tasks.spawn(self.clone().insist_one(worker, own, deadline));
        }
        let done = tasks.join_all().await;
        let acknowledged = done.iter().map(|(_, acknowledged)| acknowledged).sum();
        let mut workers: Vec<Worker> = done.into_iter().map(|(worker, _)| worker).collect();
        workers.sort_by_key(|worker| worker.number);
        (workers, acknowledged)
    }

    async fn insist_one(
        self,
        mut worker: Worker,
        invocations: Vec<Invocation>,
        deadline: Instant,
    ) -> (Worker, usize) {
        let mut acknowledged = 0;
        for invocation in invocations {
            acknowledged += usize::from(self.insist_on(&mut worker, invocation, deadline).await);
        }
        (worker, acknowledged)
    }

    async fn insist_on(
        &self,
        worker: &mut Worker,
        mut invocation: Invocation,
        deadline: Instant,
    ) -> bool {
        while Instant::now() < deadline {
            let due = self.clock.nanos();
            if let Completion::Ok(_) = self.perform(worker, &invocation, due).await {
                return true;
            }
            if invocation.mutates() {
                // The last attempt may have taken effect: the next one must not write the same value.
                invocation = self.workload().anew(invocation);
            }
            tokio::time::sleep(RETRY_PAUSE).await;
        }
        false
    }

    async fn perform(
        &self,
        worker: &mut Worker,
        invocation: &Invocation,
        due: Nanos,
    ) -> Completion {
        self.recorder
            .invoke(worker.process, invocation, worker.client.home(), due);
        let (completion, node) = worker.client.perform(invocation).await;
        self.recorder
            .complete(worker.process, invocation, &node, &completion);
        self.progress.completed(&completion);
        match &completion {
            Completion::Ok(seen) => self.workload().observe(invocation, seen),
            Completion::Fail(_) => {}
            // Nobody knows whether it is over, so its process never calls anything again.
            Completion::Info(_) => worker.process += worker.workers,
        }
        completion
    }

    /// The state the workers share.
    pub(crate) fn workload(&self) -> MutexGuard<'_, Box<dyn Workload>> {
        self.workload.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The time between two arrivals at `rate` per second, for a uniform draw from [0, 1).
fn gap_ns(rate: f64, uniform: f64) -> u64 {
    (-(1.0 - uniform).ln() / rate * 1e9) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arrivals_keep_the_rate_asked_for() {
        let mut rng = stream(5, 1);
        let total: u64 = (0..20_000).map(|_| gap_ns(50.0, rng.random())).sum();
        let rate = 20_000.0 / (total as f64 / 1e9);
        assert!((49.0..51.0).contains(&rate), "{rate}");
    }
}
