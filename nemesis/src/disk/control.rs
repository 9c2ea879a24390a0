//! The handle on a mounted disk.

use std::fs::{self, File};
use std::io;
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};

use fuser::{BackgroundSession, Config, INodeNo, MountOption, SessionACL};

use super::damage::{self, Damage, Repaired};
use super::error::DiskError;
use super::evidence::{Lost, Served};
use super::shell::{Shared, Shell};
use super::tree::Tree;
use super::trouble::Trouble;

/// The disk of one node, mounted over its folder until this is dropped.
///
/// The folder below has what the node wrote, and keeps it. While the disk is mounted, a folder beside it, hidden by a dot,
/// has what was removed and might come back.
pub struct Disk {
    folder: PathBuf,
    /// The folder below, which keeps the way to it open.
    below: File,
    kept: PathBuf,
    shared: Shared,
    session: Option<BackgroundSession>,
}

impl Disk {
    /// Mounts a disk over `folder`, in which everything counts as synced. Choices of its own, such as which reads are
    /// wrong, come from `seed`. Inside a lab it needs no privileges.
    ///
    /// # Errors
    /// [`DiskError`] when `/dev/fuse` does not open, the mount is refused, or the folder cannot be used.
    pub fn mount(folder: &Path, seed: u64) -> Result<Disk, DiskError> {
        let in_folder = |action| {
            move |source| DiskError::Folder {
                action,
                folder: folder.to_owned(),
                source,
            }
        };
        Disk::reachable()?;
        let folder = folder.canonicalize().map_err(in_folder("find"))?;
        let below = File::open(&folder).map_err(in_folder("open"))?;
        let kept = beside(&folder);
        let _ = fs::remove_dir_all(&kept);
        fs::create_dir(&kept).map_err(in_folder("make a folder beside what is"))?;
        let tree = Tree::new(way_to(&below), kept.clone(), seed).map_err(in_folder("look"))?;
        let shared = Shared::new(tree);
        let session = fuser::spawn_mount(Shell(shared.clone()), &folder, &options());
        let session = session.map_err(|source| DiskError::Mount {
            folder: folder.clone(),
            source,
        })?;
        Ok(Disk {
            folder,
            below,
            kept,
            shared,
            session: Some(session),
        })
    }

    /// Whether `/dev/fuse` opens, without which there is no disk. More shows when one is mounted.
    ///
    /// # Errors
    /// [`DiskError::NoFuse`] when it does not.
    pub fn reachable() -> Result<(), DiskError> {
        let mut device = File::options();
        let device = device.read(true).write(true).open("/dev/fuse");
        device
            .map(drop)
            .map_err(|source| DiskError::NoFuse { source })
    }

    /// Calls everything that was done so far durable, as time does.
    ///
    /// # Errors
    /// When the folder below does not do what it should.
    pub fn settle(&self) -> Result<(), DiskError> {
        let settled = self.shared.tree().settle();
        settled.map_err(|source| self.failed("remove what was removed", source))
    }

    /// Takes away what was not synced. Kill whoever uses the disk first: who lives on sees impossible things.
    ///
    /// Of the sectors that were not synced each is kept with a likelihood of `kept_percent`, drawn from `seed`, as if it had
    /// been on its way; and, unless that is 0, changes of names up to one of them, which is drawn.
    ///
    /// # Errors
    /// When the folder below does not do what it should.
    pub fn lose_power(&self, kept_percent: u8, seed: u64) -> Result<Lost, DiskError> {
        self.abandon();
        let lost = self.shared.tree().lose_power(kept_percent, seed);
        let (lost, stale) =
            lost.map_err(|source| self.failed("undo what was not synced", source))?;
        for place in stale.names {
            self.forget_name(place.folder.0, &place.name);
        }
        stale.nodes.iter().for_each(|node| self.forget(node.0));
        Ok(lost)
    }

    /// Begins to do something wrong.
    pub fn begin(&self, trouble: Trouble) {
        self.shared.tree().begin(trouble);
        // What the kernel has in memory it would not ask for.
        self.forget_everything();
    }

    /// Does no longer do something wrong that it began. Whoever waited for a stuck sync gets it now.
    pub fn end(&self, trouble: Trouble) {
        self.shared.tree().end(trouble);
        self.forget_everything();
    }

