//! What a client is told: how its operation ended, by whom, and who leads.

use schemars::JsonSchema;
use serde::Serialize;

use crate::replica::{Answer, Gift, Outcome, Reason};

/// Who answers, and whom it takes for the leader.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub(super) struct Sender {
    pub(super) node: String,
    pub(super) leader: Option<String>,
    pub(super) leader_url: Option<String>,
    pub(super) term: u64,
    /// The last log entry this node has applied.
    pub(super) index: u64,
}

/// The JSON body of every answer to an operation.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Body<'a> {
    outcome: Outcome,
    #[serde(flatten)]
    gift: Gift,
    error: Option<Reason>,
    message: Option<String>,
    #[serde(flatten)]
    sender: &'a Sender,
}

impl<'a> Body<'a> {
    pub(super) fn new(answer: Answer, sender: &'a Sender) -> Self {
        let (error, message) = answer.error.unzip();
        Self {
            outcome: answer.outcome,
            gift: answer.gift,
            error,
            message,
            sender,
        }
    }
}
