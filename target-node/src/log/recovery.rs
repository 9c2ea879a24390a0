//! Reading a log back, and telling a torn end from damage.

use super::{
    block::{self, Block},
    disk::Disk,
    error::{StorageError, damaged, io_error},
    record,
    segment::{HEADER_BYTES, Header, UNFINISHED_SUFFIX, file_name, is_segment},
    wal::Wal,
};
use crate::raft::Restored;

/// Reads all segments; leaves `wal` at the end of the last one.
pub(super) fn recover<D: Disk>(wal: &mut Wal<D>) -> Result<Restored, StorageError> {
    let names = wal.disk().list().map_err(io_error("list", "the folder"))?;
    for name in names
        .iter()
        .filter(|name| name.ends_with(UNFINISHED_SUFFIX))
    {
        wal.disk().remove(name).map_err(io_error("remove", name))?;
    }
    let mut restored = Restored::default();
    let segments: Vec<&String> = names.iter().filter(|name| is_segment(name)).collect();
    for (position, name) in segments.iter().enumerate() {
        let is_last = position + 1 == segments.len();
        read_segment(wal, name, is_last, &mut restored)?;
    }
    Ok(restored)
}

fn read_segment<D: Disk>(
    wal: &mut Wal<D>,
    name: &str,
    is_last: bool,
    restored: &mut Restored,
) -> Result<(), StorageError> {
    let bytes = wal.disk().read(name).map_err(io_error("read", name))?;
    let header = Header::decode(&bytes).map_err(|what| damaged(name, 0, what))?;
    if wal.segment == 0 {
        wal.store = header.store;
    }
    check_header(wal, name, &header)?;
    wal.segment = header.number;
    wal.size = bytes.len() as u64;

    let end = read_blocks(wal, name, &bytes, restored)?;
    wal.offset = end as u64;
    let rest = &bytes[end..];
    if holds_a_block(rest, header.number) {
        let what = "a block does not verify, but a later one does";
        return Err(damaged(name, end as u64, what));
    }
    if rest.iter().all(|&byte| byte == 0) {
        return Ok(());
    }
    if !is_last {
        let what = "a block does not verify, and a later segment exists";
        return Err(damaged(name, end as u64, what));
    }
    let erased = wal.disk().write_at(name, end as u64, &vec![0; rest.len()]);
    erased
        .and_then(|()| wal.disk().sync(name))
        .map_err(io_error("erase the torn end of", name))
}

fn check_header<D: Disk>(wal: &Wal<D>, name: &str, header: &Header) -> Result<(), StorageError> {
    if &header.identity != wal.identity() {
        return Err(StorageError::Foreign {
            file: name.into(),
            node: header.identity.node.clone(),
            cluster: header.identity.cluster,
        });
    }
    let continues = header.number == wal.segment + 1
        && file_name(header.number) == name
        && header.store == wal.store
        && header.before == wal.chain
        && header.last_index == wal.last_index;
    if continues {
        Ok(())
    } else {
        let what = "it does not continue the segment before it, of which a part is missing";
        Err(damaged(name, 0, what))
    }
}

/// Replays the chain of blocks in a segment; returns where it ends.
fn read_blocks<D: Disk>(
    wal: &mut Wal<D>,
    name: &str,
    bytes: &[u8],
    restored: &mut Restored,
) -> Result<usize, StorageError> {
    let mut offset = HEADER_BYTES;
    while let Some(found) = next_block(wal, &bytes[offset..]) {
        record::replay(found.content, restored)
            .map_err(|what| damaged(name, offset as u64, what))?;
        wal.chain = found.chain;
        wal.last_index = restored.last_index();
        offset += found.bytes;
    }
    Ok(offset)
}

fn next_block<'a, D>(wal: &Wal<D>, bytes: &'a [u8]) -> Option<Block<'a>> {
    block::decode(bytes, wal.segment).filter(|found| found.follows(wal.chain))
}

/// Whether a whole block lies anywhere in `bytes`, which start at a block boundary.
fn holds_a_block(bytes: &[u8], segment: u64) -> bool {
    (0..bytes.len())
        .step_by(block::ALIGNMENT)
        .any(|offset| block::decode(&bytes[offset..], segment).is_some())
}
