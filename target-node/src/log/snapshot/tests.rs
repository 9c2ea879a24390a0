//! Snapshots against a disk that forgets, fails and flips bits.

use std::{
    collections::BTreeSet,
    io::{Read as _, Write as _},
};

use rand::SeedableRng as _;
use rand_chacha::ChaCha8Rng;

use super::{
    super::{
        disk::{
            Disk, RealDisk,
            sim::{Chances, Operation, SimDisk},
        },
        error::StorageError,
        identity::Identity,
    },
    format::{BLOCK_BYTES_MAX, file_name},
    *,
};
use crate::raft::Term;

fn identity() -> Identity {
    Identity {
        node: "n1".into(),
        cluster: 77,
    }
}

fn open(disk: &SimDisk) -> Result<Snapshots<SimDisk>, StorageError> {
    Snapshots::open(disk.clone(), identity())
}

fn content(bytes: usize) -> Vec<u8> {
    (0..251).cycle().take(bytes).collect()
}

fn seal<D: Disk>(snapshots: &mut Snapshots<D>, meta: &[u8], body: &[u8]) -> Sealed {
    let mut writing: Writing<D> = snapshots.begin(meta).unwrap();
    writing.append(body).unwrap();
    writing.finish().unwrap()
}

fn take<D: Disk>(snapshots: &mut Snapshots<D>, meta: &[u8], body: &[u8]) -> SnapshotId {
    let sealed = seal(snapshots, meta, body);
    snapshots.install(sealed).unwrap().id
}

fn body_of<D: Disk>(snapshots: &Snapshots<D>) -> Vec<u8> {
    let mut body = Vec::new();
    let mut reader = snapshots.body().unwrap().expect("a snapshot is in force");
    reader.read_to_end(&mut body).unwrap();
    body
}

/// The whole file of the snapshot in force, as it is sent.
fn file_of(snapshots: &mut Snapshots<SimDisk>) -> Vec<u8> {
    let latest = snapshots.latest().unwrap().clone();
    let bytes = usize::try_from(latest.bytes).unwrap();
    snapshots.read(latest.id, 0, bytes + 1).unwrap().unwrap()
}

fn snapshot_of(body: &[u8]) -> (SimDisk, Vec<u8>) {
    let disk = SimDisk::default();
    let mut snapshots = open(&disk).unwrap();
    take(&mut snapshots, b"at 5", body);
    let file = file_of(&mut snapshots);
    (disk, file)
}

fn origin(term: u64, id: u64) -> Origin {
    Origin {
        term: Term(term),
        id: SnapshotId(id),
    }
}

#[test]
fn what_was_written_in_pieces_is_read_back() {
    let full = BLOCK_BYTES_MAX;
    for bytes in [0, 1, full - 1, full, full + 1, 5 * full + 77] {
        let disk = SimDisk::default();
        let mut snapshots = open(&disk).unwrap();
        assert!(snapshots.latest().is_none() && snapshots.body().unwrap().is_none());
        let mut writing = snapshots.begin(b"at 5").unwrap();
        for piece in content(bytes).chunks(1009) {
            writing.write_all(piece).unwrap();
        }
        let sealed = writing.finish().unwrap();
        assert_eq!(sealed.meta(), b"at 5");
        let installed: Snapshot = snapshots.install(sealed).unwrap().clone();
        assert_eq!(body_of(&snapshots), content(bytes));

        let snapshots = open(&disk).unwrap();
        assert_eq!(snapshots.latest(), Some(&installed));
        assert_eq!(body_of(&snapshots), content(bytes), "{bytes} bytes");
    }
}

#[test]
fn real_files_keep_a_snapshot() {
    let folder = tempfile::tempdir().unwrap();
    let body = content(200_000);
    let disk = RealDisk::open(folder.path()).unwrap();
    let mut snapshots = Snapshots::open(disk, identity()).unwrap();
    take(&mut snapshots, b"old", b"old");
    let id = take(&mut snapshots, b"new", &body);
    drop(snapshots);
    let disk = RealDisk::open(folder.path()).unwrap();
    let snapshots = Snapshots::open(disk, identity()).unwrap();
    let latest = snapshots.latest().unwrap();
    assert_eq!((latest.id, &latest.meta[..]), (id, &b"new"[..]));
    assert_eq!(body_of(&snapshots), body);
}

/// A second snapshot replaces the first; says whether it was in force before the power failed.
fn replace_until_power_fails(disk: &SimDisk) -> Result<(), (bool, StorageError)> {
    let mut snapshots = open(disk).map_err(|error| (false, error))?;
    let before = |error| (false, error);
    let mut writing = snapshots.begin(b"two").map_err(before)?;
    writing.append(&content(100_000)).map_err(before)?;
    let sealed = writing.finish().map_err(before)?;
    snapshots.install(sealed).map_err(before)?;
    let removed = snapshots.remove_older(&BTreeSet::new());
    removed.map_err(|error| (true, error))
}

