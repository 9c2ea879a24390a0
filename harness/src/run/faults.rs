//! Carries out the schedule: each step begins, ends, and is recorded with what proves that it acted.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use nemesis::NodeName;
use nemesis::partition::{Grudge, Link};
use nemesis::schedule::{Fault, Schedule, Step};
use reports::{Effect, FaultRecord};
use serde_json::{Map, json};
use tokio::task::JoinSet;

use super::cluster::{Cluster, NodeFault};
use super::leaders::Leaders;
use super::phase::Ending;
use super::recorder::Recorder;
use crate::clock::Clock;
use crate::progress::Progress;

/// How long a killed node may take to answer again after its restart before the fault's record says it did not.
const RESTART_LIMIT: Duration = Duration::from_secs(5);

/// How long the system may take to change its members or its leader before the fault counts as skipped.
const CHANGE_LIMIT: Duration = Duration::from_secs(3);
/// How long it may take to take a node back.
const RETURN_LIMIT: Duration = Duration::from_secs(15);

/// Everything a step needs to act and to be recorded.
#[derive(Clone)]
pub(crate) struct Director {
    pub cluster: Arc<Cluster>,
    pub leaders: Leaders,
    pub recorder: Recorder,
    pub clock: Clock,
    pub progress: Progress,
}

/// What a step did when it began, and so what must be undone.
enum Begun {
    Cut(Grudge),
    Processes {
        fault: NodeFault,
        hit: Vec<NodeName>,
    },
    Removed,
    Transferred,
}

impl Director {
    /// Follows `schedule` until its last step has ended, or until the run is told to end: then what is active is undone
    /// at once and the rest never begins. The records are in the order of the steps.
    pub(crate) async fn follow(self, schedule: Schedule, ending: Ending) -> Vec<FaultRecord> {
        let mut steps = JoinSet::new();
        for step in schedule.steps {
            steps.spawn(self.clone().carry_out(step, ending.clone()));
        }
        let mut records: Vec<FaultRecord> = steps.join_all().await.into_iter().flatten().collect();
        records.sort_by_key(|record| record.id);
        records
    }

    async fn carry_out(self, step: Step, mut ending: Ending) -> Option<FaultRecord> {
        if ending
            .sleep_until(self.clock.instant(step.start_ns))
            .await
            .is_break()
        {
            return None;
        }
        let mut record = self.blank(&step);
        match self.begin(&step.fault, &mut record).await {
            Ok(begun) => {
                self.announce(&record, "start");
                let _ = ending.sleep_until(self.clock.instant(step.stop_ns)).await;
                self.undo(begun, &mut record).await;
            }
            Err(reason) => {
                record.effect = Effect::Skipped;
                record.evidence.insert("reason".to_owned(), json!(reason));
                record.end_ns = record.start_ns;
            }
        }
        self.announce(&record, "end");
        Some(record)
    }

    fn blank(&self, step: &Step) -> FaultRecord {
        FaultRecord {
            id: step.id,
            name: step.fault.kind().to_string(),
            effect: Effect::Indeterminate,
            description: step.fault.to_string(),
            evidence: Map::new(),
            start_ns: self.clock.nanos().0,
            end_ns: step.stop_ns,
        }
    }

    async fn begin(&self, fault: &Fault, record: &mut FaultRecord) -> Result<Begun, String> {
        let leader = self
            .leaders
            .current()
            .and_then(|(name, _)| NodeName::try_from(name).ok());
        match fault {
            Fault::Partition { shape, order } => {
                let grudge = shape.grudge(order, leader.as_ref());
                record.description = format!("{shape}: {}", grudge.describe());
                self.cut(grudge, record).await
            }
            Fault::Kill { target } => {
                let hit = target.resolve(leader.as_ref(), &self.cluster.down());
                self.hit(NodeFault::Kill, hit, record).await
            }
            Fault::Pause { target } => {
                let hit = target.resolve(leader.as_ref(), &self.cluster.down());
                self.hit(NodeFault::Pause, hit, record).await
            }
            Fault::Member { target } => {
                let chosen = target.resolve(leader.as_ref(), &BTreeSet::new());
                self.remove(chosen, record).await
            }
            Fault::Transfer { to } => self.transfer(leader, to, record).await,
        }
    }

    /// Cuts the links, and sends a probe over each: what a cut drops proves it, even where the system has nothing to say.
    async fn cut(&self, grudge: Grudge, record: &mut FaultRecord) -> Result<Begun, String> {
        if let Err(error) = self.cut_and_probe(grudge.clone(), record).await {
            // Some links may be cut all the same.
            return match self.blocking(Cluster::heal).await {
                Ok(()) => Err(error),
                Err(more) => Err(format!("{error}; {more}")),
            };
        }
        Ok(Begun::Cut(grudge))
    }

    async fn cut_and_probe(&self, grudge: Grudge, record: &mut FaultRecord) -> Result<(), String> {
        let (cut, probed) = (grudge.clone(), grudge.clone());
        self.blocking(move |cluster| cluster.cut(&cut)).await?;
        let took_us = (self.clock.nanos().0 - record.start_ns) / 1_000;
        self.blocking(move |cluster| cluster.probe(&probed)).await?;
        let evidence = &mut record.evidence;
        evidence.insert("installed_after_us".to_owned(), json!(took_us));
        evidence.insert("probe_packets".to_owned(), json!(grudge.links().len()));
        Ok(())
    }

