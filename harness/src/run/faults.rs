//! Carries out the schedule: each step begins, ends, and is recorded with what proves that it acted.

mod activity;
mod clock;
mod crash_loop;
mod disk;
mod members;
mod network;
mod process;
mod reconfigure;
mod rolling;
mod slow;
mod triggers;
mod wipe;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use nemesis::NodeName;
use nemesis::clocks::ClockChange;
use nemesis::net::{Disturbance, RuleId};
use nemesis::process::Slowed;
use nemesis::schedule::{DiskFault, Fault, Schedule, Step};
use reports::{Effect, FaultRecord};
use serde_json::{Map, json};
use tokio::task::JoinSet;

use activity::Activity;

use super::cluster::{Cluster, NodeFault, Struck, WrongClock};
use super::leaders::Leaders;
use super::phase::Ending;
use super::recorder::Recorder;
use crate::clock::Clock;
use crate::progress::Progress;
pub(crate) use triggers::{Tale, Told};

/// How long a node may take to answer again after it was started anew before the fault's record says it did not.
const RECOVERY_LIMIT: Duration = Duration::from_secs(5);

/// Why a fault of processes or disks had no effect.
const NOBODY: &str = "nobody was hit: no leader is known, or the nodes were down already";

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
    Disturbed {
        rule: RuleId,
        disturbance: Disturbance,
    },
    Processes {
        fault: NodeFault,
        hit: Vec<NodeName>,
    },
    Disks {
        fault: DiskFault,
        hit: Vec<Struck>,
    },
    Clocks {
        change: ClockChange,
        wrong: Vec<WrongClock>,
    },
    Slowed(Vec<(NodeName, Slowed)>),
    Looping(Vec<crash_loop::Looping>),
    Rolling(Activity<rolling::Round>),
    Wiped(Vec<wipe::Empty>),
    Rearranged(reconfigure::Rearranged),
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
            Err(reason) => skip(&mut record, &reason),
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
                self.disturb(Disturbance::Cut, grudge.links().clone(), record)
                    .await
            }
            Fault::Kill { target } => {
                let hit = target.resolve(leader.as_ref(), &self.cluster.down());
                self.hit(NodeFault::Kill, hit, record).await
            }
            Fault::Pause { target } => {
                let hit = target.resolve(leader.as_ref(), &self.cluster.down());
                self.hit(NodeFault::Pause, hit, record).await
            }
            Fault::SlowCpu { target, pace } => {
                let hit = target.resolve(leader.as_ref(), &self.cluster.down());
                self.slow_down(*pace, hit, record)
            }
            Fault::CrashLoop { target, lives_ms } => {
                let hit = target.resolve(leader.as_ref(), &self.cluster.down());
                self.crash_again_and_again(lives_ms, hit, record).await
            }
            Fault::RollingRestart { order, grace_ms } => {
                Ok(self.restart_in_turn(order.clone(), *grace_ms))
            }
            Fault::Wipe { target } => {
                let hit = target.resolve(leader.as_ref(), &self.cluster.down());
                self.wipe(hit, record).await
            }
            Fault::Reconfigure { way, order, gap_ms } => {
                self.rearrange(*way, (order, *gap_ms), leader, record).await
            }
            Fault::Voters { asked, voters } => Ok(self.ask_for_voters(asked, voters)),
            Fault::Member { target } => {
                let chosen = target.resolve(leader.as_ref(), &BTreeSet::new());
                self.remove(chosen, record).await
            }
            Fault::Disk { target, fault } => {
                // The power goes out for those that are down as well.
                let spared = match fault {
                    DiskFault::Blackout => BTreeSet::new(),
                    DiskFault::PowerLoss
                    | DiskFault::TornWrite { .. }
                    | DiskFault::Errors { .. }
                    | DiskFault::Full
                    | DiskFault::Slow { .. }
                    | DiskFault::Stuck
                    | DiskFault::Lie
                    | DiskFault::Misread { .. }
                    | DiskFault::BitFlip { .. }
                    | DiskFault::Truncate { .. } => self.cluster.down(),
                };
                let hit = target.resolve(leader.as_ref(), &spared);
                self.fail_disks(fault, hit, record).await
            }
            Fault::Clock { target, change } => {
                let hit = target.resolve(leader.as_ref(), &self.cluster.down());
                self.set_clocks(*change, hit, record).await
            }
            Fault::Transfer { to } => self.transfer(leader, to, record).await,
            Fault::Network { disturbance, links } => {
                let nodes: Vec<NodeName> = self.cluster.names().cloned().collect();
                let links = links.of_leader(leader.as_ref());
                record.description = format!("{disturbance}, {links}");
                let links = links.resolve(&nodes, leader.as_ref());
                self.disturb(*disturbance, links, record).await
            }
            Fault::Links { disturbance, links } => {
                self.disturb(*disturbance, links.clone(), record).await
            }
        }
    }

    async fn undo(&self, begun: Begun, record: &mut FaultRecord) {
        let undone = match begun {
            Begun::Disturbed { rule, disturbance } => self.calm(rule, disturbance, record).await,
            Begun::Processes { fault, hit } => self.revive(fault, hit, record).await,
            Begun::Disks { fault, hit } => self.mend_disks(fault, hit, record).await,
            Begun::Clocks { change, wrong } => self.right_clocks(change, wrong, record).await,
            Begun::Slowed(slowed) => self.speed_up(slowed, record).await,
            Begun::Looping(looping) => self.end_loops(looping, record).await,
            Begun::Rolling(round) => self.end_round(round, record).await,
            Begun::Wiped(wiped) => self.rejoin(wiped, record).await,
            Begun::Rearranged(rearranged) => self.put_back(rearranged, record).await,
            Begun::Removed => self.take_back().await,
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

    /// Waits until these nodes answer again, and records how long after `since_ns` each did.
    async fn watch_recovery(&self, nodes: &[NodeName], since_ns: u64, record: &mut FaultRecord) {
        let mut serving_ms = Map::new();
        for node in nodes {
            let answer = match self.cluster.wait_healthy(node, RECOVERY_LIMIT).await {
                Ok(()) => json!((self.clock.nanos().0 - since_ns) / 1_000_000),
                Err(error) => json!(error.to_string()),
            };
            serving_ms.insert(node.to_string(), answer);
        }
        let evidence = &mut record.evidence;
        evidence.insert("serving_again_after_ms".to_owned(), json!(serving_ms));
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

/// It had no effect, for this reason.
fn skip(record: &mut FaultRecord, reason: &str) {
    record.effect = Effect::Skipped;
    record.evidence.insert("reason".to_owned(), json!(reason));
    record.end_ns = record.start_ns;
}
