//! The records inside a block. All numbers are little-endian.
//!
//! | type | content |
//! |---|---|
//! | 1 hard state | term u64, length of the vote u8 (0: none), the vote; how many nodes were met u16, each: length of its name u8, name, mark of its folder u64 |
//! | 2 no-op | term u64, index u64 |
//! | 3 command | term u64, index u64, length u32, the command |
//! | 4 members | term u64, index u64, length u32, a membership in postcard's form |
//! | 5 begin | as members, after its term and index one byte: 1 if the entries behind it stay |
//! | 6 segment | last index of the log before this segment u64 |

use std::collections::BTreeMap;

use crate::raft::{
    Body, Entry, HardState, LogIndex, Membership, NodeId, Payload, Position, StoreId, Term, Write,
};

const HARD_STATE: u8 = 1;
const NOOP: u8 = 2;
const COMMAND: u8 = 3;
const MEMBERS: u8 = 4;
const BEGIN: u8 = 5;
const SEGMENT: u8 = 6;

/// A record read back.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Record {
    /// The first one of each segment.
    Segment(LogIndex),
    HardState(HardState),
    Begin {
        at: Position,
        membership: Membership,
        keeps: bool,
    },
    Entry(Entry),
}

/// Appends what a segment starts with: where the log ends, the hard state, and where the log begins.
pub(super) fn encode_standing(
    last: LogIndex,
    hard: &HardState,
    begin: Option<&(Position, Membership)>,
    out: &mut Vec<u8>,
) {
    out.push(SEGMENT);
    out.extend(last.0.to_le_bytes());
    encode_hard_state(hard, out);
    if let Some((at, membership)) = begin {
        encode_begin(*at, membership, true, out);
    }
}

/// Appends the records of `writes` to `out`.
pub(super) fn encode(writes: &[Write], out: &mut Vec<u8>) {
    for write in writes {
        match write {
            Write::HardState(hard) => encode_hard_state(hard, out),
            Write::Begin {
                at,
                membership,
                keeps,
            } => encode_begin(*at, membership, *keeps, out),
            Write::Append(entries) => entries.iter().for_each(|entry| encode_entry(entry, out)),
        }
    }
}

fn encode_hard_state(hard: &HardState, out: &mut Vec<u8>) {
    out.push(HARD_STATE);
    out.extend(hard.term.0.to_le_bytes());
    encode_name(hard.vote.as_ref().map_or("", NodeId::as_str), out);
    let met = u16::try_from(hard.met.len()).expect("clusters are small");
    out.extend(met.to_le_bytes());
    for (node, store) in &hard.met {
        encode_name(node.as_str(), out);
        out.extend(store.0.to_le_bytes());
    }
}

fn encode_name(name: &str, out: &mut Vec<u8>) {
    out.push(u8::try_from(name.len()).expect("names are at most 32 bytes"));
    out.extend(name.as_bytes());
}

fn encode_begin(at: Position, membership: &Membership, keeps: bool, out: &mut Vec<u8>) {
    encode_position(BEGIN, at, out);
    out.push(u8::from(keeps));
    encode_members(membership, out);
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

/// Takes the first record off `bytes`; nothing if it is cut short or of unknown type.
pub(super) fn decode(bytes: &mut &[u8]) -> Option<Record> {
    let kind = *bytes.split_off_first()?;
    let number = take_u64(bytes)?;
    if kind == SEGMENT {
        return Some(Record::Segment(LogIndex(number)));
    }
    let term = Term(number);
    if kind == HARD_STATE {
        let vote = take_name(bytes)?;
        let vote = (!vote.is_empty()).then(|| NodeId::new(vote));
        let count = u16::from_le_bytes(*bytes.split_off(..2)?.first_chunk()?);
        let mut met = BTreeMap::new();
        for _ in 0..count {
            let node = NodeId::new(take_name(bytes)?);
            met.insert(node, StoreId(take_u64(bytes)?));
        }
        return Some(Record::HardState(HardState { term, vote, met }));
    }
    let index = LogIndex(take_u64(bytes)?);
    let at = Position { term, index };
    let body = match kind {
        NOOP => Body::Noop,
        COMMAND => Body::Command(Payload::new(take_bytes(bytes)?)),
        MEMBERS => Body::Membership(Box::new(take_members(bytes)?)),
        BEGIN => {
            let keeps = *bytes.split_off_first()? != 0;
            let membership = take_members(bytes)?;
            return Some(Record::Begin {
                at,
                membership,
                keeps,
            });
        }
        _ => return None,
    };
    Some(Record::Entry(Entry { at, body }))
}

fn take_members(bytes: &mut &[u8]) -> Option<Membership> {
    postcard::from_bytes(take_bytes(bytes)?).ok()
}

fn take_name<'a>(bytes: &mut &'a [u8]) -> Option<&'a str> {
    let length = usize::from(*bytes.split_off_first()?);
    str::from_utf8(bytes.split_off(..length)?).ok()
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
