//! Which snapshot is in force.

use std::collections::BTreeSet;

use super::{
    super::{
        disk::Disk,
        error::{StorageError, io_error},
        identity::Identity,
    },
    format::{Header, UNFINISHED_SUFFIX, file_name, number_of},
    reading::{self, Body},
    receiving::{Origin, Receipt, Receiving},
    writing::{Sealed, Writing},
};

/// A node's own number for a snapshot; later ones have greater numbers, and none is used twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct SnapshotId(pub(crate) u64);

/// A snapshot on disk, whole and durable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Snapshot {
    pub(crate) id: SnapshotId,
    /// What the caller gave to `begin`, here or on the node it comes from.
    pub(crate) meta: Vec<u8>,
    /// Bytes of the file.
    pub(crate) bytes: u64,
}

/// The snapshots in a data folder.
///
/// - The latest is the one installed last. Who installs sees to it that positions only grow.
/// - The latest is whole: it was verified when the folder was opened, or is as it was written.
/// - Of each kind, taken and received, at most one unfinished file takes room.
/// - An error of the disk is final: the node must stop, and the next start cleans up.
#[derive(Debug)]
pub(crate) struct Snapshots<D> {
    disk: D,
    identity: Identity,
    latest: Option<Snapshot>,
    /// Number of the next snapshot to be installed.
    next: u64,
    /// Temporary names given out so far.
    begun: u64,
    taking: Option<String>,
    receiving: Option<Receiving>,
    /// The snapshot of another node that came last, if it came as a whole.
    received: Option<Origin>,
}

impl<D: Disk> Snapshots<D> {
    /// Finds the newest snapshot, verifies it, and removes the others and what is not whole.
    pub(crate) fn open(disk: D, identity: Identity) -> Result<Self, StorageError> {
        let mut snapshots = Self {
            disk,
            identity,
            latest: None,
            next: 1,
            begun: 0,
            taking: None,
            receiving: None,
            received: None,
        };
        let names = snapshots.disk.list();
        let names = names.map_err(io_error("list", "the files"))?;
        if let Some(newest) = names.iter().filter_map(|name| number_of(name)).max() {
            snapshots.latest = Some(snapshots.verify(newest)?);
            snapshots.next = newest + 1;
        }
        for name in names
            .iter()
            .filter(|name| name.ends_with(UNFINISHED_SUFFIX))
        {
            snapshots.remove(name)?;
        }
        snapshots.remove_older(&BTreeSet::new())?;
        Ok(snapshots)
    }

    fn verify(&self, number: u64) -> Result<Snapshot, StorageError> {
        let file = file_name(number);
        let (header, bytes) = reading::verify(self.disk.clone(), &file)?;
        if header.identity.cluster != self.identity.cluster {
            let Identity { node, cluster } = header.identity;
            return Err(StorageError::Foreign {
                file,
                node,
                cluster,
            });
        }
        Ok(Snapshot {
            id: SnapshotId(number),
            meta: header.meta,
            bytes,
        })
    }

    /// The snapshot in force.
    pub(crate) const fn latest(&self) -> Option<&Snapshot> {
        self.latest.as_ref()
    }

    /// The body of the snapshot in force.
    pub(crate) fn body(&self) -> Result<Option<Body<D>>, StorageError> {
        let Some(latest) = &self.latest else {
            return Ok(None);
        };
        let (_, body) = reading::open(self.disk.clone(), &file_name(latest.id.0))?;
        Ok(Some(body))
    }

    /// Starts a snapshot, giving up one that was begun before. `meta` comes back with it.
    pub(crate) fn begin(&mut self, meta: &[u8]) -> Result<Writing<D>, StorageError> {
        let file = self.temporary("taken");
        let header = Header {
            identity: self.identity.clone(),
            meta: meta.to_vec(),
        };
        let writing = Writing::start(self.disk.clone(), file.clone(), header)?;
        if let Some(abandoned) = self.taking.replace(file) {
            self.remove(&abandoned)?;
        }
        Ok(writing)
    }

