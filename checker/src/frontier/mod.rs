//! The exact frontier: breadth first, return by return, with memory that depends on the concurrency and not on the length.
//!
//! The frontier is the set of configurations that the history up to a return allows. Operations are placed as late as possible: just
//! before a return, and only so that the operation that returns can be placed (Lowe 2017, just-in-time linearization). A history is
//! not linearizable if and only if some return leaves no configuration.
//!
//! # Configurations
//! A configuration is a state with
//! - `left`: pending mandatory operations that are not pure (no reads) and not placed;
//! - `must`: those *blind* ones among them (writes) that have to be placed visibly still, see excuse;
//! - `reads`: pending pure operations whose answer no state has matched since their call;
//! - `used`: how many indeterminate operations of each effect were placed.
//!
//! A *plan* of a configuration is a way to go on: places for operations that are pending or called later, each between its call and
//! its return, so that the machine accepts them in order, every operation in `reads`, in `must`, and every *partial* one (neither
//! pure nor blind, as compare-and-set) in `left` is placed, and other blind and indeterminate ones at most once. A configuration is
//! *live* if it has a plan. The rules below never lose the last live configuration, and each configuration comes from an order that exists.
//!
//! # Excuse
//! Let a write w be pending when another blind operation is placed, or when the state is w's value. Then w can have been placed just
//! before, unseen, or right there, without effect. So w leaves `must`: it may still be placed visibly before its return, or not at all.
//! What returns is therefore placed if it is in `must`, and both placed and dropped if it is in `left` only.
//!
//! # Dominance
//! Configuration a *dominates* b at the same moment if state and partial operations in `left` are equal and
//! 1. each read in `reads` of a is in that of b, or one with the same answer and an earlier return is;
//! 2. each write in `must` of a is in that of b, or one of the same value and with an earlier return is;
//! 3. the other writes left in b can be matched with writes of the same value left in a that return no earlier, where indeterminate
//!    operations return never;
//! 4. of no effect has a used more indeterminate operations than b.
//!
//! *If a dominates b and b is live, then a is live, by a plan that is no longer.* Exchange: let a follow the plan of b, and place for
//! each write of the plan the one it is matched with; that is pending then, because it was pending already and returns no earlier, and
//! it writes the same value. So a visits the same states at the same times and all partial and pure operations of the plan remain
//! possible. Let w be in `must` of a, and w' its counterpart in b by (2), which returns no later. The plan of b either places w'
//! visibly, or places another blind operation while w' is pending, or visits w's value by a partial one while w' is pending. At that
//! time w is pending too, because w' returns no later than w, and a places a write, or visits the value, at the same time: w is excused.
//! Where w is w' and the plan places it, a places it or its match, which excuses it. A read in `reads` of a is satisfied when its
//! counterpart of (1) is. What a has left beyond its matches is optional, by (2). ∎
//!
//! The same argument lets a configuration keep only the earliest of several unsatisfied reads with the same answer, and of several
//! writes of the same value in `must`. And of operations with equal effect only the one that returns first is placed: if a plan places
//! a later one before, the two can change places, since both are pending at the earlier time and the later one has more time.
//!
//! # Purpose
//! Just before a return, plans of the least length place only steps with a purpose:
//! - a mandatory partial operation;
//! - a write or an indeterminate operation if it satisfies a read, or if a partial operation follows at once: the one that returns,
//!   or another that has a purpose itself.
//!
//! Otherwise the next step is a write, which hides whatever the last one did: without the step the state is the same, more is left,
//! and what it excused is excused by the write. Placing a write of the state that is there already has a purpose too: it excuses others
//! before a compare-and-set from that state.
//!
//! That these rules and dominance can be used together is seen from the *settled* configuration of least plan among all those tried just
//! before a return. Its plan begins with a purposeful step. If that leads to a settled configuration, this one, or one that
//! dominates it, has a shorter plan, which contradicts the choice; so it leads behind the return, or to a *restless* one, behind a
//! step that needs a partial successor. A restless r that dominates it can follow with the same partial step, and so on, until one of
//! three things happens. The return is placed. Or a step that has a purpose by itself leads to a settled configuration of shorter
//! plan. Or a step had a purpose for the dominated one only, because r needed no such read, and a write follows: then the settled
//! configuration that r came from has a shorter plan, namely this write and the rest, because nothing in between satisfied a read of
//! it. The last two contradict the choice. ∎
//!
//! # Other models
//! A machine that names no action blind has no excuse: `must` is empty, every operation that changes something is partial, and so nearly
//! every step has its purpose. What remains of dominance is that fewer used indeterminate operations are better, which holds for every machine.
//!
//! # Beams
//! Keeping only the most promising configurations is much faster where the history is valid, and then sound. Where nothing is left
//! after something was left out, [`local`] looks again at the last few returns, and if that settles nothing the frontier goes back to the
//! last return before something was left out, with a wider beam.

