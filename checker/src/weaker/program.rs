//! The operations of a history as the weaker models see them, and who may have written what was seen.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::budget::{Limit, Watch};
use crate::certify::meaning::{self, Act, Item, Part};
use crate::history::{History, OpId, Outcome};
use crate::models::ModelSpec;
use crate::value::Value;

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
    /// Where it is in real time: a hint, no more.
    pub(super) call: u64,
    pub(super) ret: u64,
}

/// All operations on the registers of a history, in the order of their calls.
pub(super) struct Program {
    pub(super) actions: Vec<Action>,
    /// The first value of each register.
    pub(super) initial: Vec<u32>,
    /// Who writes a value to a register, in the order of the calls.
    writers: HashMap<(usize, u32), Vec<usize>>,
}

/// Where a value that was observed came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Source {
    /// It was there from the start, and nobody writes it.
    Initial,
    /// Only this operation writes it.
    One(usize),
    /// It may have come from several places.
    Several,
    /// Nobody writes it.
    Nobody,
}

impl Program {
    /// `None` if the objects are no registers, or the history is not one of the model.
    pub(super) fn new(
        history: &History,
        spec: &ModelSpec,
        watch: &Watch<'_>,
    ) -> Result<Option<Self>, Limit> {
        if !spec.name.is_single_register() {
            return Ok(None);
        }
        let Ok(objects) = meaning::objects(history, spec, watch) else {
            return watch.look().map(|()| None);
        };
        let mut values: BTreeMap<&Value, u32> = BTreeMap::new();
        let mut actions = Vec::new();
        let mut initial = Vec::new();
        for (register, object) in objects.values().enumerate() {
            watch.step()?;
            initial.push(number(&mut values, object.first_value(None)));
            let own = object
                .items
                .iter()
                .filter_map(|item| action(item, register, &mut values));
            actions.extend(own);
        }
        actions.sort_by_key(|action| action.id);
        watch.look()?;
        Ok(Some(Self::of(actions, initial)))
    }

    pub(super) fn of(actions: Vec<Action>, initial: Vec<u32>) -> Self {
        let mut writers: HashMap<(usize, u32), Vec<usize>> = HashMap::new();
        for (number, action) in actions.iter().enumerate() {
            if let Some(value) = action.writes {
                let place = writers.entry((action.register, value));
                place.or_default().push(number);
            }
        }
        Self {
            actions,
            initial,
            writers,
        }
    }

    /// Some operations, with all that may have written what they observe, and so on. Whatever is left out is observed by none of them,
    /// so an order of the whole is also one of the part. Also says which operations they are.
    pub(super) fn part(&self, some: impl Iterator<Item = usize>) -> (Self, Vec<usize>) {
        let mut kept: BTreeSet<usize> = some.collect();
        let mut open: Vec<usize> = kept.iter().copied().collect();
        while let Some(observer) = open.pop() {
            let action = &self.actions[observer];
            let writers = action
                .observes
                .map_or(&[][..], |value| self.writers(action.register, value));
            open.extend(writers.iter().filter(|&&writer| kept.insert(writer)));
        }
        let places: Vec<usize> = kept.into_iter().collect();
        let mut registers: BTreeMap<usize, usize> = BTreeMap::new();
        let mut initial = Vec::new();
        let mut action = |&one: &usize| {
            let action = self.actions[one];
            let register = *registers.entry(action.register).or_insert_with(|| {
                initial.push(self.initial[action.register]);
                initial.len() - 1
            });
            Action { register, ..action }
        };
        let actions = places.iter().map(&mut action).collect();
        (Self::of(actions, initial), places)
    }

    /// The last operations up to one.
    pub(super) fn last_until(&self, near: OpId, size: usize) -> std::ops::Range<usize> {
        let until = self.actions.partition_point(|action| action.id <= near);
        until.saturating_sub(size)..until
    }

    /// Who observes anything: for them a guarantee may not hold.
    pub(super) fn observers(&self) -> Vec<i64> {
        let observing = self.actions.iter().filter(|one| one.observes.is_some());
        let processes: BTreeSet<i64> = observing.map(|one| one.process).collect();
        processes.into_iter().collect()
    }

    /// The operations of each process, in its order.
    pub(super) fn by_process(&self) -> BTreeMap<i64, Vec<usize>> {
        let mut processes: BTreeMap<i64, Vec<usize>> = BTreeMap::new();
        for (number, action) in self.actions.iter().enumerate() {
            processes.entry(action.process).or_default().push(number);
        }
        processes
    }

    /// An estimate of what it holds, and what is drawn from it.
    pub(super) fn bytes(&self) -> u64 {
        (self.actions.len() * 4 * size_of::<Action>()) as u64
    }

    /// Who may have written a value to a register.
    pub(super) fn writers(&self, register: usize, value: u32) -> &[usize] {
        self.writers
            .get(&(register, value))
            .map_or(&[], Vec::as_slice)
    }

    /// Where a value of a register comes from.
    pub(super) fn source(&self, register: usize, value: u32) -> Source {
        let initially = self.initial[register] == value;
        match (self.writers(register, value), initially) {
            ([], true) => Source::Initial,
            ([], false) => Source::Nobody,
            (&[one], false) => Source::One(one),
            _ => Source::Several,
        }
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
        call: item.operation.call,
        ret: item.ret(),
    })
}

fn number<'h>(values: &mut BTreeMap<&'h Value, u32>, value: &'h Value) -> u32 {
    let next = values.len() as u32;
    *values.entry(value).or_insert(next)
}