    /// Takes a chunk of another node's snapshot; `done` says that it is the last.
    pub(crate) fn receive(
        &mut self,
        origin: Origin,
        offset: u64,
        bytes: &[u8],
        done: bool,
    ) -> Result<Receipt, StorageError> {
        let ongoing = self.receiving.as_ref().map(|receiving| receiving.origin);
        if ongoing > Some(origin) || self.received >= Some(origin) {
            return Ok(Receipt::Stale);
        }
        if ongoing != Some(origin) {
            self.start_receiving(origin)?;
        }
        let receiving = self.receiving.as_mut().expect("started if need be");
        if receiving.bytes != offset {
            return Ok(Receipt::Next(receiving.bytes));
        }
        receiving.write(&mut self.disk, bytes)?;
        match self.receiving.take_if(|_| done) {
            Some(whole) => self.finish_receiving(whole),
            None => Ok(Receipt::Next(offset + bytes.len() as u64)),
        }
    }

    fn start_receiving(&mut self, origin: Origin) -> Result<(), StorageError> {
        let started = Receiving::new(origin, self.temporary("received"));
        match self.receiving.replace(started) {
            Some(abandoned) if abandoned.bytes > 0 => self.remove(&abandoned.file),
            Some(_) | None => Ok(()),
        }
    }

    fn finish_receiving(&mut self, receiving: Receiving) -> Result<Receipt, StorageError> {
        let origin = receiving.origin;
        let receipt = receiving.finish(&mut self.disk, self.identity.cluster)?;
        if matches!(receipt, Receipt::Whole(_)) {
            self.received = Some(origin);
        }
        Ok(receipt)
    }

    /// Puts a snapshot in force: when this returns, the log may begin after its position.
    pub(crate) fn install(&mut self, sealed: Sealed) -> Result<&Snapshot, StorageError> {
        let file = file_name(self.next);
        self.disk
            .rename(&sealed.file, &file)
            .and_then(|()| self.disk.sync_names())
            .map_err(io_error("name", &file))?;
        self.taking.take_if(|taking| *taking == sealed.file);
        let snapshot = Snapshot {
            id: SnapshotId(self.next),
            meta: sealed.meta,
            bytes: sealed.bytes,
        };
        self.next += 1;
        Ok(self.latest.insert(snapshot))
    }

    /// Gives a sealed snapshot up.
    pub(crate) fn discard(&mut self, sealed: &Sealed) -> Result<(), StorageError> {
        self.taking.take_if(|taking| *taking == sealed.file);
        self.remove(&sealed.file)
    }

    /// Removes all snapshots but the one in force and those that are `being_sent`. To be called when the
    /// log begins after the one in force.
    pub(crate) fn remove_older(
        &mut self,
        being_sent: &BTreeSet<SnapshotId>,
    ) -> Result<(), StorageError> {
        let names = self.disk.list().map_err(io_error("list", "the files"))?;
        let latest = self.latest.as_ref().map(|snapshot| snapshot.id);
        for name in names {
            let id = number_of(&name).map(SnapshotId);
            if id.is_some_and(|id| Some(id) != latest && !being_sent.contains(&id)) {
                self.remove(&name)?;
            }
        }
        Ok(())
    }

    /// Bytes of a snapshot's file from an offset on, at most `bytes_max`; nothing if it is gone.
    pub(crate) fn read(
        &mut self,
        id: SnapshotId,
        offset: u64,
        bytes_max: usize,
    ) -> Result<Option<Vec<u8>>, StorageError> {
        let file = file_name(id.0);
        let mut bytes = vec![0; bytes_max];
        match self.disk.fill(&file, offset, &mut bytes) {
            Ok(filled) => {
                bytes.truncate(filled);
                Ok(Some(bytes))
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(io_error("read", &file)(error)),
        }
    }

    fn temporary(&mut self, kind: &str) -> String {
        self.begun += 1;
        format!("{kind}-{}{UNFINISHED_SUFFIX}", self.begun)
    }

    fn remove(&mut self, file: &str) -> Result<(), StorageError> {
        self.disk.remove(file).map_err(io_error("remove", file))
    }
}
