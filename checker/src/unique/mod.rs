//! Registers whose written values are all different: exact, in the time of a sort.
//!
//! Who wrote what was seen is then known (Gibbons and Korach 1997, "Testing shared memories", on read-mapped registers; here with
//! compare-and-set and indeterminate operations). See [`blocks`] for the theorem. Where it does not apply, the search answers.

#[cfg(test)]
mod agreement;
mod blocks;

use std::collections::BTreeSet;

use crate::history::{OpId, Outcome};
use crate::models::machine::NEVER;
use crate::models::register::{Action, Register, RegisterOp, ValueId};
use crate::search::Answer;
use crate::value::Value;
use blocks::{Judgement, judge};

/// The answer, or `None` if a value that matters is written twice or a read has no known result.
pub(crate) fn check(register: &Register) -> Option<Answer> {
    let operations: Vec<RegisterOp> = register.relevant().into_iter().map(spread).collect();
    if operations
        .iter()
        .any(|operation| operation.action == Action::ReadAny)
    {
        return None;
    }
    match judge_in(register, &operations)? {
        Judgement::Legal(blocks) => Some(Answer::Valid(blocks.order())),
        Judgement::Illegal => first_failure(register, &operations),
    }
}

/// Leaves a place before each position and one before the first, for a virtual read and for the initial write.
fn spread(operation: RegisterOp) -> RegisterOp {
    let apart = |position: u64| {
        if position == NEVER {
            NEVER
        } else {
            2 * position + 2
        }
    };
    RegisterOp {
        call: apart(operation.call),
        ret: apart(operation.ret),
        ..operation
    }
}

/// Whatever is illegal up to some return stays so: the first such return is found by halving.
fn first_failure(register: &Register, operations: &[RegisterOp]) -> Option<Answer> {
    let mut returning: Vec<&RegisterOp> = operations
        .iter()
        .filter(|operation| operation.ret != NEVER)
        .collect();
    returning.sort_by_key(|operation| operation.ret);
    let legal = |end| {
        let known = prefix(operations, end);
        matches!(judge_in(register, &known), Some(Judgement::Legal(_)))
    };
    let first = returning.partition_point(|operation| legal(operation.ret + 1));
    let stuck = returning.get(first)?;
    let states = states_before(register, operations, stuck.ret)?;
    Some(Answer::Invalid {
        stuck: stuck.id,
        states,
    })
}

fn judge_in(register: &Register, operations: &[RegisterOp]) -> Option<Judgement> {
    judge(operations, register.initial, register.values.len())
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

/// The values a read just before this position could return. `None` if such a value is written twice.
fn states_before(
    register: &Register,
    operations: &[RegisterOp],
    position: u64,
) -> Option<Vec<Value>> {
    let known = prefix(operations, position);
    let Judgement::Legal(blocks) = judge_in(register, &known)? else {
        return None;
    };
    let pending = known.iter().filter(|operation| operation.ret == NEVER);
    let pending = pending.filter_map(|operation| operation.action.writes());
    let candidates: BTreeSet<ValueId> = blocks.last_values().chain(pending).collect();
    let mut states = Vec::new();
    for value in candidates {
        if let Judgement::Legal(_) = judge_in(register, &with_read(&known, value, position - 1))? {
            states.push(register.values.get(value).clone());
        }
    }
    states.sort();
    Some(states)
}

/// Adds a read that takes no time.
fn with_read(known: &[RegisterOp], value: ValueId, now: u64) -> Vec<RegisterOp> {
    let read = RegisterOp {
        id: OpId(usize::MAX),
        outcome: Outcome::Ok,
        call: now,
        ret: now,
        action: Action::Read(value),
    };
    known.iter().copied().chain([read]).collect()
}
