//! The file system that the kernel talks to: it takes each request apart, lets the [`Tree`] act, and answers.
//!
//! One thread reads requests. Syncs that a slow or stuck disk holds back are answered by others, so that nothing else
//! waits for them. The kernel keeps what it was told (names, attributes, data) until it is told otherwise.

use std::ffi::OsStr;
use std::fs::{self, Metadata};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use fuser::{
    BsdFileFlags, Errno, FileAttr, FileHandle, FileType, Filesystem, FopenFlags, Generation,
    INodeNo, LockOwner, OpenFlags, RenameFlags, ReplyAttr, ReplyCreate, ReplyData, ReplyDirectory,
    ReplyEmpty, ReplyEntry, ReplyOpen, ReplyStatfs, ReplyWrite, Request, TimeOrNow, WriteFlags,
};
use nix::fcntl::OFlag;
use nix::sys::stat::{Mode, SFlag, UtimensatFlags, mknod, utimensat};
use nix::sys::time::TimeSpec;

use super::names::NodeId;
use super::tree::{Owner, Release, Tree, place};
use super::trouble::Pace;

/// How long the kernel may believe what it was told: until it is told otherwise.
const FOR_GOOD: Duration = Duration::from_secs(24 * 3600);

/// The tree, shared by the thread that answers the kernel and those that break it.
#[derive(Clone)]
pub(super) struct Shared(Arc<Mutex<Tree>>);

impl Shared {
    pub(super) fn new(tree: Tree) -> Shared {
        Shared(Arc::new(Mutex::new(tree)))
    }

    pub(super) fn tree(&self) -> MutexGuard<'_, Tree> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets a sync happen as soon as the disk does, and answers then.
    fn sync_in_time(
        &self,
        sync: impl FnOnce(&mut Tree) -> io::Result<()> + Send + 'static,
        answer: impl FnOnce(io::Result<()>) + Send + 'static,
    ) {
        let mut tree = self.tree();
        match tree.pace() {
            Pace::Now => answer(sync(&mut tree)),
            Pace::After(delay) => {
                let shared = self.clone();
                drop(tree);
                thread::spawn(move || {
                    thread::sleep(delay);
                    answer(sync(&mut shared.tree()));
                });
            }
            Pace::Held => tree.hold(Box::new(move |tree, why| match why {
                Release::Healed => answer(sync(tree)),
                Release::Abandoned => answer(Err(nix::errno::Errno::EIO.into())),
            })),
        }
    }
}

pub(super) struct Shell(pub(super) Shared);

impl Filesystem for Shell {
    fn lookup(&self, _: &Request, parent: INodeNo, name: &OsStr, reply: ReplyEntry) {
        entry(reply, self.0.tree().lookup(NodeId(parent.0), name));
    }

    fn getattr(&self, _: &Request, ino: INodeNo, _: Option<FileHandle>, reply: ReplyAttr) {
        let metadata = self.0.tree().metadata(NodeId(ino.0));
        attributes_of(reply, NodeId(ino.0), metadata);
    }

    fn setattr(
        &self,
        _: &Request,
        ino: INodeNo,
        mode: Option<u32>,
        uid: Option<u32>,
        gid: Option<u32>,
        size: Option<u64>,
        atime: Option<TimeOrNow>,
        mtime: Option<TimeOrNow>,
        _: Option<SystemTime>,
        _: Option<FileHandle>,
        _: Option<SystemTime>,
        _: Option<SystemTime>,
        _: Option<SystemTime>,
        _: Option<BsdFileFlags>,
        reply: ReplyAttr,
    ) {
        let id = NodeId(ino.0);
        let mut tree = self.0.tree();
        let mut change = || {
            if let Some(size) = size {
                tree.set_length(id, size)?;
            }
            if mode.or(uid).or(gid).is_some() || atime.or(mtime).is_some() {
                let path = tree.nodes.path(id)?;
                set_owner_and_mode(&path, mode, uid, gid)?;
                set_times(&path, atime, mtime)?;
            }
            tree.metadata(id)
        };
        attributes_of(reply, id, change());
    }

