//! Why a disk cannot be had.

use std::io;
use std::path::PathBuf;

/// A disk could not be mounted, or could not do what it was told.
#[derive(Debug, thiserror::Error)]
pub enum DiskError {
    /// The kernel's door to file systems in user space does not open.
    #[error("cannot open /dev/fuse: {source}; {FUSE_REMEDY}")]
    NoFuse {
        /// Why.
        source: io::Error,
    },
    /// The mount was refused.
    #[error("cannot mount a file system over {}: {source}; {FUSE_REMEDY}", folder.display())]
    Mount {
        /// Over what.
        folder: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The folder under the file system did not do what was asked of it.
    #[error("cannot {action} in {}: {source}; {FOLDER_REMEDY}", folder.display())]
    Folder {
        /// What.
        action: &'static str,
        /// Where.
        folder: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// What makes FUSE work.
const FUSE_REMEDY: &str = "load the module (sudo modprobe fuse), sudo chmod 666 /dev/fuse, or --device /dev/fuse for a \
                           container; only disk faults need it";
const FOLDER_REMEDY: &str = "look at the file system under it";

impl DiskError {
    /// What went wrong.
    pub(crate) fn why(&self) -> String {
        let whole = self.to_string();
        let remedy = format!("; {}", self.remedy());
        whole.strip_suffix(&remedy).unwrap_or(&whole).to_owned()
    }

    /// What to do about it.
    pub(crate) fn remedy(&self) -> &'static str {
        match self {
            DiskError::NoFuse { .. } | DiskError::Mount { .. } => FUSE_REMEDY,
            DiskError::Folder { .. } => FOLDER_REMEDY,
        }
    }
}
