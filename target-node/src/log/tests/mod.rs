//! The log against a disk that forgets, tears and lies.

mod bugs;
mod compaction;

use std::collections::BTreeMap;

use proptest::prelude::*;
use rand::SeedableRng as _;
use rand_chacha::ChaCha8Rng;

use super::{
    Identity, RealDisk, Settings, StorageError, Wal,
    disk::Disk as _,
    segment::{HEADER_BYTES, file_name},
    sim_disk::{Operation, SimDisk},
};
use crate::bug::BugSet;
use crate::raft::{
    Addresses, Body, Entry, HardState, LogIndex, Membership, NodeId, Payload, Position, Restored,
    StoreId, Term, Write,
};

const SEGMENT_BYTES: u64 = 2048;

fn settings() -> Settings {
    Settings {
        segment_bytes: SEGMENT_BYTES,
        new_store: StoreId(11),
        bugs: BugSet::default(),
    }
}

fn identity() -> Identity {
    Identity {
        node: "n1".into(),
        cluster: 77,
    }
}

fn open(disk: SimDisk) -> Result<(Wal<SimDisk>, Restored), StorageError> {
    Wal::open(disk, identity(), settings())
}

fn entry(term: u64, index: u64, bytes: usize) -> Entry {
    let at = Position {
        term: Term(term),
        index: LogIndex(index),
    };
    let byte = u8::try_from(index % 251).unwrap();
    let body = match bytes {
        0 => Body::Noop,
        _ => Body::Command(Payload::new(&vec![byte; bytes])),
    };
    Entry { at, body }
}

fn membership() -> Membership {
    let addresses = Addresses {
        peer: ([127, 0, 0, 1], 7000).into(),
        client: Some(([127, 0, 0, 1], 8000).into()),
    };
    Membership::of_voters(["n1", "n2"].map(|name| (NodeId::new(name), addresses)))
}

fn members(term: u64, index: u64) -> Entry {
    let mut entry = entry(term, index, 0);
    entry.body = Body::Membership(Box::new(membership()));
    entry
}

fn begin(term: u64, index: u64, keeps: bool) -> Write {
    Write::Begin {
        at: entry(term, index, 0).at,
        membership: membership(),
        keeps,
    }
}

fn vote(term: u64) -> Write {
    Write::HardState(HardState {
        term: Term(term),
        vote: Some(NodeId::new("n2")),
        met: BTreeMap::from([(NodeId::new("n3"), StoreId(term))]),
    })
}

/// Batches whose effect on an empty log is `expected(batches)`.
fn batches() -> Vec<Vec<Write>> {
    vec![
        vec![
            vote(1),
            begin(0, 0, false),
            Write::Append(vec![entry(1, 1, 0), entry(1, 2, 40)]),
        ],
        vec![Write::Append(vec![entry(1, 3, 100)])],
        vec![vote(2), Write::Append(vec![entry(2, 2, 7), entry(2, 3, 0)])],
        vec![vote(3)],
        vec![Write::Append(vec![
            entry(3, 4, 60),
            entry(3, 5, 60),
            entry(3, 6, 9),
        ])],
        vec![begin(3, 4, true)],
        vec![begin(4, 9, false), Write::Append(vec![members(4, 10)])],
    ]
}

/// What the writes mean, worked out without the log: the oracle of these tests.
fn expected(batches: &[Vec<Write>]) -> Restored {
    let mut restored = Restored::default();
    for write in batches.iter().flatten() {
        match write {
            Write::HardState(hard) => restored.hard = hard.clone(),
            Write::Begin {
                at,
                membership,
                keeps,
            } => {
                restored.begin = Some((*at, membership.clone()));
                restored
                    .entries
                    .retain(|entry| *keeps && entry.at.index > at.index);
            }
            Write::Append(entries) => {
                let first = entries[0].at.index;
                restored.entries.retain(|entry| entry.at.index < first);
                restored.entries.extend_from_slice(entries);
            }
        }
    }
    restored
}

fn assert_same(found: &Restored, expected: &Restored) {
    assert_eq!(found.hard, expected.hard);
    assert_eq!(found.begin, expected.begin);
    assert_eq!(found.entries, expected.entries);
}

fn disk_with(batches: &[Vec<Write>]) -> SimDisk {
    let (mut wal, _) = open(SimDisk::default()).unwrap();
    for batch in batches {
        wal.append(batch).unwrap();
    }
    wal.crash(None)
}

