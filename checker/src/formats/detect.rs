//! Finding out the format from the content.

use crate::formats::edn::skip_blank;
use crate::formats::{Format, malformed};
use crate::pairing::MalformedHistory;

/// Looks at the first datum only: JSON objects open with a quoted field, EDN maps with a keyword.
pub(crate) fn detect(text: &str) -> Result<Format, MalformedHistory> {
    let start = skip_blank(text);
    if start.starts_with('{') && start[1..].trim_start().starts_with('"') {
        return Ok(Format::Jsonl);
    }
    if start.starts_with(['{', '[', '(', '#']) {
        return Ok(if is_string_store(start) {
            Format::PorcupineKv
        } else {
            Format::Edn
        });
    }
    if text.lines().any(|line| line.contains("jepsen.util")) {
        return Ok(Format::EtcdLog);
    }
    Err(malformed(
        Some(1),
        "the format is none of jsonl, edn, etcd-log, porcupine-kv; name it with --format",
    ))
}

/// Only Porcupine's histories call the functions put, get and append.
fn is_string_store(text: &str) -> bool {
    let first = text.lines().next().unwrap_or_default();
    [":f :append", ":f :get", ":f :put"]
        .iter()
        .any(|function| first.contains(function))
}
