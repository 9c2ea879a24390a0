//! How long nobody is served while something happens to the cluster: one client a node keeps writing, and the longest
//! time between two successes of any of them is the outage.
//!
//! Clients give up on an answer after [`ATTEMPT_LIMIT`] and try again on a new connection, so that what is measured is the
//! system and not the patience of its clients.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, Result};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::cluster::Cluster;
use super::sample::Cause;
use super::system::{Granted, Request, System};
use super::worker::{Content, Worker};
use crate::cli::Operation;
use crate::clock::Clock;

/// How long one attempt may take.
const ATTEMPT_LIMIT: Duration = Duration::from_millis(50);
/// How long clients work before anything happens.
const BEFORE: Duration = Duration::from_millis(500);
/// How long they are watched at least afterwards: longer than elections take here.
const WATCH: Duration = Duration::from_secs(3);
/// When a cluster is given up.
const WATCH_MAX: Duration = Duration::from_secs(30);
/// Time between two looks at what succeeded.
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// How long a follower is stopped.
const STOPPED: Duration = Duration::from_secs(2);
/// How long a request may take: who is added must be sent everything first.
const REQUEST_MAX: Duration = Duration::from_secs(60);
/// A request may be given up, when the machine is busy and another node is behind; then it is made again.
const REQUEST_TRIES: usize = 5;

/// Times of successful writes, in order.
type Successes = Arc<Mutex<Vec<Duration>>>;

/// The outage that comes of `cause`, if the system can be asked for it.
pub(super) async fn of<S: System>(
    cause: Cause,
    cluster: &mut Cluster<S>,
    content: &Arc<Content>,
) -> Result<Option<Duration>> {
    match cause {
        Cause::Kill => after_kill(cluster, content).await.map(Some),
        Cause::StoppedFollower => while_stopped(cluster, content).await.map(Some),
        Cause::HandOver => asked(Ask::HandOver, cluster, content).await,
        Cause::Snapshot => asked(Ask::Snapshot, cluster, content).await,
        Cause::RemovedMember => asked(Ask::Remove, cluster, content).await,
        Cause::AddedMember => match cluster.start_waiting().await? {
            Some(node) => asked(Ask::Add(node), cluster, content).await,
            None => Ok(None),
        },
    }
}

/// Kills the leader, and starts it again when another one has served for a while.
async fn after_kill<S: System>(
    cluster: &mut Cluster<S>,
    content: &Arc<Content>,
) -> Result<Duration> {
    let leader = cluster.settled().await?;
    let watch = Watch::start(cluster, content).await;
    let at = watch.clock.elapsed();
    cluster.kill(leader.node)?;
    let outage = watch.outage_since(at, cluster, leader.term + 1).await;
    cluster.restart(leader.node)?;
    outage
}

async fn while_stopped<S: System>(
    cluster: &mut Cluster<S>,
    content: &Arc<Content>,
) -> Result<Duration> {
    let leader = cluster.settled().await?;
    let follower = (leader.node + 1) % cluster.members.len();
    let watch = Watch::start(cluster, content).await;
    let at = watch.clock.elapsed();
    cluster.pause(follower)?;
    sleep(STOPPED).await;
    cluster.resume(follower)?;
    watch.outage_since(at, cluster, leader.term).await
}

/// A request to the leader, before it is known who leads.
#[derive(Debug, Clone, Copy)]
enum Ask {
    HandOver,
    Snapshot,
    /// A follower.
    Remove,
    /// The node with this number.
    Add(usize),
}

async fn asked<S: System>(
    ask: Ask,
    cluster: &mut Cluster<S>,
    content: &Arc<Content>,
) -> Result<Option<Duration>> {
    for _ in 1..REQUEST_TRIES {
        if let Ok(outage) = asked_once(ask, cluster, content).await {
            return Ok(outage);
        }
    }
    asked_once(ask, cluster, content).await
}

async fn asked_once<S: System>(
    ask: Ask,
    cluster: &mut Cluster<S>,
    content: &Arc<Content>,
) -> Result<Option<Duration>> {
    let leader = cluster.settled().await?;
    let members = Arc::clone(&cluster.members);
    let follower = &members[(leader.node + 1) % members.len()];
    let (request, least_term) = match ask {
        Ask::HandOver => (Request::HandOver(follower), leader.term + 1),
        Ask::Snapshot => (Request::Snapshot, leader.term),
        Ask::Remove => (Request::Remove(follower), leader.term),
        Ask::Add(node) => (Request::Add(&members[node]), leader.term),
    };
    let watch = Watch::start(cluster, content).await;
    let at = watch.clock.elapsed();
    let granted = timeout(
        REQUEST_MAX,
        cluster.system.ask(&members[leader.node], request),
    );
    match granted
        .await
        .with_context(|| format!("the leader did not do it within {REQUEST_MAX:?}: {ask:?}"))??
    {
        Granted::NotOffered => Ok(None),
        Granted::Done => watch.outage_since(at, cluster, least_term).await.map(Some),
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

    /// The longest time without a success from the last one before `at` until a leader of at least this term has served
    /// for a while.
    async fn outage_since<S: System>(
        self,
        at: Duration,
        cluster: &Cluster<S>,
        least_term: u64,
    ) -> Result<Duration> {
        let until = self.clock.elapsed().max(at) + WATCH;
        let recovered = async {
            loop {
                sleep(LOOK_EVERY).await;
                let now = self.clock.elapsed();
                let served_lately = lock(&self.successes)
                    .last()
                    .is_some_and(|last| *last > now.saturating_sub(ATTEMPT_LIMIT));
                let leader = cluster.leader().await;
                let leads = leader.is_some_and(|leader| leader.term >= least_term);
                if now > until && served_lately && leads {
                    return;
                }
            }
        };
        timeout(WATCH_MAX, recovered).await.with_context(|| {
            let name = cluster.system.target().name();
            format!("{name} had no leader that serves within {WATCH_MAX:?}")
        })?;
        longest_gap(&lock(&self.successes), at)
            .context("no write succeeded before anything happened")
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
