//! The order of everything: in each round every system in turn, from an empty disk to the last outage.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use indicatif::{ProgressBar, ProgressStyle};

use super::bundled::Bundled;
use super::cluster::Cluster;
use super::etcd::Etcd;
use super::plan::{Measurable, Plan};
use super::sample::{Cause, LoadSample, MemorySample, OutageSample, Record};
use super::system::System;
use super::table::plural;
use super::usage::{Memory, memory};
use super::worker::Content;
use super::{load, outage};
use crate::cli::Operation;
use crate::run::Ending;
use crate::say;

/// Measures everything in the plan into `record`, until `ending` is given.
pub(super) fn measure(
    plan: &Plan,
    folder: &Path,
    ending: &Ending,
    record: &mut Record,
) -> Result<()> {
    // One thread: the load generator must not take more of the machine than it needs.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("cannot start the runtime")?;
    let headway = Headway::of(plan);
    let end = runtime.block_on(async {
        let mut asked = ending.clone();
        tokio::select! {
            end = all(plan, folder, record, &headway) => end,
            () = asked.ended() => Ok(()),
        }
    });
    headway.finish();
    record.interrupted = ending.is_given();
    end
}

async fn all(plan: &Plan, folder: &Path, record: &mut Record, headway: &Headway) -> Result<()> {
    for round in 1..=plan.rounds {
        for measurable in &plan.targets {
            let target = measurable.target().name();
            let name = format!("round {round} of {}: {target}", plan.rounds);
            let folder = folder.join(format!("{round}-{target}"));
            std::fs::create_dir(&folder)
                .with_context(|| format!("cannot create {}", folder.display()))?;
            let turn = Turn {
                plan,
                round,
                folder: &folder,
                name,
                headway,
            };
            match measurable.clone() {
                Measurable::Node(program) => turn.take(Bundled { program }, record).await,
                Measurable::Etcd(program) => turn.take(Etcd { program }, record).await,
            }
            .with_context(|| turn.name.clone())?;
            std::fs::remove_dir_all(&folder)
                .with_context(|| format!("cannot remove {}", folder.display()))?;
        }
    }
    Ok(())
}

/// One system's part of one round.
struct Turn<'a> {
    plan: &'a Plan,
    round: u32,
    folder: &'a Path,
    name: String,
    headway: &'a Headway,
}

impl Turn<'_> {
    async fn take<S: System>(&self, system: S, record: &mut Record) -> Result<()> {
        let content = Arc::new(Content::new(self.plan.keys, self.plan.value_bytes));
        self.headway.now(&format!("{}: starting", self.name));
        let mut cluster = Cluster::start(system, self.plan.nodes, self.folder)?;
        let leader = cluster.settled().await?;
        self.headway
            .now(&format!("{}: writing every key once", self.name));
        load::fill(&cluster, leader, &content).await?;
        for &operation in &self.plan.operations {
            for &clients in &self.plan.clients {
                let sample = self
                    .load(&mut cluster, &content, operation, clients)
                    .await?;
                record.loads.push(sample);
            }
        }
        record.memory.push(self.memory(&mut cluster).await?);
        if self.plan.nodes > 2 {
            self.outages(&mut cluster, &content, record).await?;
        }
        Ok(())
    }

    async fn load<S: System>(
        &self,
        cluster: &mut Cluster<S>,
        content: &Arc<Content>,
        operation: Operation,
        clients: usize,
    ) -> Result<LoadSample> {
        let clients_told = plural(clients, "client");
        let what = format!("{}: {}, {clients_told}", self.name, operation.name());
        self.headway.now(&what);
        let before = cluster.settled().await?;
        let measure = load::drive(cluster, before, self.plan, content, operation, clients).await?;
        let after = cluster.settled().await?;
        self.headway.done(&format!(
            "{what}: {:.0} operations/s, p99 {:.2} ms{}",
            measure.per_second,
            measure.p99_us / 1e3,
            complaint(measure.errors, measure.first_error.as_deref())
        ));
        Ok(LoadSample {
            round: self.round,
            target: cluster.system.target(),
            operation,
            clients,
            leader_changed: before != after,
            measure,
        })
    }

    async fn memory<S: System>(&self, cluster: &mut Cluster<S>) -> Result<MemorySample> {
        let leader = cluster.settled().await?;
        let pids = cluster.pids();
        let each = pids.iter().map(|pid| memory(*pid));
        let each = each.collect::<Result<Vec<Memory>>>()?;
        Ok(MemorySample {
            round: self.round,
            target: cluster.system.target(),
            leader: each[leader.node],
            sum: Memory {
                resident_kib: each.iter().map(|memory| memory.resident_kib).sum(),
                peak_kib: each.iter().map(|memory| memory.peak_kib).sum(),
            },
        })
    }

    async fn outages<S: System>(
        &self,
        cluster: &mut Cluster<S>,
        content: &Arc<Content>,
        record: &mut Record,
    ) -> Result<()> {
        for cause in Cause::ALL {
            let what = cause.describe();
            self.headway.now(&format!("{}: writes {what}", self.name));
            let outage = outage::of(cause, cluster, content).await?;
            if let Some(time) = outage {
                self.headway.done(&format!(
                    "{}: no write served for {:.0} ms {what}",
                    self.name,
                    time.as_secs_f64() * 1e3,
                ));
            }
            record.outages.push(OutageSample {
                round: self.round,
                target: cluster.system.target(),
                cause,
                outage: outage.into(),
            });
        }
        Ok(())
    }
}

fn complaint(errors: u64, first: Option<&str>) -> String {
    match (errors, first) {
        (0, _) | (_, None) => String::new(),
        (errors, Some(first)) => format!(", {errors} errors, the first: {first}"),
    }
}

/// What a person sees meanwhile, on standard error: a line for everything that is done, and on a terminal what is going on.
struct Headway {
    bar: ProgressBar,
}

impl Headway {
    /// Steps are measurements and outages.
    fn of(plan: &Plan) -> Self {
        let outages = if plan.nodes > 2 { Cause::ALL.len() } else { 0 };
        let steps = plan.operations.len() * plan.clients.len() + outages;
        let turns = plan.targets.len() * plan.rounds as usize;
        // Hidden by itself where standard error is no terminal.
        let bar = ProgressBar::new((turns * steps) as u64);
        bar.set_style(
            ProgressStyle::with_template("{bar:20} {wide_msg}")
                .expect("the template is a constant that is well formed"),
        );
        bar.enable_steady_tick(Duration::from_millis(250));
        Self { bar }
    }

    fn now(&self, what: &str) {
        self.bar.set_message(what.to_owned());
    }

    fn done(&self, line: &str) {
        self.bar.inc(1);
        self.bar.suspend(|| say::aside(line));
    }

    fn finish(&self) {
        self.bar.finish_and_clear();
    }
}
