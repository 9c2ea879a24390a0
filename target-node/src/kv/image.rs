//! The whole state as a stream of bytes, and its hash.
//!
//! An image is a clone of the state: it costs nothing, and it stays what it is while the state goes on. It is
//! written and read record by record, so that neither side ever holds more than one record beside the state. The
//! same state gives the same bytes on every node, and so the same hash.
//!
//! | part | content |
//! |---|---|
//! | magic | `ADRKV` and the version of the format, one byte each |
//! | head | length u32 little-endian, then a [`Head`] in postcard; it says how many records follow |
//! | records | each a length u32 little-endian, then a [`Record`](super::record::Record) in postcard |

use std::{
    fmt,
    io::{self, Read, Write},
    sync::Arc,
};

use serde::{Serialize, de::DeserializeOwned};
use xxhash_rust::xxh3::Xxh3;

use super::{
    base::{Base, BaseError},
    record::Head,
    state::Kv,
};

const MAGIC: &[u8; 5] = b"ADRKV";
const VERSION: u8 = 1;
/// Longest record; the longest answer of a transaction fits.
const RECORD_BYTES_MAX: u32 = 16 << 20;
/// Bytes of records after which a state that has a base hands its values over to it.
const FLUSH_BYTES: usize = 4 << 20;

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
    #[error("the image is damaged after {records} records: {what}; take it from another node")]
    Damaged { records: u64, what: &'static str },
    #[error(transparent)]
    Base(#[from] BaseError),
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
    /// Writes the image of this state. An error of its base is the cause of the one that comes back.
    pub(crate) fn encode(&self, out: &mut impl Write) -> io::Result<()> {
        out.write_all(MAGIC)?;
        out.write_all(&[VERSION])?;
        let mut buffer = Vec::new();
        write_record(&self.head(), &mut buffer, out)?;
        self.records()
            .try_for_each(|record| write_record(&record, &mut buffer, out))?;
        self.intact().map_err(io::Error::other)
    }

    /// The state that an image shows; reads up to its end and not beyond. Its values go to the base, which is empty
    /// yet, as they come; without one they stay in memory.
    pub(crate) fn decode(
        base: Option<Arc<dyn Base>>,
        input: &mut impl Read,
    ) -> Result<Self, ImageError> {
        read_magic(input)?;
        let mut buffer = Vec::new();
        let damaged = |records| move |what| ImageError::Damaged { records, what };
        let head: Head = read_record(input, &mut buffer)?.map_err(damaged(0))?;
        let mut state = Self::with_head(&head, base);
        let mut waiting = 0;
        for number in 0..head.records {
            if waiting >= FLUSH_BYTES {
                state.flush_all()?;
                waiting = 0;
            }
            let record = read_record(input, &mut buffer)?;
            waiting += buffer.len();
            let put = record.and_then(|record| state.put(record));
            put.map_err(damaged(number))?;
        }
        state.flush_all()?;
        Ok(state)
    }

    fn flush_all(&mut self) -> Result<(), BaseError> {
        self.freeze();
        if let Some(flushed) = self.flush()? {
            self.settle(flushed);
        }
        Ok(())
    }

    /// The hash of this state's image: of everything that commands can see, and of the last entry applied.
    ///
    /// # Errors
    /// That of the base; a hash takes all bytes.
    pub(crate) fn hash(&self) -> io::Result<StateHash> {
        let mut hashing = Hashing(Xxh3::new());
        self.encode(&mut hashing)?;
        Ok(StateHash(hashing.0.digest()))
    }
}

fn write_record(
    record: &impl Serialize,
    buffer: &mut Vec<u8>,
    out: &mut impl Write,
) -> io::Result<()> {
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
fn read_record<T: DeserializeOwned>(
    input: &mut impl Read,
    buffer: &mut Vec<u8>,
) -> io::Result<Result<T, &'static str>> {
    let mut length = [0; 4];
    input.read_exact(&mut length)?;
    let length = u32::from_le_bytes(length);
    if length > RECORD_BYTES_MAX {
        return Ok(Err("a length is beyond every bound"));
    }
    buffer.clear();
    // Memory is taken as bytes arrive, not as the length promises.
    let read = input.take(u64::from(length)).read_to_end(buffer)?;
    if read as u64 != u64::from(length) {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    let decoded = postcard::take_from_bytes(buffer).ok();
    let whole = decoded.and_then(|(record, rest)| rest.is_empty().then_some(record));
    Ok(whole.ok_or("a record cannot be understood"))
}

/// Something to write an image into, of which only the hash stays.
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
