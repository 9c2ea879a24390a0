//! What a story asks for that cannot be: names nobody has, conditions that exclude each other, steps that wait for themselves.

use super::condition::{Condition, Fact};
use super::nodes::Nodes;
use super::view::Moment;
use super::words::{Wrong, wrong};
use super::{End, StoryStep};
use std::collections::BTreeSet;

/// Refuses the first step that cannot be carried out, with its place.
pub(super) fn check(steps: &[StoryStep]) -> Result<(), (usize, Wrong)> {
    let mut bound = BTreeSet::new();
    let mut names = BTreeSet::new();
    for (number, step) in steps.iter().enumerate() {
        let at = |wrong| (number, wrong);
        if !names.insert(&step.name) {
            let message = format!("another step is called {} too: rename one", step.name);
            return Err((number, Wrong(message)));
        }
        known_names(step, &mut bound).map_err(at)?;
        known_steps(step, steps).map_err(at)?;
        agree(&step.when).map_err(at)?;
        if let End::Until(conditions) = &step.end {
            agree(conditions).map_err(at)?;
        }
    }
    match waits_for_itself(steps) {
        Some(number) => {
            let message = "it waits for something that waits for it: say what comes first";
            Err((number, Wrong(message.to_owned())))
        }
        None => Ok(()),
    }
}

/// Names are given before they are used: in a step before, or in the same one.
fn known_names<'a>(step: &'a StoryStep, bound: &mut BTreeSet<&'a str>) -> Result<(), Wrong> {
    let know = |nodes: Vec<&Nodes>, bound: &BTreeSet<&str>| {
        let mut names = nodes.into_iter().flat_map(Nodes::names);
        match names.find(|name| !bound.contains(name)) {
            Some(name) => wrong(format!(
                "nobody is called {name} yet: write bind = \"{name} = leader\" in this step or before"
            )),
            None => Ok(()),
        }
    };
    for condition in &step.when {
        know(condition.facts().flat_map(Fact::nodes).collect(), bound)?;
    }
    for (name, nodes) in &step.bind {
        know(vec![nodes], bound)?;
        bound.insert(name);
    }
    for act in &step.acts {
        know(act.nodes(), bound)?;
    }
    if let End::Until(conditions) = &step.end {
        for condition in conditions {
            know(condition.facts().flat_map(Fact::nodes).collect(), bound)?;
        }
    }
    Ok(())
}

fn known_steps(step: &StoryStep, steps: &[StoryStep]) -> Result<(), Wrong> {
    let mut moments = begins_after(step).into_iter().chain(ends_after(step));
    match moments.find(|moment| steps.iter().all(|other| other.name != moment.step())) {
        Some(moment) => wrong(format!(
            "there is no step {:?}: use the name of one",
            moment.step()
        )),
        None => Ok(()),
    }
}

/// What must have come before it acts.
fn begins_after(step: &StoryStep) -> Vec<&Moment> {
    step.after.iter().chain(moments(&step.when)).collect()
}

fn ends_after(step: &StoryStep) -> Vec<&Moment> {
    match &step.end {
        End::Until(conditions) => moments(conditions).collect(),
        End::After(_) => Vec::new(),
    }
}

/// What must have come for all of these to hold.
fn moments(conditions: &[Condition]) -> impl Iterator<Item = &Moment> {
    let single = conditions.iter().filter_map(Condition::single);
    single
        .filter(|test| !test.not)
        .filter_map(|test| match &test.of {
            Fact::Step(moment) => Some(moment),
            Fact::Leads(_)
            | Fact::Role(..)
            | Fact::Answers(_)
            | Fact::Reached(..)
            | Fact::Ahead { .. }
            | Fact::Passed(_)
            | Fact::At(_) => None,
        })
}

/// The first step that can never come to its end, because it waits for something that waits for it.
///
/// Whatever may come comes, until nothing new does.
fn waits_for_itself(steps: &[StoryStep]) -> Option<usize> {
    let mut come = BTreeSet::new();
    loop {
        let before = come.len();
        for step in steps {
            let (begun, ended) = (
                Moment::Begun(step.name.clone()),
                Moment::Ended(step.name.clone()),
            );
            if begins_after(step)
                .into_iter()
                .all(|moment| come.contains(moment))
            {
                come.insert(begun.clone());
            }
            let has_begun = come.contains(&begun);
            if has_begun
                && ends_after(step)
                    .into_iter()
                    .all(|moment| come.contains(moment))
            {
                come.insert(ended);
            }
        }
        if come.len() == before {
            break;
        }
    }
    let ends = |step: &StoryStep| come.contains(&Moment::Ended(step.name.clone()));
    steps.iter().position(|step| !ends(step))
}

/// Conditions that must hold at once may not exclude each other.
fn agree(conditions: &[Condition]) -> Result<(), Wrong> {
    for (number, first) in conditions.iter().enumerate() {
        for second in &conditions[number + 1..] {
            let pair = first.single().zip(second.single());
            let exclude = pair.is_some_and(|(a, b)| match a.not == b.not {
                true => !a.not && are_rivals(&a.of, &b.of),
                false => a.of == b.of,
            });
            if exclude {
                return wrong(format!("\"{first}\" and \"{second}\" never hold at once"));
            }
        }
        for fact in first.facts() {
            ahead_of_itself(fact)?;
        }
    }
    Ok(())
}

fn are_rivals(first: &Fact, second: &Fact) -> bool {
    let apart = |a: &Nodes, b: &Nodes| match (a.plain(), b.plain()) {
        (Some(a), Some(b)) => a.is_disjoint(&b),
        _ => false,
    };
    match (first, second) {
        (Fact::Leads(a), Fact::Leads(b)) => apart(a, b),
        (Fact::Role(a, x), Fact::Role(b, y)) => a == b && a.count().is_none() && x != y,
        _ => false,
    }
}

fn ahead_of_itself(fact: &Fact) -> Result<(), Wrong> {
    match fact {
        Fact::Ahead { front, back, .. } if front == back => {
            wrong(format!("{front} is never ahead of itself"))
        }
        Fact::Ahead { front, back, .. } if front.needs_opposite() && back.needs_opposite() => {
            wrong("others are on both sides: say whom the others are opposite to")
        }
        Fact::Ahead { .. }
        | Fact::Leads(_)
        | Fact::Role(..)
        | Fact::Answers(_)
        | Fact::Reached(..)
        | Fact::Passed(_)
        | Fact::At(_)
        | Fact::Step(_) => Ok(()),
    }
}
