//! What can be wrong with a certificate.

use crate::budget::Limit;
use crate::history::OpId;
use crate::value::Value;

/// Why a certificate proves nothing. Operations are named by their place in the history.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CertifyError {
    /// The model has no such operation.
    #[error("operation {}: {reason}", id.0)]
    Unreadable {
        /// Which.
        id: OpId,
        /// Why it makes no sense to the model.
        reason: String,
    },
    /// The answers are not those for the objects of the history, each once, in order.
    #[error(
        "the answers are not one for each object of the history, see the one for {}",
        name(key)
    )]
    Objects {
        /// The first object that is missing, or too much.
        key: Option<Value>,
    },
    /// An operation of another object, or of none.
    #[error("operation {} does not belong to the object", id.0)]
    Foreign {
        /// Which.
        id: OpId,
    },
    /// An operation twice.
    #[error("operation {} is there twice", id.0)]
    Duplicate {
        /// Which.
        id: OpId,
    },
    /// An operation that certainly had no effect.
    #[error("operation {} failed, so it has no place in an order", id.0)]
    Failed {
        /// Which.
        id: OpId,
    },
    /// A witness without an operation that took effect.
    #[error("operation {} is acknowledged, but the witness leaves it out", id.0)]
    Missing {
        /// Which.
        id: OpId,
    },
    /// A witness against real time.
    #[error("operation {} stands behind operation {}, which was called after it returned", id.0, behind.0)]
    RealTime {
        /// The one that returned first.
        id: OpId,
        /// The one called later, placed before it.
        behind: OpId,
    },
    /// A witness that the model does not accept.
    #[error("the model refuses operation {} where the witness has it", id.0)]
    Refused {
        /// Which.
        id: OpId,
    },
    /// An invalid object without a counterexample.
    #[error(
        "there is no counterexample for {}; ask for one with more time",
        name(key)
    )]
    NoCounterexample {
        /// The object.
        key: Option<Value>,
    },
    /// An operation of a counterexample that claims more than the history says.
    #[error("operation {} of the counterexample {claim}", id.0)]
    Stronger {
        /// Which.
        id: OpId,
        /// What it claims.
        claim: &'static str,
    },
    /// A counterexample without a mutation that one of its operations may have seen.
    #[error("the counterexample leaves out operation {}, which operation {} may have seen", id.0, seen_by.0)]
    Needed {
        /// The mutation.
        id: OpId,
        /// Who may have seen it.
        seen_by: OpId,
    },
    /// A counterexample that is linearizable.
    #[error(
        "the {operations} operations of the counterexample for {} have an order",
        name(key)
    )]
    Legal {
        /// The object.
        key: Option<Value>,
        /// How many operations it has.
        operations: usize,
    },
    /// The budget ended before every certificate was checked; none was refused until then.
    #[error("{0} before all certificates were checked")]
    Limit(Limit),
    /// A counterexample with too many orders to try them all.
    #[error(
        "the counterexample for {} has {operations} operations with more than {limit} ways to order some of them, too many to try them all",
        name(key)
    )]
    TooLarge {
        /// The object.
        key: Option<Value>,
        /// How many operations it has.
        operations: usize,
        /// How many configurations are tried.
        limit: usize,
    },
}

impl From<Limit> for CertifyError {
    fn from(limit: Limit) -> Self {
        Self::Limit(limit)
    }
}

fn name(key: &Option<Value>) -> String {
    key.as_ref()
        .map_or_else(|| "the object".to_owned(), |key| format!("object {key}"))
}
