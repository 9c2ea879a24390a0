//! How bad it is: which weaker models a history of registers still follows.
//!
//! Each model has an algorithm whose time is near-linear where it is known who wrote what was observed: [`reads`], [`own`], [`late`] and
//! [`total`]. They never guess an answer; what they leave open in a short history is searched exactly: [`view`] says what must be ordered
//! and by which rules, [`order`] looks for a legal order.

#[cfg(test)]
mod agreement;
mod late;
mod order;
mod own;
mod program;
mod reads;
mod total;
mod view;

use std::fmt;

use serde::{Serialize, Serializer};

use crate::budget::{Budget, Limit, Watch};
use crate::history::{History, OpId};
use crate::models::ModelSpec;
use crate::verdict::Verdict;
use late::Rules;
use order::{Found, Search};
use program::Program;
use view::View;

/// A consistency model that real time between processes plays no part in.
///
/// Each is a question about orders. An order is *legal* if each observation in it finds the
/// value that the last mutation of its object left. An indeterminate operation may be anywhere after the earlier ones of its process,
/// or nowhere.
///
/// | model | holds if |
/// |---|---|
/// | sequential consistency (Lamport 1979) | one legal order of all operations has each process's operations in their order |
/// | monotonic reads | for each process, a legal order of all mutations and its own observations has these observations in their order |
/// | read your writes | the same, but its observations come after its earlier mutations instead |
/// | monotonic writes | as monotonic reads, and each process's mutations are in their order |
/// | writes follow reads | as monotonic reads, and each mutation comes after those its process had observed before |
///
/// Orders are of all objects together: a guarantee that holds for each key can be broken for all of them, as when someone sees a write to
/// one key and then, of another key, what was there before an earlier write of the same client.
///
/// Only registers are judged so (`register`, `cas-register`, `kv`, `mutex`). What it is to see a write again is not defined for queues,
/// counters and the like, and no answer is given there.
///
/// The guarantees are those of Terry and others 1994 ("Session guarantees for weakly consistent replicated data", section 3), as orders
/// seen by a process (Brzeziński, Sobaniec and Wawrzyniak 2004, "From session causality to causal consistency"). The last two only show
/// in one observation after another, so they include monotonic reads. What another process compared before it set does not count in
/// these orders, what it set does. Viotti and Vukolić 2016 ("Consistency in non-transactional distributed storage systems", section 3.4)
/// say the same of visibility and arbitration: here the arbitration is the process's own. Sequential consistency implies all four.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum WeakerModel {
    /// One order for all, with each process's operations in their order.
    Sequential,
    /// Who saw a write never again sees what was before it.
    MonotonicReads,
    /// Who wrote sees that write or a later one.
    ReadYourWrites,
    /// Nobody sees the writes of one process in the wrong order.
    MonotonicWrites,
    /// Who sees a write also sees what its writer had seen before.
    WritesFollowReads,
}

impl fmt::Display for WeakerModel {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.pad(match self {
            Self::Sequential => "sequential consistency",
            Self::MonotonicReads => "monotonic reads",
            Self::ReadYourWrites => "read your writes",
            Self::MonotonicWrites => "monotonic writes",
            Self::WritesFollowReads => "writes follow reads",
        })
    }
}

impl WeakerModel {
    /// Every one, the one that implies the others first.
    pub const ALL: [Self; 5] = [
        Self::Sequential,
        Self::MonotonicReads,
        Self::ReadYourWrites,
        Self::MonotonicWrites,
        Self::WritesFollowReads,
    ];
}

/// Whether a history follows a weaker model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Weaker {
    /// The model.
    pub model: WeakerModel,
    /// Valid if it holds, unknown if a limit was reached first.
    pub verdict: Verdict,
    /// Which limit that was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<WeakerLimit>,
}

/// Why it is unknown whether a history follows a weaker model. Serialises as the sentence it displays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WeakerLimit {
    /// Several operations may have written what was observed.
    Ambiguous,
    /// A compare-and-set whose outcome nobody knows may have been of use to its own process.
    Indeterminate,
    /// The search for an order became too long.
    Steps,
    /// The caller's limit.
    Budget(Limit),
}

impl fmt::Display for WeakerLimit {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ambiguous => {
                out.write_str("several operations may have written what was observed")
            }
            Self::Indeterminate => {
                out.write_str("a cas whose outcome nobody knows may have mattered")
            }
            Self::Steps => out.write_str("the search for an order became too long"),
            Self::Budget(limit) => limit.fmt(out),
        }
    }
}

impl Serialize for WeakerLimit {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// Whether a model holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Answer {
    Holds,
    Broken,
    Open(WeakerLimit),
}

