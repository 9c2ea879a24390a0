//! The contradiction of a counterexample in a few sentences.

use std::collections::BTreeSet;

use super::reasons::{Contradiction, Member, Reason, Reasons};
use crate::certify::meaning::{Act, Element, Item, Object, Part, Taken};
use crate::counterexample::{Presence, Weakened};
use crate::history::OpId;
use crate::value::Value;

/// Among how many operations a reason is looked for: each is compared with each more than once.
const MAX_REASONED: usize = 256;

/// How many operations are named where no shorter reason is found.
const OPERATIONS_NAMED: usize = 8;

/// Such as `client 4's write of 17 comes before client 9's read of 16, because it was acknowledged at 12.401 s before the latter began
/// at 13.020 s; but client 9's read of 16 comes before client 4's write of 17, because …`
pub(super) fn explain(object: &Object<'_>, left: &[Weakened]) -> String {
    let items: Vec<&Item<'_>> = left.iter().filter_map(|one| find(object, one.id)).collect();
    let acts: Vec<Act<'_>> = items
        .iter()
        .zip(left)
        .map(|(item, weakened)| object.counted(item, weakened))
        .collect();
    let teller = Teller {
        items,
        sentences: Vec::new(),
        told: BTreeSet::new(),
    };
    let members: Option<Vec<_>> = acts
        .iter()
        .zip(left)
        .map(|(act, weakened)| member(act, weakened))
        .collect();
    let Some(members) = members.filter(|members| members.len() <= MAX_REASONED) else {
        return teller.no_order();
    };
    let initial = object.first_value(None);
    match Reasons::find(&members, initial) {
        (reasons, Some(found)) => {
            let told = Told {
                reasons: &reasons,
                members: &members,
                initial,
            };
            teller.contradiction(&told, &found)
        }
        (_, None) => teller.no_order(),
    }
}

fn find<'o, 'h>(object: &'o Object<'h>, id: OpId) -> Option<&'o Item<'h>> {
    let place = object.items.binary_search_by_key(&id, Item::id).ok()?;
    object.items.get(place)
}

/// `None` for what is no operation on a single register.
fn member<'h>(act: &Act<'h>, weakened: &Weakened) -> Option<Member<&'h Value>> {
    let Act::Parts(parts) = act else {
        return None;
    };
    let (observes, writes) = match parts[..] {
        [Part::Read(None, value)] => (Some(value), None),
        [Part::Write(None, value)] => (None, Some(value)),
        [Part::Read(None, expected), Part::Write(None, new)] => (Some(expected), Some(new)),
        _ => return None,
    };
    Some(Member {
        call: weakened.call,
        ret: weakened.ret.unwrap_or(u64::MAX),
        mandatory: weakened.presence == Presence::Mandatory,
        observes,
        writes,
    })
}

/// Tells what follows from what; conclusions that others rest on get a sentence of their own.
struct Teller<'o, 'h> {
    items: Vec<&'o Item<'h>>,
    sentences: Vec<String>,
    told: BTreeSet<(usize, usize)>,
}

/// What the operations mean and what follows.
struct Told<'r, 'm, 'h> {
    reasons: &'r Reasons<'m, &'h Value>,
    members: &'r [Member<&'h Value>],
    initial: &'h Value,
}

impl Teller<'_, '_> {
    fn contradiction(mut self, told: &Told<'_, '_, '_>, found: &Contradiction) -> String {
        let last = match found {
            Contradiction::Cycle(one, other) => {
                let first = self.order(told, *one, *other);
                let second = self.order(told, *other, *one);
                format!("{first}; but {second}")
            }
            Contradiction::NoSource { observer, writers } => {
                self.no_source(told, *observer, writers)
            }
        };
        self.sentences.push(last);
        self.sentences.join("; ")
    }

    fn no_source(
        &self,
        told: &Told<'_, '_, '_>,
        observer: usize,
        writers: &[(usize, Option<usize>)],
    ) -> String {
        let observed = told.members[observer].observes;
        let mut sources = self.excluded(writers);
        if sources.is_empty() {
            sources.push("nobody had written it".to_owned());
        } else if observed == Some(told.initial) {
            sources.push("so was the first value".to_owned());
        }
        let value = observed.map_or_else(String::new, ToString::to_string);
        let verb = match told.members[observer].writes {
            Some(_) => "needs",
            None => "saw",
        };
        format!(
            "{} {verb} {value}, but {}",
            self.name(observer),
            sources.join(", and ")
        )
    }

