//! The acts of a run in their order: up, quiet, clients beside faults, heal, recovery, final reads, down.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use checker::Header;
use nemesis::net::CLIENTS_ADDRESS;
use reports::{HealthEvent, StoppedOnline};
use serde_json::json;
use tokio::time::Instant;

use super::client::Client;
use super::cluster::{Cluster, SharedPlane};
use super::copies;
use super::environment::{Equipment, environment};
use super::faults::{Director, Tale, Told};
use super::folder::Folder;
use super::interpreter::{Interpreter, Worker};
use super::judge::Evidence;
use super::leaders::{Leaders, first_leader};
use super::machine::Meter;
use super::online::{Post, Watch};
use super::phase::{self, EarlyEnd, Ender, Ending};
use super::recorder::Recorder;
use crate::clock::Clock;
use crate::config::RunConfig;
use crate::progress::Progress;
use crate::workload::{FinalReads, Invocation, Part};

/// How long a healthy cluster may take to elect its first leader.
const ELECTION_LIMIT: Duration = Duration::from_secs(20);
/// How often nodes are looked at for deaths, and the history for write errors.
const GUARD_EVERY: Duration = Duration::from_millis(50);
/// How long the final reads may take.
const FINAL_READS_LIMIT: Duration = Duration::from_secs(10);
/// Each key still in use is read through every client in the end; of the retired ones, this many through one of each node.
const RETIRED_KEYS_READ: usize = 200;

/// Plays the whole run in its folder and returns what it left behind.
pub(crate) async fn perform(
    config: &RunConfig,
    folder: &Folder,
    plane: &SharedPlane,
    equipment: Equipment,
    progress: &Progress,
    (ender, ending): (Ender, Ending),
) -> Result<Evidence> {
    phase::end_on_signals(&ender, progress)?;
    progress.act(&format!("starting {} nodes", config.nodes.len()));
    let cluster = Arc::new(Cluster::start(config, folder, plane, &equipment.clocks)?);
    let played = match up(&cluster, ending.clone()).await {
        Ok(()) => {
            Stage::set(config, folder, &cluster, progress, &ender, ending.clone())?
                .play(config, equipment)
                .await
        }
        Err(error) => stillborn(config, folder, &cluster, equipment, &ending, &error),
    };
    let stopping = Arc::clone(&cluster);
    tokio::task::spawn_blocking(move || stopping.stop())
        .await
        .context("cannot stop the nodes")?;
    played
}

/// Waits until the cluster can serve.
async fn up(cluster: &Cluster, mut ending: Ending) -> Result<()> {
    let ready = async {
        cluster.wait_all_healthy().await?;
        first_leader(cluster.doors(), ELECTION_LIMIT).await?;
        cluster.settle_disks()
    };
    tokio::select! {
        ready = ready => ready,
        () = ending.ended() => bail!("interrupted before any client began: nothing to judge"),
    }
}

/// What is left of a run that ended before the first client: a history without operations, and the reason.
fn stillborn(
    config: &RunConfig,
    folder: &Folder,
    cluster: &Cluster,
    equipment: Equipment,
    ending: &Ending,
    error: &anyhow::Error,
) -> Result<Evidence> {
    let clock = Clock::start();
    Recorder::create(&folder.file("history.jsonl"), &header(config), clock)?;
    let deaths = cluster.deaths().into_iter().map(|death| HealthEvent {
        node: death.node.to_string(),
        time_ns: 0,
        message: format!("{} (log: {}.log)", death.how, death.node),
    });
    Ok(Evidence {
        began: clock.began(),
        faults: Vec::new(),
        done: Vec::new(),
        leaders: Vec::new(),
        leader_changes: 0,
        stalls: Vec::new(),
        deaths: deaths.collect(),
        recovery_ms: None,
        equipment,
        duration_ns: 0,
        interrupted: ending.reason() == Some(EarlyEnd::Interrupted),
        stopped_online: None,
        failure: Some(format!("{error:#}")),
        notes: Vec::new(),
        environment: environment(),
        divergence: None,
    })
}

/// Everything that takes part from the first operation to the last.
struct Stage {
    cluster: Arc<Cluster>,
    clock: Clock,
    leaders: Leaders,
    recorder: Recorder,
    progress: Progress,
    interpreter: Interpreter,
    deaths: Arc<Mutex<Vec<HealthEvent>>>,
    ending: Ending,
    meter: Meter,
    /// The check beside the run, if it was asked for.
    online: Option<Watch>,
}

