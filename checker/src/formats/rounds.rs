//! Text parsed by several threads, and paired by one in the order of the file.
//!
//! Round by round: while the pieces of a round are parsed, one thread pairs the records of the round before, reads the text of the
//! next, and then helps. What comes out is the same as from one thread, errors too: a piece is parsed by one thread from its first
//! line on, and nothing behind an error is taken. No more than the records of two rounds and their texts are held beside the history.

use std::num::NonZero;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use crate::formats::Sink;
use crate::formats::input::{Chunk, Input, Lines};
use crate::formats::names::Names;
use crate::pairing::{MalformedHistory, Record};

/// How many blocks of the input make a round, for each thread.
const PIECES: usize = 4;

/// Parses the lines of a chunk: hands over each record, and says whether the last line was cut off.
pub(super) type Parse =
    fn(Chunk<'_>, &mut Names, &mut Accept<'_>) -> Result<bool, MalformedHistory>;

/// Takes a record.
pub(super) type Accept<'a> = dyn FnMut(Record) -> Result<(), MalformedHistory> + 'a;

/// Some lines of the input.
struct Piece {
    text: String,
    line: usize,
}

/// The pieces of a round, and why there are no more.
#[derive(Default)]
struct Round {
    pieces: Vec<Piece>,
    error: Option<MalformedHistory>,
}

/// A piece as records, up to an error if there is one.
struct Parsed {
    records: Vec<Record>,
    end: Result<bool, MalformedHistory>,
}

/// Parses the rest of the input.
pub(super) fn parse(
    input: &mut Input<'_>,
    sink: &mut Sink<'_>,
    workers: NonZero<usize>,
    parse: Parse,
) -> Result<(), MalformedHistory> {
    let mut names: Vec<Names> = (0..workers.get()).map(|_| Names::default()).collect();
    let mut round = Round::read(input, workers);
    let mut before = Vec::new();
    while !round.pieces.is_empty() {
        let next = AtomicUsize::new(0);
        let some = |names: &mut Names| parse_some(&round.pieces, &next, names, parse);
        let (paired, following, mut parsed) = thread::scope(|scope| {
            let mut names = names.iter_mut();
            let own = names.next();
            let others: Vec<_> = names
                .map(|names| scope.spawn(move || some(names)))
                .collect();
            let paired = pair(before, sink);
            let following = match paired {
                Ok(()) => Round::read(input, workers),
                Err(_) => Round::default(),
            };
            let mut parsed = own.map_or_else(Vec::new, some);
            for other in others {
                let theirs = other.join();
                parsed.extend(theirs.unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
            }
            (paired, following, parsed)
        });
        paired?;
        parsed.sort_unstable_by_key(|(number, _)| *number);
        before = parsed.into_iter().map(|(_, parsed)| parsed).collect();
        let Round { error, .. } = std::mem::replace(&mut round, following);
        if let Some(error) = error {
            pair(before, sink)?;
            return Err(error);
        }
    }
    pair(before, sink)?;
    round.error.map_or(Ok(()), Err)
}

impl Round {
    fn read(input: &mut Input<'_>, workers: NonZero<usize>) -> Self {
        let mut round = Self::default();
        while round.pieces.len() < PIECES * workers.get() {
            match input.chunk(&mut Lines) {
                Ok(Some(Chunk { text, line })) => round.pieces.push(Piece {
                    text: text.to_owned(),
                    line,
                }),
                Ok(None) => break,
                Err(error) => {
                    round.error = Some(error);
                    break;
                }
            }
        }
        round
    }
}

/// The next piece that nobody parses yet, and so on.
fn parse_some(
    pieces: &[Piece],
    next: &AtomicUsize,
    names: &mut Names,
    parse: Parse,
) -> Vec<(usize, Parsed)> {
    let mut done = Vec::new();
    loop {
        let number = next.fetch_add(1, Ordering::Relaxed);
        let Some(Piece { text, line }) = pieces.get(number) else {
            return done;
        };
        let mut records = Vec::new();
        let mut keep = |record| {
            records.push(record);
            Ok(())
        };
        let end = parse(Chunk { text, line: *line }, names, &mut keep);
        done.push((number, Parsed { records, end }));
    }
}

fn pair(parsed: Vec<Parsed>, sink: &mut Sink<'_>) -> Result<(), MalformedHistory> {
    for Parsed { records, end } in parsed {
        for record in records {
            sink.accept(record)?;
        }
        sink.truncated |= end?;
    }
    Ok(())
}
