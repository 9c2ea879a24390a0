//! The clauses the sentences are made of.

use crate::certify::meaning::Item;
use crate::explain::words::{self, on_node, span};

/// `client 4 enqueued 7 through n1, acknowledged at 12.401 s`
pub(super) fn acknowledged(item: &Item<'_>, did: &str) -> String {
    words::acknowledged(item.operation, did)
}

/// `client 9's read on n3`
pub(super) fn whose(item: &Item<'_>, noun: &str) -> String {
    let operation = item.operation;
    format!(
        "client {}'s {noun}{}",
        operation.process,
        on_node(operation)
    )
}

/// `client 9's read on n3 began 619 ms later and`
pub(super) fn then(before: &Item<'_>, item: &Item<'_>, noun: &str) -> String {
    let times = before.operation.return_time.zip(item.operation.call_time);
    let later = times.map_or_else(
        || "after that".to_owned(),
        |(from, to)| match to.0.saturating_sub(from.0) {
            0 => "right after".to_owned(),
            ns => format!("{} later", span(ns)),
        },
    );
    format!("{} began {later} and", whose(item, noun))
}

/// `client 9's read on n3, called at 13.020 s,`
pub(super) fn called(item: &Item<'_>, noun: &str) -> String {
    match item.operation.call_time {
        Some(time) => format!("{}, called at {time},", whose(item, noun)),
        None => whose(item, noun),
    }
}

/// `client 4's add of 5 through n1 failed (no leader)`
pub(super) fn failed(item: &Item<'_>, noun: &str) -> String {
    let error = item
        .operation
        .error
        .as_ref()
        .map_or_else(String::new, |error| format!(" ({error})"));
    format!("{} failed{error}", whose(item, noun))
}
