//! Disks that fail, seen by who uses them.

use crate::runner::{Scene, enter_lab, skip};
use nemesis::disk::{Disk, DiskError, Failing, Lost, Served, Trouble};
use nemesis::process::{NodeProcess, ProcessSpec};
use nix::libc;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

pub(crate) const SCENES: &[Scene] = &[
    Scene::test("disk::power_loss_takes_data", |_| power_loss()),
    Scene::test("disk::power_loss_takes_names", |_| names()),
    Scene::test("disk::kill_and_power_loss", |_| killed_node()),
    Scene::test("disk::torn_writes", |_| torn()),
    Scene::test("disk::errors", |_| errors()),
    Scene::test("disk::full", |_| full()),
    Scene::test("disk::slow_and_stuck", |_| slow_and_stuck()),
    Scene::test("disk::lies", |_| lies()),
    Scene::test("disk::reads_go_wrong", |_| misread()),
    Scene::test("disk::damage_at_rest", |_| damage()),
    Scene::test("disk::is_a_file_system", |_| is_a_file_system()),
    Scene::test("disk::mapped_files", |_| mapped()),
    Scene::test("disk::keeps_everything_when_it_is_over", |_| over()),
];

/// A lab with a disk in it.
pub(crate) fn disk() -> (Disk, PathBuf) {
    enter_lab();
    let folder = PathBuf::from("/run/n1");
    fs::create_dir(&folder).unwrap();
    match Disk::mount(&folder, 1) {
        Ok(disk) => (disk, folder),
        Err(error @ (DiskError::NoFuse { .. } | DiskError::Mount { .. })) => skip(error),
        Err(error) => panic!("{error}"),
    }
}

fn sync_folder(folder: &Path) {
    File::open(folder).unwrap().sync_all().unwrap();
}

fn append(path: &Path, text: &str) -> File {
    let mut file = File::options()
        .create(true)
        .append(true)
        .open(path)
        .unwrap();
    file.write_all(text.as_bytes()).unwrap();
    file
}

fn power_loss() {
    let (disk, folder) = disk();
    let log = folder.join("log");
    append(&log, "synced").sync_data().unwrap();
    sync_folder(&folder);
    append(&log, " and not");
    assert_eq!(fs::read_to_string(&log).unwrap(), "synced and not");
    let lost = disk.lose_power(0, 1).unwrap();
    assert_eq!(fs::read_to_string(&log).unwrap(), "synced");
    assert_eq!((lost.bytes, lost.files, lost.names), (8, 1, 0), "{lost:?}");
    assert_eq!(disk.lose_power(0, 1).unwrap(), Lost::default());

    // Writing over, cutting off and making longer are undone like anything else.
    let file = File::options().write(true).open(&log).unwrap();
    file.write_all_at(b"SYN", 0).unwrap();
    file.set_len(4).unwrap();
    assert_eq!(fs::read_to_string(&log).unwrap(), "SYNc");
    file.set_len(1 << 20).unwrap();
    drop(file);
    disk.lose_power(0, 1).unwrap();
    assert_eq!(fs::read_to_string(&log).unwrap(), "synced");

    // Who writes with O_DSYNC need not sync.
    let mut options = File::options();
    let options = options.append(true).custom_flags(libc::O_DSYNC);
    options.open(&log).unwrap().write_all(b"!").unwrap();
    append(&log, "?");
    disk.lose_power(0, 1).unwrap();
    assert_eq!(fs::read_to_string(&log).unwrap(), "synced!");
}

