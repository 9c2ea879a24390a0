//! The whole state as a stream of bytes, and its hash.
//!
//! An image is a clone of the state: it costs nothing, and it stays what it is while the state goes on. It is
//! written and read record by record, so that neither side ever holds more than one record beside the state. The
//! same state gives the same bytes on every node, and so the same hash.
//!
//! | part | content |
//! |---|---|
//! | magic | `ADRKV` and the version of the format, one byte each |
//! | record | length u32 little-endian, then a [`Record`] in postcard |
//! | last record | the number of records before it; without it the image is cut short |

use std::{
    fmt,
    io::{self, Read, Write},
};

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::Xxh3;

use super::{command::Key, locks::Holder, state::Kv, time::ClusterTime, value::JsonText};
use crate::raft::LogIndex;

const MAGIC: &[u8; 5] = b"ADRKV";
const VERSION: u8 = 1;
/// Longest record; the longest answer of a transaction fits.
const RECORD_BYTES_MAX: u32 = 16 << 20;

/// A piece of the state. New kinds go to the end; a change of a kind is a new version.
#[derive(Debug, Serialize, Deserialize)]
enum Record {
    Head {
        applied: LogIndex,
        time: ClusterTime,
    },
    Value(Key, JsonText),
    Lock(Key, Holder),
    End {
        records: u64,
    },
}

/// Why an image cannot be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ImageError {
    #[error("cannot read the image of the state: {0}; take it from another node")]
    Io(#[from] io::Error),
    #[error("the bytes begin with {0:?}, not as an image of the state does; take another file")]
    Foreign([u8; 5]),
    #[error(
        "the image has version {0}, this program reads {VERSION}; use the program that wrote it"
    )]
    Version(u8),
    #[error("record {record} of the image is damaged: {what}; take the image from another node")]
    Damaged { record: u64, what: &'static str },
}

/// A number that equal states share and different ones do not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct StateHash(u64);

impl fmt::Display for StateHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl Kv {
    /// Writes the image of this state.
    pub(crate) fn encode(&self, out: &mut impl Write) -> io::Result<()> {
        out.write_all(MAGIC)?;
        out.write_all(&[VERSION])?;
        let mut buffer = Vec::new();
        let mut records = 0;
        for record in self.records() {
            write_record(&record, &mut buffer, out)?;
            records += 1;
        }
        write_record(&Record::End { records }, &mut buffer, out)
    }

    /// The state that an image shows; reads up to its end and not beyond.
    pub(crate) fn decode(input: &mut impl Read) -> Result<Self, ImageError> {
        read_magic(input)?;
        let mut buffer = Vec::new();
        let mut state = Self::default();
        let mut read = 0;
        loop {
            let damaged = |what| ImageError::Damaged { record: read, what };
            let record = read_record(input, &mut buffer)?.map_err(damaged)?;
            match record {
                Record::End { records } if records == read => return Ok(state),
                Record::End { .. } => return Err(damaged("records are missing")),
                Record::Head { .. } | Record::Value(..) | Record::Lock(..) => state.put(record),
            }
            read += 1;
        }
    }

    /// The hash of this state's image: of everything that commands can see, and of the last entry applied.
    pub(crate) fn hash(&self) -> StateHash {
        let mut hashing = Hashing(Xxh3::new());
        self.encode(&mut hashing).expect("a hash takes all bytes");
        StateHash(hashing.0.digest())
    }

    fn records(&self) -> impl Iterator<Item = Record> {
        let head = Record::Head {
            applied: self.applied,
            time: self.time,
        };
        let values = self.values.iter();
        let values = values.map(|(key, value)| Record::Value(key.clone(), value.clone()));
        let locks = self.locks.0.iter();
        let locks = locks.map(|(lock, holder)| Record::Lock(lock.clone(), holder.clone()));
        [head].into_iter().chain(values).chain(locks)
    }

    fn put(&mut self, record: Record) {
        match record {
            Record::Head { applied, time } => {
                self.applied = applied;
                self.time = time;
            }
            Record::Value(key, value) => self.values.write(key, value),
            Record::Lock(lock, holder) => {
                self.locks.0.insert(lock, holder);
            }
            Record::End { .. } => {}
        }
    }
}

fn write_record(record: &Record, buffer: &mut Vec<u8>, out: &mut impl Write) -> io::Result<()> {
    buffer.clear();
    postcard::to_io(record, &mut *buffer).expect("texts and numbers always encode");
    let length = u32::try_from(buffer.len()).expect("answers are bounded");
    out.write_all(&length.to_le_bytes())?;
    out.write_all(buffer)
}

fn read_magic(input: &mut impl Read) -> Result<(), ImageError> {
    let mut magic = [0; MAGIC.len()];
    input.read_exact(&mut magic)?;
    if magic != *MAGIC {
        return Err(ImageError::Foreign(magic));
    }
    let mut version = [0];
    input.read_exact(&mut version)?;
    if version != [VERSION] {
        return Err(ImageError::Version(version[0]));
    }
    Ok(())
}

/// The next record, or what is wrong with it.
fn read_record(
    input: &mut impl Read,
    buffer: &mut Vec<u8>,
) -> io::Result<Result<Record, &'static str>> {
    let mut length = [0; 4];
    input.read_exact(&mut length)?;
    let length = u32::from_le_bytes(length);
    if length > RECORD_BYTES_MAX {
        return Ok(Err("its length is beyond every bound"));
    }
    buffer.clear();
    // Memory is taken as bytes arrive, not as the length promises.
    let read = input.take(u64::from(length)).read_to_end(buffer)?;
    if read as u64 != u64::from(length) {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    let decoded = postcard::take_from_bytes(buffer).ok();
    let whole = decoded.and_then(|(record, rest)| rest.is_empty().then_some(record));
    Ok(whole.ok_or("it cannot be understood"))
}

struct Hashing(Xxh3);

impl Write for Hashing {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
