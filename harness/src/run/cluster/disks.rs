//! The disks of the nodes: mounted when a fault of disks may happen, and what faults do with them.
//!
//! A node whose disk fails may end: to stop is right when one cannot know what is on the disk. So while a fault of its
//! disk acts, and until the node was started again after it, its end is told in the evidence of the fault and is no death.

use std::path::Path;
use std::time::Duration;

use anyhow::{Result, anyhow};
use nemesis::NodeName;
use nemesis::disk::{Damage, Disk, Failing, Served};
use nemesis::schedule::{DiskFault, FaultKind};
use serde_json::{Map, Value, json};

use super::{Cluster, NodeFault, State};
use crate::config::RunConfig;

/// A node that met an error may take so long to end.
const TIME_TO_GIVE_UP: Duration = Duration::from_millis(300);
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// The disk of a node, or why it has none that can fail.
pub(super) type NodeDisk = std::result::Result<Disk, String>;

/// Facts by name.
pub(crate) type Evidence = Map<String, Value>;

/// What a fault of a disk has done to a node so far.
pub(crate) struct Struck {
    pub node: NodeName,
    /// What the disk had served before.
    before: Served,
    damage: Damage,
    /// What is known at the start of the fault.
    pub evidence: Evidence,
    /// Whether that alone proves that the fault acted.
    pub acted: bool,
}

/// Lays a disk over the folder of a node, if a fault of disks was asked for.
pub(super) fn mount(config: &RunConfig, folder: &Path) -> NodeDisk {
    let asked = |kind: &FaultKind| matches!(kind, FaultKind::Disk(_));
    if !config.all_kinds().iter().any(asked) {
        return Err("no fault of disks was asked for".to_owned());
    }
    Disk::mount(folder, config.seed).map_err(|error| error.to_string())
}

impl Cluster {
    /// Calls durable what the nodes made while they started.
    pub(crate) fn settle_disks(&self) -> Result<()> {
        for name in self.nodes.keys() {
            if let Ok(disk) = &self.node(name).disk {
                disk.settle()?;
            }
        }
        Ok(())
    }

    /// Begins `fault` at one node, the `number`th that it hits.
    pub(crate) fn fail_disk(
        &self,
        name: &NodeName,
        fault: &DiskFault,
        number: u64,
    ) -> Result<Struck> {
        let before = self.with_disk(name, |disk| Ok(disk.served()))?;
        let mut struck = Struck {
            node: name.clone(),
            before,
            damage: Damage::default(),
            evidence: Evidence::new(),
            acted: false,
        };
        let restarts = restarts(fault);
        if restarts {
            self.strike(NodeFault::Kill, name)?;
        }
        self.node(name).excuses += 1;
        let done = self.harm(&mut struck, fault, number);
        if restarts {
            self.revive(NodeFault::Kill, name)?;
        }
        done.map(|()| struck)
    }

    fn harm(&self, struck: &mut Struck, fault: &DiskFault, number: u64) -> Result<()> {
        let name = &struck.node;
        let damage = match fault {
            DiskFault::PowerLoss | DiskFault::Blackout => {
                struck.evidence = self.lose_power(name, 0, 0)?;
                struck.acted = true;
                None
            }
            DiskFault::TornWrite { kept_percent, seed } => {
                struck.evidence =
                    self.lose_power(name, *kept_percent, seed.wrapping_add(number))?;
                struck.acted = true;
                None
            }
            DiskFault::BitFlip { bits, seed } => {
                let seed = seed.wrapping_add(number);
                Some(self.with_disk(name, |disk| Ok(disk.flip_bits(*bits, seed)?))?)
            }
            DiskFault::Truncate { seed } => {
                let seed = seed.wrapping_add(number);
                Some(self.with_disk(name, |disk| Ok(disk.truncate(seed)?))?)
            }
            DiskFault::Errors { .. }
            | DiskFault::Full
            | DiskFault::Slow { .. }
            | DiskFault::Stuck
            | DiskFault::Lie
            | DiskFault::Misread { .. } => None,
        };
        if let Some(trouble) = fault.trouble() {
            self.with_disk(name, |disk| {
                disk.begin(trouble);
                Ok(())
            })?;
        }
        if let Some(damage) = damage {
            struck.acted = damage != Damage::default();
            struck.evidence = told(&damage);
            struck.damage = damage;
        }
        Ok(())
    }

