//! Looks for a legal order, depth first.
//!
//! It is found as soon as everything that observes is placed: mutations that observe nothing can follow in any order that the rules
//! allow. A mutation that observes nothing and that nothing has to follow is placed only right before an observation that wants it and
//! can be next. In any legal order it could be moved there: nobody observes its register in between. An observation that fits is placed
//! at once.

use std::collections::HashSet;

use super::WeakerLimit;
use super::view::View;
use crate::budget::{Budget, Limit};

/// How often operations are looked at, configuration by configuration. It bounds the memory too, to less than 50 MB.
const MAX_VISITS: usize = 4_000_000;

/// How many configurations are searched between two looks at the budget.
const STEPS_PER_POLL: usize = 256;

/// What became of a search.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// A legal order, as far as something in it is observed.
    Order(Vec<usize>),
    /// There is none.
    Nothing,
    /// A limit was reached first.
    Open(WeakerLimit),
}

/// How a configuration came about: the step before and the operation that was placed, step by step.
type Trail = Vec<(usize, usize)>;

/// Before the first step.
const START: usize = usize::MAX;

#[derive(Clone, PartialEq, Eq, Hash)]
struct Configuration {
    placed: Vec<u64>,
    values: Vec<u32>,
}

pub(super) struct Search<'v> {
    view: &'v View,
    budget: &'v dyn Budget,
    /// Whether something has to follow an operation.
    is_followed: Vec<bool>,
    /// Whether it took effect, or something that took effect has to follow it.
    is_needed: Vec<bool>,
    seen: HashSet<Configuration>,
    trail: Trail,
}

impl<'v> Search<'v> {
    pub(super) fn new(view: &'v View, budget: &'v dyn Budget) -> Self {
        let mut is_followed = vec![false; view.actions.len()];
        for &before in view.after.iter().flatten() {
            is_followed[before] = true;
        }
        Self {
            view,
            budget,
            is_followed,
            is_needed: needed(view),
            seen: HashSet::new(),
            trail: Trail::new(),
        }
    }

    pub(super) fn run(mut self) -> Found {
        if self.rules_contradict() {
            return Found::Nothing;
        }
        let start = Configuration {
            placed: vec![0; self.view.actions.len().div_ceil(64)],
            values: self.view.initial.clone(),
        };
        let bytes_each = 64 + 8 * start.placed.len() + 4 * start.values.len();
        let mut open = vec![(start, START)];
        let mut steps = 0;
        while let Some((mut configuration, mut last)) = open.pop() {
            self.settle(&mut configuration, &mut last);
            if !self.is_observer_left(&configuration) {
                return Found::Order(self.order(last));
            }
            let held = bytes_each * (self.seen.len() + open.len() + 1) + 16 * self.trail.len();
            if let Some(limit) = self.limit(steps, held) {
                return Found::Open(limit);
            }
            steps += 1;
            if self.seen.insert(configuration.clone()) {
                self.push_candidates(&configuration, last, &mut open);
            }
        }
        Found::Nothing
    }

    fn limit(&self, steps: usize, bytes: usize) -> Option<WeakerLimit> {
        if steps * self.view.actions.len() > MAX_VISITS {
            return Some(WeakerLimit::Steps);
        }
        let limit: Option<Limit> = steps
            .is_multiple_of(STEPS_PER_POLL)
            .then(|| self.budget.exceeded(bytes as u64))
            .flatten();
        limit.map(WeakerLimit::Budget)
    }

    fn order(&self, last: usize) -> Vec<usize> {
        let step = |&at: &usize| Some(self.trail[at].0).filter(|&before| before != START);
        let steps = std::iter::successors(Some(last).filter(|&at| at != START), step);
        let mut order: Vec<usize> = steps.map(|at| self.trail[at].1).collect();
        order.reverse();
        order
    }

    fn placed(&mut self, last: usize, one: usize) -> usize {
        self.trail.push((last, one));
        self.trail.len() - 1
    }

