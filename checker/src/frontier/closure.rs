//! What can be placed just before a return, so that the operation that returns is placed.

use super::Configuration;
use super::antichain::Antichain;
use super::board::{Board, Candidate, Choice, Kind};
use super::meter::{Halt, Meter};
use super::prospects::Need;
use super::trail::Trail;
use crate::engine::Placed;
use crate::mask::Mask;
use crate::models::machine::{ActionId, StateId};
use crate::uses::Uses;

/// What a return makes of the configurations before it.
pub(super) struct Forced<const WORDS: usize> {
    /// The configurations behind the return.
    pub(super) configurations: Vec<Configuration<WORDS>>,
    /// Not everything was tried.
    pub(super) truncated: bool,
    /// The states that can be reached before the return.
    pub(super) states: Vec<StateId>,
    /// How many configurations were held.
    pub(super) held: usize,
}

/// The step that returns.
#[derive(Clone, Copy)]
struct Due {
    step: u32,
    slot: u32,
    action: ActionId,
    kind: Kind,
}

pub(super) struct Closure<'c, 'b, const WORDS: usize> {
    pub(super) board: &'c mut Board<WORDS>,
    pub(super) uses: &'c mut Uses,
    pub(super) trail: &'c mut Trail,
    pub(super) meter: &'c mut Meter<'b>,
    /// How many configurations are held at most.
    pub(super) limit: usize,
    /// What has to be left possible.
    pub(super) needs: &'c [Need<WORDS>],
    /// Something was left out for the sake of that.
    pub(super) is_hopeless: bool,
}

/// The configurations of one return.
struct Layers<const WORDS: usize> {
    choices: Vec<Choice>,
    due: Due,
    /// Behind the return.
    out: Antichain<WORDS>,
    /// Before it, free to place anything.
    settled: Antichain<WORDS>,
    /// Before it, with a last step that has a purpose only if a partial operation follows at once.
    restless: Antichain<WORDS>,
}

impl<const WORDS: usize> Closure<'_, '_, WORDS> {
    /// Places the next step that returns in all configurations, in every way that can matter.
    pub(super) fn force(
        mut self,
        configurations: &[Configuration<WORDS>],
        step: u32,
    ) -> Result<Forced<WORDS>, Halt> {
        let due = Due {
            step,
            slot: self.board.slot(step),
            action: self.board.timeline.step(step).action,
            kind: self.board.kind_of(step),
        };
        let mut layers = Layers {
            choices: Vec::new(),
            due,
            out: Antichain::new(),
            settled: Antichain::new(),
            restless: Antichain::new(),
        };
        self.sort_out(configurations, &mut layers)?;
        let mut truncated = false;
        if layers.settled.len() > 0 {
            layers.choices = self.board.choices(due.slot);
            truncated = self.close(&mut layers)?;
        }
        let held = layers.out.len() + layers.settled.len() + layers.restless.len();
        let states = self.states(&layers);
        Ok(Forced {
            configurations: layers.out.into_alive(),
            truncated: truncated || self.is_hopeless,
            states,
            held,
        })
    }

    /// Configurations that have placed the step go on as they are; the others must place it.
    fn sort_out(
        &mut self,
        configurations: &[Configuration<WORDS>],
        layers: &mut Layers<WORDS>,
    ) -> Result<(), Halt> {
        let due = layers.due;
        for configuration in configurations {
            let (placed, optional) = match due.kind {
                Kind::Pure => (!configuration.reads.has(due.slot), false),
                Kind::Partial => (!configuration.left.has(due.slot), false),
                Kind::Blind => (
                    !configuration.left.has(due.slot),
                    !configuration.must.has(due.slot),
                ),
            };
            if placed || optional {
                self.leave(layers, configuration.without(due.slot))?;
            }
            if !placed {
                let (board, uses) = (&*self.board, &*self.uses);
                layers
                    .settled
                    .insert(*configuration, board, uses, self.meter)?;
            }
        }
        Ok(())
    }

