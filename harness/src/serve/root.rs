//! Files below one folder, and none outside of it.
//!
//! A path is walked name by name from an open folder, and no step follows a link: whatever is asked for, and whatever is
//! put into the folder meanwhile, what is opened lies below it.

use std::fs::{File, Metadata};
use std::io::{self, ErrorKind, Read as _};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use nix::fcntl::{OFlag, open, openat};
use nix::sys::stat::Mode;

/// A folder whose files may be read.
///
/// - What it opens is a regular file or a folder below it, reached without a link.
/// - The folder itself may be reached through links: whoever starts the server names it.
#[derive(Debug)]
pub(super) struct Root {
    path: PathBuf,
    folder: OwnedFd,
}

impl Root {
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let path = path.canonicalize()?;
        let flags = OFlag::O_DIRECTORY | OFlag::O_PATH | OFlag::O_CLOEXEC;
        let folder = open(&path, flags, Mode::empty())?;
        Ok(Self { path, folder })
    }

    /// Where it is.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Opens a regular file by its path below the folder.
    pub(super) fn file(&self, below: &str) -> io::Result<(File, Metadata)> {
        let (folders, name) = below.rsplit_once('/').unwrap_or(("", below));
        let mut folder: Option<OwnedFd> = None;
        for part in folders.split('/').filter(|_| !folders.is_empty()) {
            let flags = OFlag::O_DIRECTORY | OFlag::O_PATH | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
            folder = Some(self.step(folder.as_ref(), part, flags)?);
        }
        // Whoever opens a pipe waits for its other end, unless it says that it does not.
        let flags = OFlag::O_RDONLY | OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK | OFlag::O_CLOEXEC;
        let file = File::from(self.step(folder.as_ref(), name, flags)?);
        let metadata = file.metadata()?;
        match metadata.is_file() {
            true => Ok((file, metadata)),
            false => Err(io::Error::new(
                ErrorKind::InvalidInput,
                "is no regular file",
            )),
        }
    }

    fn step(&self, from: Option<&OwnedFd>, name: &str, flags: OFlag) -> io::Result<OwnedFd> {
        if matches!(name, "" | "." | "..") || name.contains(['/', '\0']) {
            return Err(io::Error::new(
                ErrorKind::InvalidInput,
                "is no name of a file",
            ));
        }
        let from = from.unwrap_or(&self.folder);
        Ok(openat(from, name, flags, Mode::empty())?)
    }

    /// The text of a file that has at most so many bytes.
    pub(super) fn text(&self, below: &str, most_bytes: u64) -> io::Result<String> {
        let (file, metadata) = self.file(below)?;
        if metadata.len() > most_bytes {
            let bytes = metadata.len();
            return Err(io::Error::new(
                ErrorKind::FileTooLarge,
                format!("has {bytes} bytes, more than {most_bytes}"),
            ));
        }
        let mut text = String::new();
        file.take(most_bytes).read_to_string(&mut text)?;
        Ok(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    #[test]
    fn nothing_outside_can_be_opened() {
        let outside = tempfile::tempdir().unwrap();
        std::fs::write(outside.path().join("secret"), "secret").unwrap();
        let place = outside.path().join("runs");
        std::fs::create_dir_all(place.join("a/b")).unwrap();
        std::fs::write(place.join("a/b/file"), "text").unwrap();
        symlink(outside.path(), place.join("out")).unwrap();
        symlink("../../../secret", place.join("a/b/link")).unwrap();
        symlink("b", place.join("a/inner")).unwrap();
        nix::unistd::mkfifo(&place.join("pipe"), Mode::S_IRUSR).unwrap();
        let root = Root::open(&place).unwrap();
        assert_eq!(root.text("a/b/file", 4).unwrap(), "text");
        assert!(root.text("a/b/file", 3).is_err(), "too large");
        let absolute = outside.path().join("secret").display().to_string();
        let refused = [
            "../secret",
            "a/../../secret",
            "a/b/../b/file",
            "/a/b/file",
            "a//b/file",
            "a/b/file/",
            "./a/b/file",
            "",
            ".",
            "..",
            "out/secret",
            "a/b/link",
            "a/inner/file",
            "a/b",
            "pipe",
            "a/b/file\0",
            "absent",
            absolute.as_str(),
        ];
        for below in refused {
            assert!(root.file(below).is_err(), "{below:?}");
        }
    }
}
