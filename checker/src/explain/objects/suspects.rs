//! Which elements of a set are worth a closer look.
//!
//! Nothing can be claimed of an element unless some operation missed it behind the return of an operation that shows it to be in, or saw
//! it before the call of any that may have added it. And what was missed behind a remove is nobody's fault if it was added once, before
//! that remove was called, and nobody saw it called after that remove returned: then the remove is between anything that shows the
//! element and whoever missed it.

use std::collections::BTreeSet;

use super::{call, is_ok, may_be};
use crate::budget::{Limit, Watch};
use crate::certify::meaning::{self, Act, Item, Object};
use crate::interner::Interner;
use crate::value::Value;

/// What is known about an element at one glance, as positions.
#[derive(Clone, Copy)]
struct Glance {
    adds: u32,
    /// The first call of an add.
    added_from: u64,
    /// The first return of an operation that shows it to be in.
    inside_by: u64,
    /// The last call of one that saw it.
    seen_from: u64,
    /// The call and the return of the remove called first.
    removed: Option<(u64, u64)>,
    is_suspicious: bool,
}

impl Default for Glance {
    fn default() -> Self {
        Self {
            adds: 0,
            added_from: u64::MAX,
            inside_by: u64::MAX,
            seen_from: 0,
            removed: None,
            is_suspicious: false,
        }
    }
}

impl Glance {
    fn saw(&mut self, item: &Item<'_>) {
        self.inside_by = self.inside_by.min(item.ret());
        self.seen_from = self.seen_from.max(call(item));
    }

    fn did(&mut self, item: &Item<'_>, element: &meaning::Element<'_>) {
        match element.becomes {
            Some(true) if may_be(item) => {
                self.adds += 1;
                self.added_from = self.added_from.min(call(item));
                self.inside_by = self.inside_by.min(item.ret());
            }
            Some(false) if may_be(item) && element.was != Some(false) => {
                let one = (call(item), item.ret());
                self.removed = Some(self.removed.map_or(one, |first| first.min(one)));
            }
            Some(_) | None => {}
        }
        if element.was == Some(true) && is_ok(item) {
            self.saw(item);
        }
    }

    fn suspect_seen(&mut self, by: &Item<'_>) {
        self.is_suspicious |= self.added_from > by.ret();
    }

    fn suspect_missed(&mut self, by: &Item<'_>) {
        let was_removed = self.removed.is_some_and(|(from, until)| {
            self.adds == 1 && self.added_from < from && from < by.ret() && self.seen_from < until
        });
        self.is_suspicious |= self.inside_by < call(by) && !was_removed;
    }
}

/// All elements at one glance each.
struct Glances<'o, 'h> {
    elements: Interner<&'h Value>,
    glances: Vec<Glance>,
    /// Who looked at the whole set, in the order of their calls, and what was in it.
    listings: Vec<(&'o Item<'h>, Vec<u32>)>,
}

pub(super) fn suspects<'h>(
    object: &Object<'h>,
    watch: &Watch<'_>,
) -> Result<BTreeSet<&'h Value>, Limit> {
    let mut all = Glances {
        elements: Interner::new(),
        glances: Vec::new(),
        listings: Vec::new(),
    };
    for item in &object.items {
        all.add(item, watch)?;
    }
    for item in object.items.iter().filter(|item| is_ok(item)) {
        watch.step()?;
        if let Act::Element(element) = &item.act {
            let glance = all.of(element.value);
            match element.was {
                Some(true) => glance.suspect_seen(item),
                Some(false) => glance.suspect_missed(item),
                None => {}
            }
        }
    }
    all.compare_listings(watch)?;
    let numbers = (0..).zip(&all.glances);
    let suspects = numbers
        .filter(|(_, glance)| glance.is_suspicious)
        .map(|(number, _)| *all.elements.get(number));
    Ok(suspects.collect())
}

impl<'o, 'h> Glances<'o, 'h> {
    fn number(&mut self, element: &'h Value) -> u32 {
        let number = self.elements.intern(&element);
        self.glances.resize(self.elements.len(), Glance::default());
        number
    }

    fn of(&mut self, element: &'h Value) -> &mut Glance {
        let number = self.number(element);
        &mut self.glances[number as usize]
    }

    fn add(&mut self, item: &'o Item<'h>, watch: &Watch<'_>) -> Result<(), Limit> {
        watch.step()?;
        match &item.act {
            Act::Element(element) => self.of(element.value).did(item, element),
            Act::Listing(elements) if is_ok(item) => {
                let numbers: Vec<u32> = elements.iter().map(|one| self.number(one)).collect();
                for number in &numbers {
                    watch.step()?;
                    self.glances[*number as usize].saw(item);
                }
                self.listings.push((item, numbers));
            }
            Act::Listing(_)
            | Act::Parts(_)
            | Act::Text(_)
            | Act::Put(_)
            | Act::Take(_)
            | Act::Add(_)
            | Act::Total(_)
            | Act::Lists(_)
            | Act::Silent => {}
        }
        Ok(())
    }

    /// Each listing with what is in by then and was not missed before: what was missed once needs no other look, so all of this takes no
    /// longer than reading the listings.
    fn compare_listings(&mut self, watch: &Watch<'_>) -> Result<(), Limit> {
        let glances = &mut self.glances;
        let mut entering: Vec<u32> = (0..).take(glances.len()).collect();
        entering.sort_by_key(|number| glances[*number as usize].inside_by);
        let mut entering = entering.into_iter().peekable();
        let mut inside: Vec<u32> = Vec::new();
        let mut listed_last = vec![0; glances.len()];
        for (turn, (item, elements)) in (1..).zip(&self.listings) {
            for number in elements {
                watch.step()?;
                listed_last[*number as usize] = turn;
                glances[*number as usize].suspect_seen(item);
            }
            let is_in = |number: &u32| glances[*number as usize].inside_by < call(item);
            while let Some(number) = entering.next_if(is_in) {
                inside.push(number);
            }
            inside.retain(|number| {
                let is_listed = listed_last[*number as usize] == turn;
                if !is_listed {
                    glances[*number as usize].suspect_missed(item);
                }
                is_listed
            });
        }
        Ok(())
    }
}
