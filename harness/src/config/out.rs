//! The folder that collects runs, checked before anything starts.

use std::path::Path;

use super::{UsageError, usage};

/// A run needs this much: node disks, logs, the history.
const FREE_SPACE_MIB: u64 = 64;

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
