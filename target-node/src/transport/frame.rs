//! Frames: length u32 of the body, CRC-32C over type and body u32, type u8, body; little-endian.

use std::io;

use serde::{Serialize, de::DeserializeOwned};
use tokio::io::{AsyncRead, AsyncReadExt as _};

/// Largest body that is read; a longer one is not ours.
const BODY_BYTES_MAX: u32 = 8 << 20;
const HEAD_BYTES: usize = 9;

/// What a frame holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Hello,
    Message,
}

impl Kind {
    const fn code(self) -> u8 {
        match self {
            Self::Hello => 1,
            Self::Message => 2,
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

/// Reads the next frame, which must be of `kind`.
pub(super) async fn read<T: DeserializeOwned>(
    kind: Kind,
    from: &mut (impl AsyncRead + Unpin),
) -> io::Result<T> {
    let mut head = [0; HEAD_BYTES];
    from.read_exact(&mut head).await?;
    let length = u32::from_le_bytes([head[0], head[1], head[2], head[3]]);
    let crc = u32::from_le_bytes([head[4], head[5], head[6], head[7]]);
    if length > BODY_BYTES_MAX {
        return Err(invalid(format!("a frame of {length} bytes is too long")));
    }
    let mut body = vec![head[8]];
    body.resize(1 + length as usize, 0);
    from.read_exact(&mut body[1..]).await?;
    body[0] = head[8];
    if crc32c::crc32c(&body) != crc {
        return Err(invalid("the checksum of a frame is wrong".into()));
    }
    if head[8] != kind.code() {
        return Err(invalid(format!(
            "a frame of type {} is not expected here",
            head[8]
        )));
    }
    postcard::from_bytes(&body[1..]).map_err(|error| invalid(error.to_string()))
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
        runtime.block_on(read(Kind::Message, &mut &bytes[..]))
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
    }

    #[test]
    fn no_single_flipped_or_missing_byte_gets_through() {
        let (_, bytes) = framed();
        for at in 0..bytes.len() {
            let mut damaged = bytes.clone();
            damaged[at] ^= 0x10;
            assert!(read_back(&damaged).is_err(), "flip at {at}");
            assert!(read_back(&bytes[..at]).is_err(), "cut at {at}");
        }
    }
}
