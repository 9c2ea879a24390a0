//! The folder as the node sees it, with what a loss of power would take away, and what is wrong with it.
//!
//! Every call acts on the file system below at once. Nothing here knows FUSE.

mod power;

use std::ffi::{OsStr, OsString};
use std::fs::{self, File, Metadata};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use nix::errno::Errno;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::evidence::Served;
use super::names::{Change, Names, NodeId, Place, Slot};
use super::node::{Nodes, Reach, read_up_to};
use super::trouble::{Failing, Pace, Trouble, Troubles};

/// Pages of a file that may wait for a sync; past that they are on the disk, as the kernel's own write-back would have it.
const PAGES_UNSYNCED: usize = 1 << 16;

/// What is to be done when a sync that was held back goes on.
pub(super) type Held = Box<dyn FnOnce(&mut Tree, Release) + Send>;

/// Why a sync that was held back goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Release {
    /// The disk works again.
    Healed,
    /// Whoever waits is about to die; nothing was written.
    Abandoned,
}

/// Who owns what is made, and who may use it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Owner {
    pub(super) uid: u32,
    pub(super) gid: u32,
    pub(super) mode: u32,
}

pub(super) struct Tree {
    pub(super) nodes: Nodes,
    names: Names,
    troubles: Troubles,
    served: Served,
    held: Vec<Held>,
    slots: u64,
    rng: ChaCha8Rng,
}

impl Tree {
    /// Of the folder at `root`, where everything is durable. The folder `kept` is for what is removed until that is durable.
    pub(super) fn new(root: PathBuf, kept: PathBuf, seed: u64) -> io::Result<Tree> {
        Ok(Tree {
            nodes: Nodes::new(root, kept)?,
            names: Names::default(),
            troubles: Troubles::default(),
            served: Served::default(),
            held: Vec::new(),
            slots: 0,
            rng: ChaCha8Rng::seed_from_u64(seed),
        })
    }

    pub(super) fn served(&self) -> Served {
        self.served
    }

    pub(super) fn begin(&mut self, trouble: Trouble) {
        self.troubles.begin(trouble);
    }

    /// Ends a trouble. What was held back goes on if nothing holds it any more.
    pub(super) fn end(&mut self, trouble: Trouble) {
        self.troubles.end(trouble);
        if self.troubles.pace() != Pace::Held {
            self.release(Release::Healed);
        }
    }

    /// Ends all troubles.
    pub(super) fn clear(&mut self) {
        self.troubles.clear();
        self.release(Release::Healed);
    }

    /// Lets go of whoever waits for a sync, and holds back no other.
    pub(super) fn abandon(&mut self) {
        self.troubles.unstick();
        self.release(Release::Abandoned);
    }

    fn release(&mut self, why: Release) {
        for held in std::mem::take(&mut self.held) {
            held(self, why);
        }
    }

    /// How soon the next sync may be answered; counted as if it were.
    pub(super) fn pace(&mut self) -> Pace {
        let pace = self.troubles.pace();
        match pace {
            Pace::Now => {}
            Pace::After(_) => self.served.delayed += 1,
            Pace::Held => self.served.held += 1,
        }
        pace
    }

    pub(super) fn hold(&mut self, held: Held) {
        self.held.push(held);
    }

    pub(super) fn lookup(
        &mut self,
        folder: NodeId,
        name: &OsStr,
    ) -> io::Result<(NodeId, Metadata)> {
        let metadata = fs::symlink_metadata(self.nodes.path_in(folder, name)?)?;
        let place = place(folder, name);
        Ok((self.nodes.at(&place, &metadata), metadata))
    }

    pub(super) fn metadata(&self, id: NodeId) -> io::Result<Metadata> {
        self.nodes.metadata(id)
    }

    pub(super) fn set_length(&mut self, id: NodeId, length: u64) -> io::Result<()> {
        let mut content = self.nodes.content(id)?;
        if length > content.metadata()?.len() {
            self.require_space()?;
        }
        self.fail(Failing::Writes)?;
        self.nodes
            .get(id)?
            .unsynced
            .set_length(&mut content, length)
    }

    pub(super) fn make_file(
        &mut self,
        folder: NodeId,
        name: &OsStr,
        owner: Owner,
    ) -> io::Result<(NodeId, Metadata)> {
        let path = self.nodes.path_in(folder, name)?;
        self.require_space()?;
        let mut options = File::options();
        options.read(true).write(true).create_new(true);
        let file = options.mode(owner.mode).open(&path)?;
        file.set_permissions(fs::Permissions::from_mode(owner.mode))?;
        own(&path, owner)?;
        self.made(folder, name, false)
    }

