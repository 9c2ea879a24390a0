//! Carries out the commands of a script.

use std::error::Error;

use super::{
    cluster::{Cluster, Parcel, nowhere},
    command::{Command, Which},
    law::Broken,
    node::Settings,
    tell,
};
use crate::{
    bug::BugSet,
    raft::{Change, Input, Membership, NodeId, Payload, ReadLevel},
};

/// A script begins with the command that makes its cluster.
#[derive(Debug, Default)]
pub(super) struct Script {
    cluster: Option<Cluster>,
}

impl goldenscript::Runner for Script {
    type Command = Command;

    fn run(
        &mut self,
        command: &Command,
        _: &goldenscript::Context,
    ) -> Result<String, Box<dyn Error>> {
        if let Command::Cluster {
            nodes,
            retain,
            part,
            weight,
        } = command
        {
            let settings = Settings {
                retained_entries: retain.unwrap_or(0),
                part_bytes: part.unwrap_or(1024),
                log_bytes_max: weight.unwrap_or(usize::MAX),
                bugs: BugSet::default(),
            };
            self.cluster = Some(Cluster::new(nodes, settings)?);
        }
        let cluster = self
            .cluster
            .as_mut()
            .ok_or("a script begins with `cluster`")?;
        cluster.obey(command)?;
        Ok(cluster.take_trace())
    }
}

impl Cluster {
    fn obey(&mut self, command: &Command) -> Result<(), Broken> {
        match command {
            // What the nodes did as they started is the same in every script.
            Command::Cluster { .. } => drop(self.take_trace()),
            Command::Start(ids) => self.welcome(ids)?,
            Command::Campaign(id) => self.fire(id)?,
            Command::Elect(id) => {
                self.fall_silent();
                self.fire(id)?;
                self.stabilize()?;
            }
            Command::Silence => self.fall_silent(),
            Command::Pass(time, ids) => self.pass(**time, &self.these_or_all(ids), false)?,
            Command::Run(time) => self.pass(**time, &self.these_or_all(&[]), true)?,
            Command::Deliver {
                from,
                to,
                kind,
                times,
            } => {
                for parcel in self.take(Which { from, to, kind }) {
                    (0..times.unwrap_or(1)).try_for_each(|_| self.deliver(parcel.clone()))?;
                }
            }
            Command::Lose { from, to, kind } => drop(self.take(Which { from, to, kind })),
            Command::Delay { from, to, kind } => {
                let delayed = self.take(Which { from, to, kind });
                self.delayed.extend(delayed);
            }
            Command::Arrive => {
                let mut delayed = std::mem::take(&mut self.delayed).into_iter();
                delayed.try_for_each(|parcel| self.deliver(parcel))?;
            }
            Command::Reverse => self.queue.make_contiguous().reverse(),
            Command::Stabilize => self.stabilize()?,
            Command::Cut { from, to, oneway } => self.cut(from, to, *oneway),
            Command::Isolate(ids) => self.isolate(ids),
            Command::Heal => self.cuts.clear(),
            Command::HoldDisk(id) => self.node(id)?.held = true,
            Command::ReleaseDisk(id) => {
                self.node(id)?.held = false;
                self.sync(id)?;
            }
            Command::Propose(id, words) => self.propose(id, words)?,
            Command::Read { node, level } => self.read(node, level.as_deref())?,
            Command::Change { node, what, whom } => self.change(node, what, whom)?,
            Command::Transfer(id, target) => {
                let token = self.token("transfer".into());
                self.step(id, Input::Transfer(token, target.clone()))?;
            }
            Command::Snapshot(id) => self.take_snapshot(id)?,
            Command::Damage(id) => self.node(id)?.damaged = true,
            Command::Crash(id) => self.node(id)?.stop(),
            Command::Restart(id) => {
                self.node(id)?.stop();
                self.start(id)?;
            }
            Command::Log(ids) => {
                for id in self.these_or_all(ids) {
                    self.tell(&self.log(&id));
                }
            }
            Command::Status(ids) => {
                for id in self.these_or_all(ids) {
                    self.tell(&self.status(&id));
                }
            }
        }
        Ok(())
    }

    fn welcome(&mut self, ids: &[NodeId]) -> Result<(), Broken> {
        ids.iter()
            .try_for_each(|id| self.add(id, Membership::default()))
    }

    fn propose(&mut self, id: &NodeId, words: &[String]) -> Result<(), Broken> {
        let commands = words.iter().map(|word| {
            let token = self.token(format!("propose {word}"));
            (token, Payload::new(word.as_bytes()))
        });
        let input = Input::Propose(commands.collect());
        self.step(id, input)
    }

    fn read(&mut self, id: &NodeId, level: Option<&str>) -> Result<(), Broken> {
        let level = match level {
            None | Some("leader") => ReadLevel::Leader,
            Some("anywhere") => ReadLevel::Anywhere,
            Some("lease") => ReadLevel::Lease,
            Some(other) => return Err(format!("there is no read level {other}")),
        };
        self.reads += 1;
        let token = self.token(format!("read {}", self.reads));
        self.step(id, Input::Read(level, vec![token]))
    }

    fn change(&mut self, id: &NodeId, what: &str, whom: &[NodeId]) -> Result<(), Broken> {
        let change = match (what, whom) {
            ("add", [whom]) => Change::Add(whom.clone(), nowhere()),
            ("learn", [whom]) => Change::AddLearner(whom.clone(), nowhere()),
            ("remove", [whom]) => Change::Remove(whom.clone()),
            ("replace", whom) => {
                Change::Replace(whom.iter().map(|id| (id.clone(), nowhere())).collect())
            }
            (_, _) => return Err(format!("there is no change {what} {whom:?}")),
        };
        let token = self.token(tell::change(&change));
        self.step(id, Input::Change(token, change))
    }

    /// Messages of this kind, which are on their way no more.
    fn take(&mut self, which: Which<'_>) -> Vec<Parcel> {
        let on_their_way = std::mem::take(&mut self.queue);
        let (taken, left): (Vec<_>, Vec<_>) = on_their_way
            .into_iter()
            .partition(|parcel| which.is(parcel));
        self.queue = left.into();
        taken
    }

    fn these_or_all(&self, ids: &[NodeId]) -> Vec<NodeId> {
        match ids {
            [] => self.nodes.keys().cloned().collect(),
            ids => ids.to_vec(),
        }
    }

    fn cut(&mut self, from: &NodeId, to: &NodeId, oneway: bool) {
        self.cuts.insert((from.clone(), to.clone()));
        if !oneway {
            self.cuts.insert((to.clone(), from.clone()));
        }
    }

    fn isolate(&mut self, ids: &[NodeId]) {
        let others = self.these_or_all(&[]).into_iter();
        for other in others.filter(|other| !ids.contains(other)) {
            ids.iter().for_each(|id| self.cut(id, &other, false));
        }
    }
}
