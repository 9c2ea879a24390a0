//! The records inside a block. All numbers are little-endian.
//!
//! | type | content |
//! |---|---|
//! | 1 hard state | term u64, length of the vote u8 (0: none), the vote |
//! | 2 no-op | term u64, index u64 |
//! | 3 command | term u64, index u64, length u32, the command |

use crate::raft::{
    Body, Entry, HardState, LogIndex, NodeId, Payload, Position, Restored, Term, Write,
};

const HARD_STATE: u8 = 1;
const NOOP: u8 = 2;
const COMMAND: u8 = 3;

/// Appends the records of `writes` to `out`.
pub(super) fn encode(writes: &[Write], out: &mut Vec<u8>) {
    for write in writes {
        match write {
            Write::HardState(hard) => encode_hard_state(hard, out),
            Write::Append(entries) => entries.iter().for_each(|entry| encode_entry(entry, out)),
        }
    }
}

fn encode_hard_state(hard: &HardState, out: &mut Vec<u8>) {
    let vote = hard.vote.as_ref().map_or("", NodeId::as_str);
    out.push(HARD_STATE);
    out.extend(hard.term.0.to_le_bytes());
    out.push(u8::try_from(vote.len()).expect("names are at most 32 bytes"));
    out.extend(vote.as_bytes());
}

fn encode_entry(entry: &Entry, out: &mut Vec<u8>) {
    out.push(match entry.body {
        Body::Noop => NOOP,
        Body::Command(_) => COMMAND,
    });
    out.extend(entry.at.term.0.to_le_bytes());
    out.extend(entry.at.index.0.to_le_bytes());
    if let Body::Command(payload) = &entry.body {
        let length = u32::try_from(payload.bytes().len()).expect("commands are below 4 GiB");
        out.extend(length.to_le_bytes());
        out.extend(payload.bytes());
    }
}

/// Replays the records of a block onto `restored`; says what is wrong with the first bad one.
pub(super) fn replay(mut bytes: &[u8], restored: &mut Restored) -> Result<(), &'static str> {
    while !bytes.is_empty() {
        replay_one(&mut bytes, restored).ok_or("a record is cut short or of unknown type")??;
    }
    Ok(())
}

fn replay_one(bytes: &mut &[u8], restored: &mut Restored) -> Option<Result<(), &'static str>> {
    let kind = bytes.split_off_first()?;
    let term = Term(take_u64(bytes)?);
    let body = match *kind {
        HARD_STATE => {
            let length = usize::from(*bytes.split_off_first()?);
            let vote = str::from_utf8(bytes.split_off(..length)?).ok()?;
            let vote = (!vote.is_empty()).then(|| NodeId::new(vote));
            restored.hard = HardState { term, vote };
            return Some(Ok(()));
        }
        NOOP => (LogIndex(take_u64(bytes)?), Body::Noop),
        COMMAND => {
            let index = LogIndex(take_u64(bytes)?);
            let length = u32::from_le_bytes(*bytes.split_off(..4)?.first_chunk()?);
            let command = bytes.split_off(..usize::try_from(length).ok()?)?;
            (index, Body::Command(Payload::new(command)))
        }
        _ => return None,
    };
    let (index, body) = body;
    let at = Position { term, index };
    Some(place(Entry { at, body }, &mut restored.entries))
}

/// An entry replaces what is at its index and after it.
fn place(entry: Entry, entries: &mut Vec<Entry>) -> Result<(), &'static str> {
    let before = usize::try_from(entry.at.index.previous().0).unwrap_or(usize::MAX);
    if entry.at.index == LogIndex(0) || before > entries.len() {
        return Err("an entry leaves a gap in the log");
    }
    entries.truncate(before);
    entries.push(entry);
    Ok(())
}

fn take_u64(bytes: &mut &[u8]) -> Option<u64> {
    let (number, rest) = bytes.split_first_chunk()?;
    *bytes = rest;
    Some(u64::from_le_bytes(*number))
}
