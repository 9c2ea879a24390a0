//! One JSON object a line: our own `history.jsonl`, and Jepsen-style JSON with the same fields.

use serde::Deserialize;

use crate::event::Header;
use crate::formats::input::{Chunk, Input, Lines};
use crate::formats::json_event::{self, reason};
use crate::formats::{Sink, malformed};
use crate::pairing::MalformedHistory;

/// A last line without a line end was cut by a crash if it cannot be read; any other broken line is an error.
pub(crate) fn parse(input: &mut Input<'_>, sink: &mut Sink<'_>) -> Result<(), MalformedHistory> {
    while let Some(chunk) = input.chunk(&mut Lines)? {
        lines(chunk, sink)?;
    }
    Ok(())
}

fn lines(chunk: Chunk<'_>, sink: &mut Sink<'_>) -> Result<(), MalformedHistory> {
    for (number, line) in (chunk.line..).zip(chunk.text.split_inclusive('\n')) {
        if line.trim_ascii().is_empty() {
            continue;
        }
        if let Some(header) = sink
            .is_fresh()
            .then(|| header(line, number))
            .transpose()?
            .flatten()
        {
            sink.header = Some(header);
            continue;
        }
        if !line.trim_ascii_start().starts_with('{') {
            return Err(malformed(
                Some(number),
                "the line is not a JSON object; each line holds one event, such as {\"process\":0,\"type\":\"invoke\",\"f\":\"read\"}",
            ));
        }
        match json_event::record(line, number, &mut sink.names) {
            Ok(record) => sink.accept(record)?,
            Err(error) if error.is_eof && !line.ends_with('\n') => sink.truncated = true,
            Err(error) => return Err(malformed(Some(number), error.reason)),
        }
    }
    Ok(())
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
