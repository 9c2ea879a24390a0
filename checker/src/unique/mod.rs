//! Registers whose written values are all different: exact, in the time of a sort.
//!
//! Who wrote what was seen is then known (Gibbons and Korach 1997, "Testing shared memories", on read-mapped registers; here with
//! compare-and-set and indeterminate operations). See [`blocks`] for the theorem. Where it does not apply, the search answers.

#[cfg(test)]
mod agreement;
mod blocks;

use std::cell::Cell;
use std::collections::BTreeSet;

use rustc_hash::FxHashSet;

use crate::budget::{Budget, Limit};
use crate::engine::{Answer, Standing};
use crate::history::OpId;
use crate::models::machine::NEVER;
use crate::models::register::{Action, Register, RegisterOp, ValueId};
use crate::value::Value;
use blocks::{Judgement, judge};

/// How many operations are judged between two looks at the budget.
const OPERATIONS_PER_POLL: usize = 1 << 16;

/// The answer, or `None` if a value that matters is written twice or a read has no known result.
pub(crate) fn check(register: &Register, budget: &dyn Budget) -> Option<Answer> {
    let operations: Vec<RegisterOp> = register.relevant().into_iter().map(spread).collect();
    if operations
        .iter()
        .any(|operation| operation.action == Action::ReadAny)
    {
        return None;
    }
    let object = Unique {
        register,
        operations,
        budget,
        unpolled: Cell::new(0),
    };
    match object.check() {
        Ok(answer) => answer,
        Err(limit) => Some(Standing::default().unknown(limit)),
    }
}

/// A register whose values may be unique.
struct Unique<'u> {
    register: &'u Register,
    operations: Vec<RegisterOp>,
    budget: &'u dyn Budget,
    unpolled: Cell<usize>,
}

impl Unique<'_> {
    fn check(&self) -> Result<Option<Answer>, Limit> {
        match self.judge(&self.operations)? {
            None => Ok(None),
            Some(Judgement::Legal(blocks)) => Ok(Some(Answer::Valid(blocks.order()))),
            Some(Judgement::Illegal(conflict)) => self.first_failure(&conflict),
        }
    }

    fn judge(&self, operations: &[RegisterOp]) -> Result<Option<Judgement>, Limit> {
        let unpolled = self.unpolled.get() + operations.len();
        self.unpolled.set(unpolled);
        if unpolled > OPERATIONS_PER_POLL {
            self.unpolled.set(0);
            let estimate = 4 * size_of_val(operations) as u64;
            if let Some(limit) = self.budget.exceeded(estimate) {
                return Err(limit);
            }
        }
        let register = self.register;
        Ok(judge(operations, register.initial, register.values.len()))
    }

    /// Whatever is illegal up to some return stays so: the first such return is found by halving. The conflict of two blocks is one by
    /// itself, so that its own first return is a first guess, and nearly always right.
    fn first_failure(&self, conflict: &[OpId]) -> Result<Option<Answer>, Limit> {
        let returning = returning(&self.operations);
        let guess = self.failure_of(conflict)?.unwrap_or(NEVER);
        let mut illegal = returning.partition_point(|operation| operation.ret < guess);
        let mut legal = 0;
        if let Some(before) = illegal.checked_sub(1)
            && guess != NEVER
        {
            match self.is_legal_until(&self.operations, returning[before].ret)? {
                true => legal = illegal,
                false => illegal = before,
            }
        }
        let first = self.halve(&self.operations, &returning, legal, illegal)?;
        let Some(stuck) = returning.get(first) else {
            return Ok(None);
        };
        let states = self.states_before(stuck.ret)?;
        Ok(states.map(|states| Answer::Invalid {
            stuck: stuck.id,
            states,
        }))
    }

    /// The first return up to which these operations alone are illegal.
    fn failure_of(&self, conflict: &[OpId]) -> Result<Option<u64>, Limit> {
        let chosen: FxHashSet<OpId> = conflict.iter().copied().collect();
        let alone: Vec<RegisterOp> = self
            .operations
            .iter()
            .filter(|operation| chosen.contains(&operation.id))
            .copied()
            .collect();
        let returning = returning(&alone);
        let first = self.halve(&alone, &returning, 0, returning.len())?;
        Ok(returning.get(first).map(|operation| operation.ret))
    }

    /// The first of the returns, from one that may be legal to one that is illegal or behind all, that is illegal.
    fn halve(
        &self,
        operations: &[RegisterOp],
        returning: &[RegisterOp],
        mut legal: usize,
        mut illegal: usize,
    ) -> Result<usize, Limit> {
        while legal < illegal {
            let middle = legal.midpoint(illegal);
            if self.is_legal_until(operations, returning[middle].ret)? {
                legal = middle + 1;
            } else {
                illegal = middle;
            }
        }
        Ok(illegal)
    }

    fn is_legal_until(&self, operations: &[RegisterOp], ret: u64) -> Result<bool, Limit> {
        let judgement = self.judge(&prefix(operations, ret + 1))?;
        Ok(matches!(judgement, Some(Judgement::Legal(_))))
    }

    /// The values a read just before this position could return: those of blocks that no other must follow, those of pending writes
    /// that nobody saw, and what pending compare-and-sets that nobody saw make of them. `None` if the prefix says nothing.
    fn states_before(&self, position: u64) -> Result<Option<Vec<Value>>, Limit> {
        let known = prefix(&self.operations, position);
        let Some(Judgement::Legal(blocks)) = self.judge(&known)? else {
            return Ok(None);
        };
        let placed: FxHashSet<OpId> = blocks.order().into_iter().collect();
        let mut possible: BTreeSet<ValueId> = blocks.last_values().collect();
        let pending = known
            .iter()
            .filter(|operation| operation.ret == NEVER && !placed.contains(&operation.id));
        let (mut swaps, mut added) = (Vec::new(), true);
        for operation in pending {
            match operation.action {
                Action::Write(value) => {
                    possible.insert(value);
                }
                Action::Cas { expected, new } => swaps.push((expected, new)),
                Action::Read(_) | Action::ReadAny => {}
            }
        }
        while std::mem::take(&mut added) {
            for (expected, new) in &swaps {
                added |= possible.contains(expected) && possible.insert(*new);
            }
        }
        let value = |&value: &ValueId| self.register.values.get(value).clone();
        let mut states: Vec<Value> = possible.iter().map(value).collect();
        states.sort();
        Ok(Some(states))
    }
}

/// Leaves a place before the first position, for the initial write.
fn spread(operation: RegisterOp) -> RegisterOp {
    let apart = |position: u64| {
        if position == NEVER {
            NEVER
        } else {
            position + 1
        }
    };
    RegisterOp {
        call: apart(operation.call),
        ret: apart(operation.ret),
        ..operation
    }
}

/// The operations that return, in that order.
fn returning(operations: &[RegisterOp]) -> Vec<RegisterOp> {
    let mut returning: Vec<RegisterOp> = operations
        .iter()
        .filter(|operation| operation.ret != NEVER)
        .copied()
        .collect();
    returning.sort_by_key(|operation| operation.ret);
    returning
}

/// What is known before a position: what is pending there is optional.
fn prefix(operations: &[RegisterOp], end: u64) -> Vec<RegisterOp> {
    let called = operations
        .iter()
        .take_while(|operation| operation.call < end);
    called
        .map(|operation| match operation.ret < end {
            true => *operation,
            false => RegisterOp {
                ret: NEVER,
                ..*operation
            },
        })
        .collect()
}
