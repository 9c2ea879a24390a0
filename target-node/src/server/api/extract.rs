//! What a request must look like. Whatever does not is answered in the same form as everything else.

use axum::{
    body::Bytes,
    extract::{FromRequest, FromRequestParts, Path, Query, Request},
    http::request::Parts,
    response::Response,
};
use serde::{Deserialize as _, Deserializer, de::DeserializeOwned};
use serde_json::Value;

use super::door::Door;
use crate::{
    kv::JsonText,
    replica::{Answer, Reason},
};

/// Largest request body.
pub(super) const BODY_BYTES_MAX: usize = 256 << 10;

/// What stands in the path: the name of a key or of a lock, the number of a client.
pub(super) struct InPath<T>(pub(super) T);

impl<T: DeserializeOwned + Send> FromRequestParts<Door> for InPath<T> {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, door: &Door) -> Result<Self, Response> {
        let named = Path::<T>::from_request_parts(parts, door).await;
        named
            .map(|Path(named)| Self(named))
            .map_err(|error| malformed(door, format!("the path cannot be read: {error}")))
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

/// A JSON value of a body. Null is a value; a missing field is an error.
pub(super) fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<JsonText, D::Error> {
    Value::deserialize(deserializer).map(|value| JsonText::new(&value))
}

pub(super) fn malformed(door: &Door, what: String) -> Response {
    door.respond(Answer::failed_with(Reason::BadRequest, what))
}
