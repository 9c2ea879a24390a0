//! `/kv/{key}`: one value.

use axum::{extract::State, response::Response};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use super::{
    door::Door,
    extract::{Asked, Content, InPath, malformed, present},
    level::ReadQuery,
    terms::Terms,
};
use crate::kv::{Command, JsonText, MicroOp};

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ValueBody {
    #[serde(deserialize_with = "present")]
    #[schemars(with = "Value")]
    value: JsonText,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct CasBody {
    #[serde(deserialize_with = "present")]
    #[schemars(with = "Value")]
    expected: JsonText,
    #[serde(deserialize_with = "present")]
    #[schemars(with = "Value")]
    value: JsonText,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct AddBody {
    amount: i64,
}

pub(super) async fn read(
    State(door): State<Door>,
    InPath(key): InPath<String>,
    Asked(query): Asked<ReadQuery>,
) -> Response {
    match query.ask(key.into()) {
        Ok(ask) => door.answer(ask).await,
        Err(error) => malformed(&door, error.to_string()),
    }
}

pub(super) async fn write(
    State(door): State<Door>,
    InPath(key): InPath<String>,
    terms: Terms,
    Content(ValueBody { value }): Content<ValueBody>,
) -> Response {
    change(&door, key, MicroOp::Write(value), terms).await
}

pub(super) async fn delete(
    State(door): State<Door>,
    InPath(key): InPath<String>,
    terms: Terms,
) -> Response {
    change(&door, key, MicroOp::Delete, terms).await
}

pub(super) async fn append(
    State(door): State<Door>,
    InPath(key): InPath<String>,
    terms: Terms,
    Content(ValueBody { value }): Content<ValueBody>,
) -> Response {
    change(&door, key, MicroOp::Append(value), terms).await
}

pub(super) async fn add(
    State(door): State<Door>,
    InPath(key): InPath<String>,
    terms: Terms,
    Content(AddBody { amount }): Content<AddBody>,
) -> Response {
    change(&door, key, MicroOp::Add(amount), terms).await
}

pub(super) async fn cas(
    State(door): State<Door>,
    InPath(key): InPath<String>,
    terms: Terms,
    Content(CasBody { expected, value }): Content<CasBody>,
) -> Response {
    let command = Command::Cas {
        key: key.into(),
        expected,
        value,
    };
    door.command(command, terms).await
}

async fn change(door: &Door, key: String, micro_op: MicroOp, terms: Terms) -> Response {
    let key = key.into();
    let command = Command::Single { key, micro_op };
    door.command(command, terms).await
}