#[cfg(test)]
mod agreement;
mod antichain;
mod board;
mod closure;
pub(crate) mod live;
mod local;
mod meter;
mod prospects;
mod resume;
mod timeline;
mod trail;
mod witness;

use std::collections::VecDeque;

use crate::budget::{Budget, CheckProgress, Limit};
use crate::engine::{Answer, Engine, Foothold, Placed, Progress, Standing};
use crate::history::OpId;
use crate::mask::Mask;
use crate::models::machine::{Machine, Problem, StateId};
use crate::slots::FREE;
use crate::uses::{Uses, UsesId};
use crate::value::Value;
use board::{Board, Kind, Moment};
use closure::{Closure, Forced};
use meter::{Halt, Meter};
use prospects::{Need, Prospects};
use timeline::Timeline;
use trail::{Trail, TrailId};

/// How many mandatory operations can be pending at once.
const MAX_PENDING: usize = 64 * 64;

/// How much is left out, and how hard it is tried to do without the rest.
#[derive(Clone, Copy)]
struct Patience {
    /// How many configurations are kept behind each return: first few, in the end all.
    beams: [usize; 3],
    /// How many returns are between two places to look again from.
    returns_per_mark: u32,
    /// How many returns to go back to look again, and with which beam.
    attempts: &'static [(u32, usize)],
}

const USUAL: Patience = Patience {
    beams: [8, 128, usize::MAX],
    returns_per_mark: 32,
    attempts: &[(64, 128), (192, 512), (640, 1024), (2000, 2048)],
};

/// How many configurations are tried before a return for each that is kept.
const TRIED_PER_KEPT: usize = 16;

/// Prepares the frontier.
///
/// # Errors
/// If too many operations are pending at once.
pub(crate) fn engine(problem: Problem) -> Result<Box<dyn Engine>, Limit> {
    engine_with(problem, USUAL)
}

/// Prepares the frontier to go on from where some order leads.
///
/// # Errors
/// If too many operations are pending at once.
pub(crate) fn engine_from(foothold: Foothold) -> Result<Box<dyn Engine>, Limit> {
    let Foothold { problem, at, path } = foothold;
    prepare(problem, USUAL, Some((at, &path)))
}

fn engine_with(problem: Problem, patience: Patience) -> Result<Box<dyn Engine>, Limit> {
    prepare(problem, patience, None)
}

fn prepare(
    problem: Problem,
    patience: Patience,
    foothold: Option<(u32, &[Placed])>,
) -> Result<Box<dyn Engine>, Limit> {
    let Problem { steps, machine } = problem;
    let timeline = Timeline::new(steps);
    Ok(match timeline.width().div_ceil(64) {
        0 | 1 => Frontier::<1>::boxed(machine, timeline, patience, foothold),
        2 => Frontier::<2>::boxed(machine, timeline, patience, foothold),
        3 | 4 => Frontier::<4>::boxed(machine, timeline, patience, foothold),
        5..=16 => Frontier::<16>::boxed(machine, timeline, patience, foothold),
        17..=64 => Frontier::<64>::boxed(machine, timeline, patience, foothold),
        _ => return Err(Limit::Pending(MAX_PENDING)),
    })
}

/// One way the history can have gone so far.
///
/// - `must` is a part of `left`, which has no pure operation.
/// - `reads` are pure operations that the state does not satisfy, no two with the same answer.
#[derive(Clone, Copy, Debug)]
struct Configuration<const WORDS: usize> {
    state: StateId,
    used: UsesId,
    trail: TrailId,
    left: Mask<WORDS>,
    must: Mask<WORDS>,
    reads: Mask<WORDS>,
}

impl<const WORDS: usize> Configuration<WORDS> {
    fn without(&self, slot: u32) -> Self {
        let mut rest = *self;
        rest.left.remove(slot);
        rest.must.remove(slot);
        rest.reads.remove(slot);
        rest
    }
}

struct Frontier<const WORDS: usize> {
    board: Board<WORDS>,
    uses: Uses,
    trail: Trail,
    /// What is possible just before the next return.
    configurations: Vec<Configuration<WORDS>>,
    patience: Patience,
    /// Which of the beams is in use.
    beam: usize,
    /// Whether it began behind the start, and did not go back there yet.
    resumed: bool,
    /// The last place at which nothing had been left out, if something was since.
    complete: Option<Place<WORDS>>,
    /// Where the rest of the history is known and the machine tells enough.
    prospects: Option<Prospects>,
    /// Places to look again from.
    marks: VecDeque<Place<WORDS>>,
    furthest: u32,
    peak: usize,
}