impl Stage {
    /// Starts the run's clock, and with it everything that watches.
    fn set(
        config: &RunConfig,
        folder: &Folder,
        cluster: &Arc<Cluster>,
        progress: &Progress,
        ender: &Ender,
        ending: Ending,
    ) -> Result<Self> {
        let clock = Clock::start();
        let history = folder.file("history.jsonl");
        let recorder = Recorder::create(&history, &header(config), clock)?;
        let post = config.online.then(|| Post {
            history,
            model: config.workload.model(),
            memory_bytes: config.check.memory_bytes,
            clock,
            progress: progress.clone(),
            ender: ender.clone(),
        });
        let leaders = Leaders::default();
        leaders.watch(cluster.doors(), clock)?;
        let deaths = Arc::default();
        tokio::spawn(guard(
            Arc::clone(cluster),
            recorder.clone(),
            Arc::clone(&deaths),
            progress.clone(),
            ender.clone(),
        ));
        tokio::spawn(progress.clone().watch(clock, leaders.clone()));
        let nodes = config.nodes.iter().map(ToString::to_string).collect();
        tokio::spawn(progress.live().clone().follow(leaders.clone(), nodes));
        let interpreter = Interpreter {
            workload: Arc::new(Mutex::new(config.workload.start())),
            recorder: recorder.clone(),
            clock,
            progress: progress.clone(),
            seed: config.seed,
        };
        let (cluster, progress) = (Arc::clone(cluster), progress.clone());
        Ok(Self {
            cluster,
            clock,
            leaders,
            recorder,
            progress,
            interpreter,
            deaths,
            ending,
            meter: Meter::start(&folder.file("machine.sample"), clock)?,
            online: post.map(Watch::start).transpose()?,
        })
    }

    async fn play(mut self, config: &RunConfig, equipment: Equipment) -> Result<Evidence> {
        let environment = environment();
        self.progress.act(&format!(
            "clients at work for {}",
            humantime::format_duration(config.time_limit)
        ));
        let (workers, Told { records, steps }, overdue) = self.work_beside_faults(config).await?;
        let stopped_online = finish(self.online.take()).await?;
        let interrupted = self.ending.reason() == Some(EarlyEnd::Interrupted);
        let (workers, recovery_ms) = self.recover(config, workers).await?;
        let mut notes = Vec::new();
        if overdue > 0 {
            notes.push(format!(
                "{overdue} operations that were due were never called: the clients were still waiting when their time was over. Raise --concurrency, or lower --rate."
            ));
        }
        let missing = self.final_reads(workers).await;
        if missing > 0 {
            notes.push(format!("{missing} final reads were not answered in time."));
        }
        let copies = copies::ask(self.cluster.doors()).await?;
        Ok(Evidence {
            began: self.clock.began(),
            faults: records,
            done: steps,
            leaders: self.leaders.spans(),
            leader_changes: self.leaders.changes(),
            deaths: self.health_events(),
            recovery_ms,
            equipment,
            duration_ns: self.clock.nanos().0,
            interrupted,
            stopped_online,
            failure: self.failure(),
            notes,
            environment,
            divergence: copies::divergence(&copies),
            stalls: self.meter.stop(),
        })
    }

    async fn work_beside_faults(&self, config: &RunConfig) -> Result<(Vec<Worker>, Told, u64)> {
        let director = Director {
            cluster: Arc::clone(&self.cluster),
            leaders: self.leaders.clone(),
            recorder: self.recorder.clone(),
            clock: self.clock,
            progress: self.progress.clone(),
        };
        let schedule = config.schedule();
        let told = match &config.steps {
            Some(steps) => {
                let tale = Tale::new(steps.story.clone(), config, &schedule);
                tokio::spawn(director.clone().tell(tale, self.ending.clone()))
            }
            None => tokio::spawn(async { Told::default() }),
        };
        let faults = tokio::spawn(director.follow(schedule, self.ending.clone()));
        let until_ns = config.clients_end().0;
        let (workers, overdue) = self
            .interpreter
            .work(self.workers(config)?, config.rate, until_ns, &self.ending)
            .await;
        let mut records = faults.await.context("the nemesis broke down")?;
        let told = told.await.context("the steps broke down")?;
        records.extend(told.records);
        Ok((workers, Told { records, ..told }, overdue))
    }

