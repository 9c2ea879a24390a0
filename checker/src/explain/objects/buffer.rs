//! What came out of a queue or off a stack twice, from nowhere or in the wrong order, and what never came out.
//!
//! The order is only judged for values that were put in once. A take without an answer may have taken anything, so it excuses
//! whatever it can.

use super::reach::Reach;
use super::words::{acknowledged, called, failed, then};
use super::{Claim, call, is_ok, may_be};
use crate::budget::{Limit, Watch};
use crate::certify::meaning::{Act, Item, Object, Taken};
use crate::interner::Interner;
use crate::models::ModelName;
use crate::value::Value;
use crate::verdict::AnomalyClass;

/// How many pairs of values a stack's order is looked for in.
const MAX_PAIRS: usize = 1_000_000;

/// Who put a value in, and who took it out.
struct Story<'o, 'h> {
    value: &'h Value,
    puts: Vec<&'o Item<'h>>,
    failed: Vec<&'o Item<'h>>,
    takes: Vec<&'o Item<'h>>,
}

struct Buffer<'o, 'h> {
    object: &'o Object<'h>,
    values: Interner<&'h Value>,
    /// By the number of the value.
    stories: Vec<Story<'o, 'h>>,
    /// Found it empty.
    empty: Vec<&'o Item<'h>>,
    /// The first call of a take without an answer.
    first_unknown: u64,
}

/// One value that was put in once, by an acknowledged operation, and how it left.
#[derive(Clone, Copy)]
struct Life<'o, 'h> {
    value: &'h Value,
    put: &'o Item<'h>,
    take: Option<&'o Item<'h>>,
}

impl Life<'_, '_> {
    /// It cannot have left before this position.
    fn leaves_after(&self) -> u64 {
        self.take.map_or(u64::MAX, call)
    }
}

/// Values that were put in once, by an acknowledged operation, in the order of its return.
struct Lives<'o, 'h> {
    all: Vec<Life<'o, 'h>>,
    /// From the return of its put on, until it leaves.
    stays: Reach<Life<'o, 'h>>,
}

impl<'o, 'h> Lives<'o, 'h> {
    fn new(buffer: &Buffer<'o, 'h>) -> Self {
        let lives = buffer.stories.iter().filter_map(|story| {
            let [put] = story.puts[..] else {
                return None;
            };
            let take = match story.takes[..] {
                [] => None,
                [take] => Some(take),
                _ => return None,
            };
            let value = story.value;
            let is_new = is_ok(put) && buffer.initially(value) == 0;
            is_new.then_some(Life { value, put, take })
        });
        let mut all: Vec<_> = lives.collect();
        all.sort_by_key(|life| life.put.ret());
        let stays = all
            .iter()
            .map(|life| (life.put.ret(), life.leaves_after(), *life));
        Self {
            stays: Reach::new(stays),
            all,
        }
    }
}

pub(super) fn find(object: &Object<'_>, watch: &Watch<'_>) -> Result<Option<Claim>, Limit> {
    let buffer = Buffer::new(object, watch)?;
    let lives = Lives::new(&buffer);
    watch.look()?;
    let each = || buffer.stories.iter();
    let found = each()
        .find_map(|story| buffer.unwritten(story))
        .or_else(|| each().find_map(|story| buffer.twice(story)))
        .or_else(|| buffer.not_empty(&lives))
        .or_else(|| {
            let is_queue = object.model == ModelName::Queue;
            is_queue.then(|| buffer.overtaken(&lives)).flatten()
        })
        .or_else(|| {
            let is_stack = object.model == ModelName::Stack;
            is_stack.then(|| buffer.uncovered(&lives)).flatten()
        });
    Ok(found)
}

impl<'o, 'h> Buffer<'o, 'h> {
    fn new(object: &'o Object<'h>, watch: &Watch<'_>) -> Result<Self, Limit> {
        let mut buffer = Self {
            object,
            values: Interner::new(),
            stories: Vec::new(),
            empty: Vec::new(),
            first_unknown: u64::MAX,
        };
        for item in &object.items {
            watch.step()?;
            buffer.add(item);
        }
        Ok(buffer)
    }

    fn add(&mut self, item: &'o Item<'h>) {
        if let Act::Put(value) = &item.act {
            let story = self.story(value);
            if may_be(item) {
                story.puts.push(item);
            } else {
                story.failed.push(item);
            }
        } else if let Act::Take(taken) = &item.act
            && may_be(item)
        {
            match taken {
                Taken::This(value) => self.story(value).takes.push(item),
                Taken::Nil => self.empty.push(item),
                Taken::Something => self.first_unknown = self.first_unknown.min(call(item)),
            }
        }
    }

    fn story(&mut self, value: &'h Value) -> &mut Story<'o, 'h> {
        let number = self.values.intern(&value) as usize;
        if number == self.stories.len() {
            self.stories.push(Story {
                value,
                puts: Vec::new(),
                failed: Vec::new(),
                takes: Vec::new(),
            });
        }
        &mut self.stories[number]
    }

    fn is_stack(&self) -> bool {
        self.object.model == ModelName::Stack
    }

    fn initially(&self, value: &Value) -> usize {
        let initial = self.object.initial.as_list().unwrap_or_default();
        initial.iter().filter(|one| *one == value).count()
    }

