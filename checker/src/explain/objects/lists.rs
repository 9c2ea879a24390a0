//! Lists that only grow: elements that come twice, from nowhere or not at all, and orders that do not fit.
//!
//! All reads of a list are prefixes of one list. A text that only grows by appends is such a list too, if it can be
//! taken apart in one way: no append is the beginning of another.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

use super::reach::Reach;
use super::words::{acknowledged, called, failed, then, whose};
use super::{Claim, call, is_ok, may_be};
use crate::budget::{Limit, Watch};
use crate::certify::meaning::{Act, Edit, Item, ListPart, Object};
use crate::value::Value;
use crate::verdict::AnomalyClass;

/// How often a read is searched for an element.
const MAX_COMPARED: usize = 2_000_000;

/// What was done to one list. Elements are shown as texts.
#[derive(Default)]
struct List<'o, 'h> {
    initial: Vec<String>,
    appends: BTreeMap<String, Vec<&'o Item<'h>>>,
    reads: Vec<(&'o Item<'h>, Vec<String>)>,
}

pub(super) fn find(object: &Object<'_>, watch: &Watch<'_>) -> Result<Option<Claim>, Limit> {
    let Some(lists) = lists(object, watch)?.or_else(|| text(object)) else {
        return Ok(None);
    };
    for list in lists.values() {
        watch.step()?;
        let clearest = list.unwritten().or_else(|| list.twice());
        watch.step()?;
        let found = clearest
            .or_else(|| list.missing())
            .or_else(|| list.diverging())
            .or_else(|| list.disordered());
        if found.is_some() {
            return Ok(found);
        }
    }
    Ok(None)
}

type Lists<'o, 'h> = BTreeMap<Option<&'h Value>, List<'o, 'h>>;

fn lists<'o, 'h>(
    object: &'o Object<'h>,
    watch: &Watch<'_>,
) -> Result<Option<Lists<'o, 'h>>, Limit> {
    let mut lists: Lists<'o, 'h> = BTreeMap::new();
    for item in &object.items {
        let Act::Lists(parts) = &item.act else {
            return Ok(None);
        };
        for part in parts {
            watch.step()?;
            match *part {
                ListPart::Append(name, value) => {
                    let list = lists.entry(Some(name)).or_default();
                    list.appends
                        .entry(value.to_string())
                        .or_default()
                        .push(item);
                }
                ListPart::Read(name, seen) if is_ok(item) => {
                    let list = lists.entry(Some(name)).or_default();
                    let seen = seen.iter().map(Value::to_string).collect();
                    list.reads.push((item, seen));
                }
                ListPart::Read(..) | ListPart::Look(_) => {}
            }
        }
    }
    if let Value::Map(initial) = object.initial {
        for (name, list) in initial.iter() {
            let elements = list.as_list().unwrap_or_default();
            lists.entry(Some(name)).or_default().initial =
                elements.iter().map(Value::to_string).collect();
        }
    }
    Ok(Some(lists))
}

/// A text as a list of what was appended; `None` where it was replaced, or cannot be taken apart.
fn text<'o, 'h>(object: &'o Object<'h>) -> Option<Lists<'o, 'h>> {
    let mut list = List::default();
    let mut gets = Vec::new();
    for item in &object.items {
        let Act::Text(edit) = &item.act else {
            return None;
        };
        match edit {
            Edit::Append(piece) => {
                list.appends
                    .entry((*piece).to_owned())
                    .or_default()
                    .push(item);
            }
            Edit::Get(seen) if is_ok(item) => gets.push((item, *seen)),
            Edit::Put(_) if may_be(item) => return None,
            Edit::Get(_) | Edit::Put(_) | Edit::Nothing => {}
        }
    }
    if object
        .initial
        .as_text()
        .is_some_and(|text| !text.is_empty())
    {
        return None;
    }
    let pieces: Vec<&String> = list.appends.keys().collect();
    let is_clear = |pair: &[&String]| !pair[1].starts_with(pair[0].as_str());
    if !pieces.windows(2).all(is_clear) || pieces.first().is_some_and(|piece| piece.is_empty()) {
        return None;
    }
    for (item, seen) in gets {
        let apart = apart(seen, &list.appends);
        list.reads.push((item, apart));
    }
    Some(BTreeMap::from([(None, list)]))
}

/// The pieces of a text; what is left in the end is one that nobody appended.
fn apart(mut text: &str, pieces: &BTreeMap<String, Vec<&Item<'_>>>) -> Vec<String> {
    let mut found = Vec::new();
    while !text.is_empty() {
        // In order, the piece that a text begins with is the last one up to it.
        let up_to = (Bound::Unbounded, Bound::Included(text));
        let piece = pieces.range::<str, _>(up_to).next_back();
        match piece.filter(|(piece, _)| text.starts_with(piece.as_str())) {
            Some((piece, _)) => {
                found.push(piece.clone());
                text = &text[piece.len()..];
            }
            None => {
                found.push(text.to_owned());
                break;
            }
        }
    }
    found
}

