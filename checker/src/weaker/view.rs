//! What must be ordered, and what must come before what.

use std::collections::{BTreeMap, BTreeSet};

use super::WeakerModel;
use crate::certify::meaning::{self, Act, Item, Part};
use crate::history::{History, OpId, Outcome};
use crate::models::{ModelName, ModelSpec};
use crate::value::Value;

/// The longest history that is ordered.
const MAX_OPERATIONS: usize = 4096;

/// An operation on one of several registers; values and registers are numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Action {
    pub(super) id: OpId,
    pub(super) process: i64,
    pub(super) register: usize,
    /// It took effect. Otherwise it may have.
    pub(super) mandatory: bool,
    pub(super) observes: Option<u32>,
    pub(super) writes: Option<u32>,
}

/// All operations on the registers of a history, in the order of their calls.
pub(super) struct Program {
    pub(super) actions: Vec<Action>,
    /// The first value of each register.
    pub(super) initial: Vec<u32>,
}

/// Some operations, and which of them each comes after.
pub(super) struct View {
    pub(super) actions: Vec<Action>,
    pub(super) after: Vec<Vec<usize>>,
    pub(super) initial: Vec<u32>,
}

impl Program {
    /// `None` if the objects are no registers.
    pub(super) fn new(history: &History, spec: &ModelSpec) -> Option<Self> {
        match spec.name {
            ModelName::Register | ModelName::CasRegister | ModelName::Kv | ModelName::Mutex => {}
            ModelName::MultiRegister | ModelName::KvAppend => return None,
        }
        let objects = meaning::objects(history, spec).ok()?;
        let mut values: BTreeMap<&Value, u32> = BTreeMap::new();
        let mut actions = Vec::new();
        let mut initial = Vec::new();
        for (register, object) in objects.values().enumerate() {
            initial.push(number(&mut values, object.first_value(None)));
            let own = object
                .items
                .iter()
                .filter_map(|item| action(item, register, &mut values));
            actions.extend(own);
        }
        actions.sort_by_key(|action| action.id);
        Some(Self { actions, initial })
    }

    /// Some operations up to one, with all that may have written what they observe, and so on. Whatever is left out is observed by none
    /// of them, so an order of the whole is also one of the part.
    pub(super) fn part(&self, near: OpId, size: usize) -> Self {
        let until = self.actions.partition_point(|action| action.id <= near);
        let mut kept: BTreeSet<usize> = (until.saturating_sub(size)..until).collect();
        let mut open: Vec<usize> = kept.iter().copied().collect();
        while let Some(observer) = open.pop() {
            let writers = self.writers_of(&self.actions[observer]);
            open.extend(writers.into_iter().filter(|&writer| kept.insert(writer)));
        }
        Self {
            actions: kept.into_iter().map(|one| self.actions[one]).collect(),
            initial: self.initial.clone(),
        }
    }

    /// Who sees an order of its own; `None` where all see the same.
    pub(super) fn observers(&self, model: WeakerModel) -> Vec<Option<i64>> {
        match model {
            WeakerModel::Sequential => vec![None],
            WeakerModel::MonotonicReads
            | WeakerModel::ReadYourWrites
            | WeakerModel::MonotonicWrites
            | WeakerModel::WritesFollowReads => {
                let observing = self.actions.iter().filter(|one| one.observes.is_some());
                let processes: BTreeSet<i64> = observing.map(|one| one.process).collect();
                processes.into_iter().map(Some).collect()
            }
        }
    }