    fn readlink(&self, _: &Request, ino: INodeNo, reply: ReplyData) {
        let path = self.0.tree().nodes.path(NodeId(ino.0));
        match path.and_then(fs::read_link) {
            Ok(target) => reply.data(target.as_os_str().as_bytes()),
            Err(error) => reply.error(error.into()),
        }
    }

    fn mknod(
        &self,
        request: &Request,
        parent: INodeNo,
        name: &OsStr,
        mode: u32,
        _: u32,
        _: u32,
        reply: ReplyEntry,
    ) {
        let mut tree = self.0.tree();
        let folder = NodeId(parent.0);
        let kind = SFlag::from_bits_truncate(mode & SFlag::S_IFMT.bits());
        let mut make = || match kind {
            SFlag::S_IFREG => tree.make_file(folder, name, owner(request, mode)),
            // Where processes meet: nothing that a disk could lose.
            SFlag::S_IFIFO | SFlag::S_IFSOCK => {
                let path = tree.nodes.path_in(folder, name)?;
                mknod(&path, kind, Mode::from_bits_truncate(mode), 0)?;
                tree.lookup(folder, name)
            }
            _ => Err(nix::errno::Errno::EPERM.into()),
        };
        entry(reply, make());
    }

    fn mkdir(
        &self,
        request: &Request,
        parent: INodeNo,
        name: &OsStr,
        mode: u32,
        _: u32,
        reply: ReplyEntry,
    ) {
        let mut tree = self.0.tree();
        let made = tree.make_folder(NodeId(parent.0), name, owner(request, mode));
        entry(reply, made);
    }

    fn unlink(&self, _: &Request, parent: INodeNo, name: &OsStr, reply: ReplyEmpty) {
        answer(reply, self.0.tree().remove(NodeId(parent.0), name));
    }

    fn rmdir(&self, _: &Request, parent: INodeNo, name: &OsStr, reply: ReplyEmpty) {
        answer(reply, self.0.tree().remove(NodeId(parent.0), name));
    }

    fn symlink(
        &self,
        _: &Request,
        parent: INodeNo,
        name: &OsStr,
        target: &Path,
        reply: ReplyEntry,
    ) {
        let made = self.0.tree().make_symlink(NodeId(parent.0), name, target);
        entry(reply, made);
    }

    fn rename(
        &self,
        _: &Request,
        parent: INodeNo,
        name: &OsStr,
        new_parent: INodeNo,
        new_name: &OsStr,
        flags: RenameFlags,
        reply: ReplyEmpty,
    ) {
        if !RenameFlags::RENAME_NOREPLACE.contains(flags) {
            return reply.error(Errno::EINVAL);
        }
        let (from, to) = (
            place(NodeId(parent.0), name),
            place(NodeId(new_parent.0), new_name),
        );
        answer(reply, self.0.tree().rename(&from, &to, flags.is_empty()));
    }

    fn link(
        &self,
        _: &Request,
        ino: INodeNo,
        new_parent: INodeNo,
        new_name: &OsStr,
        reply: ReplyEntry,
    ) {
        let mut tree = self.0.tree();
        let made = tree.make_link(NodeId(ino.0), NodeId(new_parent.0), new_name);
        entry(reply, made);
    }

    fn open(&self, _: &Request, ino: INodeNo, _: OpenFlags, reply: ReplyOpen) {
        match self.0.tree().open(NodeId(ino.0)) {
            Ok(()) => reply.opened(FileHandle(0), FopenFlags::FOPEN_KEEP_CACHE),
            Err(error) => reply.error(error.into()),
        }
    }

    fn create(
        &self,
        request: &Request,
        parent: INodeNo,
        name: &OsStr,
        mode: u32,
        _: u32,
        _: i32,
        reply: ReplyCreate,
    ) {
        let mut tree = self.0.tree();
        let made = tree.make_file(NodeId(parent.0), name, owner(request, mode));
        let made = made.and_then(|(id, metadata)| {
            tree.open(id)?;
            Ok((id, metadata))
        });
        match made {
            Ok((id, metadata)) => reply.created(
                &FOR_GOOD,
                &attributes(id, &metadata),
                Generation(0),
                FileHandle(0),
                FopenFlags::FOPEN_KEEP_CACHE,
            ),
            Err(error) => reply.error(error.into()),
        }
    }

