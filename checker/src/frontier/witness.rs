//! From what a configuration placed to a whole order.
//!
//! The trail has the operations that changed the state, each with the return it was placed just before. What is missing was placed on
//! the way: reads when their value was there; writes that nobody saw just before another write, or where their value was there anyway.

use super::Board;
use super::board::Kind;
use crate::engine::Placed;
use crate::history::OpId;
use crate::models::machine::StateId;

/// All mandatory steps and the indeterminate ones of a path, in order.
pub(super) fn order<const WORDS: usize>(board: &mut Board<WORDS>, path: &[Placed]) -> Vec<OpId> {
    let mut on_path = vec![false; board.timeline.len() as usize];
    for placed in path {
        on_path[placed.step as usize] = true;
    }
    let state = board.machine.initial();
    let mut replay = Replay {
        board,
        on_path,
        state,
        waiting: Vec::new(),
        order: Vec::new(),
    };
    replay.run(path);
    let Replay { board, order, .. } = replay;
    let id = |step: u32| board.timeline.step(step).id;
    order.into_iter().map(id).collect()
}

struct Replay<'r, const WORDS: usize> {
    board: &'r mut Board<WORDS>,
    on_path: Vec<bool>,
    state: StateId,
    /// Called, not on the path and not placed yet.
    waiting: Vec<u32>,
    order: Vec<u32>,
}

impl<const WORDS: usize> Replay<'_, WORDS> {
    fn run(&mut self, path: &[Placed]) {
        let mut rest = path;
        let mut called = 0;
        for (before, number) in (0..).zip(self.board.timeline.returns().to_vec()) {
            let position = self.board.timeline.step(number).ret;
            while let Some(step) = self.board.timeline.called(called)
                && step.call < position
            {
                let mandatory = step.is_mandatory();
                self.call(called, mandatory);
                called += 1;
            }
            while let Some((placed, others)) = rest.split_first()
                && placed.before == before
            {
                self.place(placed.step);
                rest = others;
            }
        }
        assert!(
            self.waiting.is_empty() && rest.is_empty(),
            "a surviving configuration has placed everything"
        );
    }

    fn call(&mut self, step: u32, mandatory: bool) {
        if mandatory && !self.on_path[step as usize] {
            self.waiting.push(step);
            self.place_what_fits();
        }
    }

    fn place(&mut self, step: u32) {
        if self.board.kind_of(step) == Kind::Blind {
            self.hide_writes();
        }
        let action = self.board.timeline.step(step).action;
        self.state = self
            .board
            .apply(self.state, action)
            .expect("the path was possible when it was found");
        self.order.push(step);
        self.place_what_fits();
    }

    /// All pending writes that nobody sees come just before the next one.
    fn hide_writes(&mut self) {
        let board = &*self.board;
        let order = &mut self.order;
        self.waiting.retain(|&step| {
            let hidden = board.kind_of(step) == Kind::Blind;
            if hidden {
                order.push(step);
            }
            !hidden
        });
    }

    /// Reads of the state, and writes of it.
    fn place_what_fits(&mut self) {
        let (board, state, order) = (&mut *self.board, self.state, &mut self.order);
        self.waiting.retain(|&step| {
            let fits = board.apply(state, board.timeline.step(step).action) == Some(state);
            if fits {
                order.push(step);
            }
            !fits
        });
    }
}