fn names() {
    let (disk, folder) = disk();
    let at = |name: &str| folder.join(name);
    for name in ["stays", "moved", "old", "removed"] {
        append(&at(name), name).sync_all().unwrap();
    }
    sync_folder(&folder);
    append(&at("new"), "synced").sync_all().unwrap();
    fs::rename(at("moved"), at("elsewhere")).unwrap();
    append(&at("next"), "next").sync_all().unwrap();
    fs::rename(at("next"), at("old")).unwrap();
    fs::remove_file(at("removed")).unwrap();
    fs::create_dir(at("folder")).unwrap();
    append(&at("folder/inside"), "inside").sync_all().unwrap();
    let lost = disk.lose_power(0, 1).unwrap();
    assert_eq!(lost.names, 7, "{lost:?}");
    assert_eq!(listed(&folder), ["moved", "old", "removed", "stays"]);
    for name in ["stays", "moved", "old", "removed"] {
        assert_eq!(fs::read_to_string(at(name)).unwrap(), name);
    }

    // To sync a folder keeps all of it, also the folder itself.
    fs::create_dir(at("folder")).unwrap();
    append(&at("folder/inside"), "inside").sync_all().unwrap();
    sync_folder(&at("folder"));
    fs::rename(at("folder"), at("renamed")).unwrap();
    append(&at("renamed/more"), "more").sync_all().unwrap();
    disk.lose_power(0, 1).unwrap();
    assert_eq!(listed(&at("folder")), ["inside"]);
    assert!(!at("renamed").exists());
    disk.settle().unwrap();
    fs::remove_file(at("folder/inside")).unwrap();
    fs::remove_dir(at("folder")).unwrap();
    sync_folder(&folder);
    disk.lose_power(0, 1).unwrap();
    assert!(!at("folder").exists());
}

fn listed(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let mut names: Vec<String> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

pub(crate) fn shell(script: &str, folder: &Path) -> NodeProcess {
    let spec = ProcessSpec {
        program: Path::new("/bin/sh"),
        args: vec!["-c".into(), script.into(), "sh".into(), folder.into()],
        env: Vec::new(),
        log: File::options().write(true).open("/dev/null").unwrap(),
        namespace: None,
        clock: None,
    };
    NodeProcess::spawn(&spec).unwrap()
}

/// SIGKILL alone loses nothing; SIGKILL and then the power does.
fn killed_node() {
    let (disk, folder) = disk();
    let script = "cd $1; echo first >log; sync log .; while :; do echo more >>log; done";
    let mut node = shell(script, &folder);
    let log = folder.join("log");
    let written = || fs::metadata(&log).map_or(0, |found| found.len());
    wait_until(|| written() > 1000);
    node.kill().unwrap();
    let all = written();
    assert_eq!(fs::read(&log).unwrap().len() as u64, all);
    let lost = disk.lose_power(0, 1).unwrap();
    assert_eq!(fs::read_to_string(&log).unwrap(), "first\n");
    assert_eq!(lost.bytes, all - 6);
}

fn torn() {
    let (disk, folder) = disk();
    let path = folder.join("file");
    let file = append(&path, "");
    file.write_all_at(&[b'o'; 100 * 512], 0).unwrap();
    file.sync_all().unwrap();
    sync_folder(&folder);
    let file = File::options().write(true).open(&path).unwrap();
    file.write_all_at(&[b'n'; 100 * 512], 0).unwrap();
    let lost = disk.lose_power(30, 5).unwrap();
    let bytes = fs::read(&path).unwrap();
    let new = |sector: &&[u8]| sector.iter().all(|byte| *byte == b'n');
    let old = |sector: &&[u8]| sector.iter().all(|byte| *byte == b'o');
    let counts = (
        bytes.chunks(512).filter(new).count() as u64,
        bytes.chunks(512).filter(old).count() as u64,
    );
    assert_eq!(counts, (lost.sectors_torn, lost.sectors), "{lost:?}");
    assert!(counts.0 > 10 && counts.1 > 40, "{counts:?}");
}

fn errno<T>(result: io::Result<T>) -> Option<i32> {
    result.err().and_then(|error| error.raw_os_error())
}

fn errors() {
    let (disk, folder) = disk();
    let path = folder.join("file");
    let mut file = append(&path, "before");
    file.sync_all().unwrap();
    sync_folder(&folder);
    disk.begin(Trouble::Errors(Failing::Reads));
    assert_eq!(
        errno(fs::read(&path)),
        Some(libc::EIO),
        "although it was in memory"
    );
    disk.end(Trouble::Errors(Failing::Reads));
    assert_eq!(fs::read_to_string(&path).unwrap(), "before");
    disk.begin(Trouble::Errors(Failing::Writes));
    assert_eq!(errno(file.write_all(b"no")), Some(libc::EIO));
    disk.end(Trouble::Errors(Failing::Writes));

    file.write_all(b", dropped").unwrap();
    disk.begin(Trouble::Errors(Failing::Syncs));
    assert_eq!(errno(file.sync_data()), Some(libc::EIO));
    assert_eq!(
        errno(File::open(&folder).unwrap().sync_all()),
        Some(libc::EIO)
    );
    disk.end(Trouble::Errors(Failing::Syncs));
    file.sync_data().unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap(), "before, dropped");
    let errors = disk.served().errors;
    assert!(errors >= 4, "{errors}: the kernel may have read twice");
    disk.lose_power(0, 1).unwrap();
    let left = fs::read(&path).unwrap();
    assert_eq!(
        left, b"before\0\0\0\0\0\0\0\0\0",
        "the second sync wrote nothing but the length"
    );
}