    /// What an observer must order. `None` if that is too much, or if it is not known who wrote what was observed.
    pub(super) fn view(&self, model: WeakerModel, observer: Option<i64>) -> Option<View> {
        if self.actions.len() > MAX_OPERATIONS {
            return None;
        }
        // Where each operation of the program is in the view.
        let mut places = BTreeMap::new();
        let mut actions = Vec::new();
        for (number, action) in self.actions.iter().enumerate() {
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
        for (one, other) in self.rules(model, observer)? {
            if let (Some(&one), Some(&other)) = (places.get(&one), places.get(&other)) {
                after[other].push(one);
            }
        }
        Some(View {
            actions,
            after,
            initial: self.initial.clone(),
        })
    }

    /// Pairs of which the first comes before the second.
    fn rules(&self, model: WeakerModel, observer: Option<i64>) -> Option<Vec<(usize, usize)>> {
        let is_own = |one: &Action| observer == Some(one.process);
        let observations = |one: &Action| is_own(one) && one.observes.is_some();
        Some(match model {
            WeakerModel::Sequential => self.chains(|_| true),
            WeakerModel::MonotonicReads => self.chains(observations),
            WeakerModel::ReadYourWrites => self.pairs(
                |one| is_own(one) && one.writes.is_some() && one.mandatory,
                |other| is_own(other) && other.observes.is_some(),
            ),
            WeakerModel::MonotonicWrites => {
                let mutations = self.chains(|one| one.writes.is_some());
                [self.chains(observations), mutations].concat()
            }
            WeakerModel::WritesFollowReads => {
                [self.chains(observations), self.follow_ups()?].concat()
            }
        })
    }

    /// Each of the chosen operations comes after the one before it in its process that took effect.
    fn chains(&self, chosen: impl Fn(&Action) -> bool) -> Vec<(usize, usize)> {
        let mut last: BTreeMap<i64, usize> = BTreeMap::new();
        let mut rules = Vec::new();
        for (number, action) in self.actions.iter().enumerate() {
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
        &self,
        first: impl Fn(&Action) -> bool,
        second: impl Fn(&Action) -> bool,
    ) -> Vec<(usize, usize)> {
        let mut before = Vec::new();
        let mut rules = Vec::new();
        for (number, action) in self.actions.iter().enumerate() {
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
    fn follow_ups(&self) -> Option<Vec<(usize, usize)>> {
        let mut observed: BTreeMap<i64, BTreeSet<usize>> = BTreeMap::new();
        let mut rules = Vec::new();
        for (number, action) in self.actions.iter().enumerate() {
            let seen = observed.entry(action.process).or_default();
            if let (Some(value), true) = (action.observes, action.mandatory) {
                let writers = self.writers_of(action);
                let initially = self.initial[action.register] == value;
                match (&writers[..], initially) {
                    ([], _) => {}
                    ([writer], false) => {
                        seen.insert(*writer);
                    }
                    _ => return None,
                }
            }
            if action.writes.is_some() {
                rules.extend(seen.iter().map(|&source| (source, number)));
            }
        }
        Some(rules)
    }

    /// Who may have written what an operation observes.
    fn writers_of(&self, observer: &Action) -> Vec<usize> {
        let Some(value) = observer.observes else {
            return Vec::new();
        };
        let wrote = |one: &Action| one.writes == Some(value) && one.register == observer.register;
        (0..self.actions.len())
            .filter(|&one| wrote(&self.actions[one]))
            .collect()
    }
}

/// `None` for what failed, or says nothing.
fn action<'h>(
    item: &Item<'h>,
    register: usize,
    values: &mut BTreeMap<&'h Value, u32>,
) -> Option<Action> {
    let Act::Parts(parts) = &item.act else {
        return None;
    };
    let (mut observes, mut writes) = (None, None);
    for part in parts {
        match part {
            Part::Read(_, value) => observes = Some(number(values, value)),
            Part::Write(_, value) => writes = Some(number(values, value)),
        }
    }
    let mandatory = item.operation.outcome == Outcome::Ok;
    let counts = match item.operation.outcome {
        Outcome::Ok => observes.is_some() || writes.is_some(),
        Outcome::Info => writes.is_some(),
        Outcome::Fail => false,
    };
    counts.then_some(Action {
        id: item.id(),
        process: item.operation.process,
        register,
        mandatory,
        observes,
        writes,
    })
}

fn number<'h>(values: &mut BTreeMap<&'h Value, u32>, value: &'h Value) -> u32 {
    let next = values.len() as u32;
    *values.entry(value).or_insert(next)
}