    /// Hits each of `nodes`; those that could not be hit are said in the evidence.
    async fn hit(
        &self,
        fault: NodeFault,
        nodes: Vec<NodeName>,
        record: &mut FaultRecord,
    ) -> Result<Begun, String> {
        let (mut hit, mut by_node) = (Vec::new(), Map::new());
        for node in nodes {
            let struck = node.clone();
            match self
                .blocking(move |cluster| cluster.strike(fault, &struck))
                .await
            {
                Ok(evidence) => {
                    by_node.insert(node.to_string(), evidence);
                    hit.push(node);
                }
                Err(error) => {
                    by_node.insert(node.to_string(), json!(error));
                }
            }
        }
        record.evidence.insert("nodes".to_owned(), json!(by_node));
        if hit.is_empty() {
            return Err(
                "nobody was hit: no leader is known, or the nodes were down already".to_owned(),
            );
        }
        let names: Vec<&str> = hit.iter().map(NodeName::as_str).collect();
        record.description = format!("{} {}", record.name, names.join(" "));
        record.effect = Effect::Installed;
        Ok(Begun::Processes { fault, hit })
    }

    async fn remove(
        &self,
        chosen: Vec<NodeName>,
        record: &mut FaultRecord,
    ) -> Result<Begun, String> {
        let Some(node) = chosen.into_iter().next() else {
            return Err("nobody was removed: no leader is known".to_owned());
        };
        let admin = self.cluster.admin();
        // One at a time: who could not be taken back before comes first.
        admin.take_back(CHANGE_LIMIT).await?;
        record.description = format!("remove {node} from the cluster");
        if let Err(error) = admin.remove(&node, CHANGE_LIMIT).await {
            // It may have been removed all the same.
            admin.take_back(RETURN_LIMIT).await?;
            return Err(error);
        }
        let took_ms = (self.clock.nanos().0 - record.start_ns) / 1_000_000;
        record
            .evidence
            .insert("removed_after_ms".to_owned(), json!(took_ms));
        record.effect = Effect::Installed;
        Ok(Begun::Removed)
    }

    async fn transfer(
        &self,
        leader: Option<NodeName>,
        to: &NodeName,
        record: &mut FaultRecord,
    ) -> Result<Begun, String> {
        if leader.as_ref() == Some(to) {
            return Err(format!("{to} leads already"));
        }
        self.cluster.admin().transfer(to, CHANGE_LIMIT).await?;
        let took_ms = (self.clock.nanos().0 - record.start_ns) / 1_000_000;
        record
            .evidence
            .insert("handed_over_after_ms".to_owned(), json!(took_ms));
        record.effect = Effect::Installed;
        Ok(Begun::Transferred)
    }

    async fn undo(&self, begun: Begun, record: &mut FaultRecord) {
        let undone = match begun {
            Begun::Cut(grudge) => self.heal(&grudge, record).await,
            Begun::Processes { fault, hit } => self.revive(fault, hit, record).await,
            Begun::Removed => self.cluster.admin().take_back(RETURN_LIMIT).await,
            Begun::Transferred => Ok(()),
        };
        record.end_ns = self.clock.nanos().0;
        if let Err(error) = undone {
            record
                .evidence
                .insert("undo_error".to_owned(), json!(error));
            record.effect = Effect::Indeterminate;
        }
    }

    async fn heal(&self, grudge: &Grudge, record: &mut FaultRecord) -> Result<(), String> {
        let drops = self.blocking(Cluster::drops).await?;
        let proven = |link: &&Link| drops.get(link).is_some_and(|count| *count > 0);
        if grudge.links().iter().all(|link| proven(&link)) {
            record.effect = Effect::Installed;
        }
        let by_link: Map<_, _> = drops
            .into_iter()
            .map(|(link, count)| (link.to_string(), json!(count)))
            .collect();
        record
            .evidence
            .insert("dropped_packets".to_owned(), json!(by_link));
        self.blocking(Cluster::heal).await
    }

    async fn revive(
        &self,
        fault: NodeFault,
        hit: Vec<NodeName>,
        record: &mut FaultRecord,
    ) -> Result<(), String> {
        let since = self.clock.nanos().0;
        for node in hit.clone() {
            self.blocking(move |cluster| cluster.revive(fault, &node))
                .await?;
        }
        if fault == NodeFault::Kill {
            let mut serving_ms = Map::new();
            for node in &hit {
                let answer = match self.cluster.wait_healthy(node, RESTART_LIMIT).await {
                    Ok(()) => json!((self.clock.nanos().0 - since) / 1_000_000),
                    Err(error) => json!(error.to_string()),
                };
                serving_ms.insert(node.to_string(), answer);
            }
            record
                .evidence
                .insert("serving_again_after_ms".to_owned(), json!(serving_ms));
        }
        Ok(())
    }

    /// Runs what may wait for the kernel or for a program away from the clients' threads.
    async fn blocking<T: Send + 'static>(
        &self,
        act: impl FnOnce(&Cluster) -> anyhow::Result<T> + Send + 'static,
    ) -> Result<T, String> {
        let cluster = Arc::clone(&self.cluster);
        let done = tokio::task::spawn_blocking(move || act(&cluster)).await;
        done.map_err(|error| error.to_string())?
            .map_err(|error| format!("{error:#}"))
    }

    fn announce(&self, record: &FaultRecord, phase: &str) {
        let details = json!({
            "id": record.id, "phase": phase, "description": record.description,
            "effect": record.effect, "evidence": record.evidence,
        });
        self.recorder.nemesis(&record.name, details);
        self.progress.fault(record, phase);
    }
}