    fn read(
        &self,
        _: &Request,
        ino: INodeNo,
        _: FileHandle,
        offset: u64,
        size: u32,
        _: OpenFlags,
        _: Option<LockOwner>,
        reply: ReplyData,
    ) {
        match self.0.tree().read(NodeId(ino.0), offset, size) {
            Ok(bytes) => reply.data(&bytes),
            Err(error) => reply.error(error.into()),
        }
    }

    fn write(
        &self,
        _: &Request,
        ino: INodeNo,
        _: FileHandle,
        offset: u64,
        data: &[u8],
        _: WriteFlags,
        flags: OpenFlags,
        _: Option<LockOwner>,
        reply: ReplyWrite,
    ) {
        let id = NodeId(ino.0);
        // The kernel asks for at most 16 MiB.
        let size = u32::try_from(data.len()).unwrap_or(u32::MAX);
        let written = move |result: io::Result<()>| match result {
            Ok(()) => reply.written(size),
            Err(error) => reply.error(error.into()),
        };
        let result = self.0.tree().write(id, offset, data);
        let at_once = OFlag::from_bits_retain(flags.0).intersects(OFlag::O_DSYNC | OFlag::O_SYNC);
        if result.is_ok() && at_once {
            self.0.sync_in_time(move |tree| tree.sync(id), written);
        } else {
            written(result);
        }
    }

    /// Nothing is held back that closing would have to write.
    fn flush(&self, _: &Request, _: INodeNo, _: FileHandle, _: LockOwner, reply: ReplyEmpty) {
        reply.ok();
    }

    fn release(
        &self,
        _: &Request,
        ino: INodeNo,
        _: FileHandle,
        _: OpenFlags,
        _: Option<LockOwner>,
        _: bool,
        reply: ReplyEmpty,
    ) {
        self.0.tree().close(NodeId(ino.0));
        reply.ok();
    }

    fn fsync(&self, _: &Request, ino: INodeNo, _: FileHandle, _: bool, reply: ReplyEmpty) {
        let id = NodeId(ino.0);
        let done = move |result| answer(reply, result);
        self.0.sync_in_time(move |tree| tree.sync(id), done);
    }

    fn fsyncdir(&self, _: &Request, ino: INodeNo, _: FileHandle, _: bool, reply: ReplyEmpty) {
        let id = NodeId(ino.0);
        let done = move |result| answer(reply, result);
        self.0.sync_in_time(move |tree| tree.sync_folder(id), done);
    }

    fn readdir(
        &self,
        _: &Request,
        ino: INodeNo,
        _: FileHandle,
        offset: u64,
        mut reply: ReplyDirectory,
    ) {
        let listed = match self.0.tree().list(NodeId(ino.0)) {
            Ok(listed) => listed,
            Err(error) => return reply.error(error.into()),
        };
        let dots = [".", ".."].map(|dot| (ino, FileType::Directory, dot.into()));
        let names = listed.into_iter().map(|(id, kind, name)| {
            let kind = FileType::from_std(kind).unwrap_or(FileType::RegularFile);
            (INodeNo(id.0), kind, name)
        });
        let from = usize::try_from(offset).unwrap_or(usize::MAX);
        for (next, (ino, kind, name)) in (1..).zip(dots.into_iter().chain(names)).skip(from) {
            if reply.add(ino, next, kind, name) {
                break;
            }
        }
        reply.ok();
    }

    fn statfs(&self, _: &Request, _: INodeNo, reply: ReplyStatfs) {
        let tree = self.0.tree();
        let below = tree
            .nodes
            .path(super::node::ROOT)
            .and_then(|path| Ok(nix::sys::statvfs::statvfs(&path)?));
        match below {
            Ok(below) => {
                let left = |count: u64| if tree.is_full() { 0 } else { count };
                reply.statfs(
                    below.blocks(),
                    left(below.blocks_free()),
                    left(below.blocks_available()),
                    below.files(),
                    below.files_free(),
                    u32::try_from(below.block_size()).unwrap_or(4096),
                    u32::try_from(below.name_max()).unwrap_or(255),
                    u32::try_from(below.fragment_size()).unwrap_or(4096),
                );
            }
            Err(error) => reply.error(error.into()),
        }
    }

