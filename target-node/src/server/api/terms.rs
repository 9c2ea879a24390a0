//! On what terms a request is made: how long it waits, and whether it takes place only once.
//!
//! | header | meaning |
//! |---|---|
//! | `Session-Client` | the client, as `POST /sessions` named it |
//! | `Session-Sequence` | the number of this request, of the client's choice; the same when it is sent again |
//! | `Session-Acknowledged` | the client has the answers of all requests below this one |
//!
//! The first two come together; the third may be left out, which acknowledges nothing. Without them a request that
//! is sent twice may take place twice.

use std::time::Duration;

use axum::{
    extract::FromRequestParts,
    http::{HeaderMap, request::Parts},
    response::Response,
};
use schemars::JsonSchema;
use serde::Deserialize;

use super::{
    door::Door,
    extract::{Asked, malformed},
};
use crate::kv::{ClientId, Sequence, Stamp};

/// The headers of a session, and what each means.
pub(super) const HEADERS: [(&str, &str); 3] = [
    (CLIENT, "the client, as POST /sessions named it"),
    (
        SEQUENCE,
        "the number of this request, of the client's choice; the same when it is sent again",
    ),
    (
        ACKNOWLEDGED,
        "the client has the answers of all requests below this one",
    ),
];
const CLIENT: &str = "Session-Client";
const SEQUENCE: &str = "Session-Sequence";
const ACKNOWLEDGED: &str = "Session-Acknowledged";

/// How long an operation may wait at most, and does unless it says otherwise.
const PATIENCE_MAX_MS: u64 = 5_000;

/// How long to wait for the answer.
#[derive(Debug, Default, Clone, Copy, Deserialize, JsonSchema)]
#[serde(try_from = "u64")]
pub(super) struct Patience(#[schemars(range(min = 1, max = 5000))] u64);

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

pub(super) fn patience(asked: Option<Patience>) -> Duration {
    Duration::from_millis(asked.map_or(PATIENCE_MAX_MS, |Patience(ms)| ms))
}

/// The query of what needs no other.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Wait {
    timeout_ms: Option<Patience>,
}

/// The terms of a change.
#[derive(Debug, Clone, Copy)]
pub(super) struct Terms {
    pub(super) stamp: Option<Stamp>,
    pub(super) patience: Duration,
}

impl Terms {
    /// Those of what needs no session: it makes no difference how often it takes place.
    pub(super) fn without_session(asked: Option<Patience>) -> Self {
        Self {
            stamp: None,
            patience: patience(asked),
        }
    }
}

impl FromRequestParts<Door> for Terms {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, door: &Door) -> Result<Self, Response> {
        let Asked(wait) = Asked::<Wait>::from_request_parts(parts, door).await?;
        let stamp = stamp(&parts.headers);
        let stamp = stamp.map_err(|error| malformed(door, error.to_string()))?;
        let patience = patience(wait.timeout_ms);
        Ok(Self { stamp, patience })
    }
}

/// Headers that name no request of a session.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum BadStamp {
    #[error("the header {name} is {value:?}; it must be a whole number")]
    NotANumber { name: &'static str, value: String },
    #[error("Session-Client and Session-Sequence come together or not at all")]
    Half,
    #[error(
        "Session-Acknowledged is {acknowledged}, beyond the Session-Sequence {sequence} asked now"
    )]
    Ahead { acknowledged: u64, sequence: u64 },
}

fn stamp(headers: &HeaderMap) -> Result<Option<Stamp>, BadStamp> {
    let client = number(headers, CLIENT)?;
    let sequence = number(headers, SEQUENCE)?;
    let acknowledged = number(headers, ACKNOWLEDGED)?;
    match (client, sequence, acknowledged) {
        (None, None, None) => Ok(None),
        (Some(_), Some(sequence), Some(acknowledged)) if acknowledged > sequence => {
            Err(BadStamp::Ahead {
                acknowledged,
                sequence,
            })
        }
        (Some(client), Some(sequence), acknowledged) => Ok(Some(Stamp {
            client: ClientId(client),
            sequence: Sequence(sequence),
            unanswered: Sequence(acknowledged.unwrap_or(0)),
        })),
        (None, _, _) | (_, None, _) => Err(BadStamp::Half),
    }
}

fn number(headers: &HeaderMap, name: &'static str) -> Result<Option<u64>, BadStamp> {
    let Some(value) = headers.get(name) else {
        return Ok(None);
    };
    let number = value.to_str().ok().and_then(|text| text.parse().ok());
    number.map(Some).ok_or_else(|| BadStamp::NotANumber {
        name,
        value: String::from_utf8_lossy(value.as_bytes()).into_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stamped(headers: &[(&'static str, &'static str)]) -> Result<Option<Stamp>, BadStamp> {
        let headers = headers
            .iter()
            .map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()));
        stamp(&headers.collect())
    }

    #[test]
    fn headers_name_a_request_whole_or_not_at_all() {
        let whole = |acknowledged| Stamp {
            client: ClientId(7),
            sequence: Sequence(3),
            unanswered: Sequence(acknowledged),
        };
        let client = ("Session-Client", "7");
        let sequence = ("Session-Sequence", "3");
        let acknowledged = |value| ("Session-Acknowledged", value);
        assert_eq!(stamped(&[]), Ok(None));
        assert_eq!(stamped(&[client, sequence]), Ok(Some(whole(0))));
        let all = [client, sequence, acknowledged("3")];
        assert_eq!(stamped(&all), Ok(Some(whole(3))));
        let ahead = stamped(&[client, sequence, acknowledged("4")]);
        assert!(matches!(ahead, Err(BadStamp::Ahead { .. })));
        for half in [client, sequence, acknowledged("1")] {
            assert_eq!(stamped(&[half]), Err(BadStamp::Half));
        }
        let bad = stamped(&[client, ("Session-Sequence", "-1")]).unwrap_err();
        assert!(
            bad.to_string().contains("Session-Sequence is \"-1\""),
            "{bad}"
        );
    }
}
