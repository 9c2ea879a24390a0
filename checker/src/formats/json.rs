//! JSON objects in any layout: in one array, as Jepsen's `history.json`, or one after the other over several lines.

use crate::formats::input::{Cut, Input};
use crate::formats::json_event;
use crate::formats::jsonl;
use crate::formats::{Sink, malformed};
use crate::pairing::MalformedHistory;

/// Reads all events. A history that ends within an object outside of an array was cut by a crash.
pub(crate) fn parse(input: &mut Input<'_>, sink: &mut Sink<'_>) -> Result<(), MalformedHistory> {
    objects(input, &mut |object, line, in_array| {
        if let Some(header) = sink
            .is_fresh()
            .then(|| jsonl::header(object, line))
            .transpose()?
            .flatten()
        {
            sink.header = Some(header);
            return Ok(());
        }
        match json_event::record(object, line, &mut sink.names) {
            Ok(record) => sink.accept(record),
            Err(error) if error.is_eof && !in_array => {
                sink.truncated = true;
                Ok(())
            }
            Err(error) => Err(malformed(Some(line), error.reason)),
        }
    })
}

/// What to do with an object, its first line, and whether it is in an array.
type Each<'e> = dyn FnMut(&str, usize, bool) -> Result<(), MalformedHistory> + 'e;

/// Splits the text into the objects of one array, or of no array.
pub(crate) fn objects(input: &mut Input<'_>, each: &mut Each<'_>) -> Result<(), MalformedHistory> {
    let opened = input.line();
    let mut place = Place::Before;
    while let Some(chunk) = input.chunk(&mut Object::default())? {
        let mut rest = chunk.text;
        loop {
            let skipped = rest.len() - rest.trim_ascii_start().len();
            rest = &rest[skipped..];
            let line = chunk.line + newlines_before(chunk.text, rest);
            let Some(first) = rest.bytes().next() else {
                break;
            };
            if first == b'{' {
                place.object(line)?;
                each(rest, line, place != Place::Outside)?;
                break;
            }
            place.mark(rest, line)?;
            rest = &rest[1..];
        }
    }
    match place {
        Place::Before | Place::Outside | Place::Behind => Ok(()),
        Place::First | Place::Item | Place::Comma => Err(malformed(
            Some(opened),
            "the file ends before the `]` that closes the history",
        )),
    }
}

fn newlines_before(text: &str, rest: &str) -> usize {
    crate::formats::input::newlines(&text.as_bytes()[..text.len() - rest.len()])
}

/// Where the reader is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    /// Nothing was read.
    Before,
    /// Behind an object of no array.
    Outside,
    /// Behind the `[`.
    First,
    /// Behind an object of the array.
    Item,
    /// Behind a comma.
    Comma,
    /// Behind the `]`.
    Behind,
}

impl Place {
    fn object(&mut self, line: usize) -> Result<(), MalformedHistory> {
        *self = match self {
            Self::Before | Self::Outside => Self::Outside,
            Self::First | Self::Comma => Self::Item,
            Self::Item => return Err(malformed(Some(line), "a comma is missing before `{`")),
            Self::Behind => return Err(behind(line)),
        };
        Ok(())
    }

    fn mark(&mut self, rest: &str, line: usize) -> Result<(), MalformedHistory> {
        *self = match (*self, rest.as_bytes()[0]) {
            (Self::Before, b'[') => Self::First,
            (Self::Item, b',') => Self::Comma,
            (Self::First | Self::Item, b']') => Self::Behind,
            (Self::Behind, _) => return Err(behind(line)),
            (Self::Before | Self::Outside | Self::First | Self::Item | Self::Comma, _) => {
                let found: String = rest.chars().take(20).collect();
                let reason = format!("`{found}` where an event should be, an object in {{ and }}");
                return Err(malformed(Some(line), reason));
            }
        };
        Ok(())
    }
}

fn behind(line: usize) -> MalformedHistory {
    malformed(Some(line), "something follows the history")
}

/// The end of the next object: its bracket closes outside of strings.
#[derive(Default)]
struct Object {
    depth: usize,
    in_string: bool,
    is_escaped: bool,
}

impl Cut for Object {
    fn end(&mut self, fresh: &[u8]) -> Option<usize> {
        for (position, &byte) in fresh.iter().enumerate() {
            if self.in_string {
                if self.is_escaped {
                    self.is_escaped = false;
                } else if byte == b'\\' {
                    self.is_escaped = true;
                } else if byte == b'"' {
                    self.in_string = false;
                }
                continue;
            }
            match byte {
                b'"' => self.in_string = true,
                b'{' => self.depth += 1,
                b'[' if self.depth > 0 => self.depth += 1,
                b'}' | b']' if self.depth > 0 => {
                    self.depth -= 1;
                    if self.depth == 0 {
                        return Some(position + 1);
                    }
                }
                _ => {}
            }
        }
        None
    }
}
