//! What becomes of messages: lost, repeated, late, in another order, or stopped on the way.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use rand::RngExt as _;

use super::world::{Happening, World};
use crate::raft::Message;

/// The ways from node to node. All are open and fast by default.
#[derive(Debug, Default)]
pub(super) struct Network {
    cuts: BTreeSet<(usize, usize)>,
    slow: BTreeMap<(usize, usize), Duration>,
}

impl Network {
    /// Cuts these ways, and opens all others.
    pub(super) fn cut(&mut self, nodes: usize, is_cut: impl Fn(usize, usize) -> bool) {
        let links = (0..nodes).flat_map(|from| (0..nodes).map(move |to| (from, to)));
        self.cuts = links.filter(|&(from, to)| is_cut(from, to)).collect();
    }

    pub(super) fn cut_link(&mut self, from: usize, to: usize) {
        self.cuts.insert((from, to));
    }

    pub(super) fn is_cut(&self, from: usize, to: usize) -> bool {
        self.cuts.contains(&(from, to))
    }

    pub(super) fn slow_down(&mut self, from: usize, to: usize, extra: Duration) {
        self.slow.insert((from, to), extra);
    }

    pub(super) fn mend(&mut self) {
        *self = Self::default();
    }
}

impl World {
    pub(super) fn transmit(&mut self, from: usize, to: usize, message: &Message) {
        let storming = self.storming();
        let lost = storming && self.rng.random_bool(self.settings.loss);
        if self.network.is_cut(from, to) || lost {
            return;
        }
        let repeated = storming && self.rng.random_bool(self.settings.repeats);
        for _ in 0..1 + u8::from(repeated) {
            let late = storming && self.rng.random_bool(0.03);
            let extra = self.network.slow.get(&(from, to)).copied();
            let delay = self.micros(if late { 5_000..400_000 } else { 200..5_000 });
            let delay = delay + extra.unwrap_or_default();
            let message = message.clone();
            let store = self.places[from].store;
            let deliver = Happening::Deliver {
                from,
                to,
                store,
                message,
            };
            self.schedule(delay, deliver);
        }
    }
}