    /// Whether operations that took effect would have to come before themselves.
    fn rules_contradict(&self) -> bool {
        let View { actions, after, .. } = self.view;
        let mut placed = vec![false; actions.len()];
        loop {
            let ready = |one: &usize| !placed[*one] && after[*one].iter().all(|&one| placed[one]);
            let next: Vec<usize> = (0..actions.len()).filter(ready).collect();
            if next.is_empty() {
                return (0..actions.len()).any(|one| self.is_needed[one] && !placed[one]);
            }
            for one in next {
                placed[one] = true;
            }
        }
    }

    /// Places all pure observations that fit.
    fn settle(&mut self, configuration: &mut Configuration, last: &mut usize) {
        loop {
            let before = configuration.placed.clone();
            for one in 0..self.view.actions.len() {
                let action = &self.view.actions[one];
                let fits = action.observes == Some(configuration.values[action.register]);
                if fits && action.writes.is_none() && self.can_be_next(configuration, one) {
                    configuration.place(one);
                    *last = self.placed(*last, one);
                }
            }
            if configuration.placed == before {
                return;
            }
        }
    }

    fn is_observer_left(&self, configuration: &Configuration) -> bool {
        self.view.actions.iter().enumerate().any(|(one, action)| {
            self.is_needed[one] && action.observes.is_some() && !configuration.has(one)
        })
    }

    /// Mutations that are wanted at once come last, so that they are tried first; then the earlier ones.
    fn push_candidates(
        &mut self,
        configuration: &Configuration,
        last: usize,
        open: &mut Vec<(Configuration, usize)>,
    ) {
        let wanted = self.wanted(configuration);
        let view = self.view;
        let actions = &view.actions;
        let mut candidates: Vec<(bool, usize)> = Vec::new();
        for (one, action) in actions.iter().enumerate() {
            let Some(written) = action.writes else {
                continue;
            };
            let held = configuration.values[action.register];
            let fits = action.observes.is_none_or(|value| value == held);
            let is_wanted = wanted.contains(&(action.register, written));
            let must_be = action.observes.is_some() || self.is_followed[one] || is_wanted;
            if fits && must_be && self.can_be_next(configuration, one) {
                candidates.push((is_wanted, one));
            }
        }
        candidates.sort_by_key(|&(is_wanted, one)| (is_wanted, std::cmp::Reverse(one)));
        for (_, one) in candidates {
            let mut after = configuration.clone();
            after.place(one);
            let action = &actions[one];
            after.values[action.register] = action.writes.unwrap_or_default();
            let last = self.placed(last, one);
            open.push((after, last));
        }
    }

    /// The values that observations want which can be next.
    fn wanted(&self, configuration: &Configuration) -> HashSet<(usize, u32)> {
        let actions = self.view.actions.iter().enumerate();
        actions
            .filter(|(one, _)| self.can_be_next(configuration, *one))
            .filter_map(|(_, action)| Some((action.register, action.observes?)))
            .collect()
    }

    fn can_be_next(&self, configuration: &Configuration, one: usize) -> bool {
        !configuration.has(one)
            && self.view.after[one]
                .iter()
                .all(|&before| configuration.has(before))
    }
}

fn needed(view: &View) -> Vec<bool> {
    let mut needed = vec![false; view.actions.len()];
    let mandatory = |one: &usize| view.actions[*one].mandatory;
    let mut open: Vec<usize> = (0..view.actions.len()).filter(mandatory).collect();
    while let Some(one) = open.pop() {
        if !std::mem::replace(&mut needed[one], true) {
            open.extend(&view.after[one]);
        }
    }
    needed
}

impl Configuration {
    fn has(&self, one: usize) -> bool {
        self.placed[one / 64] >> (one % 64) & 1 == 1
    }

    fn place(&mut self, one: usize) {
        self.placed[one / 64] |= 1 << (one % 64);
    }
}
