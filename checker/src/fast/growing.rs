//! Sets from which nothing is removed, read as a whole.
//!
//! What a read saw includes what earlier reads saw. So the sets that were seen form a chain, or there is no order. It gives
//! *groups*, which follow each other in any order: reads of the initial set | additions that the smallest larger set saw first |
//! its reads | additions that the next one saw first | …. Within a group all are free.
//!
//! - Of several additions of one element one brings it in, the others change nothing; all come behind the reads that do not see it.
//!   The one called first can bring it in wherever any can: if another one does, exchange them. The others are only bound to come
//!   behind those reads, at which they may stand as late as they like. An optional one that does not bring its element in is left
//!   out.
//! - Elements that no read saw come in behind all reads; the optional ones are left out.
//!
//! **Theorem.** There is an order if and only if no operation of a group, nor one bound to come behind an earlier group, returned
//! before one of an earlier group was called.
//!
//! *Proof.* Groups must follow each other, so it is necessary. Conversely give each operation the point max(own call, greatest call
//! in earlier groups). It is not behind its return, and the order by points keeps groups in order. ∎
//!
//! *A failure.* A read that misses something initial, or sees what nobody adds: its return. Two sets that do not include each
//! other: the second return of a read of each. An operation B returned before A of an earlier group was called: if A is a read, A's
//! return; if A is an addition, the return of a read that saw A's element and nothing of a later group, or of B if that is later.
//! Each bounds the first failure.

use super::order::{Order, Side};
use super::theory::{Failure, Judgement, Stop, Theory, Timed};
use crate::budget::Watch;
use crate::history::OpId;
use crate::models::machine::NEVER;

/// An element, as a small number.
pub(crate) type ElementId = u32;

/// What an operation does to a set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Growth {
    Add(ElementId),
    /// Sees the set of this number.
    Read(u32),
    Nothing,
}

/// A set, and what reads saw.
pub(crate) struct GrowingSet {
    pub(crate) initial: Vec<ElementId>,
    /// How many elements are known by number.
    pub(crate) elements: usize,
    /// The sets that reads saw, no element twice in one.
    pub(crate) seen: Vec<Vec<ElementId>>,
}

impl Theory for GrowingSet {
    type Action = Growth;

    fn judge(&self, operations: &[Timed<Growth>], watch: &Watch<'_>) -> Result<Judgement, Stop> {
        let chain = self.chain(operations);
        watch.look()?;
        let order = chain.and_then(|chain| self.line_up(operations, &chain));
        Ok(match order {
            Ok(order) => Judgement::Legal(order),
            Err(position) => Judgement::Illegal(Failure::NoLaterThan(position)),
        })
    }
}

/// The sets that were seen, the smallest first.
struct Chain {
    links: Vec<Link>,
    /// For each element the number of the link that has it first, [`UNSEEN`] if none has.
    first_seen: Vec<u32>,
}

const UNSEEN: u32 = u32::MAX;

/// Equal reads.
#[derive(Default)]
struct Link {
    operations: Vec<u32>,
    /// The first of their returns; none if it is the initial set and nobody read that.
    first_return: Option<u64>,
}

impl Link {
    fn push(&mut self, operation: u32, ret: u64) {
        self.operations.push(operation);
        self.first_return = Some(self.first_return.map_or(ret, |first| first.min(ret)));
    }
}

impl GrowingSet {
    fn chain(&self, operations: &[Timed<Growth>]) -> Result<Chain, u64> {
        let mut reads: Vec<(&[ElementId], u32)> = (0..)
            .zip(operations)
            .filter_map(|(number, one)| match one.action {
                Growth::Read(seen) if one.is_mandatory() => {
                    Some((self.seen[seen as usize].as_slice(), number))
                }
                Growth::Read(_) | Growth::Add(_) | Growth::Nothing => None,
            })
            .collect();
        reads.sort_by_key(|(seen, _)| seen.len());
        let mut chain = Chain {
            links: vec![Link::default()],
            first_seen: vec![UNSEEN; self.elements],
        };
        for element in &self.initial {
            chain.first_seen[*element as usize] = 0;
        }
        let mut known = self.initial.len();
        for (seen, number) in reads {
            let ret = operations[number as usize].ret;
            chain.extend(seen, known, ret)?;
            known = seen.len();
            if let Some(link) = chain.links.last_mut() {
                link.push(number, ret);
            }
        }
        Ok(chain)
    }

    fn line_up(&self, operations: &[Timed<Growth>], chain: &Chain) -> Result<Vec<OpId>, u64> {
        let additions = Additions::new(operations, chain);
        additions.all_seen_are_added(operations, chain)?;
        let mut line = Line::new(operations, chain);
        for (number, link) in chain.links.iter().enumerate() {
            line.add(number, &additions)?;
            line.read(link)?;
        }
        line.add(chain.links.len(), &additions)?;
        line.do_nothing();
        Ok(line.order.finish(operations))
    }
}