    /// Tries everything from all configurations before the return. True if the limit on their number kept it from that.
    fn close(&mut self, layers: &mut Layers<WORDS>) -> Result<bool, Halt> {
        let (mut settled, mut restless) = (0, 0);
        loop {
            let full = layers.settled.len() + layers.restless.len() > self.limit;
            if settled < layers.settled.len() {
                if layers.settled.is_alive(settled) {
                    let from = layers.settled.members[settled];
                    self.leave_from(layers, &from, false)?;
                    if !full && !self.is_pointless(layers, &from)? {
                        self.expand(layers, &from, false)?;
                    }
                }
                settled += 1;
            } else if restless < layers.restless.len() {
                if layers.restless.is_alive(restless) {
                    let from = layers.restless.members[restless];
                    self.leave_from(layers, &from, true)?;
                    if !full {
                        self.expand(layers, &from, true)?;
                    }
                }
                restless += 1;
            } else {
                return Ok(full);
            }
        }
    }

    /// A read that is satisfied already, or by a configuration that is as good in all else, asks for nothing more.
    fn is_pointless(
        &mut self,
        layers: &Layers<WORDS>,
        from: &Configuration<WORDS>,
    ) -> Result<bool, Halt> {
        if layers.due.kind != Kind::Pure {
            return Ok(false);
        }
        if !from.reads.has(layers.due.slot) {
            return Ok(true);
        }
        layers.out.covers(from, self.board, self.uses, self.meter)
    }

    /// Places the step that returns, if that is possible now.
    fn leave_from(
        &mut self,
        layers: &mut Layers<WORDS>,
        from: &Configuration<WORDS>,
        restless: bool,
    ) -> Result<(), Halt> {
        let due = layers.due;
        if due.kind == Kind::Pure {
            if !from.reads.has(due.slot) {
                self.leave(layers, *from)?;
            }
            return Ok(());
        }
        let Some(state) = self.board.apply(from.state, due.action) else {
            return Ok(());
        };
        let mut to = from.without(due.slot);
        if due.kind == Kind::Blind {
            if restless {
                return Ok(());
            }
            to.must = Mask::EMPTY;
        }
        self.board.visit(&mut to, state);
        if self.leave(layers, to)? {
            self.mark(&mut layers.out, due.step);
        }
        Ok(())
    }

    fn leave(
        &mut self,
        layers: &mut Layers<WORDS>,
        configuration: Configuration<WORDS>,
    ) -> Result<bool, Halt> {
        if !self.has_future(&configuration) {
            return Ok(false);
        }
        let (board, uses) = (&*self.board, &*self.uses);
        layers.out.insert(configuration, board, uses, self.meter)
    }

    fn has_future(&mut self, configuration: &Configuration<WORDS>) -> bool {
        let (board, uses) = (&*self.board, &*self.uses);
        let met = |need: &Need<WORDS>| need.is_met(configuration, board, uses);
        let has_future = self.needs.iter().all(met);
        self.is_hopeless |= !has_future;
        has_future
    }

    /// Places one pending operation of each choice where that has a purpose.
    fn expand(
        &mut self,
        layers: &mut Layers<WORDS>,
        from: &Configuration<WORDS>,
        restless: bool,
    ) -> Result<(), Halt> {
        self.meter.look_after(layers.choices.len() as u64)?;
        for number in 0..layers.choices.len() {
            let choice = &layers.choices[number];
            if restless && choice.kind != Kind::Partial {
                continue;
            }
            let Some(candidate) = self.board.candidate(choice, from, self.uses) else {
                continue;
            };
            let Some(state) = self.board.apply(from.state, choice.action) else {
                continue;
            };
            match choice.kind {
                Kind::Blind => self.write(layers, from, candidate, state)?,
                Kind::Partial => self.step(layers, from, candidate, state)?,
                Kind::Pure => {}
            }
        }
        Ok(())
    }

