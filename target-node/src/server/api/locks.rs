//! `/locks/{lock}`: who may do what only one may do.

use axum::{extract::State, response::Response};
use schemars::JsonSchema;
use serde::Deserialize;

use super::{
    door::Door,
    extract::{Content, InPath},
    terms::Terms,
};
use crate::kv::{Command, Fence};

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct AcquireBody {
    owner: String,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ReleaseBody {
    owner: String,
    token: Option<u64>,
}

pub(super) async fn acquire(
    State(door): State<Door>,
    InPath(lock): InPath<String>,
    terms: Terms,
    Content(AcquireBody { owner }): Content<AcquireBody>,
) -> Response {
    let command = Command::Acquire {
        lock: lock.into(),
        owner: owner.into(),
    };
    door.command(command, terms).await
}

pub(super) async fn release(
    State(door): State<Door>,
    InPath(lock): InPath<String>,
    terms: Terms,
    Content(ReleaseBody { owner, token }): Content<ReleaseBody>,
) -> Response {
    let command = Command::Release {
        lock: lock.into(),
        owner: owner.into(),
        token: token.map(Fence),
    };
    door.command(command, terms).await
}
