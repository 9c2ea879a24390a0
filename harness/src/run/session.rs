//! A client's session at the system: a change that is sent again under the same number takes place once.
//!
//! | header | meaning |
//! |---|---|
//! | `Session-Client` | the session, as `POST /sessions` named it |
//! | `Session-Sequence` | the number of the change |
//! | `Session-Acknowledged` | changes below this one are over for the client |

use std::time::Duration;

use reqwest::RequestBuilder;
use serde::Deserialize;

/// How long one node may take to open a session.
const OPEN_LIMIT: Duration = Duration::from_millis(500);

/// The session of one client, opened with its first change.
#[derive(Debug, Default)]
pub(super) struct Session {
    client: Option<u64>,
    /// Changes so far.
    changes: u64,
}

/// What marks one change, however often it is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stamp {
    client: u64,
    sequence: u64,
}

#[derive(Debug, Deserialize)]
struct Opened {
    client: u64,
}

impl Session {
    /// The mark of the next change. Opens a session if there is none, at the first of these doors that does it.
    pub(super) async fn stamp(
        &mut self,
        http: &reqwest::Client,
        doors: impl Iterator<Item = &String>,
    ) -> Option<Stamp> {
        for door in doors {
            if self.client.is_some() {
                break;
            }
            self.client = open(http, door).await.ok().map(|opened| opened.client);
        }
        self.changes += 1;
        Some(Stamp {
            client: self.client?,
            sequence: self.changes,
        })
    }

    /// The system does not know the session any more.
    pub(super) fn forget(&mut self) {
        self.client = None;
    }
}

impl Stamp {
    /// The request under this mark. Its client has one change under way at a time, so that all before are over.
    pub(super) fn put_on(self, request: RequestBuilder) -> RequestBuilder {
        request
            .header("Session-Client", self.client)
            .header("Session-Sequence", self.sequence)
            .header("Session-Acknowledged", self.sequence)
    }
}

async fn open(http: &reqwest::Client, door: &str) -> reqwest::Result<Opened> {
    let request = http.post(format!("{door}/sessions")).timeout(OPEN_LIMIT);
    request.send().await?.error_for_status()?.json().await
}
