//! What a register's history says for certain, whatever the order: who can have written a value, who saw it, and by when.

use crate::explain::chains::Chains;
use crate::history::Outcome;
use crate::models::machine::NEVER;
use crate::models::register::{Action, Register, RegisterOp, ValueId};

/// The operations of a register by the values they write and see.
pub(super) struct Facts<'r> {
    pub(super) register: &'r Register,
    pub(super) chains: Chains,
    values: Vec<ValueFacts<'r>>,
}

/// What is known about one value. All lists are in the order of calls.
#[derive(Clone)]
struct ValueFacts<'r> {
    /// Operations that may have written it: `ok` and indeterminate ones.
    writers: Vec<&'r RegisterOp>,
    /// The last return of each writer and those called before it.
    last_return: Vec<u64>,
    /// Failed operations that would have written it.
    failed: Vec<&'r RegisterOp>,
    /// `ok` operations that saw it.
    observers: Vec<&'r RegisterOp>,
    /// The first return of a writer or observer.
    first_return: u64,
}

impl<'r> Facts<'r> {
    pub(super) fn new(register: &'r Register) -> Self {
        let mut values = vec![ValueFacts::default(); register.values.len()];
        for operation in &register.operations {
            if let Some(value) = operation.action.writes() {
                values[value as usize].add_writer(operation);
            }
            if let (Some(value), Outcome::Ok) = (operation.action.observes(), operation.outcome) {
                values[value as usize].add_observer(operation);
            }
        }
        let chains = chains(register, &values);
        Self {
            register,
            chains,
            values,
        }
    }

    /// `ok` operations that saw a value.
    pub(super) fn observers(&self, value: ValueId) -> &[&'r RegisterOp] {
        &self.of(value).observers
    }

    /// Operations that may have written a value, called before a position.
    pub(super) fn writers(&self, value: ValueId, before: u64) -> &[&'r RegisterOp] {
        let writers = &self.of(value).writers;
        &writers[..writers.partition_point(|writer| writer.call < before)]
    }

    /// A failed operation that would have written a value, called before a position.
    pub(super) fn failed_writer(&self, value: ValueId, before: u64) -> Option<&'r RegisterOp> {
        self.of(value)
            .failed
            .first()
            .copied()
            .filter(|writer| writer.call < before)
    }

    /// `ok` operations that changed the value.
    pub(super) fn mutations(&self) -> impl Iterator<Item = (&'r RegisterOp, ValueId)> {
        self.acknowledged()
            .filter_map(|operation| Some((operation, operation.action.writes()?)))
    }

    /// `ok` operations that saw a value, with the value.
    pub(super) fn observations(&self) -> impl Iterator<Item = (&'r RegisterOp, ValueId)> {
        self.acknowledged()
            .filter_map(|operation| Some((operation, operation.action.observes()?)))
    }

    /// Whether the register holds a value at most once: by one write, or from the start.
    pub(super) fn comes_once(&self, value: ValueId) -> bool {
        self.of(value).comes_once(value == self.register.initial)
    }

    /// A position from which on no write that an observation can have seen takes effect any more; `None` if one may stay in flight.
    /// A value of another chain that is shown later than this is a later value.
    ///
    /// A single write is in effect as soon as it returned or someone saw its value, and so is the chain it belongs to.
    pub(super) fn settled(&self, value: ValueId, observation: &RegisterOp) -> Option<u64> {
        let last = self.writers(value, observation.ret).len().checked_sub(1);
        let end = match last {
            Some(_) if self.comes_once(value) => self.chains.first_return(value),
            Some(last) => self.of(value).last_return[last],
            None => 0,
        };
        (end != NEVER).then_some(end)
    }

    fn of(&self, value: ValueId) -> &ValueFacts<'r> {
        &self.values[value as usize]
    }

    fn acknowledged(&self) -> impl Iterator<Item = &'r RegisterOp> {
        self.register
            .operations
            .iter()
            .filter(|operation| operation.outcome == Outcome::Ok)
    }
}

/// The chains of values that come once.
fn chains(register: &Register, values: &[ValueFacts<'_>]) -> Chains {
    let once = |value: ValueId| values[value as usize].comes_once(value == register.initial);
    let shown = |value: ValueId| {
        if value == register.initial {
            0
        } else {
            values[value as usize].first_return
        }
    };
    let all = || (0..).take(values.len());
    let predecessor: Vec<Option<ValueId>> = all()
        .map(|value| {
            let [writer] = values[value as usize].writers[..] else {
                return None;
            };
            let Action::Cas { expected, .. } = writer.action else {
                return None;
            };
            (once(value) && once(expected) && shown(value) != NEVER).then_some(expected)
        })
        .collect();
    Chains::new(&predecessor, &all().map(shown).collect::<Vec<_>>())
}

impl<'r> ValueFacts<'r> {
    fn comes_once(&self, is_initial: bool) -> bool {
        self.writers.len() + usize::from(is_initial) == 1
    }

    fn add_writer(&mut self, operation: &'r RegisterOp) {
        match operation.outcome {
            Outcome::Fail => self.failed.push(operation),
            Outcome::Ok | Outcome::Info => {
                let last = self.last_return.last().copied().unwrap_or(0);
                self.writers.push(operation);
                self.last_return.push(operation.ret.max(last));
                self.first_return = self.first_return.min(operation.ret);
            }
        }
    }

    fn add_observer(&mut self, operation: &'r RegisterOp) {
        self.observers.push(operation);
        self.first_return = self.first_return.min(operation.ret);
    }
}

impl Default for ValueFacts<'_> {
    fn default() -> Self {
        Self {
            writers: Vec::new(),
            last_return: Vec::new(),
            failed: Vec::new(),
            observers: Vec::new(),
            first_return: NEVER,
        }
    }
}

/// Whether a mutation is a compare-and-set from this value.
pub(super) fn is_cas_from(operation: &RegisterOp, value: ValueId) -> bool {
    matches!(operation.action, Action::Cas { expected, .. } if expected == value)
}