    /// Heals everything and measures how long it takes until every client is served again.
    async fn recover(
        &self,
        config: &RunConfig,
        workers: Vec<Worker>,
    ) -> Result<(Vec<Worker>, Option<u64>)> {
        self.progress
            .act("final heal, waiting for every client to be served");
        let cluster = Arc::clone(&self.cluster);
        tokio::task::spawn_blocking(move || cluster.heal_all())
            .await
            .context("the final heal broke down")??;
        if let Err(why) = self.cluster.admin().take_back(config.recovery_limit).await {
            self.progress.say(&format!(
                "not every node could be taken back into the cluster: {why}"
            ));
        }
        let healed = self.recorder.nemesis("final-heal", json!(null));
        let count = workers.len();
        let write = || self.interpreter.workload().recovery();
        let writes = (0..count).map(|_| vec![write()]).collect();
        let deadline = Instant::now() + config.recovery_limit;
        let (workers, acknowledged) = self.interpreter.insist(workers, writes, deadline).await;
        let took_ms = (self.clock.nanos().0 - healed.0) / 1_000_000;
        Ok((workers, (acknowledged == count).then_some(took_ms)))
    }

    /// Reads what is left: the keys in use through every client, retired keys through one of each node, so that copies which
    /// differ are told from each other. Returns how many reads failed.
    async fn final_reads(&self, workers: Vec<Worker>) -> usize {
        self.progress.act("final reads");
        let FinalReads { active, retired } = self.interpreter.workload().final_reads();
        let mut reads: Vec<Vec<Invocation>> = vec![active; workers.len()];
        let readers = reads.len();
        let homes = self.cluster.names().count().min(readers);
        for (number, read) in retired.into_iter().take(RETIRED_KEYS_READ).enumerate() {
            for home in 0..homes {
                let clients = (readers - home).div_ceil(homes);
                reads[home + homes * (number % clients)].push(read.clone());
            }
        }
        let wanted: usize = reads.iter().map(Vec::len).sum();
        let (_, answered) = self
            .interpreter
            .insist(workers, reads, Instant::now() + FINAL_READS_LIMIT)
            .await;
        wanted - answered
    }

    /// Clients are dealt out to the nodes in turn; of those of a node, every second one only reads.
    fn workers(&self, config: &RunConfig) -> Result<Vec<Worker>> {
        let doors = self.cluster.doors();
        let nodes = &config.nodes;
        (0..config.workers)
            .map(|number| {
                let home = config
                    .home(i64::try_from(number).unwrap_or(i64::MAX))
                    .as_str();
                let part = match number / nodes.len() % 2 {
                    0 => Part::Everything,
                    _ => Part::Reads,
                };
                let client = Client::new(home, doors, config.habits, CLIENTS_ADDRESS)?;
                Ok(Worker::new(number, config.workers, part, client))
            })
            .collect()
    }

    fn health_events(&self) -> Vec<HealthEvent> {
        let mut events = self
            .deaths
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        for (node, line) in self.cluster.panics() {
            if events.iter().all(|event| event.node != node.as_str()) {
                let message = format!("panicked and went on: {line} (log: {node}.log)");
                events.push(HealthEvent {
                    node: node.to_string(),
                    time_ns: self.clock.nanos().0,
                    message,
                });
            }
        }
        events
    }

    fn failure(&self) -> Option<String> {
        match self.ending.reason() {
            Some(EarlyEnd::Failed(reason)) => Some(reason),
            Some(EarlyEnd::Interrupted | EarlyEnd::Violated) | None => self.recorder.failure(),
        }
    }
}

/// Ends the check beside the run.
async fn finish(online: Option<Watch>) -> Result<Option<StoppedOnline>> {
    let Some(watch) = online else {
        return Ok(None);
    };
    tokio::task::spawn_blocking(|| watch.finish())
        .await
        .context("the online check broke down")
}

fn header(config: &RunConfig) -> Header {
    Header {
        model: Some(config.workload.model().to_string()),
        nodes: config.nodes.iter().map(ToString::to_string).collect(),
        seed: Some(config.seed),
        ..Header::new()
    }
}

/// Notices what nobody ordered: a node that ends by itself, a history that cannot be written.
async fn guard(
    cluster: Arc<Cluster>,
    recorder: Recorder,
    deaths: Arc<Mutex<Vec<HealthEvent>>>,
    progress: Progress,
    ender: Ender,
) {
    loop {
        tokio::time::sleep(GUARD_EVERY).await;
        for death in cluster.deaths() {
            let message = format!("{} (log: {}.log)", death.how, death.node);
            progress.say(&format!("node {} {message}", death.node));
            let details = json!({ "node": death.node, "message": message });
            let time_ns = recorder.nemesis("node-died", details).0;
            let event = HealthEvent {
                node: death.node.to_string(),
                time_ns,
                message,
            };
            deaths
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push(event);
        }
        if let Some(reason) = recorder.failure() {
            ender.end(EarlyEnd::Failed(reason));
        }
    }
}
