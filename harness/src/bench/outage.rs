//! How long nobody is served when the leader goes: one client a node keeps writing, and the longest time between two
//! successes of any of them is the outage.
//!
//! Clients give up on an answer after [`ATTEMPT_LIMIT`] and try again on a new connection, so that what is measured is the
//! system and not the patience of its clients.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, Result};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::cluster::{Cluster, Leader};
use super::system::{Handover, System};
use super::worker::{Content, Worker};
use crate::cli::Operation;
use crate::clock::Clock;

/// How long one attempt may take.
const ATTEMPT_LIMIT: Duration = Duration::from_millis(50);
/// How long clients work before the leader goes.
const BEFORE: Duration = Duration::from_millis(500);
/// How long they are watched at least afterwards: longer than elections take here.
const WATCH: Duration = Duration::from_secs(3);
/// When a cluster is given up.
const WATCH_MAX: Duration = Duration::from_secs(30);
/// Time between two looks at what succeeded.
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// How long the request to hand over may take.
const HAND_OVER_MAX: Duration = Duration::from_secs(10);
/// A handover may be given up, when the machine is busy and the other node is behind; then it is asked for again.
const HAND_OVER_TRIES: usize = 5;

/// Times of successful writes, in order.
type Successes = Arc<Mutex<Vec<Duration>>>;

/// Kills the leader; the outage that follows. The node is started again.
pub(super) async fn after_kill<S: System>(
    cluster: &mut Cluster<S>,
    content: &Arc<Content>,
) -> Result<Duration> {
    let leader = cluster.settled().await?;
    let watch = Watch::start(cluster, content).await;
    let at = watch.clock.elapsed();
    cluster.kill(leader.node)?;
    let outage = watch.longest_gap_since(at, cluster, leader).await;
    cluster.restart(leader.node)?;
    outage
}

/// Asks the leader to hand over to the next node; the outage that follows, if the system can be asked.
pub(super) async fn after_hand_over<S: System>(
    cluster: &mut Cluster<S>,
    content: &Arc<Content>,
) -> Result<Option<Duration>> {
    for _ in 1..HAND_OVER_TRIES {
        if let Ok(outage) = hand_over(cluster, content).await {
            return Ok(outage);
        }
    }
    hand_over(cluster, content).await
}

async fn hand_over<S: System>(
    cluster: &mut Cluster<S>,
    content: &Arc<Content>,
) -> Result<Option<Duration>> {
    let leader = cluster.settled().await?;
    let to = (leader.node + 1) % cluster.members.len();
    let watch = Watch::start(cluster, content).await;
    let at = watch.clock.elapsed();
    let (from, to) = (&cluster.members[leader.node], &cluster.members[to]);
    let asked = timeout(HAND_OVER_MAX, cluster.system.hand_over(from, to)).await;
    match asked.context("the leader did not hand over in time")?? {
        Handover::NotOffered => Ok(None),
        Handover::Asked => watch.longest_gap_since(at, cluster, leader).await.map(Some),
    }
}

/// Clients at work on all nodes.
struct Watch {
    clock: Clock,
    successes: Successes,
    /// Ends the clients with the watch.
    _clients: JoinSet<()>,
}

impl Watch {
    async fn start<S: System>(cluster: &Cluster<S>, content: &Arc<Content>) -> Self {
        let clock = Clock::start();
        let successes = Successes::default();
        let mut clients = JoinSet::new();
        for (number, member) in cluster.members.iter().enumerate() {
            let mut worker = Worker::new(
                Arc::clone(&cluster.system),
                member.clone(),
                Arc::clone(content),
                ATTEMPT_LIMIT,
                number,
            );
            let successes = Arc::clone(&successes);
            clients.spawn(async move {
                loop {
                    if worker.perform(Operation::Put).await.is_ok() {
                        lock(&successes).push(clock.elapsed());
                    }
                }
            });
        }
        sleep(BEFORE).await;
        Self {
            clock,
            successes,
            _clients: clients,
        }
    }

    /// The longest time without a success from the last one before `at` until another leader has served for a while.
    async fn longest_gap_since<S: System>(
        self,
        at: Duration,
        cluster: &Cluster<S>,
        old: Leader,
    ) -> Result<Duration> {
        let recovered = async {
            loop {
                sleep(LOOK_EVERY).await;
                let served_lately = lock(&self.successes)
                    .last()
                    .is_some_and(|last| *last > self.clock.elapsed().saturating_sub(ATTEMPT_LIMIT));
                if self.clock.elapsed() > at + WATCH
                    && served_lately
                    && cluster
                        .leader()
                        .await
                        .is_some_and(|leader| leader.term > old.term)
                {
                    return;
                }
            }
        };
        timeout(WATCH_MAX, recovered).await.with_context(|| {
            format!(
                "{} had no new leader that serves within {WATCH_MAX:?}",
                cluster.system.target().name()
            )
        })?;
        longest_gap(&lock(&self.successes), at).context("no write succeeded before the leader went")
    }
}

fn lock(successes: &Successes) -> std::sync::MutexGuard<'_, Vec<Duration>> {
    successes.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The longest time between two successes of which the second is after `at`.
fn longest_gap(successes: &[Duration], at: Duration) -> Option<Duration> {
    let pairs = successes.windows(2).filter(|pair| pair[1] > at);
    pairs.map(|pair| pair[1] - pair[0]).max()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_outage_begins_at_the_last_success_before_and_not_earlier() {
        let ms = |times: &[u64]| {
            times
                .iter()
                .copied()
                .map(Duration::from_millis)
                .collect::<Vec<_>>()
        };
        let at = Duration::from_millis(1_000);
        let gap = |times: &[u64]| longest_gap(&ms(times), at);
        assert_eq!(
            gap(&[0, 900, 990, 1_003, 1_250, 1_260]),
            Some(Duration::from_millis(247)),
            "900 ms of quiet before do not count"
        );
        assert_eq!(gap(&[950, 1_400, 1_410]), Some(Duration::from_millis(450)));
        assert_eq!(gap(&[950]), None);
    }
}