impl<'o, 'h> List<'o, 'h> {
    fn possible<'l>(&'l self, element: &str) -> impl Iterator<Item = &'o Item<'h>> + 'l {
        let appends = self.appends.get(element).into_iter().flatten();
        appends.copied().filter(|append| may_be(append))
    }

    fn unwritten(&self) -> Option<Claim> {
        self.reads.iter().find_map(|(read, seen)| {
            let nobody = |element: &&String| {
                !self.initial.contains(element)
                    && self
                        .possible(element)
                        .all(|append| call(append) > read.ret())
            };
            let element = seen.iter().find(nobody)?;
            let saw = format!("{} saw {element}", called(read, &read.operation.f));
            let appends = self.appends.get(element).into_iter().flatten();
            let source = appends
                .filter(|append| !may_be(append))
                .find(|append| call(append) < read.ret());
            Some(match source {
                Some(source) => Claim {
                    class: AnomalyClass::DirtyRead,
                    operations: vec![source.id(), read.id()],
                    explanation: format!(
                        "{}; {saw}",
                        failed(source, &format!("append of {element}"))
                    ),
                },
                None => Claim {
                    class: AnomalyClass::PhantomValue,
                    operations: vec![read.id()],
                    explanation: format!("{saw}, which nobody had appended"),
                },
            })
        })
    }

    fn twice(&self) -> Option<Claim> {
        self.reads.iter().find_map(|(read, seen)| {
            let mut before = BTreeSet::new();
            let element = seen.iter().find(|element| !before.insert(*element))?;
            let mut appends = self.possible(element);
            let (Some(append), None) = (appends.next(), appends.next()) else {
                return None;
            };
            (!self.initial.contains(element)).then(|| Claim {
                class: AnomalyClass::DoubleApply,
                operations: vec![append.id(), read.id()],
                explanation: format!(
                    "client {} appended {element} once; {} saw it twice",
                    append.operation.process,
                    called(read, &read.operation.f)
                ),
            })
        })
    }

    fn missing(&self) -> Option<Claim> {
        // For each element the reads that do not have it, called last first.
        let mut reads: Vec<_> = self.reads.iter().collect();
        reads.sort_by_key(|(read, _)| std::cmp::Reverse(call(read)));
        let sets: Vec<(&Item<'_>, BTreeSet<&String>)> = reads
            .iter()
            .map(|(read, seen)| (*read, seen.iter().collect()))
            .collect();
        let elements = (MAX_COMPARED / sets.len().max(1)).max(1);
        self.appends
            .iter()
            .take(elements)
            .find_map(|(element, appends)| {
                let append = appends.iter().find(|append| is_ok(append))?;
                let after = sets
                    .iter()
                    .take_while(|(read, _)| call(read) > append.ret());
                let (read, _) = after.filter(|(_, seen)| !seen.contains(element)).last()?;
                let seen = sets.iter().any(|(_, seen)| seen.contains(element));
                let (class, end) = match seen {
                    true => (AnomalyClass::StaleRead, ""),
                    false => (AnomalyClass::LostUpdate, ", and nobody ever saw it"),
                };
                Some(Claim {
                    class,
                    operations: vec![append.id(), read.id()],
                    explanation: format!(
                        "{}; {} did not have it{end}",
                        acknowledged(append, &format!("appended {element}")),
                        then(append, read, &read.operation.f)
                    ),
                })
            })
    }

    /// Two reads of which neither continues the other, or the later one is shorter.
    fn diverging(&self) -> Option<Claim> {
        let longest = self.reads.iter().max_by_key(|(_, seen)| seen.len())?;
        let other = self
            .reads
            .iter()
            .find(|(_, seen)| !longest.1.starts_with(seen));
        if let Some((other, seen)) = other {
            let place = seen
                .iter()
                .zip(&longest.1)
                .position(|(one, two)| one != two)?;
            return Some(Claim {
                class: AnomalyClass::Divergence,
                operations: vec![longest.0.id(), other.id()],
                explanation: format!(
                    "{} saw {} where {} saw {}: one list cannot become both",
                    whose(longest.0, &longest.0.operation.f),
                    longest.1[place],
                    whose(other, &other.operation.f),
                    seen[place]
                ),
            });
        }
        let reads = self.reads.iter();
        let shown = Reach::new(reads.map(|(read, seen)| (read.ret(), seen.len() as u64, *read)));
        self.reads.iter().find_map(|(read, seen)| {
            let (more, before) = shown.before(call(read))?;
            if more <= seen.len() as u64 {
                return None;
            }
            Some(Claim {
                class: AnomalyClass::NonMonotonicRead,
                operations: vec![before.id(), read.id()],
                explanation: format!(
                    "{} saw {more} elements; {} saw only {}",
                    whose(before, &before.operation.f),
                    then(before, read, &read.operation.f),
                    seen.len()
                ),
            })
        })
    }

    /// Elements in another order than their appends, one of which returned before the other was called.
    fn disordered(&self) -> Option<Claim> {
        self.reads.iter().find_map(|(read, seen)| {
            // Of the elements so far the append called last.
            let mut latest: Option<(&Item<'_>, &String)> = None;
            for element in seen {
                let mut appends = self.possible(element);
                let (Some(append), None) = (appends.next(), appends.next()) else {
                    continue;
                };
                if self.initial.contains(element) {
                    continue;
                }
                if let Some((later, first)) = latest
                    && append.ret() < call(later)
                {
                    return Some(Claim {
                        class: AnomalyClass::Other,
                        operations: vec![append.id(), later.id(), read.id()],
                        explanation: format!(
                            "{}; {} appended {first}; but {} saw {first} before {element}",
                            acknowledged(append, &format!("appended {element}")),
                            then(append, later, &later.operation.f),
                            called(read, &read.operation.f)
                        ),
                    });
                }
                if latest.is_none_or(|(later, _)| call(later) < call(append)) {
                    latest = Some((append, element));
                }
            }
            None
        })
    }
}
