//! Looking for contradictions between a few operations of a register.
//!
//! They rest on three facts. A value that nobody wrote is never seen. Where all writes of x have taken effect before an operation that
//! shows another value y, x is gone from then on, so nothing called after that operation can see x. And a value that comes once can
//! be replaced by compare-and-set once. Not every violation shows itself so; whether there is one is not decided here.

use std::collections::BTreeMap;

use crate::budget::Watch;
use crate::explain::contradiction::Contradiction;
use crate::explain::facts::{Facts, is_cas_from};
use crate::explain::latest::Latest;
use crate::history::History;
use crate::models::register::{RegisterOp, ValueId};

/// How many contradictions are compared for the clearest: enough to see what is typical, few enough for a register of a million
/// operations that are all wrong.
const MAX_COMPARED: usize = 64;

/// The clearest contradiction of a register, if one of these kinds exists; of those found so far if the budget ends.
pub(super) fn find<'r>(
    facts: &Facts<'r>,
    history: &History,
    watch: &Watch<'_>,
) -> Option<Contradiction<'r>> {
    let chain = |(operation, value)| (operation, facts.chains.root(value));
    let replaced = Latest::new(facts.mutations().map(chain));
    let seen = Latest::new(facts.observations().map(chain));
    let search = Search {
        facts,
        history,
        replaced,
        seen,
    };
    facts
        .observations()
        .take_while(|_| watch.step().is_ok())
        .filter_map(|(observer, value)| search.about(observer, value))
        .inspect(|_| _ = watch.look())
        .take(MAX_COMPARED)
        .min_by_key(Contradiction::rank)
}

struct Search<'f, 'r> {
    facts: &'f Facts<'r>,
    history: &'f History,
    /// Mutations by the chain of the value they wrote.
    replaced: Latest<'r>,
    /// Observations by the chain of the value they saw.
    seen: Latest<'r>,
}

impl<'r> Search<'_, 'r> {
    /// The clearest contradiction that an observation of a value is the last part of.
    fn about(&self, observer: &'r RegisterOp, value: ValueId) -> Option<Contradiction<'r>> {
        self.unwritten(observer, value)
            .or_else(|| self.overwritten(observer, value))
            .or_else(|| self.two_successors(observer, value))
            .or_else(|| self.reappeared(observer, value))
    }

    fn unwritten(&self, observer: &'r RegisterOp, value: ValueId) -> Option<Contradiction<'r>> {
        let written = value == self.facts.register.initial
            || !self.facts.writers(value, observer.ret).is_empty();
        let failed = self.facts.failed_writer(value, observer.ret);
        (!written).then_some(Contradiction::Unwritten { observer, failed })
    }

    fn overwritten(&self, observer: &'r RegisterOp, value: ValueId) -> Option<Contradiction<'r>> {
        let chains = &self.facts.chains;
        let settled = self.facts.settled(value, observer);
        let by_time = self.replaced.before(observer.call, chains.root(value));
        let by_time = by_time
            .zip(settled)
            .is_some_and(|(latest, settled)| settled <= latest.call);
        if !by_time && !chains.is_passed(value, observer.call) {
            return None;
        }
        let mut by: Vec<_> = self
            .facts
            .mutations()
            .filter(|(mutation, new)| {
                mutation.ret < observer.call && self.replaces(mutation, *new, observer, value)
            })
            .map(|(mutation, _)| mutation)
            .collect();
        by.sort_by_key(|mutation| mutation.ret);
        let lost = by
            .iter()
            .find(|mutation| self.is_lost(mutation, observer))
            .copied();
        (!by.is_empty()).then_some(Contradiction::Overwritten { observer, by, lost })
    }

    /// Whether a mutation that returned before an observation was called must come after all writes the observation can have seen.
    fn replaces(
        &self,
        mutation: &RegisterOp,
        new: ValueId,
        observer: &RegisterOp,
        value: ValueId,
    ) -> bool {
        let chains = &self.facts.chains;
        if chains.root(new) == chains.root(value) {
            return chains.follows(new, value);
        }
        self.facts
            .settled(value, observer)
            .is_some_and(|settled| settled <= mutation.call)
    }

    /// One stale answer does not prove a loss. What does: nobody ever saw the write, and a compare-and-set went on from the value before
    /// it, or the last reads on more than half of the nodes, the very last among them, show values older than it.
    fn is_lost(&self, mutation: &RegisterOp, observer: &RegisterOp) -> bool {
        let Some(written) = mutation.action.writes() else {
            return false;
        };
        if !self.facts.observers(written).is_empty() {
            return false;
        }
        observer.action.writes().is_some() || self.is_missed_by_most(mutation, written)
    }

    fn is_missed_by_most(&self, mutation: &RegisterOp, written: ValueId) -> bool {
        let nodes = self
            .history
            .header
            .as_ref()
            .map_or(0, |header| header.nodes.len());
        if nodes == 0 {
            return false;
        }
        let mut reads: Vec<_> = self
            .facts
            .observations()
            .filter(|(read, _)| read.call > mutation.ret)
            .collect();
        reads.sort_by_key(|(read, _)| read.call);
        let mut missed_in_the_end = false;
        let mut missed_by: BTreeMap<&str, bool> = BTreeMap::new();
        for (read, value) in reads {
            missed_in_the_end = self.replaces(mutation, written, read, value);
            if let Some(node) = self.history.operation(read.id).node.as_deref() {
                missed_by.insert(node, missed_in_the_end);
            }
        }
        let missed = missed_by.values().filter(|missed| **missed).count();
        missed_in_the_end && 2 * missed > nodes
    }

    fn two_successors(
        &self,
        observer: &'r RegisterOp,
        value: ValueId,
    ) -> Option<Contradiction<'r>> {
        if !is_cas_from(observer, value) || !self.facts.comes_once(value) {
            return None;
        }
        let first = self.facts.observers(value).iter().find(|other| {
            is_cas_from(other, value) && (other.ret, other.id) < (observer.ret, observer.id)
        })?;
        Some(Contradiction::TwoSuccessors {
            value,
            first,
            second: observer,
        })
    }

    fn reappeared(&self, observer: &'r RegisterOp, value: ValueId) -> Option<Contradiction<'r>> {
        let between = self.shown_since(observer, value)?;
        let before = self
            .facts
            .observers(value)
            .iter()
            .take_while(|before| before.call < between.call)
            .find(|before| before.action.writes().is_none() && before.ret < between.call)
            .copied();
        let other = between.action.observes()?;
        let at_rest = self
            .facts
            .writers(other, between.ret)
            .iter()
            .all(|writer| writer.ret < between.call)
            && self
                .facts
                .writers(value, observer.ret)
                .iter()
                .all(|writer| writer.ret < between.call);
        Some(Contradiction::Reappeared {
            observer,
            before,
            between,
            at_rest,
        })
    }
    /// An operation that saw a later value and returned before an observation of this one was called.
    fn shown_since(&self, observer: &RegisterOp, value: ValueId) -> Option<&'r RegisterOp> {
        let chains = &self.facts.chains;
        let other = self.seen.before(observer.call, chains.root(value));
        let settled = self.facts.settled(value, observer);
        other
            .zip(settled)
            .filter(|(other, settled)| *settled <= other.call)
            .map(|(other, _)| other)
            .or_else(|| {
                let later = chains.later(value);
                later
                    .flat_map(|later| self.facts.observers(later))
                    .copied()
                    .find(|later| later.ret < observer.call)
            })
    }
}
