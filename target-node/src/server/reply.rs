//! What a client is told: one of three outcomes, and why.

use serde::Serialize;

use crate::raft::Refusal;

/// Whether an operation took effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Outcome {
    /// It did.
    Ok,
    /// It did not and never will.
    Fail,
    /// It may have, or may yet.
    Unknown,
}

/// Why an operation has no result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Reason {
    NotLeader,
    CasMismatch,
    Busy,
    Timeout,
    LeadershipLost,
    Stopping,
    BadRequest,
    NotFound,
}

impl Reason {
    const fn message(self) -> &'static str {
        match self {
            Self::NotLeader => "this node does not lead; ask the leader",
            Self::CasMismatch => "the key does not hold the expected value",
            Self::Busy => "too many operations wait; try again later",
            Self::Timeout => "no majority confirmed in time",
            Self::LeadershipLost => "leadership was lost while the operation was under way",
            Self::Stopping => "the node was stopped while the operation was under way",
            Self::BadRequest => "the request is malformed",
            Self::NotFound => {
                "no such path or method; see /kv/{key}, /kv/{key}/cas, /status, /health"
            }
        }
    }
}

/// How an operation ended, before the node adds who and where it is.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Answer {
    pub(super) outcome: Outcome,
    /// The value, of a read that succeeded.
    pub(super) value: Option<serde_json::Value>,
    pub(super) error: Option<(Reason, String)>,
}

impl Answer {
    pub(super) const fn done() -> Self {
        Self {
            outcome: Outcome::Ok,
            value: None,
            error: None,
        }
    }

    pub(super) const fn read(value: serde_json::Value) -> Self {
        Self {
            outcome: Outcome::Ok,
            value: Some(value),
            error: None,
        }
    }

    /// Certainly without effect.
    pub(super) fn failed(reason: Reason) -> Self {
        Self::failed_with(reason, reason.message().into())
    }

    pub(super) const fn failed_with(reason: Reason, message: String) -> Self {
        Self {
            outcome: Outcome::Fail,
            value: None,
            error: Some((reason, message)),
        }
    }

    /// Possibly with effect.
    pub(super) fn unknown(reason: Reason) -> Self {
        Self {
            outcome: Outcome::Unknown,
            value: None,
            error: Some((reason, reason.message().into())),
        }
    }

    pub(super) fn refused(refusal: Refusal) -> Self {
        match refusal {
            Refusal::NotLeader => Self::failed(Reason::NotLeader),
            Refusal::Busy => Self::failed(Reason::Busy),
            Refusal::LeadershipLost => Self::unknown(Reason::LeadershipLost),
        }
    }

    /// The HTTP status that goes with it: 504 for what is unknown, 4xx and 503 for what failed.
    pub(super) fn status(&self) -> u16 {
        let reason = self.error.as_ref().map(|(reason, _)| *reason);
        match (self.outcome, reason) {
            (Outcome::Ok, _) => 200,
            (Outcome::Unknown, _) => 504,
            (Outcome::Fail, Some(Reason::NotLeader)) => 421,
            (Outcome::Fail, Some(Reason::CasMismatch)) => 409,
            (Outcome::Fail, Some(Reason::BadRequest)) => 400,
            (Outcome::Fail, Some(Reason::NotFound)) => 404,
            (
                Outcome::Fail,
                Some(Reason::Busy | Reason::Timeout | Reason::LeadershipLost | Reason::Stopping)
                | None,
            ) => 503,
        }
    }

    pub(super) fn body(self, from: &Sender) -> Body<'_> {
        let (error, message) = self.error.unzip();
        Body {
            outcome: self.outcome,
            value: self.value,
            error,
            message,
            sender: from,
        }
    }
}

/// Who answers, and whom it takes for the leader.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Sender {
    pub(super) node: String,
    pub(super) leader: Option<String>,
    pub(super) leader_url: Option<String>,
    pub(super) term: u64,
    /// The last log entry this node has applied.
    pub(super) index: u64,
}

/// The JSON body of every answer to an operation.
#[derive(Debug, Serialize)]
pub(super) struct Body<'a> {
    outcome: Outcome,
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<serde_json::Value>,
    error: Option<Reason>,
    message: Option<String>,
    #[serde(flatten)]
    sender: &'a Sender,
}
