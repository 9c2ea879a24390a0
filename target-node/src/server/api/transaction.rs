//! `/txn`: several keys at once, all or nothing.

use axum::{extract::State, response::Response};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use super::{
    door::Door,
    extract::{Content, malformed, present},
    terms::Terms,
};
use crate::kv::{Command, Condition, JsonText, Key, MicroOp, Transaction};

/// Most conditions, and most operations, of one transaction.
const PARTS_MAX: usize = 256;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct TransactionBody {
    #[serde(default)]
    #[schemars(length(max = 256))]
    conditions: Vec<ConditionBody>,
    #[schemars(length(min = 1, max = 256))]
    operations: Vec<OperationBody>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct ConditionBody {
    key: String,
    #[serde(deserialize_with = "present")]
    #[schemars(with = "Value")]
    expected: JsonText,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(tag = "op", rename_all = "lowercase", deny_unknown_fields)]
enum OperationBody {
    Read {
        key: String,
    },
    Write {
        key: String,
        #[serde(deserialize_with = "present")]
        #[schemars(with = "Value")]
        value: JsonText,
    },
    Delete {
        key: String,
    },
    Append {
        key: String,
        #[serde(deserialize_with = "present")]
        #[schemars(with = "Value")]
        value: JsonText,
    },
    Add {
        key: String,
        amount: i64,
    },
}

pub(super) async fn transact(
    State(door): State<Door>,
    terms: Terms,
    Content(body): Content<TransactionBody>,
) -> Response {
    let parts = body.operations.len().max(body.conditions.len());
    if parts > PARTS_MAX || body.operations.is_empty() {
        let what = format!(
            "the transaction has {} operations and {} conditions; it can have 1 to {PARTS_MAX} and \
             0 to {PARTS_MAX}",
            body.operations.len(),
            body.conditions.len()
        );
        return malformed(&door, what);
    }
    let command = Command::Transact(body.into());
    door.command(command, terms).await
}

impl From<TransactionBody> for Transaction {
    fn from(body: TransactionBody) -> Self {
        let conditions = body.conditions.into_iter().map(Condition::from);
        let micro_ops = body.operations.into_iter().map(OperationBody::split);
        Self {
            conditions: conditions.collect(),
            micro_ops: micro_ops.collect(),
        }
    }
}

impl From<ConditionBody> for Condition {
    fn from(ConditionBody { key, expected }: ConditionBody) -> Self {
        let key = key.into();
        Self { key, expected }
    }
}

impl OperationBody {
    fn split(self) -> (Key, MicroOp) {
        let (key, micro_op) = match self {
            Self::Read { key } => (key, MicroOp::Read),
            Self::Write { key, value } => (key, MicroOp::Write(value)),
            Self::Delete { key } => (key, MicroOp::Delete),
            Self::Append { key, value } => (key, MicroOp::Append(value)),
            Self::Add { key, amount } => (key, MicroOp::Add(amount)),
        };
        (key.into(), micro_op)
    }
}
