//! Why what is on a disk cannot be used.

use std::io;

/// Why a log or a snapshot cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StorageError {
    #[error(
        "cannot {action} {file} of the data folder: {source}; free space or repair the disk, then restart"
    )]
    Io {
        action: &'static str,
        file: String,
        source: io::Error,
    },
    #[error(
        "the data folder is damaged: {file} at offset {offset}: {what}; this node must not vote with a \
         shortened memory: restore its data folder, or remove the node and add it under a new name"
    )]
    Damaged {
        file: String,
        offset: u64,
        what: String,
    },
    #[error(
        "{file} belongs to node {node:?} of cluster {cluster:016x}; use the data folder of this node"
    )]
    Foreign {
        file: String,
        node: String,
        cluster: u64,
    },
    #[error("the log stopped after an earlier disk error; restart the node")]
    Poisoned,
}

/// Says what was being done with which file.
pub(super) fn io_error(action: &'static str, file: &str) -> impl FnOnce(io::Error) -> StorageError {
    let file = file.to_owned();
    move |source| StorageError::Io {
        action,
        file,
        source,
    }
}

/// Says what is wrong at which place of a file.
pub(super) fn damaged(file: &str, offset: u64, what: impl Into<String>) -> StorageError {
    StorageError::Damaged {
        file: file.into(),
        offset,
        what: what.into(),
    }
}