    fn put_in(&self) -> &'static str {
        if self.is_stack() {
            "pushed"
        } else {
            "enqueued"
        }
    }

    fn taken(&self) -> &'static str {
        if self.is_stack() {
            "popped"
        } else {
            "dequeued"
        }
    }

    fn unwritten(&self, story: &Story<'o, 'h>) -> Option<Claim> {
        let value = story.value;
        let first = story.puts.iter().map(|put| call(put)).min();
        let nobody = |take: &&&Item<'_>| first.is_none_or(|first| first > take.ret());
        let take = story.takes.iter().find(nobody)?;
        if self.initially(value) > 0 {
            return None;
        }
        let source = story.failed.iter().find(|put| call(put) < take.ret());
        let took = format!("{} returned {value}", called(take, &take.operation.f));
        Some(match source {
            Some(source) => Claim {
                class: AnomalyClass::DirtyRead,
                operations: vec![source.id(), take.id()],
                explanation: format!(
                    "{}; {took}",
                    failed(source, &format!("{} of {value}", source.operation.f))
                ),
            },
            None => Claim {
                class: AnomalyClass::PhantomValue,
                operations: vec![take.id()],
                explanation: format!("{took}, which nobody had {}", self.put_in()),
            },
        })
    }

    fn twice(&self, story: &Story<'o, 'h>) -> Option<Claim> {
        let value = story.value;
        let [first, second, ..] = story.takes[..] else {
            return None;
        };
        if story.puts.len() + self.initially(value) != 1 {
            return None;
        }
        let put = story.puts.first();
        let came = match put {
            Some(put) => format!(
                "client {} {} {value} once",
                put.operation.process,
                self.put_in()
            ),
            None => format!("{value} was there once from the start"),
        };
        let operations = put.into_iter().chain([&first, &second]);
        Some(Claim {
            class: AnomalyClass::DoubleApply,
            operations: operations.map(|item| item.id()).collect(),
            explanation: format!(
                "{came}, but it was {} twice: {} and {} both returned it",
                self.taken(),
                called(first, &first.operation.f),
                called(second, &second.operation.f)
            ),
        })
    }

    fn not_empty(&self, lives: &Lives<'o, 'h>) -> Option<Claim> {
        // Then an answer of nil may be an element.
        if self.stories.iter().any(|story| *story.value == Value::Nil)
            || self.initially(&Value::Nil) > 0
        {
            return None;
        }
        let (life, empty) = self.empty.iter().find_map(|empty| {
            let (leaves, life) = lives.stays.before(call(empty))?;
            (leaves.min(self.first_unknown) > empty.ret()).then_some((life, *empty))
        })?;
        let (class, end) = match life.take {
            Some(_) => (AnomalyClass::StaleRead, "it came out later"),
            None => (AnomalyClass::LostUpdate, "it never came out"),
        };
        Some(Claim {
            class,
            operations: vec![life.put.id(), empty.id()],
            explanation: format!(
                "{}; {} found nothing, though nobody can have taken {} by then: {end}",
                acknowledged(life.put, &format!("{} {}", self.put_in(), life.value)),
                then(life.put, empty, &empty.operation.f),
                life.value
            ),
        })
    }

    /// First in, first out: what was put in earlier has left when the later one leaves.
    fn overtaken(&self, lives: &Lives<'o, 'h>) -> Option<Claim> {
        lives.all.iter().find_map(|later| {
            let take = later.take?;
            let (leaves, earlier) = lives.stays.before(call(later.put))?;
            let overtakes = leaves.min(self.first_unknown) > take.ret();
            overtakes.then(|| self.out_of_order(&earlier, later, &earlier, "left the queue"))
        })
    }

    /// Last in, first out: what was put on top has left when what is below it leaves.
    fn uncovered(&self, lives: &Lives<'o, 'h>) -> Option<Claim> {
        let lives = &lives.all;
        let mut pairs = 0;
        for below in lives {
            let Some(take) = below.take.filter(|take| self.first_unknown > take.ret()) else {
                continue;
            };
            let from = lives.partition_point(|one| one.put.ret() < below.put.ret());
            for above in &lives[from..] {
                pairs += 1;
                if pairs > MAX_PAIRS || above.put.ret() >= call(take) {
                    break;
                }
                if call(above.put) > below.put.ret() && above.leaves_after() > take.ret() {
                    return Some(self.out_of_order(below, above, above, "was taken off the stack"));
                }
            }
        }
        None
    }

    /// One was put in before another; the one that should have left by then had not when the other left.
    fn out_of_order(
        &self,
        first: &Life<'_, '_>,
        second: &Life<'_, '_>,
        late: &Life<'_, '_>,
        left: &str,
    ) -> Claim {
        let early = if late.value == first.value {
            second
        } else {
            first
        };
        let take = early.take.unwrap_or(early.put);
        let (class, end) = match late.take {
            Some(_) => (AnomalyClass::Other, format!("before {}", late.value)),
            None => (
                AnomalyClass::LostUpdate,
                format!("and {} never did", late.value),
            ),
        };
        let operations = [Some(first.put), Some(second.put), late.take, Some(take)];
        Claim {
            class,
            operations: operations.into_iter().flatten().map(Item::id).collect(),
            explanation: format!(
                "{}; {} {} {}; but {} {left} {end}: {} returned it",
                acknowledged(first.put, &format!("{} {}", self.put_in(), first.value)),
                then(first.put, second.put, &second.put.operation.f),
                self.put_in(),
                second.value,
                early.value,
                called(take, &take.operation.f)
            ),
        }
    }
}
