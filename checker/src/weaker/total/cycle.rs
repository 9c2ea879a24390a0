//! A short cycle of a graph.

use std::collections::VecDeque;
use std::ops::Range;

/// From how many nodes one is looked for.
const STARTS: usize = 32;

/// A short cycle, if there is one; looked for near some nodes first.
pub(super) fn find(after: &[Vec<usize>], near: Range<usize>) -> Option<Vec<usize>> {
    let core = core(after);
    let nodes: Vec<usize> = (0..after.len()).filter(|&one| core[one]).collect();
    let first = nodes.first()?;
    let step = nodes.len().div_ceil(STARTS);
    let close = near.rev().filter(|&one| core[one]).take(STARTS);
    let spread = nodes.iter().copied().step_by(step);
    close
        .chain(spread)
        .chain([*first])
        .filter_map(|start| shortest_through(after, &core, start))
        .min_by_key(Vec::len)
        .or_else(|| walk(after, &core, *first))
}

/// What is left when everything without a node before or after it is gone, again and again: cycles and what lies between them.
fn core(after: &[Vec<usize>]) -> Vec<bool> {
    let mut before: Vec<Vec<usize>> = vec![Vec::new(); after.len()];
    for (one, others) in after.iter().enumerate() {
        for &other in others {
            before[other].push(one);
        }
    }
    let mut core = vec![true; after.len()];
    peel(&mut core, &before, after);
    peel(&mut core, after, &before);
    core
}

/// Removes what has nothing left on one side; `back` is that side, `on` the other.
fn peel(core: &mut [bool], back: &[Vec<usize>], on: &[Vec<usize>]) {
    let count = |one: usize, core: &[bool]| back[one].iter().filter(|&&other| core[other]).count();
    let mut left: Vec<usize> = (0..core.len()).map(|one| count(one, core)).collect();
    let mut open: Vec<usize> = (0..core.len())
        .filter(|&one| core[one] && left[one] == 0)
        .collect();
    while let Some(one) = open.pop() {
        core[one] = false;
        for &other in &on[one] {
            left[other] -= 1;
            if left[other] == 0 && core[other] {
                open.push(other);
            }
        }
    }
}

/// Breadth first.
fn shortest_through(after: &[Vec<usize>], core: &[bool], start: usize) -> Option<Vec<usize>> {
    let mut from = vec![usize::MAX; after.len()];
    let mut open = VecDeque::from([start]);
    while let Some(one) = open.pop_front() {
        for &other in after[one].iter().filter(|&&other| core[other]) {
            if other == start {
                let back = |&at: &usize| Some(from[at]).filter(|&before| before != usize::MAX);
                return Some(std::iter::successors(Some(one), back).collect());
            }
            if from[other] == usize::MAX {
                from[other] = one;
                open.push_back(other);
            }
        }
    }
    None
}

/// Goes on from a node within the core until a node comes again.
fn walk(after: &[Vec<usize>], core: &[bool], start: usize) -> Option<Vec<usize>> {
    let mut step_of = vec![usize::MAX; after.len()];
    let mut path = Vec::new();
    let mut one = start;
    while step_of[one] == usize::MAX {
        step_of[one] = path.len();
        path.push(one);
        one = *after[one].iter().find(|&&other| core[other])?;
    }
    Some(path.split_off(step_of[one]))
}
