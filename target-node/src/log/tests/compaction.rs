//! Segments are released, used again and made, and the power may fail at each step.

use proptest::prelude::*;
use rand::SeedableRng as _;
use rand_chacha::ChaCha8Rng;

use super::{
    super::{
        PowerLossDisk, StorageError, Unsynced, Wal,
        disk::Disk as _,
        segment::{HEADER_BYTES, file_name},
        sim_disk::{Operation, SimDisk},
    },
    SEGMENT_BYTES, assert_same, begin, entry, expected, identity, open, settings, vote,
};
use crate::raft::{Restored, Write};

/// Draws what a node may write.
struct Story {
    rng: ChaCha8Rng,
    term: u64,
    begin: u64,
    last: u64,
}

impl Story {
    fn new(seed: u64) -> Self {
        Self {
            rng: ChaCha8Rng::seed_from_u64(seed),
            term: 1,
            begin: 0,
            last: 0,
        }
    }

    fn batch(&mut self) -> Vec<Write> {
        match self.rng.random_range(0..10) {
            0 => vec![vote(self.term)],
            1 if self.last > self.begin => {
                self.term += 1;
                let first = self.rng.random_range(self.begin + 1..=self.last);
                vec![vote(self.term), self.append(first)]
            }
            2 => {
                self.begin = self.rng.random_range(self.begin..=self.last);
                vec![begin(self.term, self.begin, true)]
            }
            4 if self.rng.random_bool(0.2) => {
                self.begin += self.rng.random_range(1..20);
                self.last = self.begin;
                vec![
                    begin(self.term, self.begin, false),
                    self.append(self.begin + 1),
                ]
            }
            _ => vec![self.append(self.last + 1)],
        }
    }

    fn append(&mut self, first: u64) -> Write {
        let count = self.rng.random_range(1..4);
        let bytes = self.rng.random_range(0..300);
        self.last = first + count - 1;
        let entries = (first..=self.last).map(|index| entry(self.term, index, bytes));
        Write::Append(entries.collect())
    }

    fn batches(mut self, count: usize) -> Vec<Vec<Write>> {
        (0..count).map(|_| self.batch()).collect()
    }
}

/// Appends until all is done or the disk fails; says how many batches were confirmed.
fn append_all(disk: &SimDisk, batches: &[Vec<Write>], upkeep_every: usize) -> usize {
    let mut done = 0;
    let mut work = || -> Result<(), StorageError> {
        let (mut wal, _) = open(disk.clone())?;
        for batch in batches {
            wal.append(batch)?;
            done += 1;
            if done % upkeep_every == 0 {
                wal.upkeep()?;
            }
        }
        Ok(())
    };
    let _ = work();
    done
}

fn assert_one_of(found: &Restored, batches: &[Vec<Write>], confirmed: usize) {
    let attempted = (confirmed + 1).min(batches.len());
    let with = expected(&batches[..attempted]);
    let is_with =
        found.entries == with.entries && found.hard == with.hard && found.begin == with.begin;
    if !is_with {
        assert_same(found, &expected(&batches[..confirmed]));
    }
}

#[test]
fn power_loss_at_any_step_keeps_every_confirmed_batch() {
    for (seed, upkeep_every) in [(1, 1), (2, 5), (3, usize::MAX)] {
        let batches = Story::new(seed).batches(80);
        let whole = SimDisk::default();
        assert_eq!(append_all(&whole, &batches, upkeep_every), batches.len());
        let (wal, _) = open(whole.copy()).unwrap();
        assert!(wal.current.number > 8, "segments are gone through");
        assert!(whole.list().unwrap().len() < 8, "and released");

        for step in 0.. {
            let disk = SimDisk::default();
            disk.set_faults(|faults| faults.changes_left = Some(step));
            let confirmed = append_all(&disk, &batches, upkeep_every);
            for chance in 0..3 {
                let mut disk = disk.copy();
                let mut rng = ChaCha8Rng::seed_from_u64(chance);
                disk.crash(&mut rng);
                // The power may fail again while the log is read back.
                disk.set_faults(|faults| faults.changes_left = Some(chance));
                let _ = open(disk.clone());
                disk.crash(&mut rng);
                let (mut wal, restored) = open(disk.clone()).unwrap();
                assert_one_of(&restored, &batches, confirmed);
                wal.append(&[vote(99)]).unwrap();
                disk.crash(&mut rng);
                let (_, again) = open(disk).unwrap();
                assert_eq!(again.hard.term.0, 99);
                assert_eq!(again.entries, restored.entries);
            }
            if confirmed == batches.len() {
                break;
            }
        }
    }
}

