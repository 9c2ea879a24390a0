//! What goes wrong: the network, power, and sleep.

use std::time::Duration;

use rand::RngExt as _;

use super::world::{Happening, World};
use crate::raft::Message;

impl World {
    /// Loses, repeats, delays and reorders.
    pub(super) fn transmit(&mut self, from: usize, to: usize, message: &Message) {
        let storming = self.storming();
        if self.cuts.contains(&(from, to)) || (storming && self.rng.random_bool(self.settings.loss))
        {
            return;
        }
        let copies = if storming && self.rng.random_bool(0.03) {
            2
        } else {
            1
        };
        for _ in 0..copies {
            let slow = storming && self.rng.random_bool(0.03);
            let delay = self.micros(if slow { 5_000..400_000 } else { 200..5_000 });
            let message = message.clone();
            self.schedule(delay, Happening::Deliver { from, to, message });
        }
    }

    pub(super) fn crash(&mut self, node: usize, downtime: Duration) {
        let Some(running) = self.places[node].running.take() else {
            return;
        };
        self.story.crashes += 1;
        self.places[node].disk = running.crash(&mut self.rng);
        self.schedule(downtime, Happening::Restart { node });
    }

    /// Whether bad things still happen.
    pub(super) fn storming(&self) -> bool {
        self.now < self.settings.storm
    }

    pub(super) fn trouble(&mut self) {
        if !self.storming() {
            return;
        }
        let node = match self.rng.random_bool(0.5) {
            true => self.leader().unwrap_or(0),
            false => self.rng.random_range(0..self.places.len()),
        };
        let kind = if self.settings.contested {
            4
        } else {
            self.rng.random_range(0..7)
        };
        match kind {
            0 | 1 => self.cut_off(|from, to| (from == node) != (to == node)),
            2 => self.cut_off(|from, to| from == node && to != node),
            3 => {
                let side: Vec<bool> = self.places.iter().map(|_| self.rng.random()).collect();
                self.cut_off(|from, to| side[from] != side[to]);
            }
            4 => {
                let downtime = self.micros(2_000..600_000);
                self.crash(node, downtime);
            }
            5 => {
                let nap = self.micros(50_000..900_000);
                self.places[node].asleep_until = self.now + nap;
            }
            _ => self.cuts.clear(),
        }
        let pause = self.micros(20_000..700_000);
        self.schedule(pause, Happening::Trouble);
    }

    fn cut_off(&mut self, is_cut: impl Fn(usize, usize) -> bool) {
        self.story.cuts += 1;
        let nodes = self.places.len();
        let links = (0..nodes).flat_map(|from| (0..nodes).map(move |to| (from, to)));
        self.cuts = links.filter(|&(from, to)| is_cut(from, to)).collect();
    }

    pub(super) fn on_election(&mut self) {
        self.story.elections += 1;
        if self.storming() && self.settings.contested {
            let voter = self.rng.random_range(0..self.places.len());
            let delay = self.micros(1_000..12_000);
            self.schedule(delay, Happening::Crash { node: voter });
        }
    }

    pub(super) fn heal(&mut self) {
        self.cuts.clear();
        for node in 0..self.places.len() {
            self.places[node].asleep_until = Duration::ZERO;
            self.start(node);
        }
    }
}
