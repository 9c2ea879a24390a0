//! What must hold for clients, seen beside the log: no read misses what was complete before it began, what was
//! confirmed stays, and nobody is told anything that the log does not give.
//!
//! Every finished operation shows how far the log had got at least. The greatest such place is the **floor**: an
//! operation that begins later sees everything up to it. Raft serves all clients from one log, so there is
//! one floor for all objects, which is more than linearizability asks.

use std::collections::BTreeMap;

use super::{
    Violation,
    action::{Action, Level, Mark, Object, mark_of},
    law::Law,
};
use crate::{
    kv::JsonText,
    replica::{Answer, Outcome, Reason},
};

/// One operation of a client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Operation {
    pub(super) action: Action,
    pub(super) mark: Mark,
    /// The floor when it began.
    floor: u64,
    /// The greatest token that anybody had been granted when it began.
    token_floor: u64,
}

/// What clients have been told so far.
#[derive(Debug, Default)]
pub(super) struct Oracle {
    floor: u64,
    token_floor: u64,
    /// Log indexes of each mark.
    places: BTreeMap<Mark, Vec<u64>>,
    /// Entries of the log already looked at.
    seen: usize,
    /// Answered before they were committed.
    early: Vec<(Mark, Answer)>,
    /// Certainly without effect, as clients were told.
    refused: Vec<Mark>,
}

impl Oracle {
    pub(super) const fn begin(&self, action: Action, mark: Mark) -> Operation {
        Operation {
            action,
            mark,
            floor: self.floor,
            token_floor: self.token_floor,
        }
    }

    /// `tries` is how often it was asked.
    pub(super) fn on_end(
        &mut self,
        operation: &Operation,
        answer: &Answer,
        tries: u32,
        law: &Law,
    ) -> Result<(), Violation> {
        self.catch_up(law);
        match (&operation.action, answer.outcome) {
            (_, Outcome::Unknown) => Ok(()),
            (Action::Read(object, level), Outcome::Ok) => {
                let value = answer.gift.value.clone();
                let value = value.unwrap_or_else(JsonText::null);
                self.on_read(operation, *object, *level, &value, law)
            }
            (Action::Read(..) | Action::ReadAll, _) => Ok(()),
            (Action::Release(..) | Action::Register { .. }, Outcome::Ok) => Ok(()),
            (Action::Release(..), Outcome::Fail) => self.on_not_released(operation, answer, tries),
            (_, Outcome::Fail) if is_refusal(answer) || is_given_up(answer) => {
                if tries == 1 {
                    self.refused.push(operation.mark);
                }
                Ok(())
            }
            (Action::Register { .. }, Outcome::Fail) => Ok(()),
            (Action::Acquire, Outcome::Ok) => {
                self.on_token(operation, answer.gift.token.unwrap_or(0))?;
                self.on_result(operation, answer, law)
            }
            (
                Action::Write(_)
                | Action::Cas { .. }
                | Action::Append(_)
                | Action::AppendAll
                | Action::Add
                | Action::Acquire,
                Outcome::Ok | Outcome::Fail,
            ) => self.on_result(operation, answer, law),
        }
    }

    /// A read gives what some state at or above its floor holds; a local one what any state held.
    fn on_read(
        &mut self,
        operation: &Operation,
        object: Object,
        level: Level,
        value: &JsonText,
        law: &Law,
    ) -> Result<(), Violation> {
        let end = law.committed.len() as u64;
        let key = object.key();
        let holds = |place: &u64| {
            let state = law.state_after(*place);
            state.is_some_and(|state| state.read(&key) == *value)
        };
        let floor = match level {
            Level::Raft(_) | Level::Log => operation.floor,
            Level::Local => 0,
        };
        match (floor..=end).find(holds) {
            Some(_) if level == Level::Local => Ok(()),
            Some(place) => {
                self.floor = self.floor.max(place);
                Ok(())
            }
            None if (0..floor).any(|place| holds(&place)) => {
                let what = format!("{operation:?} returned {value}");
                Err(Violation::StaleRead(what))
            }
            None => Err(Violation::WrongResult(format!(
                "{operation:?} returned {value}, which no state of the log holds"
            ))),
        }
    }

    /// Whoever was granted a lock releases it, unless an earlier try did.
    fn on_not_released(
        &self,
        operation: &Operation,
        answer: &Answer,
        tries: u32,
    ) -> Result<(), Violation> {
        let reason = answer.error.as_ref().map(|(reason, _)| *reason);
        if reason == Some(Reason::LockNotHeld) && tries == 1 {
            return Err(Violation::LostUpdate(format!(
                "{operation:?}: the lock is not held any more"
            )));
        }
        Ok(())
    }

    fn on_token(&mut self, operation: &Operation, token: u64) -> Result<(), Violation> {
        if token <= operation.token_floor {
            let what = format!("{operation:?} was granted token {token}");
            return Err(Violation::Fencing(what));
        }
        self.token_floor = self.token_floor.max(token);
        Ok(())
    }

    /// The answer is what the log gives at one of the places of the mark.
    fn on_result(
        &mut self,
        operation: &Operation,
        answer: &Answer,
        law: &Law,
    ) -> Result<(), Violation> {
        let Some(places) = self.places.get(&operation.mark) else {
            self.early.push((operation.mark, answer.clone()));
            return Ok(());
        };
        let gives = |place: &&u64| {
            let applied = &law.results[super::positions::usize_of(**place - 1)];
            Answer::applied(applied.clone()) == *answer
        };
        match places.iter().find(gives) {
            Some(place) => {
                self.floor = self.floor.max(*place);
                Ok(())
            }
            None => Err(Violation::WrongResult(format!(
                "{operation:?} was answered {answer:?}"
            ))),
        }
    }

    /// Once all is quiet, everything answered is in the log, and nothing refused is.
    pub(super) fn on_quiet(&mut self, law: &Law) -> Result<(), Violation> {
        self.catch_up(law);
        for (mark, answer) in std::mem::take(&mut self.early) {
            let places = self.places.get(&mark).into_iter().flatten();
            let mut results =
                places.map(|place| &law.results[super::positions::usize_of(place - 1)]);
            if !results.any(|applied| Answer::applied(applied.clone()) == answer) {
                let what = format!("{mark:?} was answered {answer:?}");
                return Err(Violation::LostUpdate(what));
            }
        }
        match self
            .refused
            .iter()
            .find(|mark| self.places.contains_key(mark))
        {
            Some(mark) => Err(Violation::WrongResult(format!(
                "{mark:?} was refused, and is in the log"
            ))),
            None => Ok(()),
        }
    }

    fn catch_up(&mut self, law: &Law) {
        for entry in law.committed.iter().skip(self.seen) {
            if let Some(mark) = mark_of(entry) {
                self.places.entry(mark).or_default().push(entry.at.index.0);
            }
        }
        self.seen = law.committed.len();
    }
}

/// Whether a node did not even try.
pub(super) fn is_refusal(answer: &Answer) -> bool {
    let reason = answer.error.as_ref().map(|(reason, _)| *reason);
    answer.outcome == Outcome::Fail && matches!(reason, Some(Reason::NotLeader | Reason::Busy))
}

/// Whether a node gave up on what it had begun.
fn is_given_up(answer: &Answer) -> bool {
    let reason = answer.error.as_ref().map(|(reason, _)| *reason);
    matches!(
        reason,
        Some(Reason::Timeout | Reason::LeadershipLost | Reason::Stopping)
    )
}