fn full() {
    let (disk, folder) = disk();
    let mut file = append(&folder.join("file"), "before");
    disk.begin(Trouble::Full);
    assert_eq!(errno(file.write_all(b"no")), Some(libc::ENOSPC));
    assert_eq!(errno(File::create(folder.join("new"))), Some(libc::ENOSPC));
    assert_eq!(
        errno(fs::create_dir(folder.join("new"))),
        Some(libc::ENOSPC)
    );
    assert_eq!(space(&folder), 0);
    fs::remove_file(folder.join("file")).unwrap();
    disk.end(Trouble::Full);
    file.write_all(b"yes").unwrap();
    assert!(space(&folder) > 0);
    let refused = Served {
        refused: 3,
        ..Served::default()
    };
    assert_eq!(disk.served(), refused);
}

fn space(folder: &Path) -> u64 {
    nix::sys::statvfs::statvfs(folder)
        .unwrap()
        .blocks_available()
}

fn slow_and_stuck() {
    let (disk, folder) = disk();
    let file = append(&folder.join("file"), "slow");
    let delay = Duration::from_millis(80);
    disk.begin(Trouble::Slow(delay));
    let took = elapsed(|| file.sync_all().unwrap());
    assert!(took >= delay, "{took:?}");
    disk.end(Trouble::Slow(delay));

    append(&folder.join("file"), ", stuck");
    disk.begin(Trouble::Stuck);
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            file.sync_all().unwrap();
            done.store(true, Ordering::SeqCst);
        });
        wait_until(|| disk.served().held == 1);
        assert_eq!(
            fs::read_to_string(folder.join("file")).unwrap(),
            "slow, stuck",
            "all else works"
        );
        assert!(!done.load(Ordering::SeqCst));
        disk.end(Trouble::Stuck);
    });
    assert!(done.load(Ordering::SeqCst));
    assert_eq!((disk.served().delayed, disk.served().held), (1, 1));
    sync_folder(&folder);
    disk.lose_power(0, 1).unwrap();
    assert_eq!(
        fs::read_to_string(folder.join("file")).unwrap(),
        "slow, stuck"
    );

    // A process that waits for a disk cannot die before it is let go.
    disk.begin(Trouble::Stuck);
    let mut node = shell("cd $1; echo more >>file; sync file", &folder);
    wait_until(|| disk.served().held == 2);
    std::thread::scope(|scope| {
        let killed = scope.spawn(|| node.kill().unwrap());
        disk.abandon();
        killed.join().unwrap();
    });
    disk.lose_power(0, 1).unwrap();
    assert_eq!(
        fs::read_to_string(folder.join("file")).unwrap(),
        "slow, stuck"
    );
}

#[expect(
    clippy::disallowed_methods,
    reason = "it takes at least as long as it was told to"
)]
fn elapsed(act: impl FnOnce()) -> Duration {
    let start = Instant::now();
    act();
    start.elapsed()
}

