//! The records inside a block. All numbers are little-endian.
//!
//! | type | content |
//! |---|---|
//! | 1 hard state | term u64, length of the vote u8 (0: none), the vote |
//! | 2 no-op | term u64, index u64 |
//! | 3 command | term u64, index u64, length u32, the command |
//! | 4 members | term u64, index u64, length u32, a membership in postcard's form |
//! | 5 begin | as members, after its term and index one byte: 1 if the entries behind it stay |

use crate::raft::{
    Body, Entry, HardState, LogIndex, Membership, NodeId, Payload, Position, Restored, Term, Write,
};

const HARD_STATE: u8 = 1;
const NOOP: u8 = 2;
const COMMAND: u8 = 3;
const MEMBERS: u8 = 4;
const BEGIN: u8 = 5;

/// Appends the records of `writes` to `out`.
pub(super) fn encode(writes: &[Write], out: &mut Vec<u8>) {
    for write in writes {
        match write {
            Write::HardState(hard) => encode_hard_state(hard, out),
            Write::Begin {
                at,
                membership,
                keeps,
            } => {
                encode_position(BEGIN, *at, out);
                out.push(u8::from(*keeps));
                encode_members(membership, out);
            }
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

fn encode_position(kind: u8, at: Position, out: &mut Vec<u8>) {
    out.push(kind);
    out.extend(at.term.0.to_le_bytes());
    out.extend(at.index.0.to_le_bytes());
}

fn encode_bytes(bytes: &[u8], out: &mut Vec<u8>) {
    let length = u32::try_from(bytes.len()).expect("entries are below 4 GiB");
    out.extend(length.to_le_bytes());
    out.extend(bytes);
}

fn encode_members(membership: &Membership, out: &mut Vec<u8>) {
    let bytes = postcard::to_stdvec(membership).expect("names and addresses always encode");
    encode_bytes(&bytes, out);
}

fn encode_entry(entry: &Entry, out: &mut Vec<u8>) {
    match &entry.body {
        Body::Noop => encode_position(NOOP, entry.at, out),
        Body::Command(payload) => {
            encode_position(COMMAND, entry.at, out);
            encode_bytes(payload.bytes(), out);
        }
        Body::Membership(membership) => {
            encode_position(MEMBERS, entry.at, out);
            encode_members(membership, out);
        }
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
    let kind = *bytes.split_off_first()?;
    let term = Term(take_u64(bytes)?);
    if kind == HARD_STATE {
        let length = usize::from(*bytes.split_off_first()?);
        let vote = str::from_utf8(bytes.split_off(..length)?).ok()?;
        let vote = (!vote.is_empty()).then(|| NodeId::new(vote));
        restored.hard = HardState { term, vote };
        return Some(Ok(()));
    }
    let index = LogIndex(take_u64(bytes)?);
    let at = Position { term, index };
    let body = match kind {
        NOOP => Body::Noop,
        COMMAND => Body::Command(Payload::new(take_bytes(bytes)?)),
        MEMBERS => Body::Membership(Box::new(postcard::from_bytes(take_bytes(bytes)?).ok()?)),
        BEGIN => {
            let keeps = *bytes.split_off_first()? != 0;
            let membership = postcard::from_bytes(take_bytes(bytes)?).ok()?;
            restored
                .entries
                .retain(|entry| keeps && entry.at.index > index);
            restored.begin = Some((at, membership));
            return Some(Ok(()));
        }
        _ => return None,
    };
    Some(place(Entry { at, body }, restored))
}

/// An entry replaces what is at its index and after it.
fn place(entry: Entry, restored: &mut Restored) -> Result<(), &'static str> {
    let begin = restored.begin_index().0;
    let slot = entry.at.index.0.checked_sub(begin + 1);
    let slot = slot.and_then(|slot| usize::try_from(slot).ok());
    match slot.filter(|slot| *slot <= restored.entries.len()) {
        Some(slot) => {
            restored.entries.truncate(slot);
            restored.entries.push(entry);
            Ok(())
        }
        None => Err("an entry leaves a gap in the log"),
    }
}

fn take_bytes<'a>(bytes: &mut &'a [u8]) -> Option<&'a [u8]> {
    let length = u32::from_le_bytes(*bytes.split_off(..4)?.first_chunk()?);
    bytes.split_off(..usize::try_from(length).ok()?)
}

fn take_u64(bytes: &mut &[u8]) -> Option<u64> {
    let (number, rest) = bytes.split_first_chunk()?;
    *bytes = rest;
    Some(u64::from_le_bytes(*number))
}
