//! Frames: length u32 of the body, CRC-32C over type and body u32, type u8, body; little-endian.

use std::io;

use serde::{Serialize, de::DeserializeOwned};
use tokio::io::{AsyncRead, AsyncReadExt as _};

/// Largest body that is read; a longer one is not ours.
const BODY_BYTES_MAX: u32 = 8 << 20;
const HEAD_BYTES: usize = 9;
/// Memory that a reader keeps between frames.
const KEPT_BYTES_MAX: usize = 256 << 10;

/// What a frame holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Hello,
    Message,
    Datagram,
}

impl Kind {
    const fn code(self) -> u8 {
        match self {
            Self::Hello => 1,
            Self::Message => 2,
            Self::Datagram => 3,
        }
    }
}

/// Appends one frame to `out`.
pub(super) fn encode<T: Serialize>(kind: Kind, body: &T, out: &mut Vec<u8>) {
    let start = out.len();
    out.extend([0; HEAD_BYTES]);
    let mut bytes = postcard::to_extend(body, std::mem::take(out)).expect("messages always encode");
    let length = u32::try_from(bytes.len() - start - HEAD_BYTES).expect("bounded by the sender");
    bytes[start + 8] = kind.code();
    let crc = crc32c::crc32c(&bytes[start + 8..]);
    bytes[start..start + 4].copy_from_slice(&length.to_le_bytes());
    bytes[start + 4..start + 8].copy_from_slice(&crc.to_le_bytes());
    *out = bytes;
}

/// Reads frames, one after the other into the same memory.
#[derive(Debug)]
pub(super) struct Reader<R> {
    from: R,
    body: Vec<u8>,
}

impl<R: AsyncRead + Unpin> Reader<R> {
    /// Reads from what should be buffered: a head and a body are two reads.
    pub(super) const fn new(from: R) -> Self {
        Self {
            from,
            body: Vec::new(),
        }
    }

    /// The next frame, which must be of `kind`.
    pub(super) async fn next<T: DeserializeOwned>(&mut self, kind: Kind) -> io::Result<T> {
        let mut head = [0; HEAD_BYTES];
        self.from.read_exact(&mut head).await?;
        let length = length(head)?;
        // Whatever is left of the last frame is written over.
        self.body.truncate(KEPT_BYTES_MAX);
        self.body.shrink_to(KEPT_BYTES_MAX);
        self.body.resize(length, 0);
        self.from.read_exact(&mut self.body).await?;
        checked(head, &self.body, kind)
    }
}

/// The one frame that `bytes` are, which must be of `kind`.
pub(super) fn decode<T: DeserializeOwned>(kind: Kind, bytes: &[u8]) -> io::Result<T> {
    let Some((head, body)) = bytes.split_first_chunk() else {
        return Err(invalid("too short for a frame".into()));
    };
    if length(*head)? != body.len() {
        return Err(invalid("a frame of another length".into()));
    }
    checked(*head, body, kind)
}

fn length(head: [u8; HEAD_BYTES]) -> io::Result<usize> {
    let length = u32::from_le_bytes([head[0], head[1], head[2], head[3]]);
    if length > BODY_BYTES_MAX {
        return Err(invalid(format!("a frame of {length} bytes is too long")));
    }
    Ok(length as usize)
}

fn checked<T: DeserializeOwned>(head: [u8; HEAD_BYTES], body: &[u8], kind: Kind) -> io::Result<T> {
    let crc = u32::from_le_bytes([head[4], head[5], head[6], head[7]]);
    if crc32c::crc32c_append(crc32c::crc32c(&head[8..]), body) != crc {
        return Err(invalid("the checksum of a frame is wrong".into()));
    }
    if head[8] != kind.code() {
        return Err(invalid(format!(
            "a frame of type {} is not expected here",
            head[8]
        )));
    }
    postcard::from_bytes(body).map_err(|error| invalid(error.to_string()))
}

fn invalid(what: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::raft::Message;

    fn read_back(bytes: &[u8]) -> io::Result<Message> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap();
        runtime.block_on(Reader::new(bytes).next(Kind::Message))
    }

    fn framed() -> (Message, Vec<u8>) {
        let message = crate::raft::sample_append(300);
        let mut bytes = Vec::new();
        encode(Kind::Message, &message, &mut bytes);
        (message, bytes)
    }

    #[test]
    fn a_frame_is_read_back_as_it_was() {
        let (message, bytes) = framed();
        assert_eq!(read_back(&bytes).unwrap(), message);
        assert_eq!(decode::<Message>(Kind::Message, &bytes).unwrap(), message);
    }

    #[test]
    fn a_short_frame_after_a_long_one_has_nothing_of_it() {
        let mut bytes = Vec::new();
        let sent = [3000, 300, 4000].map(crate::raft::sample_append);
        for message in &sent {
            encode(Kind::Message, message, &mut bytes);
        }
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap();
        let mut reader = Reader::new(&bytes[..]);
        for message in sent {
            let read: Message = runtime.block_on(reader.next(Kind::Message)).unwrap();
            assert_eq!(read, message);
        }
    }

    #[test]
    fn no_single_flipped_or_missing_byte_gets_through() {
        let (_, bytes) = framed();
        for at in 0..bytes.len() {
            let mut damaged = bytes.clone();
            damaged[at] ^= 0x10;
            assert!(read_back(&damaged).is_err(), "flip at {at}");
            assert!(read_back(&bytes[..at]).is_err(), "cut at {at}");
            assert!(decode::<Message>(Kind::Message, &damaged).is_err());
            assert!(decode::<Message>(Kind::Message, &bytes[..at]).is_err());
        }
    }
}
