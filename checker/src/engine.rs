//! What all exact algorithms have in common: they can be run for a while and asked how far they got.

use crate::budget::{Budget, Limit};
use crate::history::OpId;
use crate::models::machine::Problem;
use crate::value::Value;

/// What is known about an object in the end.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// A witness order.
    Valid(Vec<OpId>),
    /// The operation with the first return that no order reaches, and the values the object may have before it.
    Invalid { stuck: OpId, states: Vec<Value> },
    /// A limit, the operation with the last return that some order reaches, and how many configurations were held at once.
    Unknown {
        limit: Limit,
        proven_until: Option<OpId>,
        peak_configurations: usize,
    },
}

/// How far an engine got.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Standing {
    /// How many returns some order reaches.
    pub(crate) returns: u32,
    /// The operation with the last of them.
    pub(crate) proven_until: Option<OpId>,
    /// The largest number of configurations held at once.
    pub(crate) peak_configurations: usize,
}

impl Standing {
    /// What is known from two engines.
    pub(crate) fn further(self, other: Self) -> Self {
        let furthest = if other.returns > self.returns {
            other
        } else {
            self
        };
        Self {
            peak_configurations: self.peak_configurations.max(other.peak_configurations),
            ..furthest
        }
    }

    pub(crate) fn unknown(self, limit: Limit) -> Answer {
        Answer::Unknown {
            limit,
            proven_until: self.proven_until,
            peak_configurations: self.peak_configurations,
        }
    }
}

/// What an engine says after some work.
#[derive(Debug)]
pub(crate) enum Progress {
    /// It is done; never with [`Answer::Unknown`].
    Done(Answer),
    /// The work allowed is used up; it can go on.
    Paused,
    /// A limit was reached; it can not go on.
    Stopped(Limit),
}

/// An exact algorithm on one object.
pub(crate) trait Engine: Send {
    /// Goes on for a number of configurations. How far that gets depends on the object alone, not on clocks.
    fn advance(&mut self, configurations: u64, budget: &dyn Budget) -> Progress;

    /// How far it got.
    fn standing(&self) -> Standing;

    /// Where it stood some returns before the furthest, for another engine to go on from.
    fn foothold(&self, returns_back: u32) -> Option<Foothold> {
        let _ = returns_back;
        None
    }
}

/// A place in a history that some order reaches.
pub(crate) struct Foothold {
    pub(crate) problem: Problem,
    /// All operations are placed that return before the return of this number.
    pub(crate) at: u32,
    /// What was placed up to there, in order.
    pub(crate) path: Vec<Placed>,
}

/// A step, and the number of the return it was placed just before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Placed {
    pub(crate) step: u32,
    pub(crate) before: u32,
}

/// Runs one engine alone to its end, if it could be prepared.
pub(crate) fn run(engine: Result<Box<dyn Engine>, Limit>, budget: &dyn Budget) -> Answer {
    let mut engine = match engine {
        Ok(engine) => engine,
        Err(limit) => return Standing::default().unknown(limit),
    };
    loop {
        match engine.advance(u64::MAX, budget) {
            Progress::Done(answer) => return answer,
            Progress::Paused => {}
            Progress::Stopped(limit) => return engine.standing().unknown(limit),
        }
    }
}
