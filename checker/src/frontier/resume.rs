//! Beginning where the search got stuck, instead of at the first return.
//!
//! The search comes far quickly and says for sure what is possible there: the configuration its branch came through some returns before.
//! From that one the frontier goes on as if all others had been left out by a beam. What it reaches, some order reaches; where nothing is
//! left, [`local`](super::local) tells whether that is the history's fault, and if it cannot, the frontier begins at the start.

use super::{Configuration, Frontier, Trail, Uses};
use crate::engine::Placed;
use crate::frontier::board::Kind;
use crate::mask::Mask;

impl<const WORDS: usize> Frontier<WORDS> {
    /// Stands before the return of a number, behind what was placed on the way there.
    pub(super) fn resume(&mut self, at: u32, path: &[Placed]) {
        if at == 0 {
            return;
        }
        self.complete = Some(self.place());
        self.go_to(at);
        self.configurations = vec![self.configuration(path)];
        self.furthest = at;
        self.resumed = true;
        self.marks.push_back(self.place());
    }

    /// Stands before a return, with all that is called before it.
    fn go_to(&mut self, at: u32) {
        while let Some(step) = self.board.returning() {
            let position = self.board.timeline.step(step).ret;
            while self.board.next_called(position).is_some() {}
            if self.board.moment.at == at {
                break;
            }
            self.board.advance();
        }
    }

    /// What was placed is placed, and what is pending and was not is owed.
    fn configuration(&mut self, path: &[Placed]) -> Configuration<WORDS> {
        let mut configuration = Configuration {
            state: self.board.machine.initial(),
            used: Uses::NONE,
            trail: Trail::ROOT,
            left: Mask::EMPTY,
            must: Mask::EMPTY,
            reads: Mask::EMPTY,
        };
        let mut placed = vec![false; self.board.timeline.len() as usize];
        for one in path {
            placed[one.step as usize] = true;
            let step = *self.board.timeline.step(one.step);
            if self.board.kind_of(one.step) == Kind::Pure {
                continue;
            }
            configuration.state = self
                .board
                .apply(configuration.state, step.action)
                .expect("the search placed it there");
            configuration.trail = self.trail.push(configuration.trail, *one);
            if !step.is_mandatory() {
                let class = self.board.class_of_action(step.action);
                configuration.used = self.uses.plus(configuration.used, class);
            }
        }
        let pending: Vec<u32> = self.board.pending_slots().collect();
        for slot in pending {
            if !placed[self.board.step_number(slot) as usize] {
                self.owe(&mut configuration, slot);
            }
        }
        configuration
    }
}
