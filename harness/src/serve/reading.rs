//! What a run folder says of itself.

use std::fs::TryLockError;
use std::io::{self, ErrorKind};

use reports::RunResult;
use reports::site::{Entry, Judged, Plan, State};
use serde::Deserialize;

use super::folders::{Found, Place};
use super::root::Root;
use crate::run::LIVE;

/// A result that is larger is not read.
const MAX_RESULT_BYTES: u64 = 256 * 1024 * 1024;
/// A configuration that is larger is not read.
const MAX_CONFIG_BYTES: u64 = 1024 * 1024;

/// What a list shows of the run.
pub(super) fn entry(root: &Root, found: &Found) -> Entry {
    let state = match &found.place {
        Place::Broken(reason) => State::Broken(reason.clone()),
        Place::Folder => state(root, &found.id),
    };
    Entry {
        id: found.id.clone(),
        started: found.started.clone(),
        state,
    }
}

fn state(root: &Root, id: &str) -> State {
    // Before its result: what is half written belongs to a run under way.
    if is_under_way(root, id) {
        return State::UnderWay(plan(root, id).unwrap_or_default());
    }
    match result(root, id) {
        Ok(result) => State::Judged(Box::new(Judged::of(&result))),
        Err(Unread::Absent) => match plan(root, id) {
            Ok(plan) => State::Unfinished(plan),
            Err(reason) => State::Broken(reason),
        },
        Err(Unread::Broken(reason)) => State::Broken(reason),
    }
}

/// Why there is no result.
#[derive(Debug)]
pub(super) enum Unread {
    Absent,
    Broken(String),
}

/// The whole result of a run.
pub(super) fn result(root: &Root, id: &str) -> Result<RunResult, Unread> {
    let text = match root.text(&format!("{id}/result.json"), MAX_RESULT_BYTES) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound => return Err(Unread::Absent),
        Err(error) => return Err(Unread::Broken(told("result.json", &error))),
    };
    RunResult::from_json(&text).map_err(|error| Unread::Broken(error.to_string()))
}

/// Does a harness hold the lock of this run?
pub(super) fn is_under_way(root: &Root, id: &str) -> bool {
    let Ok((file, _)) = root.file(&format!("{id}/{LIVE}")) else {
        return false;
    };
    // The lock that is tried here goes with the file.
    matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock))
}

/// What was asked of the run, by its configuration.
fn plan(root: &Root, id: &str) -> Result<Plan, String> {
    #[derive(Deserialize)]
    struct Config {
        workload: String,
        #[serde(default)]
        nemesis: Vec<String>,
        seed: Option<u64>,
        #[serde(default)]
        bugs: Vec<String>,
        #[serde(default)]
        command: String,
    }
    let text = root.text(&format!("{id}/config.json"), MAX_CONFIG_BYTES);
    let text = text.map_err(|error| {
        if error.kind() == ErrorKind::NotFound {
            return "the folder has neither a result.json nor a config.json".to_owned();
        }
        told("config.json", &error)
    })?;
    let config: Config = serde_json::from_str(&text)
        .map_err(|error| format!("config.json cannot be read: {error}"))?;
    Ok(Plan {
        workload: config.workload,
        nemesis: config.nemesis,
        seed: config.seed,
        bugs: config.bugs,
        command: config.command,
    })
}

/// Links are not followed, which the system says in words that nobody understands.
fn told(name: &str, error: &io::Error) -> String {
    match error.raw_os_error() {
        Some(number) if number == nix::errno::Errno::ELOOP as i32 => {
            format!("{name} is a link, which is not followed")
        }
        _ => format!("{name} cannot be read: {error}"),
    }
}
