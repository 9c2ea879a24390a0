//! Where a beam has nothing left at a return: is that the history's fault, or the beam's? A few returns before it usually tell.
//!
//! Let the beam reach return R and find nothing behind it. The history up to any earlier return is then linearizable. Some way before R
//! the frontier starts anew in two ways.
//! - From what the beam held there, with a wider beam. What that reaches, some order reaches. If it comes past R, all is well.
//! - From *everything* that may be the case there: each value that a write may have left behind and no later operation has surely
//!   replaced, each choice of pending partial operations that are placed already, no read and no write owed, all writes left, no
//!   indeterminate operation used. Each true configuration is dominated by one of these. So if exact steps from there leave nothing
//!   behind R, then nothing leads past R, and the history is not linearizable up to R.
//!
//! The states before R that the first finds are possible, and no others are than the second finds. Where both agree they are the states.
//! All this costs as much as the few returns, however long the history is.

use super::board::Kind;
use super::closure::Closure;
use super::meter::{Halt, Meter};
use super::{Configuration, Frontier, Place, Trail};
use crate::engine::Answer;
use crate::mask::Mask;
use crate::models::machine::StateId;
use crate::uses::Uses;

/// How many marks are kept.
const MAX_MARKS: usize = 64;

/// How many configurations may be held when starting from everything.
const MAX_HELD: usize = 1 << 16;

/// How many partial operations may be pending where everything is possible.
const MAX_PARTIAL: u32 = 8;

/// How a run over some returns ended.
enum Ended<const WORDS: usize> {
    /// Behind the last of them.
    Past(Place<WORDS>),
    /// At a return behind which nothing is; with the states before it.
    At(u32, Vec<StateId>),
    /// There was too much.
    TooLarge,
}

impl<const WORDS: usize> Frontier<WORDS> {
    /// Leaves a mark from time to time, unless all is kept anyway.
    pub(super) fn mark(&mut self) {
        let at = self.board.moment.at;
        let due = at.is_multiple_of(self.patience.returns_per_mark);
        if due && self.patience.beams[self.beam] != usize::MAX {
            if self.marks.len() == MAX_MARKS {
                self.marks.pop_front();
            }
            self.marks.push_back(self.place());
        }
    }

    /// Looks again at the returns before one that the beam cannot pass. `None` if that settles nothing; otherwise the answer, or the
    /// frontier has passed the return.
    pub(super) fn look_again(
        &mut self,
        step: u32,
        meter: &mut Meter<'_>,
    ) -> Result<Option<Option<Answer>>, Halt> {
        let here = self.board.moment.clone();
        let found = self.look_from_marks(here.at, meter);
        match found {
            Ok(Some(Ended::Past(passed))) => {
                self.board.moment = passed.moment;
                self.configurations = passed.configurations;
                self.furthest = self.furthest.max(self.board.moment.at);
                Ok(Some(None))
            }
            Ok(Some(Ended::At(_, states))) => {
                self.board.moment = here;
                Ok(Some(Some(self.invalid(step, &states))))
            }
            Ok(Some(Ended::TooLarge) | None) => {
                self.board.moment = here;
                Ok(None)
            }
            Err(halt) => {
                self.board.moment = here;
                Err(halt)
            }
        }
    }

    fn look_from_marks(
        &mut self,
        stuck: u32,
        meter: &mut Meter<'_>,
    ) -> Result<Option<Ended<WORDS>>, Halt> {
        for &(back, beam) in self.patience.attempts {
            let from = stuck.saturating_sub(back);
            let mark = self.marks.iter().rposition(|mark| mark.moment.at <= from);
            let Some(mark) = mark.map(|at| self.marks[at].clone()) else {
                return Ok(None);
            };
            let everything = self.everything(&mark);
            let possible = match self.run_past(mark, stuck, beam, true, meter)? {
                Ended::At(at, states) if at == stuck => states,
                Ended::At(..) | Ended::TooLarge => Vec::new(),
                past @ Ended::Past(_) => return Ok(Some(past)),
            };
            let Some(everything) = everything else {
                continue;
            };
            if let Ended::At(at, states) =
                self.run_past(everything, stuck, MAX_HELD, false, meter)?
                && at == stuck
                && states == possible
            {
                return Ok(Some(Ended::At(at, states)));
            }
        }
        Ok(None)
    }

