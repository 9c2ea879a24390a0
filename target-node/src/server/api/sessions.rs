//! `/sessions`: for requests that take place once, however often they are sent.

use axum::{extract::State, response::Response};
use schemars::JsonSchema;
use serde::Deserialize;

use super::{
    door::Door,
    extract::{Asked, InPath, malformed},
    terms::{Patience, Terms},
};
use crate::kv::{ClientId, Command};

/// How long a client may be silent unless it says otherwise.
const IDLE_MS: u64 = 10 * 60 * 1000;
/// The shortest and the longest time that it can say.
const IDLE_MS_MIN: u64 = 1000;
const IDLE_MS_MAX: u64 = 24 * 60 * 60 * 1000;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RegisterQuery {
    #[schemars(range(min = 1000, max = 86_400_000))]
    idle_ms: Option<u64>,
    timeout_ms: Option<Patience>,
}

pub(super) async fn register(
    State(door): State<Door>,
    Asked(query): Asked<RegisterQuery>,
) -> Response {
    let idle_ms = query.idle_ms.unwrap_or(IDLE_MS);
    if !(IDLE_MS_MIN..=IDLE_MS_MAX).contains(&idle_ms) {
        let what = format!("idle_ms is {idle_ms}; it can be {IDLE_MS_MIN} to {IDLE_MS_MAX}");
        return malformed(&door, what);
    }
    let terms = Terms::without_session(query.timeout_ms);
    door.command(Command::Register { idle_ms }, terms).await
}

pub(super) async fn keep_alive(
    State(door): State<Door>,
    InPath(client): InPath<u64>,
    terms: Terms,
) -> Response {
    let client = ClientId(client);
    door.command(Command::KeepAlive { client }, terms).await
}
