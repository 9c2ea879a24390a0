//! Elements that were never added, and elements that are gone though nobody removed them.

use std::collections::BTreeMap;

use super::reach::{Reach, in_flight, returned};
use super::suspects::suspects;
use super::words::{acknowledged, called, failed, then};
use super::{Claim, call, is_ok, may_be};
use crate::budget::{Limit, Watch};
use crate::certify::meaning::{Act, Element, Item, Object};
use crate::value::Value;
use crate::verdict::AnomalyClass;

/// How many elements are looked at closely.
const MAX_SUSPECTS: usize = 256;

/// What was done to one element, and who saw it or missed it.
#[derive(Default)]
struct Story<'o, 'h> {
    adds: Vec<&'o Item<'h>>,
    failed: Vec<&'o Item<'h>>,
    removes: Vec<&'o Item<'h>>,
    seen: Vec<&'o Item<'h>>,
    missed: Vec<&'o Item<'h>>,
}

pub(super) fn find(object: &Object<'_>, watch: &Watch<'_>) -> Result<Option<Claim>, Limit> {
    let initial = object.initial.as_list().unwrap_or_default();
    let stories = stories(object, watch)?;
    let each = || stories.iter().filter(|(value, _)| !initial.contains(value));
    let gone = each().filter_map(|(value, story)| gone(value, story));
    let unwritten = each().filter_map(|(value, story)| unwritten(value, story));
    Ok(gone.chain(unwritten).next())
}

/// The stories of what is suspicious.
fn stories<'o, 'h>(
    object: &'o Object<'h>,
    watch: &Watch<'_>,
) -> Result<BTreeMap<&'h Value, Story<'o, 'h>>, Limit> {
    let suspects = suspects(object, watch)?.into_iter().take(MAX_SUSPECTS);
    let mut stories: BTreeMap<&Value, Story<'_, '_>> = suspects
        .map(|element| (element, Story::default()))
        .collect();
    for item in &object.items {
        watch.step()?;
        if let Act::Element(element) = &item.act
            && let Some(story) = stories.get_mut(element.value)
        {
            story.add(item, element);
        }
    }
    for item in object.items.iter().filter(|item| is_ok(item)) {
        let Act::Listing(elements) = &item.act else {
            continue;
        };
        for (element, story) in &mut stories {
            watch.step()?;
            match elements.contains(element) {
                true => story.seen.push(item),
                false => story.missed.push(item),
            }
        }
    }
    Ok(stories)
}

impl<'o, 'h> Story<'o, 'h> {
    fn add(&mut self, item: &'o Item<'h>, element: &Element<'h>) {
        match element.becomes {
            Some(true) if may_be(item) => self.adds.push(item),
            Some(true) => self.failed.push(item),
            // One that found nothing removed nothing.
            Some(false) if may_be(item) && element.was != Some(false) => self.removes.push(item),
            Some(false) | None => {}
        }
        match element.was.filter(|_| is_ok(item)) {
            Some(true) => self.seen.push(item),
            Some(false) => self.missed.push(item),
            None => {}
        }
    }
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
fn gone<'o, 'h>(value: &Value, story: &Story<'o, 'h>) -> Option<Claim> {
    let removes = in_flight(story.removes.iter().copied());
    let added = returned(story.adds.iter().copied().filter(|add| is_ok(add)));
    let seen = returned(story.seen.iter().copied());
    let last_seen = story.seen.iter().map(|seen| seen.ret()).max();
    for observer in &story.missed {
        let missing = format!("did not have it, though nobody removed {value}");
        // Whoever was called before that may have come before a remove.
        let removed_by = removes.before(observer.ret()).map_or(0, |(ret, _)| ret);
        let latest = |shown: &Reach<&'o Item<'h>>| {
            let (called, item) = shown.before(call(observer))?;
            (called >= removed_by).then_some(item)
        };
        let add = latest(&added);
        if let Some(add) = add {
            let seen_again = last_seen > Some(call(observer));
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
        if let Some(seen) = latest(&seen) {
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
