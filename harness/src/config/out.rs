//! The folder that collects runs, checked before anything starts.

use std::path::Path;

use nix::unistd::{AccessFlags, access};

use super::{UsageError, usage};

/// A run needs this much: node disks, logs, the history.
const FREE_SPACE_MIB: u64 = 64;

/// Checks, without making anything, that `out` is a folder to write to or could become one.
pub(crate) fn check_place(out: &Path) -> Result<(), UsageError> {
    let mut place = out;
    while !place.exists() {
        place = match place.parent() {
            Some(parent) if parent != Path::new("") => parent,
            Some(_) | None => Path::new("."),
        };
    }
    if place.is_dir() && access(place, AccessFlags::W_OK | AccessFlags::X_OK).is_ok() {
        return Ok(());
    }
    usage(format!(
        "--out {}: {} is no folder you may write to; choose another",
        out.display(),
        place.display()
    ))
}

/// Checks that a run's files can be kept below `out`.
pub(crate) fn check_out(out: &Path) -> Result<(), UsageError> {
    let shown = out.display();
    if let Err(error) = std::fs::create_dir_all(out) {
        return usage(format!(
            "--out {shown} cannot be created: {error}; choose a folder you may write to"
        ));
    }
    if let Err(error) = tempfile::tempfile_in(out) {
        return usage(format!(
            "--out {shown} cannot be written: {error}; choose another folder, or free space there"
        ));
    }
    let free_mib = match nix::sys::statvfs::statvfs(out) {
        Ok(disk) => disk.blocks_available() * disk.fragment_size() / (1024 * 1024),
        Err(error) => return usage(format!("--out {shown} cannot be examined: {error}")),
    };
    if free_mib < FREE_SPACE_MIB {
        return usage(format!(
            "--out {shown} has {free_mib} MiB free, a run needs {FREE_SPACE_MIB} MiB: free space there, or choose another folder"
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_that_could_be_made_is_a_place_and_one_below_a_file_is_not() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(check_place(&folder.path().join("a/b")), Ok(()));
        assert!(!folder.path().join("a").exists());
        let file = folder.path().join("file");
        std::fs::write(&file, "").unwrap();
        let Err(UsageError(message)) = check_place(&file.join("runs")) else {
            panic!("a file was taken for a folder")
        };
        assert!(message.contains("no folder"), "{message}");
    }
}