/// A frontier at some place.
#[derive(Clone)]
struct Place<const WORDS: usize> {
    moment: Moment<WORDS>,
    configurations: Vec<Configuration<WORDS>>,
}

impl<const WORDS: usize> Frontier<WORDS> {
    fn boxed(
        machine: Box<dyn Machine>,
        timeline: Timeline,
        patience: Patience,
        foothold: Option<(u32, &[Placed])>,
    ) -> Box<dyn Engine> {
        let mut frontier = Self::new(machine, timeline, patience);
        if let Some((at, path)) = foothold {
            frontier.resume(at, path);
        }
        Box::new(frontier)
    }

    fn new(machine: Box<dyn Machine>, timeline: Timeline, patience: Patience) -> Self {
        let start = Configuration {
            state: machine.initial(),
            used: Uses::NONE,
            trail: Trail::ROOT,
            left: Mask::EMPTY,
            must: Mask::EMPTY,
            reads: Mask::EMPTY,
        };
        Self {
            prospects: Prospects::new(timeline.steps(), &*machine),
            board: Board::new(machine, timeline),
            uses: Uses::new(),
            trail: Trail::new(),
            configurations: vec![start],
            patience,
            beam: 0,
            resumed: false,
            complete: None,
            marks: VecDeque::new(),
            furthest: 0,
            peak: 1,
        }
    }

    fn place(&self) -> Place<WORDS> {
        Place {
            moment: self.board.moment.clone(),
            configurations: self.configurations.clone(),
        }
    }

    /// Takes the calls before the next return, and goes behind it. `Some` if that is impossible.
    fn go_behind(&mut self, step: u32, meter: &mut Meter<'_>) -> Result<Option<Answer>, Halt> {
        let mut configurations = std::mem::take(&mut self.configurations);
        self.admit(step, &mut configurations);
        self.configurations = configurations;
        self.pass(step, meter)
    }

    /// Takes the calls before the next return into all configurations.
    fn admit(&mut self, step: u32, configurations: &mut [Configuration<WORDS>]) {
        let position = self.board.timeline.step(step).ret;
        while let Some(called) = self.board.next_called(position) {
            let slot = self.board.slot(called);
            if slot != FREE {
                for configuration in configurations.iter_mut() {
                    self.owe(configuration, slot);
                }
            }
        }
    }

    /// What is pending in a slot and not placed.
    fn owe(&mut self, configuration: &mut Configuration<WORDS>, slot: u32) {
        let after = self
            .board
            .apply(configuration.state, self.board.action(slot));
        let asked = match self.board.kind_in(slot) {
            Kind::Partial => return configuration.left.insert(slot),
            Kind::Blind => {
                configuration.left.insert(slot);
                &mut configuration.must
            }
            Kind::Pure => &mut configuration.reads,
        };
        if after != Some(configuration.state) {
            ask(asked, slot, &self.board);
        }
    }

    /// Goes behind a return. `Some` if that is impossible.
    fn pass(&mut self, step: u32, meter: &mut Meter<'_>) -> Result<Option<Answer>, Halt> {
        meter.bytes = self.bytes();
        meter.progress = CheckProgress {
            returns_proven: self.furthest.into(),
            returns: u64::from(self.board.timeline.return_count()),
            configurations: self.configurations.len(),
            ..CheckProgress::default()
        };
        let beam = self.patience.beams[self.beam];
        let needs = self.needs(step);
        let closure = Closure {
            board: &mut self.board,
            uses: &mut self.uses,
            trail: &mut self.trail,
            meter,
            limit: beam.saturating_mul(TRIED_PER_KEPT),
            needs: &needs,
            is_hopeless: false,
        };
        let mut forced = closure.force(&self.configurations, step)?;
        self.peak = self.peak.max(forced.held);
        let truncated = forced.truncated || forced.configurations.len() > beam;
        if truncated && self.complete.is_none() {
            self.complete = Some(self.place());
        }
        if forced.configurations.is_empty() {
            return self.retreat(step, &forced, meter);
        }
        self.keep_best(&mut forced.configurations, beam);
        self.configurations = forced.configurations;
        self.board.advance();
        self.mark();
        self.furthest = self.furthest.max(self.board.moment.at);
        self.clean();
        Ok(None)
    }