/// Start and end of each batch in the only segment.
fn block_ends(batches: &[Vec<Write>]) -> Vec<usize> {
    let (mut wal, _) = open(SimDisk::default()).unwrap();
    let mut ends = vec![HEADER_BYTES];
    for batch in batches {
        wal.append(batch).unwrap();
        ends.push(usize::try_from(wal.offset).unwrap());
    }
    assert_eq!(wal.current.number, 1, "these tests want one segment");
    ends
}

#[test]
fn what_was_appended_is_read_back_and_appending_goes_on() {
    let all = batches();
    let (mut wal, restored) = open(disk_with(&all[..3])).unwrap();
    assert_same(&restored, &expected(&all[..3]));
    for batch in &all[3..] {
        wal.append(batch).unwrap();
    }
    let (_, restored) = open(wal.crash(None)).unwrap();
    assert_same(&restored, &expected(&all));
}

#[test]
fn a_tail_torn_at_any_byte_is_cut_off_and_nothing_before_it() {
    let all = batches();
    let ends = block_ends(&all);
    let (start, end) = (ends[all.len() - 1], ends[all.len()]);
    for at in start..end {
        let disk = disk_with(&all);
        let mut nothing_is_lost = false;
        disk.damage(&file_name(1), |bytes| {
            nothing_is_lost = bytes[at..].iter().all(|byte| *byte == 0);
            bytes[at..].fill(0);
        });
        let (mut wal, restored) = open(disk).unwrap();
        let whole = restored.entries.len() == expected(&all).entries.len();
        let kept = if whole {
            &all[..]
        } else {
            &all[..all.len() - 1]
        };
        assert_same(&restored, &expected(kept));
        assert_eq!(whole, nothing_is_lost, "byte {at}");

        wal.append(&[vote(9)]).unwrap();
        let (_, restored) = open(wal.crash(None)).unwrap();
        assert_eq!(restored.hard.term, Term(9), "byte {at}");
    }
}

#[test]
fn garbage_at_any_byte_of_the_last_block_is_torn_too() {
    let all = batches();
    let ends = block_ends(&all);
    for at in ends[all.len() - 1]..ends[all.len()] {
        let disk = disk_with(&all);
        disk.damage(&file_name(1), |bytes| bytes[at] ^= 0x41);
        let (wal, restored) = open(disk).unwrap();
        if restored.entries.len() == 3 {
            assert_same(&restored, &expected(&all[..all.len() - 1]));
        }
        assert!(
            open(wal.crash(None)).is_ok(),
            "the repair at byte {at} holds"
        );
    }
}

#[test]
fn damage_before_the_last_block_is_refused_with_its_place() {
    let all = batches();
    let ends = block_ends(&all);
    let before_last = ends[all.len() - 1];
    for at in HEADER_BYTES..before_last {
        let disk = disk_with(&all);
        disk.damage(&file_name(1), |bytes| bytes[at] ^= 0x41);
        let is_padding = open(disk.copy()).is_ok();
        if is_padding {
            let block_end = ends.iter().find(|&&end| end > at).unwrap();
            assert!(block_end - at < 8, "byte {at} is part of a block");
            continue;
        }
        let start = *ends.iter().rfind(|&&start| start <= at).unwrap();
        match open(disk) {
            Err(StorageError::Damaged { file, offset, .. }) => {
                assert_eq!((file, offset), (file_name(1), start as u64), "byte {at}");
            }
            other => panic!("byte {at}: {other:?}"),
        }
    }
}

#[test]
fn a_header_or_a_segment_gone_bad_is_refused() {
    let batch = |index| vec![Write::Append(vec![entry(1, index, 300)])];
    let all: Vec<_> = (1..=24).map(batch).collect();
    let disk = disk_with(&all);
    let (wal, restored) = open(disk.copy()).unwrap();
    assert!(wal.current.number >= 4, "the batches fill several segments");
    assert_same(&restored, &expected(&all));

    for at in 0..HEADER_BYTES {
        let disk = disk.copy();
        disk.damage(&file_name(2), |bytes| bytes[at] ^= 1);
        assert!(open(disk).is_err(), "header byte {at}");
    }
    let truncated = disk.copy();
    truncated.damage(&file_name(2), |bytes| bytes.truncate(HEADER_BYTES));
    assert!(
        matches!(open(truncated), Err(StorageError::Damaged { .. })),
        "blocks are missing"
    );
    let torn_early = disk;
    torn_early.damage(&file_name(2), |bytes| bytes[HEADER_BYTES + 3] ^= 1);
    assert!(matches!(
        open(torn_early),
        Err(StorageError::Damaged { .. })
    ));
}

