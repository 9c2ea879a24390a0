//! One JSON object a line: our own `history.jsonl`, and Jepsen-style JSON with the same fields.

use std::num::NonZero;

use serde::Deserialize;

use crate::event::Header;
use crate::formats::input::{Chunk, Input, Lines};
use crate::formats::json_event::{self, reason};
use crate::formats::names::Names;
use crate::formats::rounds::{self, Accept};
use crate::formats::{Sink, malformed};
use crate::pairing::MalformedHistory;

/// A last line without a line end was cut by a crash if it cannot be read; any other broken line is an error.
pub(crate) fn parse(
    input: &mut Input<'_>,
    sink: &mut Sink<'_>,
    workers: NonZero<usize>,
) -> Result<(), MalformedHistory> {
    // A short file, and the header, are read by one thread.
    loop {
        let Some(chunk) = input.chunk(&mut Lines)? else {
            return Ok(());
        };
        first_lines(chunk, sink)?;
        if workers.get() > 1 && !sink.is_fresh() {
            return rounds::parse(input, sink, workers, lines);
        }
    }
}

/// Lines before which there may be nothing yet.
fn first_lines(mut chunk: Chunk<'_>, sink: &mut Sink<'_>) -> Result<(), MalformedHistory> {
    while sink.is_fresh()
        && let Some(line) = chunk.text.split_inclusive('\n').next()
        && (line.trim_ascii().is_empty() || sink.take_header(line, chunk.line)?)
    {
        chunk.text = &chunk.text[line.len()..];
        chunk.line += 1;
    }
    let mut names = std::mem::take(&mut sink.names);
    let end = lines(chunk, &mut names, &mut |record| sink.accept(record));
    sink.names = names;
    sink.truncated |= end?;
    Ok(())
}

/// The records of some lines; whether the last one was cut off.
fn lines(
    chunk: Chunk<'_>,
    names: &mut Names,
    accept: &mut Accept<'_>,
) -> Result<bool, MalformedHistory> {
    for (number, line) in (chunk.line..).zip(chunk.text.split_inclusive('\n')) {
        if line.trim_ascii().is_empty() {
            continue;
        }
        if !line.trim_ascii_start().starts_with('{') {
            return Err(malformed(
                Some(number),
                "the line is not a JSON object; each line holds one event, such as {\"process\":0,\"type\":\"invoke\",\"f\":\"read\"}",
            ));
        }
        match json_event::record(line, number, names) {
            Ok(record) => accept(record)?,
            Err(error) if error.is_eof && !line.ends_with('\n') => return Ok(true),
            Err(error) => return Err(malformed(Some(number), error.reason)),
        }
    }
    Ok(false)
}

/// The header, if the line is one.
pub(crate) fn header(line: &str, number: usize) -> Result<Option<Header>, MalformedHistory> {
    #[derive(Deserialize)]
    struct Mark {
        format: String,
    }
    if !serde_json::from_str::<Mark>(line).is_ok_and(|mark| mark.format == Header::FORMAT) {
        return Ok(None);
    }
    let header: Header = serde_json::from_str(line)
        .map_err(|error| malformed(Some(number), format!("header: {}", reason(&error))))?;
    if header.version > Header::VERSION {
        return Err(malformed(
            Some(number),
            format!(
                "the history has version {}, this release reads up to {}; use a newer one",
                header.version,
                Header::VERSION
            ),
        ));
    }
    Ok(Some(header))
}
