//! Compressed files, known by their first bytes: zstd and gzip.

use std::io::{self, BufReader, Cursor, Read};

use flate2::read::MultiGzDecoder;

const ZSTD: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];
const GZIP: [u8; 2] = [0x1f, 0x8b];

/// The largest window a compressed file may ask for, as a power of two: 128 MiB, as the `zstd` command allows by default.
const MAX_WINDOW_LOG: u32 = 27;

/// The plain bytes of what may be compressed.
pub(crate) fn open<'r>(mut reader: impl Read + 'r) -> io::Result<Box<dyn Read + 'r>> {
    let mut magic = Vec::with_capacity(ZSTD.len());
    reader
        .by_ref()
        .take(ZSTD.len() as u64)
        .read_to_end(&mut magic)?;
    let kind = (magic.starts_with(&ZSTD), magic.starts_with(&GZIP));
    let whole = Cursor::new(magic).chain(reader);
    Ok(match kind {
        (true, _) => {
            let mut decoder = zstd::Decoder::new(whole)?;
            decoder.window_log_max(MAX_WINDOW_LOG)?;
            Box::new(decoder)
        }
        (_, true) => Box::new(MultiGzDecoder::new(BufReader::new(whole))),
        (false, false) => Box::new(whole),
    })
}
