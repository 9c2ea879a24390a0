//! What each planted bug of the log does wrong, and that a healthy log does not.

use rand::SeedableRng as _;
use rand_chacha::ChaCha8Rng;

use super::{
    super::{
        Settings, StorageError, Wal,
        segment::{HEADER_BYTES, file_name},
        sim_disk::{Operation, SimDisk},
    },
    disk_with, entry, identity, open, settings, vote,
};
use crate::{
    bug::Bug,
    raft::{Restored, Write},
};

type Opened = Result<(Wal<SimDisk>, Restored), StorageError>;

fn open_with(disk: &SimDisk, bug: Option<Bug>) -> Opened {
    let settings = Settings {
        bugs: bug.into_iter().collect(),
        ..settings()
    };
    Wal::open(disk.clone(), identity(), settings)
}

/// Whether any of several power losses takes what was confirmed.
fn is_lost(disk: &SimDisk) -> bool {
    (0..8).any(|seed| {
        let mut disk = disk.copy();
        disk.crash(&mut ChaCha8Rng::seed_from_u64(seed));
        let (_, restored) = open(disk).unwrap();
        restored.hard.term.0 != 5
    })
}

#[test]
fn no_fsync_confirms_what_a_power_loss_takes() {
    for (bug, loses) in [(None, false), (Some(Bug::NoFsync), true)] {
        let disk = SimDisk::default();
        let (mut wal, _) = open_with(&disk, bug).unwrap();
        wal.append(&[vote(5)]).unwrap();
        assert_eq!(is_lost(&disk), loses, "{bug:?}");
    }
}

#[test]
fn fsync_error_ignored_confirms_what_the_kernel_dropped() {
    for bug in [None, Some(Bug::FsyncErrorIgnored)] {
        let disk = SimDisk::default();
        let (mut wal, _) = open_with(&disk, bug).unwrap();
        disk.set_faults(|faults| faults.fail(Operation::Sync, 1));
        let confirmed = wal.append(&[vote(5)]).is_ok();
        assert_eq!(confirmed, bug.is_some());
        assert!(is_lost(&disk));
        assert_eq!(disk.injected().sync_errors, 1);
    }
}

#[test]
fn corrupt_truncate_goes_on_with_a_shortened_memory() {
    let batch = |index| vec![Write::Append(vec![entry(1, index, 300)])];
    let disk = disk_with(&(1..=24).map(batch).collect::<Vec<_>>());
    disk.damage(&file_name(2), |bytes| bytes[HEADER_BYTES + 500] ^= 1);
    assert!(matches!(
        open(disk.copy()),
        Err(StorageError::Damaged { .. })
    ));

    let (mut wal, short) = open_with(&disk, Some(Bug::CorruptTruncate)).unwrap();
    assert!((1..24).contains(&short.entries.len()));
    wal.append(&[vote(99)]).unwrap();
    let (_, again) = open_with(&disk, Some(Bug::CorruptTruncate)).unwrap();
    assert_eq!(again.hard.term.0, 99, "and nobody notices");
    assert_eq!(again.entries, short.entries);
}

#[test]
fn no_crc_serves_a_flipped_bit() {
    let disk = SimDisk::default();
    let (mut wal, _) = open(disk.clone()).unwrap();
    let written = entry(1, 1, 100);
    wal.append(&[Write::Append(vec![written.clone()])]).unwrap();
    let in_payload = usize::try_from(wal.offset).unwrap() - 50;
    wal.append(&[vote(2)]).unwrap();
    disk.damage(&file_name(1), |bytes| bytes[in_payload] ^= 1);
    assert!(matches!(
        open(disk.copy()),
        Err(StorageError::Damaged { .. })
    ));

    let (_, restored) = open_with(&disk, Some(Bug::NoCrc)).unwrap();
    assert_eq!(restored.entries[0].at, written.at);
    assert_ne!(restored.entries[0].body, written.body);
    assert_eq!(restored.hard.term.0, 2);
}
