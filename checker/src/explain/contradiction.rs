//! Contradictions between a few operations of a register, each a proof by itself.

use crate::history::OpId;
use crate::models::register::{RegisterOp, ValueId};
use crate::verdict::AnomalyClass;

/// Operations that cannot all be true.
#[derive(Clone, Debug)]
pub(super) enum Contradiction<'r> {
    /// An operation saw a value that nobody can have written by then.
    Unwritten {
        observer: &'r RegisterOp,
        failed: Option<&'r RegisterOp>,
    },
    /// An operation saw a value that completed mutations had replaced before it was called.
    Overwritten {
        observer: &'r RegisterOp,
        /// The mutations, in the order of their returns.
        by: Vec<&'r RegisterOp>,
        /// The first of them that nobody ever saw, if the loss is certain.
        lost: Option<&'r RegisterOp>,
    },
    /// Two compare-and-sets replaced the same value, which came only once.
    TwoSuccessors {
        value: ValueId,
        first: &'r RegisterOp,
        second: &'r RegisterOp,
    },
    /// An operation saw a value although another one had seen its successor before it was called.
    Reappeared {
        observer: &'r RegisterOp,
        /// Who saw the value first.
        before: Option<&'r RegisterOp>,
        /// Who saw another value since.
        between: &'r RegisterOp,
        /// All writes of both values had returned before both were seen.
        at_rest: bool,
    },
}

impl<'r> Contradiction<'r> {
    pub(super) fn class(&self) -> AnomalyClass {
        match self {
            Self::Unwritten {
                failed: Some(_), ..
            } => AnomalyClass::DirtyRead,
            Self::Unwritten {
                observer,
                failed: None,
            } if observer.action.writes().is_some() => AnomalyClass::CasMismatch,
            Self::Unwritten { failed: None, .. } => AnomalyClass::PhantomValue,
            Self::Overwritten { lost: Some(_), .. } | Self::TwoSuccessors { .. } => {
                AnomalyClass::LostUpdate
            }
            Self::Overwritten {
                observer,
                lost: None,
                ..
            } if observer.action.writes().is_some() => AnomalyClass::CasMismatch,
            Self::Overwritten { lost: None, .. } => AnomalyClass::StaleRead,
            Self::Reappeared { observer, .. } if observer.action.writes().is_some() => {
                AnomalyClass::CasMismatch
            }
            Self::Reappeared {
                before: Some(_), ..
            } => AnomalyClass::NonMonotonicRead,
            Self::Reappeared {
                before: None,
                at_rest: true,
                ..
            } => AnomalyClass::Divergence,
            Self::Reappeared {
                before: None,
                at_rest: false,
                ..
            } => AnomalyClass::StaleRead,
        }
    }

    /// The operations, the one to blame last.
    pub(super) fn operations(&self) -> Vec<OpId> {
        let all: Vec<&RegisterOp> = match self {
            Self::Unwritten { observer, failed } => {
                failed.iter().copied().chain([*observer]).collect()
            }
            Self::Overwritten { observer, by, lost } => lost
                .or(by.first().copied())
                .into_iter()
                .chain([*observer])
                .collect(),
            Self::TwoSuccessors { first, second, .. } => vec![*first, *second],
            Self::Reappeared {
                observer,
                before,
                between,
                ..
            } => before
                .iter()
                .copied()
                .chain([*between, *observer])
                .collect(),
        };
        all.iter().map(|operation| operation.id).collect()
    }

    /// Clearer ones first, then earlier ones.
    pub(super) fn rank(&self) -> (u8, u64) {
        let clarity = match self.class() {
            AnomalyClass::LostUpdate => 0,
            AnomalyClass::DirtyRead | AnomalyClass::PhantomValue => 1,
            AnomalyClass::StaleRead => 2,
            AnomalyClass::CasMismatch => 3,
            AnomalyClass::NonMonotonicRead | AnomalyClass::Divergence => 4,
            AnomalyClass::DoubleApply | AnomalyClass::Other => 5,
        };
        let (Self::Unwritten { observer, .. }
        | Self::Overwritten { observer, .. }
        | Self::TwoSuccessors {
            second: observer, ..
        }
        | Self::Reappeared { observer, .. }) = self;
        (clarity, observer.ret)
    }
}
