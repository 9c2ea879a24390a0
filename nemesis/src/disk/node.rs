//! Who is who in the folder: the numbers the kernel knows, the files they stand for, and where these are now.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs::{self, File, Metadata};
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use nix::errno::Errno;

use super::names::{NodeId, Place, Slot};
use super::unsynced::{Content, Unsynced};

/// The folder itself; the number FUSE gives to a root.
pub(super) const ROOT: NodeId = NodeId(1);

/// Where a file can be reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Reach {
    /// By a name.
    Named(Place),
    /// It was removed, and is kept until that is durable.
    Kept(Slot),
}

/// A file or folder.
#[derive(Debug, Default)]
pub(super) struct Node {
    /// Its number in the file system below.
    file: u64,
    /// All its names that are known.
    pub(super) reach: Vec<Reach>,
    pub(super) open: Option<Arc<File>>,
    pub(super) opens: u32,
    pub(super) unsynced: Unsynced,
}

/// Every file and folder that was ever looked at and is not gone for good.
#[derive(Debug)]
pub(super) struct Nodes {
    by_id: BTreeMap<NodeId, Node>,
    by_file: BTreeMap<u64, NodeId>,
    made: u64,
    root: PathBuf,
    kept: PathBuf,
}

impl Nodes {
    /// Of the folder at `root`; what is removed and not yet gone lies in the folder `kept`.
    pub(super) fn new(root: PathBuf, kept: PathBuf) -> io::Result<Nodes> {
        let file = fs::metadata(&root)?.ino();
        let node = Node {
            file,
            ..Node::default()
        };
        Ok(Nodes {
            by_id: BTreeMap::from([(ROOT, node)]),
            by_file: BTreeMap::from([(file, ROOT)]),
            made: ROOT.0,
            root,
            kept,
        })
    }

    pub(super) fn get(&mut self, id: NodeId) -> io::Result<&mut Node> {
        self.by_id.get_mut(&id).ok_or_else(|| Errno::ESTALE.into())
    }

    /// Everyone's number.
    pub(super) fn ids(&self) -> Vec<NodeId> {
        self.by_id.keys().copied().collect()
    }

    /// The node with this metadata, found at `place`.
    pub(super) fn at(&mut self, place: &Place, metadata: &Metadata) -> NodeId {
        let id = self.of_file(metadata);
        let node = self.by_id.get_mut(&id).expect("just found");
        let reach = Reach::Named(place.clone());
        if id != ROOT && !node.reach.contains(&reach) {
            node.reach.push(reach);
        }
        id
    }

    fn of_file(&mut self, metadata: &Metadata) -> NodeId {
        let file = metadata.ino();
        if let Some(id) = self.by_file.get(&file) {
            return *id;
        }
        self.made += 1;
        let id = NodeId(self.made);
        let node = Node {
            file,
            ..Node::default()
        };
        self.by_id.insert(id, node);
        self.by_file.insert(file, id);
        id
    }

    /// The node that can be reached so now, if anybody ever asked for it.
    pub(super) fn known(&self, reach: &Reach) -> Option<NodeId> {
        let path = self.path_to(reach).ok()?;
        let file = fs::symlink_metadata(path).ok()?.ino();
        self.by_file.get(&file).copied()
    }

    /// Says that what was reached by `from` is now reached by `to`, or not at all.
    pub(super) fn moved(&mut self, id: Option<NodeId>, from: &Reach, to: Option<Reach>) {
        let Some(id) = id else { return };
        let Some(node) = self.by_id.get_mut(&id) else {
            return;
        };
        node.reach.retain(|reach| reach != from);
        node.reach.extend(to);
        self.bury(id);
    }

    /// Forgets a node that has no name and nobody uses.
    pub(super) fn bury(&mut self, id: NodeId) {
        let gone = |node: &Node| node.reach.is_empty() && node.opens == 0;
        if id != ROOT && self.by_id.get(&id).is_some_and(gone) {
            let node = self.by_id.remove(&id).expect("just seen");
            self.by_file.remove(&node.file);
        }
    }

    /// Where a node is in the file system below.
    pub(super) fn path(&self, id: NodeId) -> io::Result<PathBuf> {
        if id == ROOT {
            return Ok(self.root.clone());
        }
        let node = self.by_id.get(&id).ok_or(Errno::ESTALE)?;
        self.path_to(node.reach.first().ok_or(Errno::ESTALE)?)
    }

    pub(super) fn path_to(&self, reach: &Reach) -> io::Result<PathBuf> {
        match reach {
            Reach::Named(place) => Ok(self.path(place.folder)?.join(&place.name)),
            Reach::Kept(slot) => Ok(self.kept.join(slot.0.to_string())),
        }
    }

    /// The path of a name, which need not exist.
    pub(super) fn path_in(&self, folder: NodeId, name: &OsStr) -> io::Result<PathBuf> {
        Ok(self.path(folder)?.join(name))
    }

    pub(super) fn metadata(&self, id: NodeId) -> io::Result<Metadata> {
        match self.by_id.get(&id).and_then(|node| node.open.as_ref()) {
            Some(open) => open.metadata(),
            None => fs::symlink_metadata(self.path(id)?),
        }
    }

    /// The bytes of a file, whether or not somebody has it open.
    pub(super) fn content(&mut self, id: NodeId) -> io::Result<Arc<File>> {
        match &self.get(id)?.open {
            Some(open) => Ok(Arc::clone(open)),
            None => open(&self.path(id)?).map(Arc::new),
        }
    }
}

/// Opens a file for everything that may be done with it: the kernel has checked who may do what.
fn open(path: &Path) -> io::Result<File> {
    let both = File::options().read(true).write(true).open(path);
    both.or_else(|_| File::open(path))
}

impl Content for Arc<File> {
    fn length(&self) -> io::Result<u64> {
        Ok(self.metadata()?.len())
    }

    fn read(&self, offset: u64, into: &mut [u8]) -> io::Result<()> {
        let filled = read_up_to(self, offset, into)?;
        into[filled..].fill(0);
        Ok(())
    }

    fn write(&mut self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.write_all_at(bytes, offset)
    }

    fn set_length(&mut self, length: u64) -> io::Result<()> {
        self.set_len(length)
    }
}

/// Reads as much as there is; how much.
pub(super) fn read_up_to(file: &File, offset: u64, into: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < into.len() {
        match file.read_at(&mut into[filled..], offset + filled as u64) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}
