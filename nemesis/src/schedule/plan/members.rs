//! Changes of members: one lane, in which one at a time and several at once take turns, and handovers of leadership.

use super::super::lanes::Window;
use super::super::reconfigure::Rearrangement;
use super::super::selector::Selector;
use super::super::{Fault, FaultKind, Target};
use super::{Deck, Planner, shuffled};
use crate::NodeName;
use rand::RngExt;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use std::ops::RangeInclusive;

/// Time between two requests in quick succession.
const GAP_MS: RangeInclusive<u32> = 0..=30;

impl Planner<'_> {
    /// The wanted kinds of changes.
    pub(super) fn change_kinds(&self) -> Vec<FaultKind> {
        let fits = |kind: &FaultKind| {
            self.wants(*kind) && self.config.nodes.len() >= kind.min_nodes().max(2)
        };
        let kinds = [FaultKind::Member, FaultKind::Reconfigure];
        kinds.into_iter().filter(fits).collect()
    }

    /// In a lane of their own, unless they take turns with what ends processes, in those `windows`.
    pub(super) fn changes(&self, windows: &[Window]) -> Vec<(Window, Fault)> {
        let kinds = self.change_kinds();
        if kinds.is_empty() {
            return Vec::new();
        }
        let mut rng = self.rng(FaultKind::Member);
        let usual = [Selector::Leader, Selector::One, Selector::One];
        let mut aims = self.aims(FaultKind::Member, &usual, &mut rng);
        let windows = match self.changes_wait_for_wipes() {
            true => windows.to_vec(),
            false => self.lane(&mut rng, &kinds),
        };
        let mut faults = self.rearrangements(&windows);
        for window in windows {
            if window.kind == FaultKind::Member {
                let aim = aims.draw(&mut rng);
                let target = match aim == Selector::One {
                    true => Target::Nodes(vec![self.any_node(&mut rng)]),
                    false => self.picked(&aim, &mut rng),
                };
                faults.push((window, Fault::Member { target }));
            }
        }
        faults
    }

    /// Several members at once.
    fn rearrangements(&self, windows: &[Window]) -> Vec<(Window, Fault)> {
        let mut rng = self.rng(FaultKind::Reconfigure);
        let mut ways = Rearrangement::ALL.to_vec();
        ways.retain(|way| way.min_nodes() <= self.config.nodes.len());
        let mut ways = Deck::new(shuffled(ways, &mut rng));
        let windows = windows
            .iter()
            .filter(|window| window.kind == FaultKind::Reconfigure);
        let draw = |window: &Window| {
            let mut order = self.config.nodes.clone();
            order.shuffle(&mut rng);
            let (way, gap_ms) = (ways.draw(&mut rng), rng.random_range(GAP_MS));
            (*window, Fault::Reconfigure { way, order, gap_ms })
        };
        windows.map(draw).collect()
    }

    pub(super) fn transfers(&self) -> Vec<(Window, Fault)> {
        if !self.wants(FaultKind::Transfer) || self.config.nodes.len() < 2 {
            return Vec::new();
        }
        let mut rng = self.rng(FaultKind::Transfer);
        let windows = self.lane(&mut rng, &[FaultKind::Transfer]);
        let draw = |window| {
            let to = self.any_node(&mut rng);
            (window, Fault::Transfer { to })
        };
        windows.into_iter().map(draw).collect()
    }

    fn any_node(&self, rng: &mut ChaCha8Rng) -> NodeName {
        let nodes = &self.config.nodes;
        nodes[rng.random_range(0..nodes.len())].clone()
    }
}