/// Which weaker models a history follows, in the order of [`WeakerModel::ALL`]; all objects together. Empty if the objects are no
/// registers, or the history is not one of the model.
///
/// `near` says where to look first for what speaks against a model: the operation of a [`crate::Violation`], if there is one.
pub fn weaker(
    history: &History,
    spec: &ModelSpec,
    near: Option<OpId>,
    budget: &dyn Budget,
) -> Vec<Weaker> {
    let watch = Watch::new(budget, size_of_val(history.operations.as_slice()) as u64);
    let program = match Program::new(history, spec, &watch) {
        Ok(Some(program)) => program,
        Ok(None) => return Vec::new(),
        Err(limit) => return all_open(limit),
    };
    let judge = Judge {
        program: &program,
        near,
        budget,
    };
    let [sequential, guarantees @ ..] = WeakerModel::ALL;
    let mut answers = guarantees.map(|model| judge.answer(model));
    let one_is_broken = answers.contains(&Answer::Broken);
    let all = if one_is_broken {
        Answer::Broken
    } else {
        judge.answer(sequential)
    };
    if all == Answer::Holds {
        answers.fill(Answer::Holds);
    }
    let answers = [all].into_iter().chain(answers);
    WeakerModel::ALL
        .into_iter()
        .zip(answers)
        .map(|(model, answer)| Weaker::new(model, answer))
        .collect()
}

/// Nothing is known of any model.
fn all_open(limit: Limit) -> Vec<Weaker> {
    let open = |model| Weaker::new(model, Answer::Open(WeakerLimit::Budget(limit)));
    WeakerModel::ALL.map(open).into()
}

impl Weaker {
    fn new(model: WeakerModel, answer: Answer) -> Self {
        let (verdict, limit) = match answer {
            Answer::Holds => (Verdict::Valid, None),
            Answer::Broken => (Verdict::Invalid, None),
            Answer::Open(limit) => (Verdict::Unknown, Some(limit)),
        };
        Self {
            model,
            verdict,
            limit,
        }
    }
}

/// How many operations before the violation are searched alone, where the whole leaves a question open.
const WINDOWS: [usize; 3] = [8, 24, 64];

/// The longest history that is searched as a whole.
const MAX_SEARCHED: usize = 4096;

struct Judge<'j> {
    program: &'j Program,
    near: Option<OpId>,
    budget: &'j dyn Budget,
}

impl Judge<'_> {
    fn answer(&self, model: WeakerModel) -> Answer {
        if let Some(limit) = self.budget.exceeded(self.program.bytes()) {
            return Answer::Open(WeakerLimit::Budget(limit));
        }
        match self.quickly(model) {
            Answer::Open(limit) => self.by_search(model, limit),
            certain @ (Answer::Holds | Answer::Broken) => certain,
        }
    }

    fn quickly(&self, model: WeakerModel) -> Answer {
        match model {
            WeakerModel::Sequential => total::follows(self.program, self.near, self.budget),
            WeakerModel::MonotonicReads => self.each(reads::follows),
            WeakerModel::ReadYourWrites => self.each(own::follows),
            WeakerModel::MonotonicWrites => {
                let rules = Rules::monotonic_writes(self.program);
                self.each(|program, own| late::follows(program, &rules, own))
            }
            WeakerModel::WritesFollowReads => {
                let rules = Rules::writes_follow_reads(self.program);
                self.each(|program, own| late::follows(program, &rules, own))
            }
        }
    }

    /// The worst answer of all processes that observe anything.
    fn each(&self, follows: impl Fn(&Program, &[usize]) -> Answer) -> Answer {
        let mut worst = Answer::Holds;
        for own in self.program.by_process().values() {
            if !own
                .iter()
                .any(|&one| self.program.actions[one].observes.is_some())
            {
                continue;
            }
            if let Some(limit) = self.budget.exceeded(self.program.bytes()) {
                return Answer::Open(WeakerLimit::Budget(limit));
            }
            match follows(self.program, own) {
                Answer::Holds => {}
                Answer::Broken => return Answer::Broken,
                open @ Answer::Open(_) => worst = open,
            }
        }
        worst
    }

    /// What no part of a history follows, the whole does not either.
    fn by_search(&self, model: WeakerModel, limit: WeakerLimit) -> Answer {
        let windows = self.near.into_iter().flat_map(|near| {
            WINDOWS.map(|size| self.program.part(self.program.last_until(near, size)).0)
        });
        for part in windows {
            if self.search(&part, model) == Answer::Broken {
                return Answer::Broken;
            }
        }
        if self.program.actions.len() > MAX_SEARCHED {
            return Answer::Open(limit);
        }
        self.search(self.program, model)
    }

    fn search(&self, program: &Program, model: WeakerModel) -> Answer {
        let observers = match model {
            WeakerModel::Sequential => vec![None],
            WeakerModel::MonotonicReads
            | WeakerModel::ReadYourWrites
            | WeakerModel::MonotonicWrites
            | WeakerModel::WritesFollowReads => program.observers().into_iter().map(Some).collect(),
        };
        let mut worst = Answer::Holds;
        for observer in observers {
            let found = View::new(program, model, observer)
                .map_or(Found::Open(WeakerLimit::Ambiguous), |view| {
                    Search::new(&view, self.budget).run()
                });
            match found {
                Found::Order(_) => {}
                Found::Nothing => return Answer::Broken,
                Found::Open(limit) => worst = Answer::Open(limit),
            }
        }
        worst
    }
}