    /// What has to be left possible just before a return, where not everything is kept and so much can be told.
    fn needs(&mut self, step: u32) -> Vec<Need<WORDS>> {
        match &mut self.prospects {
            Some(prospects) if self.patience.beams[self.beam] != usize::MAX => {
                prospects.needs(&self.configurations, step, &self.board, &self.uses)
            }
            Some(_) | None => Vec::new(),
        }
    }

    /// Nothing is left behind a return: either nothing can be, or too much was left out.
    fn retreat(
        &mut self,
        step: u32,
        forced: &Forced<WORDS>,
        meter: &mut Meter<'_>,
    ) -> Result<Option<Answer>, Halt> {
        if self.complete.is_none() {
            return Ok(Some(self.invalid(step, &forced.states)));
        }
        if let Some(settled) = self.look_again(step, meter)? {
            return Ok(settled);
        }
        self.widen();
        Ok(None)
    }

    /// Goes back to where something was left out, with a wider beam; to the start with the first beam.
    fn widen(&mut self) {
        if let Some(complete) = self.complete.take() {
            self.marks
                .retain(|mark| mark.moment.at <= complete.moment.at);
            self.board.moment = complete.moment;
            self.configurations = complete.configurations;
            self.beam += usize::from(!std::mem::take(&mut self.resumed));
        }
    }

    /// Of each state those with the fewest obligations, and then with the most left.
    fn keep_best(&self, configurations: &mut Vec<Configuration<WORDS>>, beam: usize) {
        if configurations.len() <= beam {
            return;
        }
        configurations.sort_by_cached_key(|one| {
            let partial = one.left.and(&self.board.moment.partial).len();
            let asked = one.must.len() + one.reads.len() + partial;
            let offered = one.left.len() - partial;
            (asked, std::cmp::Reverse(offered), self.uses.total(one.used))
        });
        let mut seen = rustc_hash::FxHashMap::default();
        configurations.sort_by_cached_key(|one| {
            let rank: &mut usize = seen.entry(one.state).or_default();
            *rank += 1;
            *rank
        });
        configurations.truncate(beam);
    }

    fn clean(&mut self) {
        let complete = self.complete.iter_mut();
        let earlier = complete
            .chain(&mut self.marks)
            .flat_map(|place| &mut place.configurations);
        let living = self.configurations.iter_mut().chain(earlier);
        self.trail.clean(living.map(|one| &mut one.trail));
    }

    fn bytes(&self) -> u64 {
        let places = self.complete.iter().chain(&self.marks);
        let held: usize = places.map(|place| place.configurations.len()).sum();
        let held = self.configurations.capacity() + held;
        let own = held * size_of::<Configuration<WORDS>>() + self.trail.bytes() + self.uses.bytes();
        own as u64 + self.board.machine.bytes()
    }

    fn id(&self, step: u32) -> OpId {
        self.board.timeline.step(step).id
    }

    fn invalid(&self, step: u32, states: &[StateId]) -> Answer {
        let value = |&state: &StateId| self.board.machine.value(state);
        let mut states: Vec<Value> = states.iter().map(value).collect();
        states.sort();
        Answer::Invalid {
            stuck: self.id(step),
            states,
        }
    }

    fn valid(&mut self) -> Answer {
        let survivor = self.configurations[0];
        let path = self.trail.path(survivor.trail);
        Answer::Valid(witness::order(&mut self.board, &path))
    }
}

/// Adds an obligation unless an equal one comes due earlier; equal ones that come due later are met with it.
fn ask<const WORDS: usize>(asked: &mut Mask<WORDS>, slot: u32, board: &Board<WORDS>) {
    for other in asked.slots() {
        if board.action(other) == board.action(slot) {
            if board.deadline(other) < board.deadline(slot) {
                return;
            }
            asked.remove(other);
        }
    }
    asked.insert(slot);
}

impl<const WORDS: usize> Engine for Frontier<WORDS> {
    fn advance(&mut self, configurations: u64, budget: &dyn Budget) -> Progress {
        let mut meter = Meter::new(configurations, budget);
        while let Some(step) = self.board.returning() {
            match self.go_behind(step, &mut meter) {
                Ok(None) => {}
                Ok(Some(answer)) => return Progress::Done(answer),
                Err(Halt::Paused) => return Progress::Paused,
                Err(Halt::Stopped(limit)) => return Progress::Stopped(limit),
            }
        }
        Progress::Done(self.valid())
    }

    fn standing(&self) -> Standing {
        let last = self.furthest.checked_sub(1);
        let last = last.and_then(|number| self.board.timeline.returning(number));
        Standing {
            returns: self.furthest,
            proven_until: last.map(|step| self.id(step)),
            peak_configurations: self.peak,
        }
    }
}
