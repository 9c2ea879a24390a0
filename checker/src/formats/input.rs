//! The text of a history as it arrives: record by record or block by block, never the whole of it.

use std::io::Read;

use crate::budget::Budget;
use crate::formats::{malformed, stopped};
use crate::pairing::MalformedHistory;

/// How much is read at once.
const BLOCK_BYTES: usize = 256 << 10;

/// What a line or a form may take. Nobody records such a thing, but a small compressed file may hold one.
const MAX_RECORD_BYTES: usize = 256 << 20;

/// A reader, the bytes that are not consumed yet, and the number of their first line.
pub(crate) struct Input<'r> {
    reader: Box<dyn Read + 'r>,
    budget: &'r dyn Budget,
    buffer: Vec<u8>,
    /// What of the buffer is consumed.
    from: usize,
    line: usize,
    ended: bool,
}

/// Some text and the line it begins on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Chunk<'i> {
    pub(crate) text: &'i str,
    pub(crate) line: usize,
}

/// Finds where a chunk ends.
pub(crate) trait Cut {
    /// Looks at the bytes behind those it has seen; the position behind the chunk's last byte, if that is among them.
    fn end(&mut self, fresh: &[u8]) -> Option<usize>;
}

/// Whole lines, as many as there are.
pub(crate) struct Lines;

impl Cut for Lines {
    fn end(&mut self, fresh: &[u8]) -> Option<usize> {
        let last = fresh.iter().rposition(|&byte| byte == b'\n')?;
        Some(last + 1)
    }
}

impl<'r> Input<'r> {
    pub(crate) fn new(
        reader: Box<dyn Read + 'r>,
        budget: &'r dyn Budget,
    ) -> Result<Self, MalformedHistory> {
        let mut input = Self {
            reader,
            budget,
            buffer: Vec::new(),
            from: 0,
            line: 1,
            ended: false,
        };
        input.more()?;
        if input.buffer.starts_with(b"\xef\xbb\xbf") {
            input.from = 3;
        }
        Ok(input)
    }

    /// The first line that is not consumed.
    pub(crate) fn line(&self) -> usize {
        self.line
    }

    /// Whether nothing is at hand.
    pub(crate) fn is_empty(&self) -> bool {
        self.from == self.buffer.len()
    }

    /// The text that is at hand, up to what is no text.
    pub(crate) fn at_hand(&self) -> &str {
        valid_prefix(&self.buffer[self.from..])
    }

    /// Reads on, so that more text is at hand; false if there is no more.
    pub(crate) fn more(&mut self) -> Result<bool, MalformedHistory> {
        if self.ended {
            return Ok(false);
        }
        self.buffer.drain(..self.from);
        self.from = 0;
        let held = self.buffer.len();
        if held > MAX_RECORD_BYTES {
            let reason = format!(
                "what begins here is longer than {} MiB; is it a history?",
                MAX_RECORD_BYTES >> 20
            );
            return Err(malformed(Some(self.line), reason));
        }
        if let Some(limit) = self.budget.exceeded(held as u64) {
            return Err(stopped(self.line, limit));
        }
        let wanted = BLOCK_BYTES.max(held);
        self.buffer.reserve(wanted);
        let mut block = self.reader.by_ref().take(wanted as u64);
        let read = block.read_to_end(&mut self.buffer).map_err(|error| {
            malformed(
                Some(self.line),
                format!("reading failed behind this line: {error}"),
            )
        })?;
        self.ended = read == 0;
        Ok(!self.ended)
    }

    /// Takes text of the buffer without looking at it further.
    pub(crate) fn skip(&mut self, bytes: usize) {
        let skipped = &self.buffer[self.from..self.from + bytes];
        self.line += newlines(skipped);
        self.from += bytes;
    }

    /// The next chunk; what is left at the end is one, whole or not. `None` if nothing is left.
    pub(crate) fn chunk(
        &mut self,
        cut: &mut dyn Cut,
    ) -> Result<Option<Chunk<'_>>, MalformedHistory> {
        let mut seen = 0;
        let end = loop {
            let rest = &self.buffer[self.from..];
            if let Some(end) = cut.end(&rest[seen..]) {
                break seen + end;
            }
            seen = rest.len();
            if !self.more()? {
                break self.buffer.len() - self.from;
            }
        };
        if end == 0 {
            return Ok(None);
        }
        let (from, line) = (self.from, self.line);
        self.skip(end);
        let bytes = &self.buffer[from..self.from];
        let last = self.ended && self.from == self.buffer.len();
        Ok(Some(Chunk {
            text: decode(bytes, last, line)?,
            line,
        }))
    }
}

/// A file cut by a crash may end within a character; what precedes that counts.
fn decode(bytes: &[u8], last: bool, line: usize) -> Result<&str, MalformedHistory> {
    match std::str::from_utf8(bytes) {
        Ok(text) => Ok(text),
        Err(error) if last && error.error_len().is_none() => Ok(valid_prefix(bytes)),
        Err(error) => {
            let line = line + newlines(&bytes[..error.valid_up_to()]);
            Err(malformed(Some(line), "not UTF-8; a history is text"))
        }
    }
}

fn valid_prefix(bytes: &[u8]) -> &str {
    match std::str::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => {
            std::str::from_utf8(&bytes[..error.valid_up_to()]).expect("valid up to there")
        }
    }
}

pub(crate) fn newlines(bytes: &[u8]) -> usize {
    bytes.iter().filter(|&&byte| byte == b'\n').count()
}
