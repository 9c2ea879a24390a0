//! What a client is told: one of three outcomes, and why.

use schemars::JsonSchema;
use serde::{Serialize, Serializer};
use serde_json::value::RawValue;

use crate::{
    bug::{Bug, BugSet},
    kv::{Applied, JsonText, Nature, Rejection},
    raft::Refusal,
};

/// Whether an operation took effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Outcome {
    /// It did.
    Ok,
    /// It did not and never will.
    Fail,
    /// It may have, or may yet.
    Unknown,
}

/// Why an operation has no result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Reason {
    NotLeader,
    CasMismatch,
    WrongType,
    TooLarge,
    LockHeld,
    LockNotHeld,
    SessionExpired,
    Behind,
    Passed,
    Busy,
    Timeout,
    LeadershipLost,
    ChangeUnderWay,
    BadMembers,
    NotCaughtUp,
    TransferFailed,
    Stopping,
    BadRequest,
    NotFound,
}

impl Outcome {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Fail => "fail",
            Self::Unknown => "unknown",
        }
    }
}

impl Reason {
    /// As answers spell it.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::NotLeader => "not_leader",
            Self::CasMismatch => "cas_mismatch",
            Self::WrongType => "wrong_type",
            Self::TooLarge => "too_large",
            Self::LockHeld => "lock_held",
            Self::LockNotHeld => "lock_not_held",
            Self::SessionExpired => "session_expired",
            Self::Behind => "behind",
            Self::Passed => "passed",
            Self::Busy => "busy",
            Self::Timeout => "timeout",
            Self::LeadershipLost => "leadership_lost",
            Self::ChangeUnderWay => "change_under_way",
            Self::BadMembers => "bad_members",
            Self::NotCaughtUp => "not_caught_up",
            Self::TransferFailed => "transfer_failed",
            Self::Stopping => "stopping",
            Self::BadRequest => "bad_request",
            Self::NotFound => "not_found",
        }
    }

    const fn message(self) -> &'static str {
        match self {
            Self::NotLeader => "this node does not lead; ask the leader",
            Self::CasMismatch => "a key does not hold the expected value",
            Self::WrongType => "a key holds no list to append to, or no integer to add to",
            Self::TooLarge => "the value, the sum or the answer would become too large",
            Self::LockHeld => "another owner holds the lock; ask again until it is free",
            Self::LockNotHeld => "this owner does not hold the lock, or not by this token",
            Self::SessionExpired => {
                "the session is not there, or no longer has the answer to this request; register again"
            }
            Self::Behind => "this node has not applied min_index yet; ask another",
            Self::Passed => "the state at this index is gone; ask for one that is yet to come",
            Self::Busy => "too many operations wait; try again later",
            Self::Timeout => "no majority confirmed in time",
            Self::LeadershipLost => "leadership was lost while the operation was under way",
            Self::ChangeUnderWay => {
                "the members are being changed already, or the leader is too new to change them; try again"
            }
            Self::BadMembers => "no voter would be left, or the node named is no voter",
            Self::NotCaughtUp => {
                "the new server did not catch up with the log and is no member; see that it runs and is reachable"
            }
            Self::TransferFailed => "the chosen node did not take over in time; this node leads on",
            Self::Stopping => "the node was stopped while the operation was under way",
            Self::BadRequest => "the request is malformed",
            Self::NotFound => "no such path or method; /openapi.json has all there are",
        }
    }
}

impl Reason {
    /// The HTTP status of a failure for this reason.
    const fn status(self) -> u16 {
        match self {
            Self::NotLeader => 421,
            Self::CasMismatch | Self::WrongType | Self::LockHeld | Self::LockNotHeld => 409,
            Self::TooLarge => 413,
            Self::SessionExpired | Self::Passed => 410,
            Self::ChangeUnderWay | Self::BadMembers => 409,
            Self::BadRequest => 400,
            Self::NotFound => 404,
            Self::Behind
            | Self::Busy
            | Self::Timeout
            | Self::LeadershipLost
            | Self::NotCaughtUp
            | Self::TransferFailed
            | Self::Stopping => 503,
        }
    }
}

impl From<Rejection> for Reason {
    fn from(rejection: Rejection) -> Self {
        match rejection {
            Rejection::Mismatch => Self::CasMismatch,
            Rejection::WrongType => Self::WrongType,
            Rejection::TooLarge => Self::TooLarge,
            Rejection::LockHeld => Self::LockHeld,
            Rejection::LockNotHeld => Self::LockNotHeld,
            Rejection::SessionExpired => Self::SessionExpired,
        }
    }
}

