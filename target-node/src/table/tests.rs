//! Tables keep what they held, go when nobody needs them, and say when they fail.

use std::sync::atomic::{AtomicBool, Ordering};

use super::*;

fn text(number: usize) -> JsonText {
    JsonText::from(i64::try_from(number).unwrap())
}

fn key(number: usize) -> Key {
    format!("k{number:06}").into()
}

fn changes(numbers: std::ops::Range<usize>) -> Changes {
    numbers
        .map(|number| (key(number), Some(text(number))))
        .collect()
}

#[test]
fn a_table_holds_what_it_held_whatever_comes_after_it() {
    let folder = tempfile::tempdir().unwrap();
    let mut tables = Tables::open(folder.path()).unwrap();
    let empty = tables.make().unwrap();
    let first = empty.with(&changes(0..100)).unwrap();
    let removed = Changes::from_iter([(key(7), None), (key(100), Some(text(100)))]);
    let second = first.with(&removed).unwrap();
    let count = |table: &Arc<dyn Base>| table.iter().count();
    assert_eq!([&empty, &first, &second].map(count), [0, 100, 100]);
    assert_eq!(first.get(&key(7)), Some(text(7)));
    assert_eq!(second.get(&key(7)), None);
    assert_eq!(first.get(&key(100)), None);
    let keys: Vec<_> = second.iter().map(|(key, _)| key).collect();
    assert!(keys.is_sorted());
    assert_eq!(second.fault(), None);
}

#[test]
fn files_go_with_the_last_who_rests_on_them_and_at_the_next_start() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path().join("state");
    let files = || fs::read_dir(&folder).unwrap().count();
    let mut tables = Tables::open(&folder).unwrap();
    let one = tables.make().unwrap();
    let after = one.with(&changes(0..3)).unwrap();
    let other = tables.make().unwrap();
    assert_eq!(files(), 2);
    drop(one);
    assert_eq!(files(), 2);
    drop(after);
    assert_eq!(files(), 1);

    fs::write(folder.join("left.redb"), "of a node that was killed").unwrap();
    let mut tables = Tables::open(&folder).unwrap();
    assert_eq!(files(), 0);
    assert_eq!(tables.make().unwrap().iter().count(), 0);
    drop(other);
}

/// A file whose reads, or writes, can be made to fail.
#[derive(Debug)]
struct Failing {
    file: Unsynced,
    reads: Arc<AtomicBool>,
    writes: Arc<AtomicBool>,
}

fn check(fails: &AtomicBool) -> io::Result<()> {
    if fails.load(Ordering::Relaxed) {
        return Err(io::Error::other("the disk is broken"));
    }
    Ok(())
}

impl StorageBackend for Failing {
    fn len(&self) -> io::Result<u64> {
        self.file.len()
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        check(&self.reads)?;
        self.file.read(offset, out)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.file.set_len(len)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.file.sync_data()
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        check(&self.writes)?;
        self.file.write(offset, data)
    }
}

struct Scene {
    table: Arc<dyn Base>,
    reads: Arc<AtomicBool>,
    writes: Arc<AtomicBool>,
    fault: Fault,
}

/// A table that holds 1000 keys, hardly any of them in memory.
fn scene() -> Scene {
    let (reads, writes) = (Arc::default(), Arc::default());
    let backend = Failing {
        file: Unsynced(tempfile::tempfile().unwrap()),
        reads: Arc::clone(&reads),
        writes: Arc::clone(&writes),
    };
    let fault = Fault::default();
    let table = empty(backend, Path::new("state/t.redb"), &fault, 0).unwrap();
    let table = table.with(&changes(0..1000)).unwrap();
    Scene {
        table,
        reads,
        writes,
        fault,
    }
}

#[test]
fn a_read_that_fails_is_known_before_it_returns_and_for_ever() {
    for iterates in [false, true] {
        let scene = scene();
        assert_eq!(scene.table.get(&key(500)), Some(text(500)));
        assert_eq!(scene.table.fault(), None);
        scene.reads.store(true, Ordering::Relaxed);
        if iterates {
            assert!(scene.table.iter().count() < 1000);
        } else {
            assert_eq!(scene.table.get(&key(500)), None);
        }
        scene.reads.store(false, Ordering::Relaxed);
        let fault = scene.table.fault().unwrap();
        let said = fault.to_string();
        assert!(said.contains("read state/t.redb"), "{said}");
        assert!(said.contains("the disk is broken"), "{said}");
        assert_eq!(
            scene.fault.0.get(),
            Some(&fault),
            "for all tables of the node"
        );
    }
}

#[test]
fn a_write_that_fails_is_an_error() {
    let scene = scene();
    scene.writes.store(true, Ordering::Relaxed);
    let error = scene.table.with(&changes(1000..3000)).unwrap_err();
    assert_eq!(error.action, "write");
    assert_eq!(scene.table.fault(), Some(error));
}