    pub(super) fn make_folder(
        &mut self,
        folder: NodeId,
        name: &OsStr,
        owner: Owner,
    ) -> io::Result<(NodeId, Metadata)> {
        let path = self.nodes.path_in(folder, name)?;
        self.require_space()?;
        fs::DirBuilder::new().mode(owner.mode).create(&path)?;
        fs::set_permissions(&path, fs::Permissions::from_mode(owner.mode))?;
        own(&path, owner)?;
        self.made(folder, name, true)
    }

    pub(super) fn make_symlink(
        &mut self,
        folder: NodeId,
        name: &OsStr,
        target: &Path,
    ) -> io::Result<(NodeId, Metadata)> {
        self.require_space()?;
        std::os::unix::fs::symlink(target, self.nodes.path_in(folder, name)?)?;
        self.made(folder, name, false)
    }

    pub(super) fn make_link(
        &mut self,
        id: NodeId,
        folder: NodeId,
        name: &OsStr,
    ) -> io::Result<(NodeId, Metadata)> {
        self.require_space()?;
        fs::hard_link(self.nodes.path(id)?, self.nodes.path_in(folder, name)?)?;
        self.made(folder, name, false)
    }

    fn made(
        &mut self,
        folder: NodeId,
        name: &OsStr,
        is_folder: bool,
    ) -> io::Result<(NodeId, Metadata)> {
        let (id, metadata) = self.lookup(folder, name)?;
        self.names.record(Change::Make {
            place: place(folder, name),
            folder: is_folder.then_some(id),
        });
        Ok((id, metadata))
    }

    /// Removes a name. What it named is kept until that is durable.
    pub(super) fn remove(&mut self, folder: NodeId, name: &OsStr) -> io::Result<()> {
        let (id, metadata) = self.lookup(folder, name)?;
        require_empty(&self.nodes.path(id)?, &metadata)?;
        let kept = self.keep(&place(folder, name))?;
        self.names.record(Change::Remove {
            place: place(folder, name),
            folder: metadata.is_dir().then_some(id),
            kept,
        });
        Ok(())
    }

    pub(super) fn rename(&mut self, from: &Place, to: &Place, replace: bool) -> io::Result<()> {
        let moved = Reach::Named(from.clone());
        let target = Reach::Named(to.clone());
        let (source, destination) = (self.nodes.path_to(&moved)?, self.nodes.path_to(&target)?);
        let what = fs::symlink_metadata(&source)?;
        let replaced = match fs::symlink_metadata(&destination) {
            Err(_) => None,
            Ok(_) if !replace => return Err(Errno::EEXIST.into()),
            Ok(there) if there.ino() == what.ino() => return Ok(()),
            Ok(there) => {
                require_empty(&destination, &there)?;
                Some(self.keep(to)?)
            }
        };
        let id = self.nodes.known(&moved);
        if let Err(error) = fs::rename(&source, &destination) {
            if let Some(slot) = replaced {
                self.bring_back(slot, to)?;
            }
            return Err(error);
        }
        self.nodes.moved(id, &moved, Some(target));
        self.names.record(Change::Rename {
            from: from.clone(),
            to: to.clone(),
            replaced,
        });
        Ok(())
    }

    /// Opens a file, for the first time or once more.
    pub(super) fn open(&mut self, id: NodeId) -> io::Result<()> {
        let content = self.nodes.content(id)?;
        let node = self.nodes.get(id)?;
        node.open = Some(content);
        node.opens += 1;
        Ok(())
    }

    pub(super) fn close(&mut self, id: NodeId) {
        let Ok(node) = self.nodes.get(id) else { return };
        node.opens = node.opens.saturating_sub(1);
        if node.opens == 0 {
            node.open = None;
        }
        self.nodes.bury(id);
    }

    pub(super) fn read(&mut self, id: NodeId, offset: u64, size: u32) -> io::Result<Vec<u8>> {
        self.fail(Failing::Reads)?;
        let mut bytes = vec![0; size as usize];
        let filled = read_up_to(&*self.nodes.content(id)?, offset, &mut bytes)?;
        bytes.truncate(filled);
        self.misread(&mut bytes);
        Ok(bytes)
    }

    fn misread(&mut self, bytes: &mut [u8]) {
        let Some(one_in) = self.troubles.misread() else {
            return;
        };
        if !bytes.is_empty() && self.rng.random_range(0..one_in) == 0 {
            let at = self.rng.random_range(0..bytes.len());
            bytes[at] ^= 1 << self.rng.random_range(0..8);
            self.served.flipped_bits += 1;
        }
    }

