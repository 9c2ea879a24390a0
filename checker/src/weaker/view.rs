//! What must be ordered, and what must come before what.

use std::collections::{BTreeMap, BTreeSet};

use super::WeakerModel;
use super::program::{Action, Program, Source};

/// Some operations, and which of them each comes after.
pub(super) struct View {
    pub(super) actions: Vec<Action>,
    pub(super) after: Vec<Vec<usize>>,
    pub(super) initial: Vec<u32>,
}

impl View {
    /// What an observer must order; without one, what all must order alike. `None` if it is not known who wrote what was observed.
    pub(super) fn new(
        program: &Program,
        model: WeakerModel,
        observer: Option<i64>,
    ) -> Option<Self> {
        // Where each operation of the program is in the view.
        let mut places = BTreeMap::new();
        let mut actions = Vec::new();
        for (number, action) in program.actions.iter().enumerate() {
            let own = observer.is_none_or(|observer| observer == action.process);
            if own || action.writes.is_some() {
                places.insert(number, actions.len());
                actions.push(Action {
                    observes: action.observes.filter(|_| own),
                    ..*action
                });
            }
        }
        let mut after: Vec<Vec<usize>> = vec![Vec::new(); actions.len()];
        for (one, other) in rules(program, model, observer)? {
            if let (Some(&one), Some(&other)) = (places.get(&one), places.get(&other)) {
                after[other].push(one);
            }
        }
        Some(Self {
            actions,
            after,
            initial: program.initial.clone(),
        })
    }
}

/// Pairs of which the first comes before the second.
fn rules(
    program: &Program,
    model: WeakerModel,
    observer: Option<i64>,
) -> Option<Vec<(usize, usize)>> {
    let is_own = |one: &Action| observer == Some(one.process);
    let observations = |one: &Action| is_own(one) && one.observes.is_some();
    Some(match model {
        WeakerModel::Sequential => chains(program, |_| true),
        WeakerModel::MonotonicReads => chains(program, observations),
        WeakerModel::ReadYourWrites => pairs(
            program,
            |one| is_own(one) && one.writes.is_some() && one.mandatory,
            |other| is_own(other) && other.observes.is_some(),
        ),
        WeakerModel::MonotonicWrites => {
            let mutations = chains(program, |one| one.writes.is_some());
            [chains(program, observations), mutations].concat()
        }
        WeakerModel::WritesFollowReads => {
            [chains(program, observations), follow_ups(program)?].concat()
        }
    })
}

/// Each of the chosen operations comes after the one before it in its process that took effect.
pub(super) fn chains(program: &Program, chosen: impl Fn(&Action) -> bool) -> Vec<(usize, usize)> {
    let mut last: BTreeMap<i64, usize> = BTreeMap::new();
    let mut rules = Vec::new();
    for (number, action) in program.actions.iter().enumerate() {
        if !chosen(action) {
            continue;
        }
        rules.extend(last.get(&action.process).map(|&before| (before, number)));
        if action.mandatory {
            last.insert(action.process, number);
        }
    }
    rules
}

/// Each of the second kind comes after all of the first kind before it.
fn pairs(
    program: &Program,
    first: impl Fn(&Action) -> bool,
    second: impl Fn(&Action) -> bool,
) -> Vec<(usize, usize)> {
    let mut before = Vec::new();
    let mut rules = Vec::new();
    for (number, action) in program.actions.iter().enumerate() {
        if second(action) {
            rules.extend(before.iter().map(|&one| (one, number)));
        }
        if first(action) {
            before.push(number);
        }
    }
    rules
}

/// Each mutation comes after those that its process had observed. `None` if it is not certain which those are.
fn follow_ups(program: &Program) -> Option<Vec<(usize, usize)>> {
    let mut observed: BTreeMap<i64, BTreeSet<usize>> = BTreeMap::new();
    let mut rules = Vec::new();
    for (number, action) in program.actions.iter().enumerate() {
        let seen = observed.entry(action.process).or_default();
        if let (Some(value), true) = (action.observes, action.mandatory) {
            match program.source(action.register, value) {
                Source::Initial | Source::Nobody => {}
                Source::One(writer) => {
                    seen.insert(writer);
                }
                Source::Several => return None,
            }
        }
        if action.writes.is_some() {
            rules.extend(seen.iter().map(|&source| (source, number)));
        }
    }
    Some(rules)
}
