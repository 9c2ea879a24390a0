//! Where a node lives: its clock, its disk, its lives one after the other.

use std::{collections::BTreeMap, time::Duration};

use rand::RngExt as _;

use super::{
    Violation,
    clock::Clock,
    node::{NoStart, OnDisk, Running},
    world::{Happening, World},
};
use crate::{
    log::sim_disk::{Faults, SimDisk},
    raft::{Addresses, Config, Membership, NodeId, StoreId, Write},
};

/// How long until a node that could not start is tried again.
const RETRY: Duration = Duration::from_millis(150);

/// What every wall clock says when a world begins.
const BEGINNING: Duration = Duration::from_hours(1);

/// Where a node lives, running or not.
#[derive(Debug)]
pub(super) struct Place {
    pub(super) id: NodeId,
    /// Counts starts, so that events for an earlier life are recognised.
    pub(super) life: u64,
    pub(super) running: Option<Running>,
    pub(super) disk: SimDisk,
    pub(super) on_disk: OnDisk,
    /// Writes that were under way when the last life ended.
    pub(super) under_way: Vec<Write>,
    pub(super) clock: Clock,
    pub(super) rate: u32,
    /// How far its wall clock was set back.
    pub(super) wall_behind: Duration,
    pub(super) tick_at: Duration,
    /// A suspended node handles nothing before this.
    pub(super) asleep_until: Duration,
    /// It starts with an empty log and waits to be added.
    pub(super) joins: bool,
    /// Bits of its disk were changed.
    pub(super) flipped: bool,
    /// It refuses to start, for good.
    pub(super) wrecked: bool,
    /// The mark of its data folder.
    pub(super) store: StoreId,
    /// By which marks it has met others in this life.
    pub(super) met: BTreeMap<usize, StoreId>,
    /// What was durable before the disk was lost: whatever relied on it could not know.
    pub(super) lost: Option<OnDisk>,
}

impl Place {
    pub(super) fn new(number: usize, joins: bool) -> Self {
        Self {
            id: NodeId::new(&format!("n{number}")),
            life: 0,
            running: None,
            disk: SimDisk::default(),
            on_disk: OnDisk::default(),
            under_way: Vec::new(),
            clock: Clock::start(Duration::ZERO, 1_000_000),
            rate: 1_000_000,
            wall_behind: Duration::ZERO,
            tick_at: Duration::ZERO,
            asleep_until: Duration::ZERO,
            joins,
            flipped: false,
            wrecked: false,
            store: StoreId(1),
            met: BTreeMap::new(),
            lost: None,
        }
    }
}

impl Place {
    /// For people: how far it is.
    pub(super) fn standing(&self) -> String {
        let Some(running) = &self.running else {
            return format!("{} is down", self.id);
        };
        let raft = running.replica.raft();
        let followers: Vec<_> = raft.matched().collect();
        format!(
            "{} {} term {} begin {} commit {} last {} followers {followers:?}",
            self.id,
            raft.role().name(),
            raft.term().0,
            raft.begin().index.0,
            raft.commit().0,
            raft.last_index().0,
        )
    }

    /// Whether the world has used up the disk that it may do without.
    pub(super) const fn is_spent(&self) -> bool {
        self.flipped || self.wrecked || self.lost.is_some()
    }

    /// What its wall clock says.
    pub(super) fn wall(&self, now: Duration) -> Duration {
        (BEGINNING + now).saturating_sub(self.wall_behind)
    }

    /// What others may count on.
    pub(super) fn promised(&self) -> &OnDisk {
        self.lost.as_ref().unwrap_or(&self.on_disk)
    }
}

/// How a life ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// What was not synced is lost, in parts.
    Power,
    /// The disk keeps what was written.
    Process,
}

/// Where nobody is: simulated nodes have no addresses.
pub(super) fn nowhere() -> Addresses {
    Addresses {
        peer: ([127, 0, 0, 1], 1).into(),
        client: None,
    }
}

impl World {
    pub(super) fn start(&mut self, node: usize) {
        let place = &self.places[node];
        if place.running.is_some() || place.wrecked {
            return;
        }
        let config = self.config(node);
        let place = &mut self.places[node];
        place.life += 1;
        place.clock = Clock::start(self.now, place.rate);
        let before = (&place.on_disk, place.under_way.as_slice());
        let rule = self.settings.snapshots;
        place.met.clear();
        let disk = (place.disk.clone(), place.store);
        match Running::start(config, rule, disk, before, &mut self.law) {
            Ok((running, on_disk)) => {
                place.running = Some(running);
                place.on_disk = on_disk;
                place.under_way.clear();
                place.tick_at = Duration::MAX;
                self.schedule_tick(node);
                if self.settings.introductions {
                    self.greet(node);
                }
            }
            Err(NoStart::Later) => self.schedule(RETRY, Happening::Restart { node }),
            Err(NoStart::Damaged(what)) => {
                place.wrecked = true;
                let honest = place.flipped;
                self.story.wrecked += 1;
                self.law.see(|_| match honest {
                    true => Ok(()),
                    false => Err(Violation::Refused(what)),
                });
            }
        }
    }

    fn config(&self, node: usize) -> Config {
        let place = &self.places[node];
        let founders = self.places.iter().take(self.settings.nodes);
        let founders = founders.map(|place| (place.id.clone(), nowhere()));
        Config {
            id: place.id.clone(),
            bootstrap: if place.joins {
                Membership::default()
            } else {
                Membership::of_voters(founders)
            },
            election_min: Duration::from_millis(150),
            election_max: self.settings.election_max,
            heartbeat: Duration::from_millis(50),
            seed: self.settings.seed + place.life,
            life: place.life,
            retained_entries: self.settings.retained_entries,
            append_bytes_max: self.settings.append_bytes_max,
            log_bytes_max: usize::MAX,
            bugs: self.settings.bugs,
        }
    }

    /// Ends a life, and begins another after a while.
    pub(super) fn stop(&mut self, node: usize, end: End, downtime: Duration) {
        let Some(running) = self.places[node].running.take() else {
            return;
        };
        self.story.crashes += 1;
        let place = &mut self.places[node];
        place.disk.set_faults(|faults| {
            let injected = faults.injected;
            *faults = Faults::default();
            faults.injected = injected;
        });
        (place.disk, place.under_way) = running.end();
        if end == End::Power {
            place.disk.crash(&mut self.rng);
        }
        self.schedule(downtime, Happening::Restart { node });
    }

    /// The node loses its disk and comes back under its name, with an empty one.
    pub(super) fn wipe(&mut self, node: usize, downtime: Duration) {
        if self.places.iter().any(Place::is_spent) || !self.can_spare(node) {
            return;
        }
        self.stop(node, End::Power, downtime);
        let place = &mut self.places[node];
        place.lost = Some(std::mem::take(&mut place.on_disk));
        place.disk = SimDisk::default();
        place.under_way.clear();
        place.store = StoreId(2);
        self.story.wrecked += 1;
    }

    /// The disk failed under a node: it stops, and the power may be what failed.
    pub(super) fn fail(&mut self, node: usize) {
        let downtime = self.micros(2_000..400_000);
        let mut has_power = true;
        let disk = &self.places[node].disk;
        disk.set_faults(|faults| has_power = faults.changes_left != Some(0));
        let end = if has_power && self.rng.random_bool(0.5) {
            End::Process
        } else {
            End::Power
        };
        self.stop(node, end, downtime);
    }
}