    /// Space is not set aside, only made; holes cannot be punched.
    fn fallocate(
        &self,
        _: &Request,
        ino: INodeNo,
        _: FileHandle,
        offset: u64,
        length: u64,
        mode: i32,
        reply: ReplyEmpty,
    ) {
        const KEEP_SIZE: i32 = 1;
        let id = NodeId(ino.0);
        let mut tree = self.0.tree();
        let mut make = || match mode {
            0 if tree.metadata(id)?.len() < offset + length => tree.set_length(id, offset + length),
            0 | KEEP_SIZE => tree.require_space(),
            _ => Err(nix::errno::Errno::EOPNOTSUPP.into()),
        };
        answer(reply, make());
    }
}

fn owner(request: &Request, mode: u32) -> Owner {
    Owner {
        uid: request.uid(),
        gid: request.gid(),
        mode: mode & 0o7777,
    }
}

fn set_owner_and_mode(
    path: &Path,
    mode: Option<u32>,
    uid: Option<u32>,
    gid: Option<u32>,
) -> io::Result<()> {
    if uid.or(gid).is_some() {
        std::os::unix::fs::lchown(path, uid, gid)?;
    }
    match mode {
        Some(mode) => fs::set_permissions(path, fs::Permissions::from_mode(mode & 0o7777)),
        None => Ok(()),
    }
}

fn set_times(path: &Path, atime: Option<TimeOrNow>, mtime: Option<TimeOrNow>) -> io::Result<()> {
    if atime.or(mtime).is_none() {
        return Ok(());
    }
    let spec = |time: Option<TimeOrNow>| match time {
        None => TimeSpec::UTIME_OMIT,
        Some(TimeOrNow::Now) => TimeSpec::UTIME_NOW,
        Some(TimeOrNow::SpecificTime(time)) => {
            TimeSpec::from_duration(time.duration_since(UNIX_EPOCH).unwrap_or_default())
        }
    };
    let (atime, mtime) = (spec(atime), spec(mtime));
    let flags = UtimensatFlags::NoFollowSymlink;
    Ok(utimensat(
        nix::fcntl::AT_FDCWD,
        path,
        &atime,
        &mtime,
        flags,
    )?)
}

fn answer(reply: ReplyEmpty, result: io::Result<()>) {
    match result {
        Ok(()) => reply.ok(),
        Err(error) => reply.error(error.into()),
    }
}

fn entry(reply: ReplyEntry, found: io::Result<(NodeId, Metadata)>) {
    match found {
        Ok((id, metadata)) => reply.entry(&FOR_GOOD, &attributes(id, &metadata), Generation(0)),
        Err(error) => reply.error(error.into()),
    }
}

fn attributes_of(reply: ReplyAttr, id: NodeId, metadata: io::Result<Metadata>) {
    match metadata {
        Ok(metadata) => reply.attr(&FOR_GOOD, &attributes(id, &metadata)),
        Err(error) => reply.error(error.into()),
    }
}

fn attributes(id: NodeId, metadata: &Metadata) -> FileAttr {
    let time = |seconds: i64, nanos: i64| {
        let whole = Duration::from_secs(u64::try_from(seconds).unwrap_or(0));
        UNIX_EPOCH + whole + Duration::from_nanos(u64::try_from(nanos).unwrap_or(0))
    };
    FileAttr {
        ino: INodeNo(id.0),
        size: metadata.len(),
        blocks: metadata.blocks(),
        atime: time(metadata.atime(), metadata.atime_nsec()),
        mtime: time(metadata.mtime(), metadata.mtime_nsec()),
        ctime: time(metadata.ctime(), metadata.ctime_nsec()),
        crtime: UNIX_EPOCH,
        kind: FileType::from_std(metadata.file_type()).unwrap_or(FileType::RegularFile),
        perm: u16::try_from(metadata.mode() & 0o7777).unwrap_or(0),
        nlink: u32::try_from(metadata.nlink()).unwrap_or(u32::MAX),
        uid: metadata.uid(),
        gid: metadata.gid(),
        rdev: u32::try_from(metadata.rdev()).unwrap_or(0),
        blksize: 4096,
        flags: 0,
    }
}