    pub(super) fn write(&mut self, id: NodeId, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.fail(Failing::Writes)?;
        self.require_space()?;
        let mut content: Arc<File> = self.nodes.content(id)?;
        let unsynced = &mut self.nodes.get(id)?.unsynced;
        unsynced.write(&mut content, offset, bytes)?;
        if unsynced.pages() > PAGES_UNSYNCED {
            unsynced.synced();
        }
        Ok(())
    }

    /// Syncs the data and the length of a file.
    pub(super) fn sync(&mut self, id: NodeId) -> io::Result<()> {
        if let Err(error) = self.fail(Failing::Syncs) {
            self.nodes.get(id)?.unsynced.sync_failed();
            return Err(error);
        }
        if self.troubles.lie() {
            self.served.lies += 1;
        } else {
            self.nodes.get(id)?.unsynced.synced();
        }
        Ok(())
    }

    /// Syncs the names in a folder.
    pub(super) fn sync_folder(&mut self, id: NodeId) -> io::Result<()> {
        self.fail(Failing::Syncs)?;
        if self.troubles.lie() {
            self.served.lies += 1;
            return Ok(());
        }
        let durable = self.names.sync(id);
        self.let_go(&durable)
    }

    /// The names in a folder, with the numbers of what they name.
    pub(super) fn list(&mut self, id: NodeId) -> io::Result<Vec<(NodeId, fs::FileType, OsString)>> {
        self.fail(Failing::Reads)?;
        let mut found = Vec::new();
        for entry in fs::read_dir(self.nodes.path(id)?)? {
            let name = entry?.file_name();
            // A name may be gone by now.
            if let Ok((id, metadata)) = self.lookup(id, &name) {
                found.push((id, metadata.file_type(), name));
            }
        }
        Ok(found)
    }

    pub(super) fn is_full(&self) -> bool {
        self.troubles.are_full()
    }

    fn fail(&mut self, calls: Failing) -> io::Result<()> {
        if !self.troubles.fail(calls) {
            return Ok(());
        }
        self.served.errors += 1;
        Err(Errno::EIO.into())
    }

    pub(super) fn require_space(&mut self) -> io::Result<()> {
        if !self.troubles.are_full() {
            return Ok(());
        }
        self.served.refused += 1;
        Err(Errno::ENOSPC.into())
    }

    /// Moves what has this name out of sight.
    fn keep(&mut self, place: &Place) -> io::Result<Slot> {
        self.slots += 1;
        let slot = Slot(self.slots);
        let (from, to) = (Reach::Named(place.clone()), Reach::Kept(slot));
        let id = self.nodes.known(&from);
        fs::rename(self.nodes.path_to(&from)?, self.nodes.path_to(&to)?)?;
        self.nodes.moved(id, &from, Some(to));
        Ok(slot)
    }

    fn bring_back(&mut self, slot: Slot, place: &Place) -> io::Result<()> {
        let (from, to) = (Reach::Kept(slot), Reach::Named(place.clone()));
        let id = self.nodes.known(&from);
        fs::rename(self.nodes.path_to(&from)?, self.nodes.path_to(&to)?)?;
        self.nodes.moved(id, &from, Some(to));
        Ok(())
    }

    /// Removes for good what was kept for changes that are durable now.
    fn let_go(&mut self, durable: &[Change]) -> io::Result<()> {
        for slot in durable.iter().filter_map(Change::kept) {
            let reach = Reach::Kept(slot);
            let id = self.nodes.known(&reach);
            remove_any(&self.nodes.path_to(&reach)?)?;
            self.nodes.moved(id, &reach, None);
        }
        Ok(())
    }
}

pub(super) fn place(folder: NodeId, name: &OsStr) -> Place {
    Place {
        folder,
        name: name.to_owned(),
    }
}

fn require_empty(path: &Path, metadata: &Metadata) -> io::Result<()> {
    if metadata.is_dir() && fs::read_dir(path)?.next().is_some() {
        return Err(Errno::ENOTEMPTY.into());
    }
    Ok(())
}

fn remove_any(path: &Path) -> io::Result<()> {
    let kind = fs::symlink_metadata(path)?.file_type();
    match kind.is_dir() {
        true => fs::remove_dir(path),
        false => fs::remove_file(path),
    }
}

fn own(path: &Path, owner: Owner) -> io::Result<()> {
    let metadata = fs::symlink_metadata(path)?;
    if (metadata.uid(), metadata.gid()) == (owner.uid, owner.gid) {
        return Ok(());
    }
    std::os::unix::fs::lchown(path, Some(owner.uid), Some(owner.gid))
}