/// What an operation gives besides its outcome.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub(crate) struct Gift {
    /// What was read, or the sum after an addition.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "raw")]
    #[schemars(with = "Option<serde_json::Value>")]
    pub(crate) value: Option<JsonText>,
    /// What each operation of a transaction gave.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "raw_list")]
    #[schemars(with = "Option<Vec<serde_json::Value>>")]
    pub(crate) values: Option<Vec<JsonText>>,
    /// The fencing token of a lock.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) token: Option<u64>,
    /// The client that a session was opened for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) client: Option<u64>,
}

/// How an operation ended, before the node adds who and where it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) outcome: Outcome,
    pub(crate) gift: Gift,
    pub(crate) error: Option<(Reason, String)>,
}

impl Answer {
    pub(crate) fn done() -> Self {
        Self::given(Gift::default())
    }

    pub(crate) fn value(value: JsonText) -> Self {
        let value = Some(value);
        Self::given(Gift {
            value,
            ..Gift::default()
        })
    }

    const fn given(gift: Gift) -> Self {
        Self {
            outcome: Outcome::Ok,
            gift,
            error: None,
        }
    }

    pub(crate) fn applied(applied: Applied) -> Self {
        match applied {
            Applied::Done => Self::done(),
            Applied::Value(value) => Self::value(value),
            Applied::Values(values) => Self::given(Gift {
                values: Some(values),
                ..Gift::default()
            }),
            Applied::Granted(token) => Self::given(Gift {
                token: Some(token.0),
                ..Gift::default()
            }),
            Applied::Registered(client) => Self::given(Gift {
                client: Some(client.0),
                ..Gift::default()
            }),
            Applied::Rejected(rejection) => Self::failed(rejection.into()),
        }
    }

    /// Certainly without effect.
    pub(crate) fn failed(reason: Reason) -> Self {
        Self::failed_with(reason, reason.message().into())
    }

    pub(crate) fn failed_with(reason: Reason, message: String) -> Self {
        Self {
            outcome: Outcome::Fail,
            gift: Gift::default(),
            error: Some((reason, message)),
        }
    }

    /// Without a result: nobody knows of anything that has an effect whether it took place.
    pub(crate) fn lost(reason: Reason, nature: Nature) -> Self {
        match nature {
            Nature::Reads => Self::failed(reason),
            Nature::Writes | Nature::Decides => Self::unknown(reason),
        }
    }

    fn unknown(reason: Reason) -> Self {
        Self {
            outcome: Outcome::Unknown,
            gift: Gift::default(),
            error: Some((reason, reason.message().into())),
        }
    }

    pub(crate) fn refused(refusal: Refusal, nature: Nature) -> Self {
        match refusal {
            Refusal::NotLeader => Self::failed(Reason::NotLeader),
            Refusal::Busy => Self::failed(Reason::Busy),
            Refusal::ChangeUnderWay => Self::failed(Reason::ChangeUnderWay),
            Refusal::BadMembers => Self::failed(Reason::BadMembers),
            Refusal::NotCaughtUp => Self::failed(Reason::NotCaughtUp),
            Refusal::TransferFailed => Self::failed(Reason::TransferFailed),
            Refusal::LeadershipLost => Self::lost(Reason::LeadershipLost, nature),
        }
    }

    /// With a bug, what nobody knows is told as failed.
    pub(crate) fn told_by(mut self, bugs: BugSet) -> Self {
        if bugs.has(Bug::UnknownAsFail) && self.outcome == Outcome::Unknown {
            self.outcome = Outcome::Fail;
        }
        self
    }

    /// The HTTP status that goes with it: 504 for what is unknown, 4xx and 503 for what failed.
    pub(crate) fn status(&self) -> u16 {
        match self.outcome {
            Outcome::Ok => 200,
            Outcome::Unknown => 504,
            Outcome::Fail => self
                .error
                .as_ref()
                .map_or(503, |(reason, _)| reason.status()),
        }
    }
}

/// A stored text stands in the answer as it is; it is never taken apart on the way.
struct Raw<'a>(&'a JsonText);

impl Serialize for Raw<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let raw: &RawValue =
            serde_json::from_str(self.0.as_str()).map_err(serde::ser::Error::custom)?;
        raw.serialize(serializer)
    }
}

fn raw<S: Serializer>(value: &Option<JsonText>, serializer: S) -> Result<S::Ok, S::Error> {
    value.as_ref().map(Raw).serialize(serializer)
}

fn raw_list<S: Serializer>(
    values: &Option<Vec<JsonText>>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let raw: Option<Vec<Raw<'_>>> = values
        .as_ref()
        .map(|values| values.iter().map(Raw).collect());
    raw.serialize(serializer)
}