    /// Goes on from a place until behind a return. What is too much is left out or else ends it.
    fn run_past(
        &mut self,
        from: Place<WORDS>,
        last: u32,
        limit: usize,
        leave_out: bool,
        meter: &mut Meter<'_>,
    ) -> Result<Ended<WORDS>, Halt> {
        self.board.moment = from.moment;
        let mut configurations = from.configurations;
        while let Some(step) = self.board.returning() {
            if self.board.moment.at > last {
                break;
            }
            self.admit(step, &mut configurations);
            let closure = Closure {
                board: &mut self.board,
                uses: &mut self.uses,
                trail: &mut self.trail,
                meter,
                limit: limit.saturating_mul(if leave_out { super::TRIED_PER_KEPT } else { 1 }),
                needs: &[],
                is_hopeless: false,
            };
            let forced = closure.force(&configurations, step)?;
            self.peak = self.peak.max(forced.held);
            if forced.truncated && !leave_out {
                return Ok(Ended::TooLarge);
            }
            if forced.configurations.is_empty() {
                return Ok(Ended::At(self.board.moment.at, forced.states));
            }
            configurations = forced.configurations;
            if configurations.len() > limit && !leave_out {
                return Ok(Ended::TooLarge);
            }
            self.keep_best(&mut configurations, limit);
            self.board.advance();
        }
        Ok(Ended::Past(Place {
            moment: self.board.moment.clone(),
            configurations,
        }))
    }

    /// All that may be the case at a mark. `None` if that cannot be said or is too much.
    fn everything(&mut self, mark: &Place<WORDS>) -> Option<Place<WORDS>> {
        let here = std::mem::replace(&mut self.board.moment, mark.moment.clone());
        let configurations = self.all_configurations();
        let moment = std::mem::replace(&mut self.board.moment, here);
        Some(Place {
            moment,
            configurations: configurations?,
        })
    }

    fn all_configurations(&self) -> Option<Vec<Configuration<WORDS>>> {
        let states = self.possible_states()?;
        let partial = self.board.moment.partial;
        if partial.len() > MAX_PARTIAL {
            return None;
        }
        let mut writes = Mask::EMPTY;
        for slot in self.board.pending_slots() {
            if self.board.kind_in(slot) == Kind::Blind {
                writes.insert(slot);
            }
        }
        let mut lefts = vec![writes];
        for slot in partial.slots() {
            for number in 0..lefts.len() {
                let mut with = lefts[number];
                with.insert(slot);
                lefts.push(with);
            }
        }
        let all = lefts.iter().flat_map(|&left| {
            states.iter().map(move |&state| Configuration {
                state,
                used: Uses::NONE,
                trail: Trail::ROOT,
                left,
                must: Mask::EMPTY,
                reads: Mask::EMPTY,
            })
        });
        Some(all.collect())
    }

    /// The states that may be left behind by what was called so far: those of operations that no other surely follows.
    fn possible_states(&self) -> Option<Vec<StateId>> {
        let board = &self.board;
        let returned = &board.timeline.returns()[..board.moment.at as usize];
        let changes = |&&step: &&u32| board.kind_of(step) != Kind::Pure;
        let replaced = returned
            .iter()
            .filter(changes)
            .map(|&step| board.timeline.step(step).call)
            .max();
        let mut states: Vec<StateId> = Vec::new();
        for step in board.called() {
            let one = board.timeline.step(step);
            let Some(state) = board.machine.left_behind(one.action) else {
                if board.kind_of(step) == Kind::Pure {
                    continue;
                }
                return None;
            };
            if replaced.is_none_or(|replaced| one.ret > replaced) {
                states.push(state);
            }
        }
        if replaced.is_none() {
            states.push(board.machine.initial());
        }
        states.sort_unstable();
        states.dedup();
        Some(states)
    }
}
