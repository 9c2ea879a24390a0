//! How bad it is: which weaker models a history of registers still follows.
//!
//! [`view`] says for each model what must be ordered and by which rules, [`order`] looks for a legal order.

mod order;
mod view;

use serde::Serialize;

use crate::budget::Budget;
use crate::history::{History, OpId};
use crate::models::ModelSpec;
use crate::verdict::Verdict;
use order::Search;
use view::Program;

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
/// The guarantees are those of Terry and others 1994 ("Session guarantees for weakly consistent replicated data", section 3), as orders
/// seen by a process (Brzeziński, Sobaniec and Wawrzyniak 2004, "From session causality to causal consistency"). The last two only show
/// in one observation after another, so they include monotonic reads. What another process compared before it set does not count in
/// these orders, what it set does. Sequential consistency implies all four.
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
    let Some(program) = Program::new(history, spec) else {
        return Vec::new();
    };
    let mut verdicts = WeakerModel::ALL.map(|model| Weaker {
        model,
        verdict: judge(&program, model, near, budget),
    });
    let [sequential, guarantees @ ..] = &mut verdicts;
    for guarantee in guarantees {
        match (sequential.verdict, guarantee.verdict) {
            (Verdict::Valid, _) => guarantee.verdict = Verdict::Valid,
            (Verdict::Unknown, Verdict::Invalid) => sequential.verdict = Verdict::Invalid,
            (Verdict::Unknown | Verdict::Invalid, _) => {}
        }
    }
    verdicts.to_vec()
}

/// How many operations before the violation are looked at alone.
const WINDOWS: [usize; 3] = [8, 24, 64];

/// What no part of a history follows, the whole does not either.
fn judge(
    program: &Program,
    model: WeakerModel,
    near: Option<OpId>,
    budget: &dyn Budget,
) -> Verdict {
    let parts = near
        .into_iter()
        .flat_map(|near| WINDOWS.map(|size| program.part(near, size)));
    for part in parts {
        if follows(&part, model, budget) == Verdict::Invalid {
            return Verdict::Invalid;
        }
    }
    follows(program, model, budget)
}

fn follows(program: &Program, model: WeakerModel, budget: &dyn Budget) -> Verdict {
    let mut worst = Verdict::Valid;
    for observer in program.observers(model) {
        let verdict = program
            .view(model, observer)
            .map_or(Verdict::Unknown, |view| Search::new(&view, budget).run());
        worst = worst.max(verdict);
        if worst == Verdict::Invalid {
            break;
        }
    }
    worst
}