    /// Why each writer of a value is no source of it, in one clause where the reason is the same for all.
    fn excluded(&self, writers: &[(usize, Option<usize>)]) -> Vec<String> {
        if let [(_, Some(over)), rest @ ..] = writers
            && !rest.is_empty()
            && rest.iter().all(|(_, other)| other == &Some(*over))
        {
            let all = writers.len();
            return vec![format!(
                "what {all} operations left of it was replaced by {} before",
                self.name(*over)
            )];
        }
        let each = writers.iter().map(|(writer, over)| match over {
            Some(over) => format!(
                "what {} left was replaced by {} before",
                self.name(*writer),
                self.name(*over)
            ),
            None => format!("{} comes later", self.name(*writer)),
        });
        each.collect()
    }

    /// `A comes before B, because …`
    fn order(&mut self, told: &Told<'_, '_, '_>, one: usize, other: usize) -> String {
        self.told.insert((one, other));
        let (first, second) = (self.name(one), self.name(other));
        let seen = |observer: usize| {
            told.members[observer]
                .observes
                .map_or_else(String::new, ToString::to_string)
        };
        let because = match told.reasons.why(one, other) {
            Some(Reason::Time) => {
                let (returned, called) = self.times(one, other);
                format!("it was acknowledged{returned} before the latter began{called}")
            }
            Some(Reason::Seen) => format!("the latter saw {}", seen(other)),
            Some(Reason::First) => format!("it still saw the first value, {}", seen(one)),
            Some(Reason::Still(writer)) => {
                let value = seen(one);
                match told.reasons.why(writer, other) {
                    Some(Reason::Seen) => {
                        format!("it still saw {value}, which the latter replaced")
                    }
                    _ => {
                        let writer = self.premise(told, writer, other);
                        format!("it still saw what {writer} left")
                    }
                }
            }
            Some(Reason::Past(observer)) => {
                self.premise(told, one, observer);
                let observer = self.name(observer);
                format!("{observer}, which comes after it, saw what the latter left")
            }
            Some(Reason::Through(middle)) => {
                self.premise(told, one, middle);
                let middle_name = self.premise(told, middle, other);
                format!("{middle_name} comes between them")
            }
            None => "it has to".to_owned(),
        };
        format!("{first} comes before {second}, because {because}")
    }

    /// Tells first why one comes before another, unless that was told; names the one.
    fn premise(&mut self, told: &Told<'_, '_, '_>, one: usize, other: usize) -> String {
        if !self.told.contains(&(one, other)) {
            let sentence = self.order(told, one, other);
            self.sentences.push(sentence);
        }
        self.name(one)
    }

    fn times(&self, one: usize, other: usize) -> (String, String) {
        let returned = self.items[one].operation.return_time;
        let called = self.items[other].operation.call_time;
        match returned.zip(called) {
            Some((returned, called)) => (format!(" at {returned}"), format!(" at {called}")),
            None => (String::new(), String::new()),
        }
    }

    fn no_order(&self) -> String {
        let named: Vec<String> = (0..self.items.len().min(OPERATIONS_NAMED))
            .map(|one| self.name(one))
            .collect();
        let more = match self.items.len().saturating_sub(OPERATIONS_NAMED) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        format!(
            "no order of these operations allows their answers: {}{more}",
            named.join(", ")
        )
    }

    /// `client 4's write of 17`
    fn name(&self, one: usize) -> String {
        let item = self.items[one];
        let operation = item.operation;
        let what = match &item.act {
            _ if matches!(operation.f.as_str(), "acquire" | "release") => String::new(),
            Act::Parts(parts) => match parts[..] {
                [Part::Read(None, value) | Part::Write(None, value)] => format!(" of {value}"),
                [Part::Read(None, expected), Part::Write(None, new)] => {
                    format!(" from {expected} to {new}")
                }
                _ => format!(" {}", operation.output),
            },
            Act::Text(_) => format!(" of {}", operation.output),
            Act::Element(Element { value, was, .. }) => match was {
                Some(_) => format!(" of {value} answered with {}", operation.output),
                None => format!(" of {value}"),
            },
            Act::Put(value) | Act::Take(Taken::This(value)) => format!(" of {value}"),
            Act::Take(Taken::Nil) => " of nil".to_owned(),
            Act::Add(amount) => format!(" of {amount}"),
            Act::Listing(_) | Act::Total(_) => format!(" of {}", operation.output),
            Act::Lists(_) => format!(" {}", operation.output),
            Act::Take(Taken::Something) | Act::Silent => String::new(),
        };
        format!("client {}'s {}{what}", operation.process, operation.f)
    }
}
