//! Finding out the format from the content.

use serde::de::IgnoredAny;

use crate::formats::edn::skip_blank;
use crate::formats::input::Input;
use crate::formats::{Format, malformed};
use crate::pairing::MalformedHistory;

/// How far a log may go without a mark.
const MAX_CHATTER_BYTES: usize = 16 << 20;

/// Looks at the beginning: JSON objects open with a quoted field, EDN maps with a keyword, logs have marks in their lines.
pub(crate) fn detect(input: &mut Input<'_>) -> Result<Format, MalformedHistory> {
    loop {
        if let Some(format) = guess(input.at_hand(), false) {
            return Ok(format);
        }
        let is_chatter = input.at_hand().len() > MAX_CHATTER_BYTES;
        if is_chatter || !input.more()? {
            let names = Format::names();
            let reason = format!("the format is none of {names}; name it with --format");
            return guess(input.at_hand(), true).ok_or_else(|| malformed(Some(1), reason));
        }
    }
}

/// `None` if the text says nothing yet.
fn guess(text: &str, is_whole: bool) -> Option<Format> {
    let start = skip_blank(text);
    if let Some(inside) = start.strip_prefix('[').map(str::trim_ascii_start)
        && let Some(object) = opening(inside)
    {
        return Some(if is_operation(object) {
            Format::PorcupineOperations
        } else {
            Format::Json
        });
    }
    if let Some(object) = opening(start) {
        return json(start, object, is_whole);
    }
    if start.starts_with(['{', '[', '(', '#', '^']) {
        let may_go_on = start[1..].trim_ascii_start().is_empty() && !is_whole;
        return (!may_go_on).then(|| edn(start));
    }
    let is_log = text.lines().any(|line| line.contains("jepsen.util"));
    is_log.then_some(Format::EtcdLog)
}

/// What follows the bracket of a JSON object.
fn opening(text: &str) -> Option<&str> {
    let inside = text.strip_prefix('{')?.trim_ascii_start();
    inside.starts_with('"').then_some(inside)
}

/// Objects in lines, or over several lines.
fn json(start: &str, object: &str, is_whole: bool) -> Option<Format> {
    if is_operation(object) {
        return Some(Format::PorcupineOperations);
    }
    let Some((first, rest)) = start.split_once('\n') else {
        return is_whole.then_some(Format::Jsonl);
    };
    let is_broken = serde_json::from_str::<IgnoredAny>(first).is_err_and(|error| error.is_eof());
    Some(if is_broken && is_continued(rest) {
        Format::Json
    } else {
        Format::Jsonl
    })
}

/// A line that is no object of its own goes on with the one before.
fn is_continued(rest: &str) -> bool {
    let next = rest.trim_ascii_start();
    !next.is_empty() && !next.starts_with('{')
}

/// Porcupine's `Operation` is the only one with a client's id.
fn is_operation(object: &str) -> bool {
    let end = object.find('}').unwrap_or(object.len());
    let fields = object[..end].to_ascii_lowercase();
    fields.contains("\"clientid\"")
}

/// Only Porcupine's histories call the functions put, get and append.
fn edn(text: &str) -> Format {
    let is_string_store = [":f :append", ":f :get", ":f :put"]
        .iter()
        .any(|function| text.contains(function));
    if is_string_store {
        Format::PorcupineKv
    } else {
        Format::Edn
    }
}
