//! What a sync costs here, without any store: throughput of everything that syncs is a multiple of it.

use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result};
use nix::sys::statfs::{TMPFS_MAGIC, fstatfs};
use serde::Serialize;

use crate::clock::Clock;

const BLOCK: [u8; 4096] = [b'x'; 4096];
/// Syncs of each kind, unless the disk is so slow that time is up first.
const SYNCS: u64 = 200;
const LONGEST: Duration = Duration::from_secs(2);

/// The price of a sync.
#[derive(Debug, Clone, Serialize)]
pub(super) struct DiskSpeed {
    /// Nothing is synced on a tmpfs.
    pub is_tmpfs: bool,
    /// 4 KiB written over what is there, then fdatasync: what a log in prepared files pays.
    pub overwrite: Syncs,
    /// 4 KiB appended, then fdatasync: what a log in growing files pays.
    pub append: Syncs,
}

/// Syncs of one kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(super) struct Syncs {
    pub count: usize,
    pub p50_us: u64,
    pub p99_us: u64,
}

/// Measures the disk below `folder`.
pub(super) fn probe(folder: &Path) -> Result<DiskSpeed> {
    let path = folder.join("probe");
    let file = File::create(&path).with_context(|| format!("cannot create {}", path.display()))?;
    let is_tmpfs = fstatfs(&file)
        .context("cannot examine the file system")?
        .filesystem_type()
        == TMPFS_MAGIC;
    let append = syncs(&file).context("cannot measure the disk")?;
    let overwrite = syncs(&file).context("cannot measure the disk")?;
    std::fs::remove_file(&path).with_context(|| format!("cannot remove {}", path.display()))?;
    Ok(DiskSpeed {
        is_tmpfs,
        overwrite,
        append,
    })
}

/// Writes and syncs one block after the other from the start of the file: the first time it grows, the second time not.
fn syncs(file: &File) -> Result<Syncs> {
    let clock = Clock::start();
    let mut times = Vec::new();
    for number in 0..SYNCS {
        let before = clock.elapsed();
        if before > LONGEST {
            break;
        }
        file.write_all_at(&BLOCK, number * BLOCK.len() as u64)?;
        file.sync_data()?;
        times.push(clock.elapsed() - before);
    }
    times.sort_unstable();
    let quantile = |percent: usize| {
        let time = times[(times.len() - 1) * percent / 100];
        u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
    };
    Ok(Syncs {
        count: times.len(),
        p50_us: quantile(50),
        p99_us: quantile(99),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_disk_has_its_price_and_keeps_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let disk = probe(folder.path()).unwrap();
        for syncs in [disk.overwrite, disk.append] {
            assert!(syncs.count > 0 && syncs.p50_us <= syncs.p99_us);
        }
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