    /// A write has a purpose if it satisfies a read or if a partial operation follows. It hides all writes that are pending.
    fn write(
        &mut self,
        layers: &mut Layers<WORDS>,
        from: &Configuration<WORDS>,
        candidate: Candidate,
        state: StateId,
    ) -> Result<(), Halt> {
        if state == from.state && from.must.is_empty() {
            return Ok(());
        }
        self.meter.look_after(layers.choices.len() as u64)?;
        let mut to = self.take(from, candidate);
        to.must = Mask::EMPTY;
        let satisfies = self.board.visit(&mut to, state);
        if satisfies || self.can_follow(layers, &to) {
            self.keep(layers, from, to, candidate, satisfies)?;
        }
        Ok(())
    }

    /// A mandatory operation serves its purpose by itself, an indeterminate one as a write does.
    fn step(
        &mut self,
        layers: &mut Layers<WORDS>,
        from: &Configuration<WORDS>,
        candidate: Candidate,
        state: StateId,
    ) -> Result<(), Halt> {
        let mandatory = matches!(candidate, Candidate::Mandatory(_));
        if !mandatory && state == from.state {
            return Ok(());
        }
        self.meter.look_after(layers.choices.len() as u64)?;
        let mut to = self.take(from, candidate);
        let satisfies = self.board.visit(&mut to, state);
        if mandatory || satisfies || self.can_follow(layers, &to) {
            self.keep(layers, from, to, candidate, mandatory || satisfies)?;
        }
        Ok(())
    }

    /// Whether any partial operation is possible.
    fn can_follow(&mut self, layers: &Layers<WORDS>, to: &Configuration<WORDS>) -> bool {
        let due = layers.due;
        if due.kind == Kind::Partial && self.board.apply(to.state, due.action).is_some() {
            return true;
        }
        layers.choices.iter().any(|choice| {
            choice.kind == Kind::Partial
                && self.board.apply(to.state, choice.action).is_some()
                && self.board.candidate(choice, to, self.uses).is_some()
        })
    }

    fn take(&mut self, from: &Configuration<WORDS>, candidate: Candidate) -> Configuration<WORDS> {
        match candidate {
            Candidate::Mandatory(slot) => from.without(slot),
            Candidate::Indeterminate(class) => Configuration {
                used: self.uses.plus(from.used, class),
                ..*from
            },
        }
    }

    fn keep(
        &mut self,
        layers: &mut Layers<WORDS>,
        from: &Configuration<WORDS>,
        to: Configuration<WORDS>,
        candidate: Candidate,
        settled: bool,
    ) -> Result<(), Halt> {
        if !self.has_future(&to) {
            return Ok(());
        }
        let (board, uses) = (&*self.board, &*self.uses);
        let kept = if settled {
            layers.settled.insert(to, board, uses, self.meter)?
        } else {
            !layers.settled.covers(&to, board, uses, self.meter)?
                && layers.restless.insert(to, board, uses, self.meter)?
        };
        if kept {
            let step = self.board.candidate_step(candidate, from.used, self.uses);
            let layer = if settled {
                &mut layers.settled
            } else {
                &mut layers.restless
            };
            self.mark(layer, step);
        }
        Ok(())
    }

    /// Notes what the newest configuration placed last.
    fn mark(&mut self, layer: &mut Antichain<WORDS>, step: u32) {
        if let Some(newest) = layer.members.last_mut() {
            let placed = Placed {
                step,
                before: self.board.moment.at,
            };
            newest.trail = self.trail.push(newest.trail, placed);
        }
    }

    /// Only worth anything if no configuration is behind the return.
    fn states(&mut self, layers: &Layers<WORDS>) -> Vec<StateId> {
        if layers.out.len() > 0 {
            return Vec::new();
        }
        let mut states: Vec<StateId> = Vec::new();
        for from in layers
            .settled
            .members
            .iter()
            .chain(&layers.restless.members)
        {
            states.push(from.state);
            for choice in &layers.choices {
                let possible = self.board.candidate(choice, from, self.uses).is_some();
                let after = self.board.apply(from.state, choice.action);
                states.extend(after.filter(|_| possible));
            }
        }
        states.sort_unstable();
        states.dedup();
        states
    }
}