    /// Ends `fault` at a node, which runs afterwards; what it did until then, and whether that proves that it acted.
    pub(crate) fn mend_disk(&self, struck: &Struck, fault: &DiskFault) -> Result<(Evidence, bool)> {
        let name = &struck.node;
        let mut told = struck.evidence.clone();
        if *fault == DiskFault::Lie {
            told.append(&mut self.lose_power(name, 0, 0)?);
        }
        let served = self.with_disk(name, |disk| {
            if let Some(trouble) = fault.trouble() {
                disk.end(trouble);
            }
            Ok(disk.served().since(&struck.before))
        })?;
        if fault.trouble().is_some() {
            told.insert("served".to_owned(), json!(served));
        }
        let gave_up = self.gave_up(name, fault);
        if struck.damage != Damage::default() {
            let mut damage = struck.damage.clone();
            if gave_up.is_none() {
                // Who runs on without the end of a file has made do without it.
                damage.cuts.clear();
            }
            let repaired = self.with_disk(name, |disk| Ok(disk.repair(&damage)?))?;
            told.insert("afterwards".to_owned(), json!(repaired));
        }
        if let Some(how) = gave_up {
            told.insert("node".to_owned(), json!(how));
        }
        let revived = self.revive(NodeFault::Kill, name);
        let mut node = self.node(name);
        node.excuses = node.excuses.saturating_sub(1);
        revived?;
        Ok((told, struck.acted || served != Served::default()))
    }

    /// Ends everything that disks do wrong.
    pub(super) fn heal_disks(&self) {
        for name in self.nodes.keys() {
            let mut node = self.node(name);
            node.excuses = 0;
            if let Ok(disk) = &node.disk {
                disk.heal();
            }
        }
    }

    /// Kills a node, unless it is down, and takes from its disk what was not synced.
    fn lose_power(&self, name: &NodeName, kept_percent: u8, seed: u64) -> Result<Evidence> {
        let killed = match self.strike(NodeFault::Kill, name) {
            Ok(killed) => killed,
            Err(_) if matches!(self.node(name).state, State::Killed) => json!("was down"),
            Err(error) => return Err(error),
        };
        let lost = self.with_disk(name, |disk| Ok(disk.lose_power(kept_percent, seed)?))?;
        Ok(evidence([("killed", killed), ("lost", json!(lost))]))
    }

    /// How a node ended because of its failing disk, if it did. After errors it gets a moment to do so.
    fn gave_up(&self, name: &NodeName, fault: &DiskFault) -> Option<String> {
        let may_follow = matches!(fault, DiskFault::Errors { .. } | DiskFault::Full);
        let looks = if may_follow {
            TIME_TO_GIVE_UP.as_millis() / LOOK_EVERY.as_millis()
        } else {
            1
        };
        for look in 0..looks {
            if look > 0 {
                std::thread::sleep(LOOK_EVERY);
            }
            let _ = self.died(name);
            if let Some(how) = self.node(name).gave_up.take() {
                return Some(how);
            }
        }
        None
    }

    fn with_disk<T>(&self, name: &NodeName, act: impl FnOnce(&Disk) -> Result<T>) -> Result<T> {
        let node = self.node(name);
        match &node.disk {
            Ok(disk) => act(disk),
            Err(why) => Err(anyhow!("{why}")),
        }
    }
}

/// Faults that a node meets only when it reads its disk, as it does when it starts.
const fn restarts(fault: &DiskFault) -> bool {
    match fault {
        DiskFault::Misread { .. }
        | DiskFault::BitFlip { .. }
        | DiskFault::Truncate { .. }
        | DiskFault::Errors {
            calls: Failing::Reads,
        } => true,
        DiskFault::PowerLoss
        | DiskFault::TornWrite { .. }
        | DiskFault::Blackout
        | DiskFault::Errors {
            calls: Failing::Writes | Failing::Syncs,
        }
        | DiskFault::Full
        | DiskFault::Slow { .. }
        | DiskFault::Stuck
        | DiskFault::Lie => false,
    }
}

fn told(damage: &Damage) -> Evidence {
    let flips = damage.flips.iter().map(|flip| {
        json!({ "file": flip.file, "offset": flip.offset, "before": flip.before, "now": flip.now })
    });
    let cuts = damage
        .cuts
        .iter()
        .map(|cut| json!({ "file": cut.file, "length": cut.length, "missing": cut.missing.len() }));
    evidence([("flipped", flips.collect()), ("cut_off", cuts.collect())])
}

fn evidence<const N: usize>(facts: [(&str, Value); N]) -> Evidence {
    let facts = facts.into_iter();
    facts.map(|(name, fact)| (name.to_owned(), fact)).collect()
}