#[test]
fn power_loss_at_any_step_leaves_a_whole_snapshot() {
    let fresh = SimDisk::default();
    take(&mut open(&fresh).unwrap(), b"one", b"first");
    let (mut olds, mut news) = (0, 0);
    for step in 0.. {
        let disk = fresh.copy();
        disk.set_faults(|faults| faults.changes_left = Some(step));
        let done = replace_until_power_fails(&disk);
        for seed in 0..8 {
            let mut disk = disk.copy();
            disk.crash(&mut ChaCha8Rng::seed_from_u64(seed));
            let snapshots = open(&disk).unwrap();
            let is_new = snapshots.latest().unwrap().meta == b"two";
            let expected = if is_new {
                content(100_000)
            } else {
                b"first".to_vec()
            };
            assert_eq!(body_of(&snapshots), expected);
            let promised = !matches!(done, Err((false, _)));
            assert!(is_new || !promised, "step {step}: what was installed stays");
            assert_eq!(disk.list().unwrap().len(), 1, "nothing is left over");
            *(if is_new { &mut news } else { &mut olds }) += 1;
        }
        if done.is_ok() {
            break;
        }
    }
    assert!(olds > 8 && news > 8, "{olds} old and {news} new ones");
}

#[test]
fn every_flipped_bit_and_every_cut_is_refused_with_the_file() {
    let (disk, file) = snapshot_of(b"some state");
    for bit in 0..8 * file.len() {
        let flipped = disk.copy();
        flipped.damage(&file_name(1), |bytes| bytes[bit / 8] ^= 1 << (bit % 8));
        let error = open(&flipped).unwrap_err();
        assert!(
            matches!(error, StorageError::Damaged { .. }),
            "bit {bit}: {error}"
        );
        assert!(
            error.to_string().contains("0000000000000001.snap"),
            "{error}"
        );
    }
    for bytes in 0..file.len() {
        let cut = disk.copy();
        cut.damage(&file_name(1), |content| content.truncate(bytes));
        assert!(open(&cut).is_err(), "{bytes} bytes");
    }
    let longer = disk.copy();
    longer.damage(&file_name(1), |content| content.push(0));
    assert!(open(&longer).is_err());
}

#[test]
fn bits_flipped_anywhere_by_chance_never_go_unseen() {
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let (disk, _) = snapshot_of(&content(200_000));
    for _ in 0..50 {
        let flipped = disk.copy();
        flipped.flip_a_bit(&mut rng);
        assert!(open(&flipped).is_err());
        assert_eq!(flipped.injected().flipped_bits, 1);
    }
}

#[test]
fn an_older_snapshot_never_stands_in_for_a_damaged_one() {
    let disk = SimDisk::default();
    let mut snapshots = open(&disk).unwrap();
    take(&mut snapshots, b"one", b"first");
    let newer = take(&mut snapshots, b"two", b"second");
    disk.damage(&file_name(newer.0), |bytes| bytes[70] ^= 1);
    let error = open(&disk).unwrap_err().to_string();
    assert!(error.contains("restore its data folder"), "{error}");
}

#[test]
fn chunks_make_a_snapshot_in_their_order_only() {
    let body = content(150_000);
    let (_, file) = snapshot_of(&body);
    let disk = SimDisk::default();
    let mut snapshots = open(&disk).unwrap();
    let mut receive = |offset: usize, done: bool| {
        let end = if done { file.len() } else { offset + 50_000 };
        let receipt = snapshots.receive(origin(3, 1), offset as u64, &file[offset..end], done);
        receipt.unwrap()
    };
    assert!(matches!(receive(50_000, false), Receipt::Next(0)), "a gap");
    assert!(matches!(receive(0, false), Receipt::Next(50_000)));
    assert!(matches!(receive(0, false), Receipt::Next(50_000)), "again");
    assert!(
        matches!(receive(100_000, true), Receipt::Next(50_000)),
        "a gap"
    );
    assert!(matches!(receive(50_000, false), Receipt::Next(100_000)));
    let Receipt::Whole(sealed) = receive(100_000, true) else {
        panic!("the last chunk makes it whole");
    };
    assert!(matches!(receive(100_000, true), Receipt::Stale), "again");
    assert_eq!(sealed.meta(), b"at 5");
    assert!(snapshots.latest().is_none(), "not in force yet");
    snapshots.install(sealed).unwrap();
    assert_eq!(body_of(&snapshots), body);
    assert_eq!(body_of(&open(&disk).unwrap()), body);
}

