//! `/kv/{key}`: one value.

use axum::{extract::State, response::Response};
use serde::Deserialize;

use super::{
    door::Door,
    extract::{Asked, Content, Name, Wait, present},
};
use crate::{
    kv::{Command, JsonText, MicroOp},
    server::desk::Operation,
};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ValueBody {
    #[serde(deserialize_with = "present")]
    value: JsonText,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CasBody {
    #[serde(deserialize_with = "present")]
    expected: JsonText,
    #[serde(deserialize_with = "present")]
    value: JsonText,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AddBody {
    amount: i64,
}

pub(super) async fn read(
    State(door): State<Door>,
    Name(key): Name,
    Asked(wait): Asked<Wait>,
) -> Response {
    let key = key.into();
    door.answer(Operation::Read { key }, wait.patience()).await
}

pub(super) async fn write(
    State(door): State<Door>,
    Name(key): Name,
    Asked(wait): Asked<Wait>,
    Content(ValueBody { value }): Content<ValueBody>,
) -> Response {
    change(&door, key, MicroOp::Write(value), &wait).await
}

pub(super) async fn delete(
    State(door): State<Door>,
    Name(key): Name,
    Asked(wait): Asked<Wait>,
) -> Response {
    change(&door, key, MicroOp::Delete, &wait).await
}

pub(super) async fn append(
    State(door): State<Door>,
    Name(key): Name,
    Asked(wait): Asked<Wait>,
    Content(ValueBody { value }): Content<ValueBody>,
) -> Response {
    change(&door, key, MicroOp::Append(value), &wait).await
}

pub(super) async fn add(
    State(door): State<Door>,
    Name(key): Name,
    Asked(wait): Asked<Wait>,
    Content(AddBody { amount }): Content<AddBody>,
) -> Response {
    change(&door, key, MicroOp::Add(amount), &wait).await
}

pub(super) async fn cas(
    State(door): State<Door>,
    Name(key): Name,
    Asked(wait): Asked<Wait>,
    Content(CasBody { expected, value }): Content<CasBody>,
) -> Response {
    let command = Command::Cas {
        key: key.into(),
        expected,
        value,
    };
    door.answer(Operation::Command(command), wait.patience())
        .await
}

async fn change(door: &Door, key: String, micro_op: MicroOp, wait: &Wait) -> Response {
    let key = key.into();
    let command = Command::Single { key, micro_op };
    door.answer(Operation::Command(command), wait.patience())
        .await
}