#[test]
fn the_room_a_log_takes_is_bounded_by_what_is_in_force() {
    for upkeep_every in [1, 7, usize::MAX] {
        let disk = SimDisk::default();
        let (mut wal, _) = open(disk.clone()).unwrap();
        for index in 1..3000_u64 {
            let mut batch = vec![Write::Append(vec![entry(1, index, 90)])];
            if index % 10 == 0 {
                batch.push(begin(1, index, true));
            }
            wal.append(&batch).unwrap();
            if usize::try_from(index).unwrap().is_multiple_of(upkeep_every) {
                wal.upkeep().unwrap();
            }
            if index % 500 == 0 {
                wal = open(disk.clone()).unwrap().0;
            }
            // The current one, one that ten entries may reach back into, and what is kept for use; without
            // upkeep one more of those fills up before any is released.
            let segments = disk.bytes() as u64 / SEGMENT_BYTES;
            assert!(segments <= 6, "{segments} segments at {index}");
        }
        assert!(wal.current.number > 100);
    }
}

#[test]
fn a_segment_lives_on_as_long_as_an_entry_in_it_is_needed() {
    let disk = SimDisk::default();
    let (mut wal, _) = open(disk.clone()).unwrap();
    for index in 1..=100 {
        wal.append(&[Write::Append(vec![entry(1, index, 90)])])
            .unwrap();
    }
    wal.append(&[begin(1, 7, true)]).unwrap();
    wal.upkeep().unwrap();
    assert!(disk.list().unwrap().contains(&file_name(1)));
    // What replaces entries makes the segments before it free, if it begins the log anew.
    wal.append(&[begin(2, 8, false)]).unwrap();
    wal.append(&[Write::Append(vec![entry(2, 9, 9)])]).unwrap();
    wal.upkeep().unwrap();
    assert_eq!(
        disk.list().unwrap().len(),
        3,
        "the current one, two for use"
    );
    let (_, restored) = open(disk).unwrap();
    assert_eq!(restored.entries, [entry(2, 9, 9)]);
}

/// A log in several segments, some of them in their second life.
fn grown() -> (SimDisk, Vec<Vec<Write>>) {
    let mut batches = Story::new(5).batches(50);
    batches.push(vec![vote(77)]);
    let disk = SimDisk::default();
    append_all(&disk, &batches, 3);
    assert!(disk.list().unwrap().len() >= 4);
    (disk, batches)
}

#[test]
fn segments_missing_where_they_are_needed_are_noticed() {
    let (disk, batches) = grown();
    let (wal, restored) = open(disk.copy()).unwrap();
    let current = wal.current.number;
    let (mut refused, mut harmless) = (0, 0);
    for name in disk.list().unwrap() {
        let mut without = disk.copy();
        without.remove(&name).unwrap();
        match open(without) {
            Ok((_, found)) => {
                assert_same(&found, &restored);
                assert!(name > file_name(current), "{name}");
                harmless += 1;
            }
            Err(StorageError::Damaged { .. }) => refused += 1,
            Err(other) => panic!("{name}: {other}"),
        }
    }
    assert!(refused > 1 && harmless > 0, "{refused} and {harmless}");
    assert_same(&restored, &expected(&batches));
}

#[test]
fn a_snapshot_without_its_log_is_refused() {
    let mut disk = SimDisk::default();
    disk.write_at("0000000000000007.snap", 0, b"").unwrap();
    let error = open(disk).unwrap_err().to_string();
    assert!(
        error.contains("0000000000000007.snap") && error.contains("missing"),
        "{error}"
    );
}

