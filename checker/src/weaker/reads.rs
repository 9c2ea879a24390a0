//! Monotonic reads, by counting.
//!
//! The observations of a process stand in their order, and nothing else is ordered. So each register is on its own: between two
//! observations any mutation of it may be placed that has not been used. When an observation finds another value than the register
//! holds, one mutation that writes its value is used up; when it finds the value that is there, none is. A mutation that is never used
//! can stand at the end. Hence: there is an order if and only if no value is needed more often than it is written.
//!
//! A compare-and-set of the process itself stands where it observes. It changes what is held there, and is of no use elsewhere. One
//! whose outcome nobody knows may be of use, but only where its expected value is: where that matters the question stays open.

use std::collections::HashMap;

use super::program::{Action, Program};
use super::{Answer, WeakerLimit};

/// Whether one process reads monotonically.
pub(super) fn follows(program: &Program, own: &[usize]) -> Answer {
    let own = || own.iter().map(|&one| &program.actions[one]);
    let needed = needed(program, own());
    let mut fixed: HashMap<(usize, u32), [usize; 2]> = HashMap::new();
    for action in own().filter(|one| one.observes.is_some()) {
        if let Some(value) = action.writes {
            fixed.entry((action.register, value)).or_default()[usize::from(action.mandatory)] += 1;
        }
    }
    let mut answer = Answer::Holds;
    for (&(register, value), &count) in &needed {
        let [perhaps, certainly] = fixed.get(&(register, value)).copied().unwrap_or_default();
        let free = program.writers(register, value).len() - perhaps - certainly;
        if count > free + perhaps {
            return Answer::Broken;
        }
        if count > free {
            answer = Answer::Open(WeakerLimit::Indeterminate);
        }
    }
    answer
}

/// How often each value must have been written anew.
fn needed<'a>(
    program: &Program,
    own: impl Iterator<Item = &'a Action>,
) -> HashMap<(usize, u32), usize> {
    let mut held: HashMap<usize, u32> = HashMap::new();
    let mut needed: HashMap<(usize, u32), usize> = HashMap::new();
    for action in own.filter(|one| one.mandatory) {
        let Some(value) = action.observes else {
            continue;
        };
        let register = action.register;
        let held = held.entry(register).or_insert(program.initial[register]);
        if *held != value {
            *needed.entry((register, value)).or_default() += 1;
        }
        *held = action.writes.unwrap_or(value);
    }
    needed
}