fn lies() {
    let (disk, folder) = disk();
    let mut file = append(&folder.join("file"), "true");
    file.sync_all().unwrap();
    sync_folder(&folder);
    disk.begin(Trouble::Lying);
    file.write_all(b", false").unwrap();
    file.sync_all().unwrap();
    append(&folder.join("new"), "").sync_all().unwrap();
    sync_folder(&folder);
    assert_eq!(disk.served().lies, 3);
    let lost = disk.lose_power(0, 1).unwrap();
    assert_eq!((lost.bytes, lost.names), (7, 1));
    assert_eq!(listed(&folder), ["file"]);
    assert_eq!(fs::read_to_string(folder.join("file")).unwrap(), "true");
}

fn misread() {
    let (disk, folder) = disk();
    let path = folder.join("file");
    append(&path, &"a".repeat(5000));
    let trouble = Trouble::Misread { one_in: 1 };
    disk.begin(trouble);
    let read = fs::read(&path).unwrap();
    let wrong: u32 = read.iter().map(|byte| (byte ^ b'a').count_ones()).sum();
    assert!(wrong > 0);
    assert_eq!(u64::from(wrong), disk.served().flipped_bits);
    disk.end(trouble);
    assert_eq!(fs::read(&path).unwrap(), vec![b'a'; 5000]);
}

fn damage() {
    let (disk, folder) = disk();
    let path = folder.join("file");
    let mut content = vec![0; 50_000];
    content[20_000..21_000].fill(b'a');
    append(&path, "").write_all(&content).unwrap();
    assert_eq!(fs::read(&path).unwrap(), content);
    let flipped = disk.flip_bits(3, 9).unwrap();
    let wrong: u32 = fs::read(&path)
        .unwrap()
        .iter()
        .zip(&content)
        .map(|(now, before)| (now ^ before).count_ones())
        .sum();
    assert_eq!((flipped.flips.len(), wrong), (3, 3), "{flipped:?}");
    assert!(
        flipped
            .flips
            .iter()
            .all(|flip| (20_000..21_000).contains(&flip.offset))
    );
    assert_eq!(disk.repair(&flipped).unwrap().repaired, 3);
    assert_eq!(fs::read(&path).unwrap(), content);

    let cut = disk.truncate(4).unwrap();
    let length = fs::read(&path).unwrap().len();
    assert_eq!(cut.cuts[0].length, length as u64);
    assert!((20_000..21_000).contains(&length));
    append(&path, "new");
    let repaired = disk.repair(&cut).unwrap();
    assert_eq!((repaired.repaired, repaired.overwritten), (0, 1));
    assert!(fs::read(&path).unwrap().ends_with(b"anew"));
}

