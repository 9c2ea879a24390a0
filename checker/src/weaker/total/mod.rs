//! Sequential consistency: a guess, and what it teaches.
//!
//! Where it is known who wrote what was observed, an order of the mutations of each register decides everything: what comes next in a
//! process, what saw a mutation, and what a mutation replaced are the edges of a graph, and the history is sequentially consistent if
//! for some such orders it has no cycle (Shasha and Snir 1988; Gibbons and Korach 1997, section 4). Finding them is NP-hard.
//!
//! Most histories are nearly linearizable, so the first guess is the order of real time: blocks of operations on one value by when they
//! were first certain or last possible, whichever is earlier. That order is right for every register that is linearizable. If there is a
//! cycle, the few operations on it, with all that may have written what they observed, are searched exactly. If they have no order,
//! nothing has. Otherwise theirs replaces the guess; and so on, with all operations that were ever on a cycle.

mod cycle;
mod guess;

use std::collections::BTreeSet;

use super::order::{Found, Search};
use super::program::Program;
use super::view::View;
use super::{Answer, WeakerLimit, WeakerModel};
use crate::budget::Budget;
use crate::history::OpId;
use guess::Guess;

/// The most operations that are searched exactly.
const MAX_SEARCHED: usize = 512;

/// Whether one order of all operations has each process's operations in their order.
pub(super) fn follows(program: &Program, near: Option<OpId>, budget: &dyn Budget) -> Answer {
    let mut guess = match Guess::new(program) {
        Ok(guess) => guess,
        Err(answer) => return answer,
    };
    let near = near.map_or(0..0, |near| program.last_until(near, 64));
    let mut tangled: BTreeSet<usize> = BTreeSet::new();
    loop {
        let Some(cycle) = cycle::find(&guess.edges(), near.clone()) else {
            return Answer::Holds;
        };
        tangled.extend(cycle);
        let (part, places) = program.part(tangled.iter().copied());
        if part.actions.len() > MAX_SEARCHED {
            return Answer::Open(WeakerLimit::Steps);
        }
        if let Some(limit) = budget.exceeded(guess.bytes()) {
            return Answer::Open(WeakerLimit::Budget(limit));
        }
        let Some(view) = View::new(&part, WeakerModel::Sequential, None) else {
            return Answer::Open(WeakerLimit::Ambiguous);
        };
        match Search::new(&view, budget).run() {
            Found::Nothing => return Answer::Broken,
            Found::Open(limit) => return Answer::Open(limit),
            Found::Order(order) => {
                let order: Vec<usize> = order.into_iter().map(|one| places[one]).collect();
                if !guess.adopt(&order) {
                    return Answer::Open(WeakerLimit::Steps);
                }
            }
        }
    }
}
