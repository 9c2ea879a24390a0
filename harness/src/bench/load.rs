//! The closed loop: so many clients, each sending its next operation when the last one is answered.
//!
//! Everything of the generator runs on one thread; what it costs is measured and told, because it is taken from the
//! same processors as the nodes.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use hdrhistogram::Histogram;
use tokio::task::JoinSet;

use super::cluster::{Cluster, Leader};
use super::plan::Plan;
use super::sample::Measure;
use super::system::System;
use super::usage;
use super::worker::{Content, Worker};
use crate::cli::{Operation, Route};
use crate::clock::Clock;

/// How long a client waits for one answer.
const OPERATION_LIMIT: Duration = Duration::from_secs(5);
/// Clients that write every key once before anything is measured.
const FILLERS: usize = 64;
/// Latency is kept with three digits.
const DIGITS: u8 = 3;

/// The window in which operations that end are counted.
#[derive(Debug, Clone, Copy)]
struct Window {
    from: Duration,
    until: Duration,
}

/// What a client saw within the window.
#[derive(Debug)]
struct Tally {
    latency_ns: Histogram<u64>,
    errors: u64,
    first_error: Option<String>,
}

/// Writes every key once.
pub(super) async fn fill<S: System>(
    cluster: &Cluster<S>,
    leader: Leader,
    content: &Arc<Content>,
) -> Result<()> {
    let mut fillers = JoinSet::new();
    for number in 0..FILLERS.min(content.keys.len()) {
        let mut worker = worker(cluster, leader, Route::Leader, content, number);
        let keys = (number..content.keys.len()).step_by(FILLERS);
        fillers.spawn(async move {
            for key in keys {
                // Once more: an election may be due on a busy machine.
                if worker.perform_on(Operation::Put, key).await.is_err() {
                    worker.perform_on(Operation::Put, key).await?;
                }
            }
            Ok(())
        });
    }
    while let Some(filled) = fillers.join_next().await {
        let filled: Result<(), super::system::StoreError> = filled.context("a client panicked")?;
        filled.context("cannot write every key once")?;
    }
    Ok(())
}

/// Drives one operation with so many clients: warm-up, then the window.
pub(super) async fn drive<S: System>(
    cluster: &Cluster<S>,
    leader: Leader,
    plan: &Plan,
    content: &Arc<Content>,
    operation: Operation,
    clients: usize,
) -> Result<Measure> {
    let clock = Clock::start();
    let window = Window {
        from: plan.warm_up,
        until: plan.warm_up + plan.duration,
    };
    let mut loops = JoinSet::new();
    for number in 0..clients {
        let worker = worker(cluster, leader, plan.route, content, number);
        loops.spawn(work(worker, operation, clock, window));
    }
    let pids = cluster.pids();
    tokio::time::sleep_until(clock.instant(nanos(window.from))).await;
    let before = Spent::of(&pids)?;
    tokio::time::sleep_until(clock.instant(nanos(window.until))).await;
    let spent = Spent::of(&pids)?.since(&before);
    let mut total = Tally::new();
    while let Some(tally) = loops.join_next().await {
        total.add(tally.context("a client panicked")?);
    }
    Ok(total.measure(plan.duration, &spent))
}

fn worker<S: System>(
    cluster: &Cluster<S>,
    leader: Leader,
    route: Route,
    content: &Arc<Content>,
    number: usize,
) -> Worker<S> {
    let node = match route {
        Route::Leader => leader.node,
        Route::Spread => number % cluster.members.len(),
    };
    Worker::new(
        Arc::clone(&cluster.system),
        cluster.members[node].clone(),
        Arc::clone(content),
        OPERATION_LIMIT,
        number,
    )
}

/// One client's loop until the window closes.
async fn work<S: System>(
    mut worker: Worker<S>,
    operation: Operation,
    clock: Clock,
    window: Window,
) -> Tally {
    let mut tally = Tally::new();
    let mut start = clock.elapsed();
    while start < window.until {
        let answer = worker.perform(operation).await;
        let end = clock.elapsed();
        if end >= window.from && end < window.until {
            tally.count(answer, end - start);
        }
        start = end;
    }
    tally
}

impl Tally {
    fn new() -> Self {
        Self {
            latency_ns: Histogram::new(DIGITS).expect("three digits are allowed"),
            errors: 0,
            first_error: None,
        }
    }

    fn count(&mut self, answer: Result<(), super::system::StoreError>, latency: Duration) {
        match answer {
            Ok(()) => self
                .latency_ns
                .record(nanos(latency))
                .expect("the histogram grows as needed"),
            Err(error) => {
                self.errors += 1;
                self.first_error.get_or_insert_with(|| error.to_string());
            }
        }
    }

    fn add(&mut self, other: Self) {
        self.latency_ns
            .add(other.latency_ns)
            .expect("the histogram grows as needed");
        self.errors += other.errors;
        self.first_error = self.first_error.take().or(other.first_error);
    }

    fn measure(self, window: Duration, spent: &Spent) -> Measure {
        let operations = self.latency_ns.len();
        let quantile = |quantile| self.latency_ns.value_at_quantile(quantile) as f64 / 1e3;
        let each = |time: Duration| time.as_secs_f64() * 1e6 / operations.max(1) as f64;
        Measure {
            operations,
            errors: self.errors,
            per_second: operations as f64 / window.as_secs_f64(),
            p50_us: quantile(0.5),
            p99_us: quantile(0.99),
            max_us: self.latency_ns.max() as f64 / 1e3,
            client_cpu_us: each(spent.client),
            cluster_cpu_us: each(spent.cluster),
            first_error: self.first_error,
        }
    }
}

/// Processor time of the load generator and of all nodes.
#[derive(Debug, Clone, Copy)]
struct Spent {
    client: Duration,
    cluster: Duration,
}

impl Spent {
    fn of(pids: &[u32]) -> Result<Self> {
        let nodes = pids.iter().map(|pid| usage::processor_time(*pid));
        Ok(Self {
            client: usage::processor_time(std::process::id())?,
            cluster: nodes.sum::<Result<Duration>>()?,
        })
    }

    fn since(&self, before: &Self) -> Self {
        Self {
            client: self.client.saturating_sub(before.client),
            cluster: self.cluster.saturating_sub(before.cluster),
        }
    }
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::system::StoreError;

    #[test]
    fn answers_and_errors_of_all_clients_are_counted_apart() {
        let mut total = Tally::new();
        for client in 0..2_u64 {
            let mut tally = Tally::new();
            for number in 1..=50 {
                tally.count(Ok(()), Duration::from_micros(100 * client + number));
            }
            tally.count(Err(StoreError(format!("busy {client}"))), Duration::ZERO);
            total.add(tally);
        }
        let spent = Spent {
            client: Duration::from_millis(1),
            cluster: Duration::from_millis(3),
        };
        let measure = total.measure(Duration::from_secs(2), &spent);
        assert_eq!((measure.operations, measure.errors), (100, 2));
        assert_eq!(measure.first_error.as_deref(), Some("busy 0"));
        assert!((measure.per_second - 50.0).abs() < 1e-9);
        assert!((measure.p50_us - 50.0).abs() < 0.1, "{}", measure.p50_us);
        assert!((measure.p99_us - 149.0).abs() < 0.2, "{}", measure.p99_us);
        assert!((measure.client_cpu_us - 10.0).abs() < 1e-9);
        assert!((measure.cluster_cpu_us - 30.0).abs() < 1e-9);
    }
}