fn is_a_file_system() {
    let (_disk, folder) = disk();
    let at = |name: &str| folder.join(name);
    append(&at("file"), "content");
    fs::hard_link(at("file"), at("link")).unwrap();
    fs::remove_file(at("file")).unwrap();
    assert_eq!(fs::read_to_string(at("link")).unwrap(), "content");
    std::os::unix::fs::symlink("link", at("symlink")).unwrap();
    assert_eq!(fs::read_link(at("symlink")).unwrap(), Path::new("link"));
    assert_eq!(fs::read_to_string(at("symlink")).unwrap(), "content");
    fs::create_dir(at("folder")).unwrap();
    append(&at("folder/inside"), "");
    assert_eq!(errno(fs::remove_dir(at("folder"))), Some(libc::ENOTEMPTY));
    assert_eq!(errno(fs::File::create_new(at("link"))), Some(libc::EEXIST));
    assert_eq!(
        errno(fs::rename(at("link"), at("folder"))),
        Some(libc::EISDIR)
    );

    // What is removed while it is open stays usable.
    let mut held = File::options()
        .read(true)
        .write(true)
        .open(at("link"))
        .unwrap();
    fs::remove_file(at("link")).unwrap();
    sync_folder(&folder);
    held.write_all(b"CON").unwrap();
    assert_eq!(held.metadata().unwrap().len(), 7);
    let mut rest = String::new();
    held.read_to_string(&mut rest).unwrap();
    assert_eq!(rest, "tent");

    let direct = File::options()
        .create(true)
        .truncate(false)
        .read(true)
        .write(true)
        .custom_flags(libc::O_DIRECT)
        .open(at("direct"))
        .unwrap();
    direct.write_all_at(&[7; 4096], 4096).unwrap();
    nix::fcntl::fallocate(&direct, nix::fcntl::FallocateFlags::empty(), 0, 1 << 20).unwrap();
    assert_eq!(direct.metadata().unwrap().len(), 1 << 20);
    assert_eq!(fs::read(at("direct")).unwrap()[4096..8192], [7; 4096]);

    let other = File::open(at("direct")).unwrap();
    direct.lock().unwrap();
    assert!(other.try_lock().is_err(), "locks hold");
    let mode = fs::metadata(at("direct")).unwrap().mode() & 0o7777;
    fs::set_permissions(
        at("direct"),
        std::os::unix::fs::PermissionsExt::from_mode(0o600),
    )
    .unwrap();
    assert_ne!(mode, 0o600);
    assert_eq!(fs::metadata(at("direct")).unwrap().mode() & 0o7777, 0o600);
    let attribute = Command::new("setfattr")
        .args(["-n", "user.a", "-v", "1"])
        .arg(at("direct"))
        .output();
    if let Ok(output) = attribute {
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(said.contains("not supported"), "{said}");
    }
}

/// A file that is mapped and written in memory, synced once, and lost after.
fn mapped() {
    let (disk, folder) = disk();
    if Command::new("python3").arg("--version").output().is_err() {
        skip("python3 is not installed");
    }
    append(&folder.join("file"), &"-".repeat(9000))
        .sync_all()
        .unwrap();
    sync_folder(&folder);
    let script = "import mmap, os, sys, time\n\
                  f = open(sys.argv[1] + '/file', 'r+b')\n\
                  m = mmap.mmap(f.fileno(), 9000)\n\
                  m[0:6] = b'synced'\n\
                  m.flush()\n\
                  m[5000:5003] = b'not'\n\
                  open(sys.argv[1] + '/ready', 'w')\n\
                  time.sleep(1000)\n";
    let spec = ProcessSpec {
        program: Path::new("/usr/bin/env"),
        args: ["python3", "-c", script]
            .map(Into::into)
            .into_iter()
            .chain([folder.clone().into()])
            .collect(),
        env: Vec::new(),
        log: File::create("/run/log").unwrap(),
        namespace: None,
        clock: None,
    };
    let mut node = NodeProcess::spawn(&spec).unwrap();
    wait_until(|| folder.join("ready").exists());
    node.kill().unwrap();
    let text = || fs::read_to_string(folder.join("file")).unwrap();
    assert!(text().starts_with("synced-") && &text()[5000..5003] == "not");
    let lost = disk.lose_power(0, 1).unwrap();
    assert!(text().starts_with("synced-") && &text()[5000..5003] == "---");
    assert_eq!((lost.bytes, lost.names), (3, 1));
}

/// The folder below has all that was written, and nothing else is left.
fn over() {
    let (disk, folder) = disk();
    append(&folder.join("file"), "not synced");
    append(&folder.join("removed"), "");
    fs::remove_file(folder.join("removed")).unwrap();
    drop(disk);
    assert_eq!(listed(&folder), ["file"]);
    assert!(!Path::new("/run/.n1.removed").exists());
    assert_eq!(
        fs::read_to_string(folder.join("file")).unwrap(),
        "not synced"
    );
    let mounts = fs::read_to_string("/proc/mounts").unwrap();
    assert!(!mounts.contains("/run/n1"), "{mounts}");
}

pub(crate) fn wait_until(reached: impl Fn() -> bool) {
    for _ in 0..2000 {
        if reached() {
            return;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    panic!("waited in vain");
}
