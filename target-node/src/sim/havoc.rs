//! How the troubles of the plan are carried out.

use std::time::Duration;

use rand::RngExt as _;

use super::{
    node::knows_itself,
    place::{End, Place},
    trouble::{Trouble, Who},
    world::{Happening, World},
};
use crate::{
    log::sim_disk::{Faults, Operation as DiskOperation},
    replica::{Event, Operation, Request},
};

/// Bits that are tried before the disk is left alone.
const FLIPS_MAX: usize = 8;

impl World {
    pub(super) fn who(&self, who: Who) -> usize {
        match who {
            Who::Leader => self.leader().unwrap_or(0),
            Who::Node(number) => number % self.places.len(),
        }
    }

    /// Whether bad things still happen.
    pub(super) fn storming(&self) -> bool {
        self.now < self.settings.storm
    }

    pub(super) fn suffer(&mut self, trouble: &Trouble) {
        self.story.troubles += 1;
        match *trouble {
            Trouble::Isolate(who) => {
                let node = self.who(who);
                self.cut(|from, to| (from == node) != (to == node));
            }
            Trouble::Mute(who) => {
                let node = self.who(who);
                self.cut(|from, to| from == node && to != node);
            }
            Trouble::Deafen(who) => {
                let node = self.who(who);
                self.cut(|from, to| from != node && to == node);
            }
            Trouble::Split(sides) => {
                self.cut(|from, to| (sides >> from) & 1 != (sides >> to) & 1);
            }
            Trouble::Link(from, to) => {
                let (from, to) = (self.who(from), self.who(to));
                self.network.cut_link(from, to);
            }
            Trouble::Slow(from, to, extra) => {
                let (from, to) = (self.who(from), self.who(to));
                self.network.slow_down(from, to, extra);
            }
            Trouble::SlowTo(to, extra) => {
                let to = self.who(to);
                for from in 0..self.places.len() {
                    self.network.slow_down(from, to, extra);
                }
            }
            Trouble::SlowFrom(from, extra) => {
                let from = self.who(from);
                for to in 0..self.places.len() {
                    self.network.slow_down(from, to, extra);
                }
            }
            Trouble::Mend => self.network.mend(),
            Trouble::Crash(who, downtime) => self.stop(self.who(who), End::Power, downtime),
            Trouble::Kill(who, downtime) => self.stop(self.who(who), End::Process, downtime),
            Trouble::CutShort(who, changes) => {
                self.set_faults(who, |faults| faults.changes_left = Some(changes));
            }
            Trouble::SyncError(who, nth) => {
                self.set_faults(who, |faults| faults.fail(DiskOperation::Sync, nth));
            }
            Trouble::WriteError(who, nth) => {
                self.set_faults(who, |faults| faults.fail(DiskOperation::Write, nth));
            }
            Trouble::Full(who, room) => {
                let bytes = self.places[self.who(who)].disk.bytes();
                self.set_faults(who, |faults| faults.capacity = Some(bytes + room));
            }
            Trouble::Flip(who, downtime) => self.flip(self.who(who), downtime),
            Trouble::Wipe(who, downtime) => self.wipe(self.who(who), downtime),
            Trouble::Nap(who, nap) => {
                let node = self.who(who);
                self.places[node].asleep_until = self.now + nap;
            }
            Trouble::Jump(who, forward) => {
                let node = self.who(who);
                self.places[node].clock.jump(forward);
                self.wake_up(node);
            }
            Trouble::Rate(who, rate) => {
                let node = self.who(who);
                let now = self.now;
                let place = &mut self.places[node];
                place.rate = rate;
                place.clock.set_rate(now, rate);
                self.wake_up(node);
            }
            Trouble::WallBack(who, back) => {
                let node = self.who(who);
                self.places[node].wall_behind += back;
            }
            Trouble::OnElection(after, ref trouble) => {
                self.ambushes.push((after, (**trouble).clone()));
            }
            Trouble::Rearrange(how) => self.rearrange(how),
            Trouble::Transfer(to) => self.transfer(to),
            Trouble::Snapshot(who) => {
                let operation = Operation::Snapshot;
                self.order(self.who(who), operation);
            }
        }
    }

    /// Asks a node for something as its operator, who does not wait for an answer.
    pub(super) fn order(&mut self, node: usize, operation: Operation) {
        let reply = super::client::Asker::Operator;
        let request = Request { operation, reply };
        self.handle(node, Event::Requests(vec![request]));
    }

    fn cut(&mut self, is_cut: impl Fn(usize, usize) -> bool) {
        self.story.cuts += 1;
        self.network.cut(self.places.len(), is_cut);
    }

    fn set_faults(&mut self, who: Who, change: impl FnOnce(&mut Faults)) {
        let place = &self.places[self.who(who)];
        if place.running.is_some() {
            place.disk.set_faults(change);
        }
    }

    /// Its clock shows another time: its deadline is now or later than it was scheduled.
    fn wake_up(&mut self, node: usize) {
        self.places[node].tick_at = Duration::MAX;
        self.schedule_tick(node);
    }

    /// Changes a bit while the node is down, where that leaves enough others: one disk a world, and such a
    /// bit that a healthy node notices or does not need.
    fn flip(&mut self, node: usize, downtime: Duration) {
        if self.places.iter().any(Place::is_spent) || !self.can_spare(node) {
            return;
        }
        self.stop(node, End::Process, downtime);
        let place = &mut self.places[node];
        for _ in 0..FLIPS_MAX {
            let disk = place.disk.copy();
            if disk.bytes() == 0 {
                return;
            }
            disk.flip_a_bit(&mut self.rng);
            if knows_itself(&place.id, disk.copy(), &place.on_disk, &place.under_way) {
                place.disk = disk;
                place.flipped = true;
                return;
            }
        }
    }

    /// Somebody stands for election.
    pub(super) fn on_election(&mut self) {
        self.story.elections += 1;
        if let Some((after, trouble)) = self.ambushes.pop() {
            self.schedule(after, Happening::Trouble(trouble));
        }
    }

    /// All is well again: everybody runs, hears everybody, and every disk works.
    pub(super) fn heal(&mut self) {
        self.network.mend();
        self.ambushes.clear();
        for node in 0..self.places.len() {
            self.places[node].asleep_until = Duration::ZERO;
            let disk = &self.places[node].disk;
            disk.set_faults(|faults| {
                faults.capacity = None;
                faults.changes_left = None;
            });
            self.start(node);
        }
    }

    pub(super) fn micros(&mut self, range: std::ops::Range<u64>) -> Duration {
        Duration::from_micros(self.rng.random_range(range))
    }
}