#[test]
fn every_flipped_bit_is_harmless_or_refused_or_in_the_last_block() {
    let (disk, batches) = grown();
    let (wal, _) = open(disk.copy()).unwrap();
    let (last_file, end) = (file_name(wal.current.number), wal.offset);
    let whole = expected(&batches);
    let before = expected(&batches[..batches.len() - 1]);
    assert_ne!(
        (&whole.entries, &whole.hard),
        (&before.entries, &before.hard)
    );
    let (mut harmless, mut refused, mut cut) = (0, 0, 0);
    for name in disk.list().unwrap() {
        let bits = 8 * disk.clone().read(&name).unwrap().len();
        for bit in 0..bits {
            let flipped = disk.copy();
            flipped.damage(&name, |bytes| bytes[bit / 8] ^= 1 << (bit % 8));
            match open(flipped) {
                Err(StorageError::Damaged { file, .. }) => {
                    assert_eq!(file, name, "bit {bit}");
                    refused += 1;
                }
                Err(other) => panic!("bit {bit} of {name}: {other}"),
                Ok((_, found)) if found.hard == whole.hard => {
                    assert_same(&found, &whole);
                    harmless += 1;
                }
                Ok((_, found)) => {
                    assert_same(&found, &before);
                    assert!(
                        name == last_file && (bit as u64) < 8 * end,
                        "bit {bit} of {name}"
                    );
                    assert!(bit > 8 * HEADER_BYTES);
                    cut += 1;
                }
            }
        }
    }
    assert!(
        harmless > 1000 && refused > 1000 && cut > 100,
        "{harmless}, {refused}, {cut}"
    );
}

#[test]
fn what_a_failed_sync_left_in_memory_is_made_durable_before_it_counts() {
    let mut disk = SimDisk::default();
    let (mut wal, _) = open(disk.clone()).unwrap();
    wal.append(&[vote(1)]).unwrap();
    disk.set_faults(|faults| faults.fail(Operation::Sync, 1));
    wal.append(&[vote(2)]).unwrap_err();
    assert!(matches!(wal.upkeep(), Err(StorageError::Poisoned)));
    drop(wal);
    // The process starts again, without power loss: the block can be read.
    let (_, restored) = open(disk.clone()).unwrap();
    assert_eq!(restored.hard.term.0, 2);
    for seed in 0..8 {
        disk.crash(&mut ChaCha8Rng::seed_from_u64(seed));
        let (_, restored) = open(disk.clone()).unwrap();
        assert_eq!(restored.hard.term.0, 2, "it was acted on");
    }
}

#[test]
fn a_full_disk_confirms_nothing_and_is_named() {
    let mut disk = SimDisk::default();
    let (mut wal, _) = open(disk.clone()).unwrap();
    let room = usize::try_from(3 * SEGMENT_BYTES + 100).unwrap();
    disk.set_faults(|faults| faults.capacity = Some(room));
    let mut confirmed = 0;
    let error = loop {
        match wal.append(&[Write::Append(vec![entry(1, confirmed + 1, 90)])]) {
            Ok(()) => confirmed += 1,
            Err(error) => break error.to_string(),
        }
    };
    assert!(error.contains("make 0000000000000004.wal.tmp"), "{error}");
    assert!(error.contains("free space"), "{error}");
    assert_eq!(disk.injected().full, 1);
    disk.set_faults(|faults| faults.capacity = None);
    disk.crash(&mut ChaCha8Rng::seed_from_u64(1));
    let (_, restored) = open(disk).unwrap();
    assert_eq!(restored.entries.len() as u64, confirmed);
}

#[test]
fn a_killed_process_whose_unsynced_writes_are_lost_keeps_every_confirmed_batch() {
    for unsynced in [Unsynced::Lost, Unsynced::Torn] {
        let folder = tempfile::tempdir().unwrap();
        let batches = Story::new(9).batches(60);
        for (done, batch) in batches.iter().enumerate() {
            let disk = PowerLossDisk::open(folder.path(), unsynced).unwrap();
            let (mut wal, restored) = Wal::open(disk, identity(), settings()).unwrap();
            assert_same(&restored, &expected(&batches[..done]));
            wal.append(batch).unwrap();
            if done % 3 == 0 {
                wal.upkeep().unwrap();
            }
            drop(wal.crash(Some(&[vote(99), Write::Append(vec![entry(99, 1, 3000)])])));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    /// Any story, with power losses, restarts and upkeep in between, is read back as it was written.
    #[test]
    fn any_story_is_read_back(seed: u64, restarts in 1u32..8) {
        let mut story = Story::new(seed);
        let mut chance = ChaCha8Rng::seed_from_u64(!seed);
        let mut disk = SimDisk::default();
        let mut batches = Vec::new();
        for _ in 0..restarts {
            let (mut wal, restored) = Wal::open(disk.clone(), identity(), settings()).unwrap();
            assert_same(&restored, &expected(&batches));
            for _ in 0..chance.random_range(0..60) {
                let batch = story.batch();
                wal.append(&batch).unwrap();
                batches.push(batch);
                if chance.random_bool(0.2) {
                    wal.upkeep().unwrap();
                }
            }
            disk.crash(&mut chance);
        }
    }
}
