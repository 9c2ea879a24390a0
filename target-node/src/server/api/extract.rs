//! What a request must look like. Whatever does not is answered in the same form as everything else.

use std::time::Duration;

use axum::{
    body::Bytes,
    extract::{FromRequest, FromRequestParts, Path, Query, Request},
    http::request::Parts,
    response::Response,
};
use serde::{Deserialize, Deserializer, de::DeserializeOwned};
use serde_json::Value;

use super::door::Door;
use crate::{
    kv::JsonText,
    server::reply::{Answer, Reason},
};

/// Largest request body.
pub(super) const BODY_BYTES_MAX: usize = 256 << 10;
/// How long an operation may wait at most, and does unless it says otherwise.
const PATIENCE_MAX_MS: u64 = 5_000;

/// The name in the path.
pub(super) struct Name(pub(super) String);

impl FromRequestParts<Door> for Name {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, door: &Door) -> Result<Self, Response> {
        let name = Path::<String>::from_request_parts(parts, door).await;
        name.map(|Path(name)| Self(name)).map_err(|error| {
            malformed(
                door,
                format!("the name in the path cannot be read: {error}"),
            )
        })
    }
}

/// The part behind the question mark.
pub(super) struct Asked<T>(pub(super) T);

impl<T: DeserializeOwned> FromRequestParts<Door> for Asked<T> {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, door: &Door) -> Result<Self, Response> {
        let query = Query::<T>::from_request_parts(parts, door).await;
        query
            .map(|Query(query)| Self(query))
            .map_err(|error| malformed(door, format!("what follows ? cannot be read: {error}")))
    }
}

/// The JSON of the body, whatever type it says it has.
pub(super) struct Content<T>(pub(super) T);

impl<T: DeserializeOwned> FromRequest<Door> for Content<T> {
    type Rejection = Response;

    async fn from_request(request: Request, door: &Door) -> Result<Self, Response> {
        let body = Bytes::from_request(request, door).await.map_err(|error| {
            let bound = format!("at most {BODY_BYTES_MAX} bytes");
            malformed(door, format!("the body cannot be read ({bound}): {error}"))
        })?;
        serde_json::from_slice(&body).map(Self).map_err(|error| {
            malformed(door, format!("the body is not the JSON asked for: {error}"))
        })
    }
}

/// How long to wait for the answer.
#[derive(Debug, Default, Clone, Copy, Deserialize)]
#[serde(try_from = "u64")]
pub(super) struct Patience(u64);

/// A time to wait that is none or too long.
#[derive(Debug, thiserror::Error)]
#[error("timeout_ms is {0}; it can be 1 to {PATIENCE_MAX_MS}")]
pub(super) struct BadPatience(u64);

impl TryFrom<u64> for Patience {
    type Error = BadPatience;

    fn try_from(ms: u64) -> Result<Self, BadPatience> {
        (1..=PATIENCE_MAX_MS)
            .contains(&ms)
            .then_some(Self(ms))
            .ok_or(BadPatience(ms))
    }
}

/// The query of everything that waits for no more than the log.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Wait {
    timeout_ms: Option<Patience>,
}

impl Wait {
    pub(super) fn patience(&self) -> Duration {
        patience(self.timeout_ms)
    }
}

pub(super) fn patience(asked: Option<Patience>) -> Duration {
    Duration::from_millis(asked.map_or(PATIENCE_MAX_MS, |Patience(ms)| ms))
}

/// A JSON value of a body. Null is a value; a missing field is an error.
pub(super) fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<JsonText, D::Error> {
    Value::deserialize(deserializer).map(|value| JsonText::new(&value))
}

pub(super) fn malformed(door: &Door, what: String) -> Response {
    door.respond(Answer::failed_with(Reason::BadRequest, what))
}