#[test]
fn a_batch_larger_than_a_segment_gets_one_of_its_own() {
    let all = [
        vec![vote(1)],
        vec![Write::Append(vec![entry(1, 1, 5000)])],
        vec![Write::Append(vec![entry(1, 2, 10)])],
    ];
    let (_, restored) = open(disk_with(&all)).unwrap();
    assert_same(&restored, &expected(&all));
}

#[test]
fn the_log_of_another_node_is_refused() {
    let disk = disk_with(&batches());
    let other = Identity {
        node: "n2".into(),
        cluster: 77,
    };
    let error = Wal::open(disk, other, settings()).unwrap_err();
    assert!(error.to_string().contains("\"n1\""), "{error}");
}

#[test]
fn a_data_folder_keeps_the_mark_it_was_formatted_with() {
    let disk = SimDisk::default();
    let open_with = |store| {
        let settings = Settings {
            new_store: StoreId(store),
            ..settings()
        };
        let (mut wal, _) = Wal::open(disk.clone(), identity(), settings).unwrap();
        wal.append(&[Write::Append(vec![entry(1, store, 1500)])])
            .unwrap();
        wal.store()
    };
    assert_eq!([1, 2, 3].map(open_with), [StoreId(1); 3]);
    let (wal, _) = open(disk.copy()).unwrap();
    assert!(wal.current.number > 2, "later segments have it too");

    let others = disk_with(&[vec![Write::Append(vec![entry(1, 1, 1500)])]; 1]);
    let first = others.clone().read(&file_name(1)).unwrap();
    disk.damage(&file_name(1), |bytes| *bytes = first);
    assert!(
        matches!(open(disk), Err(StorageError::Damaged { .. })),
        "of another life"
    );
    let drawn = [
        RealDisk::draw_store_id().unwrap(),
        RealDisk::draw_store_id().unwrap(),
    ];
    assert_ne!(drawn[0], drawn[1]);
}

#[test]
fn after_a_failed_sync_nothing_is_promised_any_more() {
    let disk = SimDisk::default();
    disk.set_faults(|faults| faults.fail(Operation::Sync, 3));
    let (mut wal, _) = open(disk).unwrap();
    wal.append(&[vote(1)]).unwrap();
    assert!(matches!(
        wal.append(&[vote(2)]),
        Err(StorageError::Io { .. })
    ));
    assert!(matches!(
        wal.append(&[vote(3)]),
        Err(StorageError::Poisoned)
    ));
}

#[test]
fn real_files_keep_a_log_and_one_process_at_a_time() {
    let folder = tempfile::tempdir().unwrap();
    let all = batches();
    let disk = RealDisk::open(folder.path()).unwrap();
    let (mut wal, _) = Wal::open(disk, identity(), settings()).unwrap();
    for batch in &all {
        wal.append(batch).unwrap();
    }
    assert!(
        RealDisk::open(folder.path()).is_err(),
        "the folder is in use"
    );
    drop(wal);
    let disk = RealDisk::open(folder.path()).unwrap();
    let (_, restored) = Wal::open(disk, identity(), settings()).unwrap();
    assert_same(&restored, &expected(&all));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// Power loss in the middle of a batch: all earlier batches are there, the last one wholly or
    /// not at all.
    #[test]
    fn power_loss_keeps_every_synced_batch(sizes in prop::collection::vec(0usize..400, 1..12), seed: u64) {
        let all: Vec<_> = (1..)
            .zip(&sizes)
            .map(|(index, &bytes)| vec![vote(index), Write::Append(vec![entry(index, index, bytes)])])
            .collect();
        let (last, synced) = all.split_last().unwrap();
        let (mut wal, _) = open(SimDisk::default()).unwrap();
        for batch in synced {
            wal.append(batch).unwrap();
        }
        let mut disk = wal.crash(Some(last));
        disk.crash(&mut ChaCha8Rng::seed_from_u64(seed));
        let (_, restored) = open(disk).unwrap();
        let kept = if restored.entries.len() == all.len() { &all[..] } else { synced };
        assert_same(&restored, &expected(kept));
    }
}