impl Chain {
    /// With the next larger set, or one equal to the last.
    fn extend(&mut self, seen: &[ElementId], known: usize, ret: u64) -> Result<(), u64> {
        let is_old = |element: &&ElementId| self.first_seen[**element as usize] != UNSEEN;
        let old = seen.iter().filter(is_old).count();
        let last = self.links.last().and_then(|link| link.first_return);
        if old < known {
            return Err(ret.max(last.unwrap_or(0)));
        }
        if seen.len() > known {
            let link = u32::try_from(self.links.len()).expect("fewer links than operations");
            for element in seen {
                let first = &mut self.first_seen[*element as usize];
                *first = link.min(*first);
            }
            self.links.push(Link::default());
        }
        Ok(())
    }
}

/// The additions by group: that of the link that has their element first, or the last one.
struct Additions {
    /// Sorted by group.
    all: Vec<Addition>,
    /// Whether somebody adds each element.
    added: Vec<bool>,
}

#[derive(Clone, Copy)]
struct Addition {
    group: usize,
    operation: u32,
    /// Whether it brings the element in.
    counts: bool,
}

impl Additions {
    fn new(operations: &[Timed<Growth>], chain: &Chain) -> Self {
        let mut added = vec![false; chain.first_seen.len()];
        let mut all = Vec::new();
        for (operation, one) in (0..).zip(operations) {
            let Growth::Add(element) = one.action else {
                continue;
            };
            let first_seen = chain.first_seen[element as usize];
            let is_first = !std::mem::replace(&mut added[element as usize], true);
            let counts = is_first && first_seen != UNSEEN && first_seen > 0;
            if counts || one.is_mandatory() {
                all.push(Addition {
                    group: (first_seen as usize).min(chain.links.len()),
                    operation,
                    counts,
                });
            }
        }
        all.sort_by_key(|addition| addition.group);
        Self { all, added }
    }

    /// Or the first return of a read of what nobody adds.
    fn all_seen_are_added(&self, operations: &[Timed<Growth>], chain: &Chain) -> Result<(), u64> {
        let phantoms = chain.first_seen.iter().zip(&self.added);
        let phantoms = phantoms.filter(|(link, added)| **link > 0 && **link != UNSEEN && !**added);
        let Some(link) = phantoms.map(|(link, _)| *link as usize).min() else {
            return Ok(());
        };
        let readers = chain.links[link..].iter().flat_map(|link| &link.operations);
        let first = readers.map(|reader| operations[*reader as usize].ret).min();
        Err(first.unwrap_or(NEVER))
    }

    fn of_group(&self, group: usize) -> &[Addition] {
        let from = self.all.partition_point(|addition| addition.group < group);
        let to = self.all.partition_point(|addition| addition.group <= group);
        &self.all[from..to]
    }
}

/// The greatest call of what has been lined up.
#[derive(Clone, Copy)]
struct Latest {
    call: u64,
    /// The return by which it is known that this comes before what a later group has.
    shown: Option<u64>,
}

/// Group after group.
struct Line<'l> {
    operations: &'l [Timed<Growth>],
    chain: &'l Chain,
    order: Order,
    latest: Latest,
}

impl<'l> Line<'l> {
    fn new(operations: &'l [Timed<Growth>], chain: &'l Chain) -> Self {
        Self {
            operations,
            chain,
            order: Order::with_capacity(operations.len()),
            latest: Latest {
                call: 0,
                shown: None,
            },
        }
    }

    fn add(&mut self, group: usize, additions: &Additions) -> Result<(), u64> {
        let shown = self
            .chain
            .links
            .get(group)
            .and_then(|link| link.first_return);
        let before = self.latest;
        for addition in additions.of_group(group) {
            let operation = self.operations[addition.operation as usize];
            if operation.ret < before.call {
                return Err(operation.ret.max(before.shown.unwrap_or(0)));
            }
            self.order.place(
                operation.call.max(before.call),
                Side::At,
                addition.operation,
            );
            if addition.counts && operation.call > self.latest.call {
                self.latest = Latest {
                    call: operation.call,
                    shown,
                };
            }
        }
        Ok(())
    }

    fn read(&mut self, link: &Link) -> Result<(), u64> {
        let before = self.latest;
        for number in &link.operations {
            let operation = self.operations[*number as usize];
            if operation.ret < before.call {
                return Err(operation.ret.max(before.shown.unwrap_or(0)));
            }
            self.order
                .place(operation.call.max(before.call), Side::At, *number);
            if operation.call > self.latest.call {
                self.latest = Latest {
                    call: operation.call,
                    shown: Some(operation.ret),
                };
            }
        }
        Ok(())
    }

    fn do_nothing(&mut self) {
        for (number, one) in (0..).zip(self.operations) {
            if one.action == Growth::Nothing && one.is_mandatory() {
                self.order.place(one.call, Side::At, number);
            }
        }
    }
}