    /// Answers everyone who waits for a stuck sync with an error, and no longer holds back any: to be called before a
    /// process is killed, since nothing that waits for a disk can die.
    pub fn abandon(&self) {
        self.shared.tree().abandon();
    }

    /// Ends all troubles.
    pub fn heal(&self) {
        self.shared.tree().clear();
        self.forget_everything();
    }

    /// What its troubles have done so far.
    pub fn served(&self) -> Served {
        self.shared.tree().served()
    }

    /// Flips `bits` bits, drawn from `seed`, in written parts of the files. Kill whoever uses the disk first.
    ///
    /// # Errors
    /// When the folder below cannot be read or written.
    pub fn flip_bits(&self, bits: u32, seed: u64) -> Result<Damage, DiskError> {
        self.damaged(damage::flip_bits(&way_to(&self.below), bits, seed))
    }

    /// Cuts the end of what was written off one file, drawn from `seed`. Kill whoever uses the disk first.
    ///
    /// # Errors
    /// When the folder below cannot be read or written.
    pub fn truncate(&self, seed: u64) -> Result<Damage, DiskError> {
        self.damaged(damage::truncate(&way_to(&self.below), seed))
    }

    fn damaged(&self, damage: io::Result<Damage>) -> Result<Damage, DiskError> {
        self.forget_everything();
        damage.map_err(|source| self.failed("damage a file", source))
    }

    /// Repairs what is still as it was damaged.
    ///
    /// # Errors
    /// When the folder below cannot be read or written.
    pub fn repair(&self, damage: &Damage) -> Result<Repaired, DiskError> {
        let repaired = damage::repair(&way_to(&self.below), damage);
        self.forget_everything();
        repaired.map_err(|source| self.failed("repair a file", source))
    }

    fn failed(&self, action: &'static str, source: io::Error) -> DiskError {
        DiskError::Folder {
            action,
            folder: self.folder.clone(),
            source,
        }
    }

    fn forget_everything(&self) {
        let nodes = self.shared.tree().nodes.ids();
        nodes.iter().for_each(|node| self.forget(node.0));
    }

    /// The kernel may not know it, which is as good.
    fn forget(&self, node: u64) {
        if let Some(session) = &self.session {
            let _ = session.notifier().inval_inode(INodeNo(node), 0, 0);
        }
    }

    fn forget_name(&self, folder: u64, name: &std::ffi::OsStr) {
        if let Some(session) = &self.session {
            let notifier = session.notifier();
            let _ = notifier.inval_entry(INodeNo(folder), name);
            let _ = notifier.inval_inode(INodeNo(folder), 0, 0);
        }
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        self.abandon();
        // A process that still has a file open keeps the mount; both end with the lab.
        drop(self.session.take());
        let _ = self.shared.tree().settle();
        let _ = fs::remove_dir(&self.kept);
    }
}

impl std::fmt::Debug for Disk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Disk")
            .field("folder", &self.folder)
            .finish()
    }
}

/// The way past what is mounted over a folder; the dot at its end makes it a folder, not the link to one.
fn way_to(below: &File) -> PathBuf {
    PathBuf::from(format!("/proc/self/fd/{}/.", below.as_raw_fd()))
}

fn beside(folder: &Path) -> PathBuf {
    let name = folder.file_name().unwrap_or_default().to_string_lossy();
    folder.with_file_name(format!(".{name}.removed"))
}

fn options() -> Config {
    let mut config = Config::default();
    config.acl = SessionACL::All;
    config.mount_options = vec![
        MountOption::FSName("adrasteia".into()),
        MountOption::DefaultPermissions,
        MountOption::NoDev,
        MountOption::NoSuid,
    ];
    config
}

/// Mounts a disk and writes through it: for the doctor.
pub(crate) fn try_disk() -> Result<String, DiskError> {
    let folder = Path::new("/run/disk");
    let failed = |source| DiskError::Folder {
        action: "write a file",
        folder: folder.to_owned(),
        source,
    };
    fs::create_dir_all(folder).map_err(failed)?;
    let disk = Disk::mount(folder, 0)?;
    let file = folder.join("file");
    fs::write(&file, "not synced").map_err(failed)?;
    let lost = disk.lose_power(0, 0)?;
    match file.exists() || lost.names != 1 {
        true => Err(failed(io::Error::other("what was not synced was not lost"))),
        false => Ok("files can lose what was not synced".into()),
    }
}
