//! One object while its history is being written.
//!
//! A return can be *settled* when everything that was called before it is complete: then the frontier goes behind it, and what is
//! behind the frontier is forgotten. The rest is the *tail*. What may come of the tail is looked up with the operations that are still open as
//! indeterminate ones, and forgotten again.
//!
//! An operation that stays open would hold back settling for ever. When the tail gets too long its first operation is *presumed*
//! indeterminate. If it does complete later, as `ok` or `fail`, then less is possible than the frontier believes. So what it cannot
//! pass is impossible all the same, but what it can pass need not be possible.

use std::collections::VecDeque;

use crate::budget::{Budget, Limit};
use crate::frontier::live::{Live, Stuck};
use crate::history::OpId;
use crate::models::machine::{ActionId, Entry, Machine, NEVER, Step};

pub(super) struct Object {
    frontier: Live,
    /// In the order of their calls.
    tail: VecDeque<Seen>,
    /// Presumed indeterminate and not completed since.
    presumed: Vec<u64>,
    /// Was presumed indeterminate, but was not.
    mistaken: Option<OpId>,
    stuck: Option<Stuck>,
}

/// An operation of the tail.
struct Seen {
    call: u64,
    open: bool,
    /// What is known of it; `None` if that says nothing.
    step: Option<Step>,
}

impl Object {
    pub(super) fn new(machine: Box<dyn Machine>) -> Self {
        Self {
            frontier: Live::new(machine),
            tail: VecDeque::new(),
            presumed: Vec::new(),
            mistaken: None,
            stuck: None,
        }
    }

    /// An operation is called.
    ///
    /// # Errors
    /// Why it makes no sense to the model.
    pub(super) fn call(&mut self, entry: &Entry<'_>) -> Result<(), String> {
        let action = self.learn(entry)?;
        // A pure operation that has no return asks for nothing.
        let action = action.filter(|&action| !self.frontier.machine().is_pure(action));
        let call = entry.operation.call;
        self.tail.push_back(Seen {
            call,
            open: true,
            step: action.map(|action| entry.step(action)),
        });
        Ok(())
    }

    /// An operation took effect, and this is its answer.
    ///
    /// # Errors
    /// Why it makes no sense to the model.
    pub(super) fn succeed(&mut self, entry: &Entry<'_>) -> Result<(), String> {
        let action = self.learn(entry)?;
        self.complete(entry, action.map(|action| entry.step(action)));
        Ok(())
    }

    /// An operation had no effect.
    ///
    /// # Errors
    /// Why it makes no sense to the model.
    pub(super) fn fail(&mut self, entry: &Entry<'_>) -> Result<(), String> {
        self.learn(entry)?;
        self.complete(entry, None);
        Ok(())
    }

    /// Nobody will know what became of an operation.
    pub(super) fn lose(&mut self, entry: &Entry<'_>) {
        let call = entry.operation.call;
        self.presumed.retain(|&presumed| presumed != call);
        if let Some(seen) = self.seen(call) {
            seen.open = false;
        }
    }

    fn learn(&mut self, entry: &Entry<'_>) -> Result<Option<ActionId>, String> {
        self.frontier.machine().learn(entry)
    }

    fn complete(&mut self, entry: &Entry<'_>, step: Option<Step>) {
        let (call, id) = (entry.operation.call, entry.operation.id);
        if let Some(seen) = self.seen(call) {
            seen.open = false;
            seen.step = step;
        } else if let Some(at) = self.presumed.iter().position(|&presumed| presumed == call) {
            self.presumed.swap_remove(at);
            self.mistaken.get_or_insert(id);
        }
    }

    fn seen(&mut self, call: u64) -> Option<&mut Seen> {
        let at = self.tail.binary_search_by_key(&call, |seen| seen.call);
        at.ok().map(|at| &mut self.tail[at])
    }

    /// What is known by now, with the operations that are open as indeterminate ones. A tail that is longer is not waited for.
    ///
    /// # Errors
    /// If the budget does not allow it; it can be tried again.
    pub(super) fn look(
        &mut self,
        longest_tail: usize,
        budget: &dyn Budget,
    ) -> Result<Outlook, Limit> {
        if self.stuck.is_none() {
            self.stuck = self.settle(longest_tail, budget)?;
        }
        if self.stuck.is_none() {
            let steps: Vec<Step> = self.tail.iter().filter_map(|seen| seen.step).collect();
            self.stuck = self.frontier.look_ahead(&steps, budget)?;
        }
        Ok(match (&self.stuck, self.mistaken) {
            (Some(stuck), _) => Outlook::Stuck(stuck.clone()),
            (None, Some(mistaken)) => Outlook::Mistaken(mistaken),
            (None, None) => Outlook::Clear,
        })
    }

    /// Takes what is complete into the frontier, as far as nothing open was called before it.
    fn settle(&mut self, longest_tail: usize, budget: &dyn Budget) -> Result<Option<Stuck>, Limit> {
        loop {
            while let Some(first) = self.tail.front()
                && !first.open
            {
                if let Some(step) = first.step {
                    self.frontier.push(step)?;
                }
                self.tail.pop_front();
            }
            let open = self.tail.front().map_or(NEVER, |first| first.call);
            let stuck = self.frontier.settle(open, budget)?;
            let too_long = self.tail.len() > longest_tail;
            match self.tail.front_mut() {
                Some(first) if stuck.is_none() && too_long => {
                    first.open = false;
                    self.presumed.push(first.call);
                }
                Some(_) | None => return Ok(stuck),
            }
        }
    }

    /// An estimate of what it occupies.
    pub(super) fn bytes(&self) -> u64 {
        let tail = self.tail.capacity() * size_of::<Seen>();
        let presumed = self.presumed.capacity() * size_of::<u64>();
        self.frontier.bytes() + (tail + presumed + size_of::<Self>()) as u64
    }
}

/// What is known of an object.
pub(super) enum Outlook {
    /// Some order exists.
    Clear,
    /// None does.
    Stuck(Stuck),
    /// None need exist, because this operation was presumed indeterminate and was not.
    Mistaken(OpId),
}
