//! Elements that were never added, and elements that are gone though nobody removed them.

use std::collections::BTreeMap;

use super::words::{acknowledged, called, failed, then};
use super::{Claim, call, is_ok, may_be};
use crate::certify::meaning::{Act, Item, Object};
use crate::value::Value;
use crate::verdict::AnomalyClass;

/// What was done to one element, and who saw it or missed it.
#[derive(Default)]
struct Story<'o, 'h> {
    adds: Vec<&'o Item<'h>>,
    failed: Vec<&'o Item<'h>>,
    removes: Vec<&'o Item<'h>>,
    seen: Vec<&'o Item<'h>>,
    missed: Vec<&'o Item<'h>>,
}

pub(super) fn find(object: &Object<'_>) -> Option<Claim> {
    let initial = object.initial.as_list().unwrap_or_default();
    let stories = stories(object);
    let each = || stories.iter().filter(|(value, _)| !initial.contains(value));
    let gone = each().filter_map(|(value, story)| gone(value, story));
    let unwritten = each().filter_map(|(value, story)| unwritten(value, story));
    gone.chain(unwritten).next()
}

fn stories<'o, 'h>(object: &'o Object<'h>) -> BTreeMap<&'h Value, Story<'o, 'h>> {
    let mut stories: BTreeMap<&Value, Story<'_, '_>> = BTreeMap::new();
    for item in &object.items {
        let Act::Element(element) = &item.act else {
            continue;
        };
        let story = stories.entry(element.value).or_default();
        match element.becomes {
            Some(true) if may_be(item) => story.adds.push(item),
            Some(true) => story.failed.push(item),
            // One that found nothing removed nothing.
            Some(false) if may_be(item) && element.was != Some(false) => story.removes.push(item),
            Some(false) | None => {}
        }
        match element.was.filter(|_| is_ok(item)) {
            Some(true) => story.seen.push(item),
            Some(false) => story.missed.push(item),
            None => {}
        }
    }
    for item in object.items.iter().filter(|item| is_ok(item)) {
        let Act::Listing(elements) = &item.act else {
            continue;
        };
        for element in elements {
            stories.entry(element).or_default().seen.push(item);
        }
        for (element, story) in &mut stories {
            if !elements.contains(element) {
                story.missed.push(item);
            }
        }
    }
    stories
}

/// Nothing but an add makes an element be there.
fn unwritten(value: &Value, story: &Story<'_, '_>) -> Option<Claim> {
    let first = story.adds.iter().map(|add| call(add)).min();
    let observer = story
        .seen
        .iter()
        .find(|seen| first.is_none_or(|first| first > seen.ret()))?;
    let source = story.failed.iter().find(|add| call(add) < observer.ret());
    let saw = format!("{} saw {value}", called(observer, &observer.operation.f));
    Some(match source {
        Some(source) => Claim {
            class: AnomalyClass::DirtyRead,
            operations: vec![source.id(), observer.id()],
            explanation: format!("{}; {saw}", failed(source, &format!("add of {value}"))),
        },
        None => Claim {
            class: AnomalyClass::PhantomValue,
            operations: vec![observer.id()],
            explanation: format!("{saw}, which nobody had added"),
        },
    })
}

/// What was there is still there, if no remove can have come in between.
fn gone(value: &Value, story: &Story<'_, '_>) -> Option<Claim> {
    let removed = |from: &Item<'_>, to: &Item<'_>| {
        let mut removes = story.removes.iter();
        removes.any(|one| call(one) < to.ret() && one.ret() > call(from))
    };
    let before = |from: &Item<'_>, to: &Item<'_>| from.ret() < call(to) && !removed(from, to);
    for observer in &story.missed {
        let missing = format!("did not have it, though nobody removed {value}");
        let add = story
            .adds
            .iter()
            .find(|add| is_ok(add) && before(add, observer));
        if let Some(add) = add {
            let seen_again = story.seen.iter().any(|seen| seen.ret() > call(observer));
            let (class, end) = match (seen_again, story.seen.is_empty()) {
                (true, _) => (AnomalyClass::StaleRead, "; others saw it later"),
                (false, true) => (AnomalyClass::LostUpdate, "; nobody ever saw it"),
                (false, false) => (AnomalyClass::LostUpdate, "; nobody saw it again"),
            };
            return Some(Claim {
                class,
                operations: vec![add.id(), observer.id()],
                explanation: format!(
                    "{}; {} {missing}{end}",
                    acknowledged(add, &format!("added {value}")),
                    then(add, observer, &observer.operation.f)
                ),
            });
        }
        if let Some(seen) = story.seen.iter().find(|seen| before(seen, observer)) {
            return Some(Claim {
                class: AnomalyClass::NonMonotonicRead,
                operations: vec![seen.id(), observer.id()],
                explanation: format!(
                    "{} saw {value}; {} {missing}",
                    called(seen, &seen.operation.f),
                    then(seen, observer, &observer.operation.f)
                ),
            });
        }
    }
    None
}
