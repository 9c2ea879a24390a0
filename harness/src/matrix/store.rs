//! `matrix.jsonl`: a line for each run that was made, so that nothing is made twice.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use serde::{Deserialize, Serialize};

use super::outcome::Outcome;
use crate::journal::{Journal, Line};

/// The file, by which a run that ended is known.
pub(super) type Store = Journal<Record>;

/// Opens that of a folder, which is made where there is none.
pub(super) fn open(out: &Path) -> Result<Store> {
    std::fs::create_dir_all(out)
        .with_context(|| format!("cannot create {}; choose another --out", out.display()))?;
    Journal::open(out.join("matrix.jsonl"))
}

/// What is remembered of one run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Record {
    version: u32,
    /// The planted bug; none of the healthy node.
    pub bug: Option<String>,
    pub seed: u32,
    /// The arguments of `run`, which tell runs apart.
    pub arguments: Vec<String>,
    pub outcome: Outcome,
    /// How long the run took, start and end included.
    pub took_ms: u64,
    /// Where the run is, if its folder was kept.
    pub folder: Option<PathBuf>,
}

impl Record {
    pub(super) fn new(
        bug: Option<String>,
        seed: u32,
        arguments: Vec<String>,
        outcome: Outcome,
        took_ms: u64,
    ) -> Self {
        Self {
            version: Self::VERSION,
            bug,
            seed,
            arguments,
            outcome,
            took_ms,
            folder: None,
        }
    }
}

impl Line for Record {
    const VERSION: u32 = 1;

    fn version(&self) -> u32 {
        self.version
    }
}
