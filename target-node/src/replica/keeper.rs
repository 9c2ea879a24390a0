//! What is done with snapshot files at the wish of a replica.

use std::{
    collections::BTreeMap,
    io::{self, Write},
    sync::Arc,
};

use super::node::Event;
use crate::{
    kv::{Base, BaseError, ImageError, Kv},
    log::{
        Disk, Identity, StorageError,
        snapshot::{Origin, Receipt, Sealed, Snapshot, SnapshotId, Snapshots, Writing},
    },
    raft::{PartReceived, PartWanted, Payload, Position, SnapshotMeta},
    table::Tables,
};

/// Bytes of a snapshot that travel in one message.
const PART_BYTES_MAX: usize = 256 << 10;

/// Something to do with snapshot files.
#[derive(Debug)]
pub(crate) enum Task {
    /// `in_use` are the snapshots that followers are being sent.
    Store {
        meta: SnapshotMeta,
        image: Kv,
        in_use: Vec<Position>,
    },
    ReadPart(PartWanted),
    KeepPart(PartReceived),
}

/// Why snapshots cannot be kept; the node must stop.
#[derive(Debug, thiserror::Error)]
pub(crate) enum KeeperError {
    #[error(transparent)]
    Storage(#[from] StorageError),
    #[error("a snapshot cannot be understood: {0}")]
    Image(#[from] ImageError),
    #[error(transparent)]
    Base(#[from] BaseError),
    #[error("a snapshot does not say what it is of; restore the data folder of this node")]
    Meta,
}

/// What a node starts with.
#[derive(Debug, Default)]
pub(crate) struct Kept {
    pub(crate) meta: Option<SnapshotMeta>,
    pub(crate) state: Kv,
    /// Size of the file.
    pub(crate) bytes: u64,
}

/// The snapshot files of a node.
///
/// - Positions only grow: what is behind the latest is not stored.
/// - What a follower is being sent stays until the next one is stored.
#[derive(Debug)]
pub(crate) struct Keeper<D> {
    files: Snapshots<D>,
    /// Where values of states are kept, if not in memory.
    tables: Option<Tables>,
    known: BTreeMap<Position, (SnapshotMeta, Snapshot)>,
}

impl<D: Disk> Keeper<D> {
    /// Opens what is there; returns the state of the latest snapshot, its values in one of `tables` if there are any.
    pub(crate) fn open(
        disk: D,
        identity: Identity,
        tables: Option<Tables>,
    ) -> Result<(Self, Kept), KeeperError> {
        let mut keeper = Self {
            files: Snapshots::open(disk, identity)?,
            tables,
            known: BTreeMap::new(),
        };
        let Some(latest) = keeper.files.latest().cloned() else {
            let kept = Kept {
                state: Kv::on(keeper.base()?),
                ..Kept::default()
            };
            return Ok((keeper, kept));
        };
        let kept = Kept {
            meta: Some(keeper.remember(&latest)?.clone()),
            state: keeper.state()?,
            bytes: latest.bytes,
        };
        Ok((keeper, kept))
    }

    /// Does what was asked; what the replica is to know of it comes back.
    pub(crate) fn perform<R>(&mut self, task: Task) -> Result<Option<Event<R>>, KeeperError> {
        match task {
            Task::Store {
                meta,
                image,
                in_use,
            } => self.store(&meta, &image, &in_use).map(Some),
            Task::ReadPart(wanted) => self.read_part(wanted),
            Task::KeepPart(part) => self.keep_part(&part),
        }
    }

    fn latest(&self) -> Option<&(SnapshotMeta, Snapshot)> {
        self.known.values().next_back()
    }

    fn is_news(&self, at: Position) -> bool {
        self.latest().is_none_or(|(latest, _)| latest.at < at)
    }

    fn remember(&mut self, snapshot: &Snapshot) -> Result<&SnapshotMeta, KeeperError> {
        let meta = postcard::from_bytes(&snapshot.meta);
        let meta: SnapshotMeta = meta.map_err(|_| KeeperError::Meta)?;
        let at = meta.at;
        self.known.insert(at, (meta, snapshot.clone()));
        Ok(&self.known[&at].0)
    }

    /// The state of the latest snapshot.
    fn state(&mut self) -> Result<Kv, KeeperError> {
        let base = self.base()?;
        let body = self.files.body()?;
        let mut body = io::BufReader::new(body.expect("the latest is there"));
        Ok(Kv::decode(base, &mut body)?)
    }

    /// An empty one, if values are not kept in memory.
    fn base(&mut self) -> Result<Option<Arc<dyn Base>>, BaseError> {
        self.tables.as_mut().map(Tables::make).transpose()
    }

    fn store<R>(
        &mut self,
        meta: &SnapshotMeta,
        image: &Kv,
        in_use: &[Position],
    ) -> Result<Event<R>, KeeperError> {
        let mut flushed = None;
        if self.is_news(meta.at) {
            let sealed = self.write(meta, image)?;
            self.install(sealed)?;
            self.forget_all_but(in_use)?;
            flushed = image.flush()?;
        }
        let (meta, latest) = self.latest().expect("one was just stored or is ahead");
        Ok(Event::Stored {
            meta: meta.clone(),
            bytes: latest.bytes,
            flushed,
        })
    }

    fn write(&mut self, meta: &SnapshotMeta, image: &Kv) -> Result<Sealed, KeeperError> {
        let meta = postcard::to_stdvec(meta).expect("names and numbers always encode");
        let mut out = Appending {
            writing: self.files.begin(&meta)?,
            failed: None,
        };
        let written = image.encode(&mut out);
        image.intact()?;
        match (out.failed, written) {
            (Some(error), _) => Err(error.into()),
            (None, Err(error)) => Err(ImageError::from(error).into()),
            (None, Ok(())) => Ok(out.writing.finish()?),
        }
    }

    fn install(&mut self, sealed: Sealed) -> Result<(), KeeperError> {
        let snapshot = self.files.install(sealed)?.clone();
        self.remember(&snapshot).map(drop)
    }

    fn forget_all_but(&mut self, in_use: &[Position]) -> Result<(), KeeperError> {
        let latest = self.latest().map(|(meta, _)| meta.at);
        self.known
            .retain(|at, _| Some(*at) == latest || in_use.contains(at));
        let ids = self.known.values().map(|(_, snapshot)| snapshot.id);
        Ok(self.files.remove_older(&ids.collect())?)
    }

    /// A part of the snapshot asked for, or the first of the latest if that one is gone.
    fn read_part<R>(&mut self, wanted: PartWanted) -> Result<Option<Event<R>>, KeeperError> {
        let same = self.known.get(&wanted.at);
        let offset = same.map_or(0, |_| wanted.offset);
        let Some((meta, snapshot)) = same.or_else(|| self.latest()).cloned() else {
            return Ok(None);
        };
        let bytes = self.files.read(snapshot.id, offset, PART_BYTES_MAX)?;
        Ok(bytes.map(|bytes| Event::Part {
            to: wanted.to,
            meta,
            offset,
            done: offset + bytes.len() as u64 >= snapshot.bytes,
            data: Payload::new(&bytes),
        }))
    }

    fn keep_part<R>(&mut self, part: &PartReceived) -> Result<Option<Event<R>>, KeeperError> {
        let at = part.meta.at;
        let origin = Origin {
            term: part.term,
            id: SnapshotId(at.index.0),
        };
        let bytes = part.data.bytes();
        let expected = part.offset + bytes.len() as u64;
        let meta = postcard::to_stdvec(&part.meta).expect("names and numbers always encode");
        let state = match self.files.receive(origin, part.offset, bytes, part.done)? {
            Receipt::Next(next) if next == expected && !part.done => return Ok(None),
            Receipt::Whole(sealed) if self.is_news(at) && sealed.meta() == meta => {
                self.install(sealed)?;
                let latest = self.latest().map_or(0, |(_, latest)| latest.bytes);
                Some((self.state()?, latest))
            }
            Receipt::Whole(sealed) => {
                self.files.discard(&sealed)?;
                None
            }
            Receipt::Unfit(what) => {
                tracing::warn!(%what, "a received snapshot is not whole");
                None
            }
            Receipt::Next(_) | Receipt::Stale => None,
        };
        Ok(Some(Event::Received { at, state }))
    }
}

/// A snapshot file as something to write to.
struct Appending<D> {
    writing: Writing<D>,
    failed: Option<StorageError>,
}

impl<D: Disk> Write for Appending<D> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self.writing.append(bytes) {
            Ok(()) => Ok(bytes.len()),
            Err(error) => {
                self.failed = Some(error);
                Err(io::Error::other("the snapshot cannot be written"))
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