#[test]
fn a_mix_of_two_snapshots_or_a_foreign_one_is_unfit() {
    let (_, one) = snapshot_of(&content(1000));
    let (_, two) = snapshot_of(&[7; 1000]);
    assert_eq!(one.len(), two.len());
    let disk = SimDisk::default();
    let mut snapshots = open(&disk).unwrap();
    let mut receive = |id, offset: u64, bytes: &[u8], done| {
        snapshots
            .receive(origin(3, id), offset, bytes, done)
            .unwrap()
    };
    receive(1, 0, &one[..500], false);
    assert!(matches!(
        receive(1, 500, &two[500..], true),
        Receipt::Unfit(_)
    ));
    receive(1, 0, &one[..500], false);
    assert!(
        matches!(receive(1, 500, &one[500..900], true), Receipt::Unfit(_)),
        "a part"
    );

    receive(2, 0, &one[..500], false);
    assert!(matches!(receive(1, 500, &one[500..], true), Receipt::Stale));
    receive(3, 0, &two[..500], false);
    assert!(matches!(
        receive(3, 500, &two[500..], true),
        Receipt::Whole(_)
    ));

    let mut foreign = one.clone();
    foreign[16] ^= 1;
    let Receipt::Unfit(what) = receive(4, 0, &foreign, true) else {
        panic!("a broken header is unfit");
    };
    assert!(what.contains("checksum of the header"), "{what}");
    let crc = crc32c::crc32c(&foreign[16..64]);
    foreign[12..16].copy_from_slice(&crc.to_le_bytes());
    assert!(matches!(receive(4, 0, &foreign, true), Receipt::Unfit(_)));
    assert_eq!(disk.list().unwrap().len(), 1, "what did not fit is gone");
}

#[test]
fn a_snapshot_stays_while_it_is_sent() {
    let disk = SimDisk::default();
    let mut snapshots = open(&disk).unwrap();
    let old = take(&mut snapshots, b"one", &content(1000));
    let file = file_of(&mut snapshots);
    let first = snapshots.read(old, 0, 100).unwrap().unwrap();
    take(&mut snapshots, b"two", b"second");
    snapshots.remove_older(&BTreeSet::from([old])).unwrap();
    let rest = snapshots.read(old, 100, 5000).unwrap().unwrap();
    assert_eq!([first, rest].concat(), file);
    snapshots.remove_older(&BTreeSet::new()).unwrap();
    assert_eq!(snapshots.read(old, 0, 100).unwrap(), None);
    assert_eq!(body_of(&snapshots), b"second");
}

#[test]
fn what_is_given_up_leaves_no_file() {
    let disk = SimDisk::default();
    let mut snapshots = open(&disk).unwrap();
    take(&mut snapshots, b"one", b"first");
    drop(snapshots.begin(b"dropped").unwrap());
    let sealed = seal(&mut snapshots, b"unwanted", b"");
    snapshots.discard(&sealed).unwrap();
    assert_eq!(disk.list().unwrap().len(), 1);
    let sealed = seal(&mut snapshots, b"unfinished business", b"");
    assert_eq!(sealed.meta(), b"unfinished business");
    assert_eq!(open(&disk).unwrap().latest().unwrap().meta, b"one");
    assert_eq!(disk.list().unwrap().len(), 1);
}

#[test]
fn a_full_or_failing_disk_is_named_and_harms_nothing() {
    let disk = SimDisk::default();
    take(&mut open(&disk).unwrap(), b"one", b"first");
    let attempt = |disk: &SimDisk| {
        let mut writing = open(disk)?.begin(b"two")?;
        writing.append(&content(200_000))?;
        writing.finish().map(drop)
    };
    let full = disk.copy();
    full.set_faults(|faults| faults.capacity = Some(100_000));
    let error = attempt(&full).unwrap_err().to_string();
    assert!(
        error.contains("write") && error.contains("free space"),
        "{error}"
    );
    let failing = disk.copy();
    failing.set_faults(|faults| faults.fail(Operation::Sync, 1));
    assert!(matches!(
        attempt(&failing),
        Err(StorageError::Io { action: "sync", .. })
    ));
    for mut disk in [full, failing] {
        disk.crash(&mut ChaCha8Rng::seed_from_u64(1));
        assert_eq!(body_of(&open(&disk).unwrap()), b"first");
    }
}

#[test]
fn short_reads_are_taken_up_and_failed_ones_reported() {
    let body = content(100_000);
    let (disk, _) = snapshot_of(&body);
    let chances = Chances {
        short_read: 0.5,
        ..Chances::default()
    };
    disk.set_faults(|faults| faults.draw(chances, ChaCha8Rng::seed_from_u64(1)));
    assert_eq!(body_of(&open(&disk).unwrap()), body);
    assert!(disk.injected().short_reads > 0);
    disk.set_faults(|faults| faults.fail(Operation::Read, 3));
    assert!(matches!(
        open(&disk),
        Err(StorageError::Io { action: "read", .. })
    ));
    assert_eq!(disk.injected().read_errors, 1);
}
