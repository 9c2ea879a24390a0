//! Clocks of nodes: each change as it is seen from outside, by asking the victim for the time.

use crate::runner::{Scene, enter_lab, skip};
use nemesis::clocks::ClockWay::{self, Preload, Vdso};
use nemesis::clocks::{ClockChange, ClockError, NodeClock};
use nemesis::process::{NodeProcess, ProcessSpec};
use nix::time::{ClockId, clock_gettime};
use std::ffi::OsString;
use std::fs;
use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::time::Duration;

pub(crate) const SCENES: &[Scene] = &[
    Scene::test("clocks::jump_drift_strobe_and_reset", |_| {
        every_change(Vdso);
    }),
    Scene::test("clocks::every_clock", |_| every_clock(Vdso)),
    Scene::test("clocks::monotonic_clock_never_goes_back", |_| {
        monotonic(Vdso);
    }),
    Scene::test("clocks::scripts_are_followed", |_| scripts(Vdso)),
    Scene::test("clocks::pause_and_kill", |_| pause_and_kill(Vdso)),
    Scene::test("clocks::restart_finds_them_as_they_are", |_| restart(Vdso)),
    Scene::test("clocks::lost_at_exec_is_said", |_| lost_at_exec()),
    Scene::test("clocks::static_programs", |_| static_programs()),
    Scene::test("clocks::every_way_to_ask", |_| every_way_to_ask(Vdso)),
    Scene::test("clocks::missing_page_is_refused", |_| missing_page()),
    Scene::test("preloaded_clocks::jump_drift_strobe_and_reset", |_| {
        every_change(Preload);
    }),
    Scene::test("preloaded_clocks::every_clock", |_| every_clock(Preload)),
    Scene::test("preloaded_clocks::monotonic_clock_never_goes_back", |_| {
        monotonic(Preload);
    }),
    Scene::test("preloaded_clocks::scripts_are_followed", |_| {
        scripts(Preload);
    }),
    Scene::test("preloaded_clocks::pause_and_kill", |_| {
        pause_and_kill(Preload);
    }),
    Scene::test("preloaded_clocks::restart_finds_them_as_they_are", |_| {
        restart(Preload);
    }),
    Scene::test("preloaded_clocks::every_way_to_ask", |_| {
        every_way_to_ask(Preload);
    }),
    Scene::part("clocks::teller", |_| tell()),
];

const SECOND: i64 = 1_000_000_000;
/// Where the teller is asked for the time.
const DOOR: &str = "/run/teller";
pub(crate) const DAY: ClockChange = ClockChange::Jump {
    offset_ns: 86_400 * SECOND,
};

/// A victim: for each byte it gets, it tells the time of the clock with this number, or [`UNKNOWN`].
fn tell() {
    let mut asked = UnixStream::connect(DOOR).unwrap();
    let mut number = [0];
    while asked.read_exact(&mut number).is_ok() {
        let time = clock_gettime(ClockId::from_raw(number[0].into()));
        let told = time.map_or(UNKNOWN, |time| time.tv_sec() * SECOND + time.tv_nsec());
        asked.write_all(&told.to_le_bytes()).unwrap();
    }
}

/// What is told of a clock that does not exist.
const UNKNOWN: i64 = i64::MIN;

pub(crate) fn true_seconds() -> i64 {
    read(ClockId::CLOCK_REALTIME) / SECOND
}

fn read(clock: ClockId) -> i64 {
    let time = clock_gettime(clock).unwrap();
    time.tv_sec() * SECOND + time.tv_nsec()
}

/// A started teller and its clocks.
struct Teller {
    clock: NodeClock,
    process: NodeProcess,
    door: UnixStream,
}

/// The least and the most that a clock of the victim can have been off by.
type Bracket = (i64, i64);

impl Teller {
    fn start(way: ClockWay) -> Teller {
        let clock = clock(way);
        let listener = UnixListener::bind(DOOR).unwrap();
        let itself = std::env::current_exe().unwrap();
        let process = start(&itself, &["--scene", "clocks::teller"], &clock).unwrap();
        Teller {
            clock,
            process,
            door: listener.accept().unwrap().0,
        }
    }

    /// How far its wall and its monotonic clock are off, as found by asking.
    fn off(&mut self) -> [Bracket; 2] {
        let clocks = [ClockId::CLOCK_REALTIME, ClockId::CLOCK_MONOTONIC];
        let before = clocks.map(read);
        let told = clocks.map(|clock| self.told(clock));
        let after = clocks.map(read);
        [0, 1].map(|clock| (told[clock] - after[clock], told[clock] - before[clock]))
    }

    /// How far one of its clocks is off.
    fn off_of(&mut self, clock: ClockId) -> Bracket {
        let before = read(clock);
        let told = self.told(clock);
        (told - read(clock), told - before)
    }

    fn told(&mut self, clock: ClockId) -> i64 {
        let number = u8::try_from(clock.as_raw()).unwrap();
        self.door.write_all(&[number]).unwrap();
        let mut bytes = [0; 8];
        self.door.read_exact(&mut bytes).unwrap();
        i64::from_le_bytes(bytes)
    }

    /// Asks until the answer is narrow enough to tell anything.
    fn off_within(&mut self, width: i64) -> [Bracket; 2] {
        for _ in 0..1_000 {
            let off = self.off();
            if off.iter().all(|(least, most)| most - least <= width) {
                return off;
            }
        }
        panic!("every answer took more than {width} ns");
    }
}

fn holds((least, most): Bracket, offset: i64) -> bool {
    (least..=most).contains(&offset)
}

/// Clocks, or the end of the scene where there are none.
pub(crate) fn clock(way: ClockWay) -> NodeClock {
    match NodeClock::create(Path::new("/run/clock"), way) {
        Err(error @ ClockError::Architecture { .. }) => skip(error),
        clock => clock.unwrap(),
    }
}

pub(crate) fn start(
    program: &Path,
    args: &[&str],
    clock: &NodeClock,
) -> Result<NodeProcess, nemesis::process::ProcessError> {
    NodeProcess::spawn(&spec(program, args, clock))
}

pub(crate) fn spec<'a>(program: &'a Path, args: &[&str], clock: &'a NodeClock) -> ProcessSpec<'a> {
    ProcessSpec {
        program,
        args: args.iter().map(OsString::from).collect(),
        env: Vec::new(),
        log: fs::File::options()
            .create(true)
            .append(true)
            .open("/run/log")
            .unwrap(),
        namespace: None,
        clock: Some(clock),
    }
}

fn every_change(way: ClockWay) {
    enter_lab();
    let mut teller = Teller::start(way);
    let [wall, monotonic] = teller.off();
    assert!(holds(wall, 0) && holds(monotonic, 0), "true at first");
    for offset_ns in [11_000_000, -11_000_000, 288 * SECOND, -288 * SECOND] {
        let jump = ClockChange::Jump { offset_ns };
        teller.clock.install(jump).unwrap();
        let [wall, monotonic] = teller.off_within(5_000_000);
        assert!(holds(wall, offset_ns), "{wall:?} for {offset_ns}");
        assert!(holds(monotonic, 0), "{monotonic:?}");
        let witness = teller.clock.witness(jump).unwrap();
        assert_eq!(
            witness.last_offset_ns, offset_ns,
            "as its own call was told"
        );
    }
    drifts(&mut teller);
    strobes(&mut teller);
    teller.clock.reset().unwrap();
    assert!(holds(teller.off()[0], 0));
    let reads = teller.clock.witness(DAY).unwrap().reads;
    teller.off();
    assert_eq!(teller.clock.witness(DAY).unwrap().reads, reads + 1);
    let reach = teller.process.clock_reach(&teller.clock);
    assert_eq!(
        (reach.faked, reach.missed),
        (vec![teller.process.pid()], vec![])
    );
}

/// Every clock goes by the one that it belongs to, and those of processor time by none.
fn every_clock(way: ClockWay) {
    enter_lab();
    let mut teller = Teller::start(way);
    let wall = [0, 5, 11].map(ClockId::from_raw);
    let monotonic = [1, 4, 6, 7].map(ClockId::from_raw);
    for clock in wall.into_iter().chain(monotonic) {
        assert!(holds(teller.off_of(clock), 0), "{clock} is true at first");
    }
    teller.clock.install(DAY).unwrap();
    let fast = ClockChange::Monotonic { rate_ppb: SECOND };
    teller.clock.install(fast).unwrap();
    std::thread::sleep(Duration::from_millis(100));
    for clock in wall {
        let off = teller.off_of(clock);
        assert!(holds(off, 86_400 * SECOND), "{clock}: {off:?}");
    }
    for clock in monotonic {
        let (least, _) = teller.off_of(clock);
        assert!(least > 90_000_000, "{clock}: {least}");
    }
    for clock in [2, 3].map(ClockId::from_raw) {
        assert!((0..100 * SECOND).contains(&teller.told(clock)));
    }
    assert_eq!(teller.told(ClockId::from_raw(30)), UNKNOWN);
}

/// On top of the jump that is there: changes of different kinds add up.
fn drifts(teller: &mut Teller) {
    let jump = -288 * SECOND;
    for rate_ppb in [500_000_000, -500_000_000] {
        let drift = ClockChange::Drift { rate_ppb };
        let before = read(ClockId::CLOCK_REALTIME);
        teller.clock.install(drift).unwrap();
        let installed = read(ClockId::CLOCK_REALTIME);
        std::thread::sleep(Duration::from_millis(100));
        let at_least = read(ClockId::CLOCK_REALTIME);
        let (least, most) = teller.off()[0];
        let at_most = read(ClockId::CLOCK_REALTIME);
        let gained = [(at_least - installed) / 2, (at_most - before) / 2];
        let gained = gained.map(|gained| jump + gained * rate_ppb.signum());
        let (low, high) = (gained[0].min(gained[1]), gained[0].max(gained[1]));
        assert!(
            low <= most && least <= high,
            "{least}..{most} for {low}..{high}"
        );
        teller.clock.undo(drift).unwrap();
        assert!(holds(teller.off_within(5_000_000)[0], jump));
    }
}

fn strobes(teller: &mut Teller) {
    let (jump, offset_ns) = (-288 * SECOND, 5 * SECOND);
    let strobe = ClockChange::Strobe {
        offset_ns,
        period_ns: 3_000_000,
    };
    teller.clock.install(strobe).unwrap();
    let mut seen = [false; 2];
    for _ in 0..20_000 {
        let [wall, _] = teller.off();
        seen[0] |= holds(wall, jump);
        seen[1] |= holds(wall, jump + offset_ns);
        assert!(
            holds(wall, jump) || holds(wall, jump + offset_ns),
            "{wall:?}"
        );
        if seen == [true; 2] && teller.clock.witness(strobe).unwrap().turns > 20 {
            break;
        }
    }
    assert_eq!(seen, [true; 2]);
    assert!(teller.clock.witness(strobe).unwrap().turns > 20);
    teller.clock.undo(strobe).unwrap();
    assert!(holds(teller.off()[0], jump));
}

fn monotonic(way: ClockWay) {
    enter_lab();
    let mut teller = Teller::start(way);
    let drift = |rate_ppb| ClockChange::Monotonic { rate_ppb };
    let (mut latest, mut ahead, mut behind) = (0, false, false);
    let mut look = |teller: &mut Teller| {
        let before = read(ClockId::CLOCK_MONOTONIC);
        let [wall, off] = teller.off();
        assert!(holds(wall, 0), "the wall clock is left alone");
        assert!(before + off.1 >= latest, "it went back");
        // What was told, less the time it took.
        latest = latest.max(before + off.0);
        ahead |= off.0 > 10_000_000;
        behind |= off.1 < -10_000_000;
    };
    for rate_ppb in [500_000_000, -500_000_000] {
        teller.clock.install(drift(rate_ppb)).unwrap();
        for _ in 0..100 {
            look(&mut teller);
            std::thread::sleep(Duration::from_millis(1));
        }
        teller.clock.undo(drift(rate_ppb)).unwrap();
        wait_until(|| {
            look(&mut teller);
            teller.clock.offset_ns(drift(0)) == 0
        });
        assert!(holds(teller.off()[1], 0), "true in the end");
    }
    assert!(ahead && behind);
}

/// A script whose commands are all programs of their own, one of them left in the background.
fn scripts(way: ClockWay) {
    enter_lab();
    let clock = clock(way);
    clock.install(DAY).unwrap();
    let script = script(
        "date +first:%s; (exec date +second:%s); sleep 1000 & date +third:%s; exec sleep 1000",
    );
    let mut node = start(&script, &[], &clock).unwrap();
    wait_until(|| told().len() == 3);
    assert_all_a_day_ahead(&told(), 3);
    // A program has its name a little before it has its clock.
    wait_until(|| {
        let all_reached = node.clock_reach(&clock).missed.is_empty();
        all_reached && commands(&node, &clock) == ["sleep", "sleep"]
    });
    let paused = node.pause().unwrap();
    assert_eq!(paused.pids.len(), 2, "what is followed can be stopped");
    node.resume().unwrap();
    use std::os::unix::process::ExitStatusExt;
    assert_eq!(node.kill().unwrap().signal(), Some(9));
}

/// A script is stopped and goes on, over and over, while it executes programs; then it ends by itself.
fn pause_and_kill(way: ClockWay) {
    enter_lab();
    let clock = clock(way);
    clock.install(DAY).unwrap();
    let script = script("i=0; while [ $i -lt 40 ]; do date +n:%s; i=$((i+1)); done; exit 7");
    let mut node = start(&script, &[], &clock).unwrap();
    while let Ok(evidence) = node.pause() {
        assert!(evidence.pids.contains(&node.pid()));
        let count = told().len();
        std::thread::sleep(Duration::from_millis(5));
        assert_eq!(told().len(), count, "nothing runs while it is stopped");
        node.resume().unwrap();
        std::thread::sleep(Duration::from_millis(1));
    }
    let mut ended = None;
    wait_until(|| {
        ended = node.try_wait().unwrap();
        ended.is_some()
    });
    assert_eq!(ended.unwrap().code(), Some(7));
    assert_all_a_day_ahead(&told(), 40);

    let mut teller = Teller::start(way);
    teller.clock.install(DAY).unwrap();
    assert_eq!(teller.process.pause().unwrap().pids.len(), 1);
    teller.process.resume().unwrap();
    assert!(holds(teller.off()[0], 86_400 * SECOND));
    use std::os::unix::process::ExitStatusExt;
    assert_eq!(teller.process.kill().unwrap().signal(), Some(9));
}

fn restart(way: ClockWay) {
    enter_lab();
    let clock = clock(way);
    clock.install(DAY).unwrap();
    for count in 1..=3 {
        let mut node = start(Path::new("/bin/date"), &["+n:%s"], &clock).unwrap();
        wait_until(|| node.try_wait().unwrap().is_some());
        assert_all_a_day_ahead(&told(), count);
    }
}

/// A program that is no script executes another one: that has the true time, and it is told that it has.
fn lost_at_exec() {
    enter_lab();
    let clock = clock(Vdso);
    clock.install(DAY).unwrap();
    let words = ["-c", "sleep 1000 & while :; do :; done"];
    let node = start(Path::new("/bin/sh"), &words, &clock).unwrap();
    wait_until(|| commands(&node, &clock) == ["sh", "sleep"]);
    let reach = node.clock_reach(&clock);
    assert_eq!(reach.faked, [node.pid()]);
    assert_eq!(reach.missed.len(), 1);
}

/// The C library linked into the program, as in Go there is no other way.
fn static_programs() {
    enter_lab();
    let program = static_program();
    let clock = clock(Vdso);
    clock.install(DAY).unwrap();
    let mut node = start(&program, &[], &clock).unwrap();
    wait_until(|| node.try_wait().unwrap().is_some());
    assert_all_a_day_ahead(&told(), 1);
}

/// A program that tells the seconds, or the end of the scene.
pub(crate) fn static_program() -> PathBuf {
    let source = "fn main() { let now = std::time::UNIX_EPOCH.elapsed().unwrap(); println!(\"n:{}\", now.as_secs()); }";
    fs::write("/run/static.rs", source).unwrap();
    let program = PathBuf::from("/run/static");
    let built = std::process::Command::new("rustc")
        .args(["-C", "target-feature=+crt-static", "/run/static.rs", "-o"])
        .arg(&program)
        .output();
    match built {
        Ok(output) if output.status.success() => program,
        Ok(output) => skip(String::from_utf8_lossy(&output.stderr)),
        Err(error) => skip(format!("no rustc: {error}")),
    }
}

/// `time`, `gettimeofday` and `clock_gettime`, all asked by one shell.
fn every_way_to_ask(way: ClockWay) {
    enter_lab();
    let bash = Path::new("/bin/bash");
    if !bash.exists() {
        skip("there is no /bin/bash to ask");
    }
    let clock = clock(way);
    clock.install(DAY).unwrap();
    let ways = "printf 'time:%s\\n' $EPOCHSECONDS; printf 'gettimeofday:%s\\n' ${EPOCHREALTIME%[.,]*}; printf 'format:%(%s)T\\n' -1";
    let mut node = start(bash, &["-c", ways], &clock).unwrap();
    wait_until(|| node.try_wait().unwrap().is_some());
    assert_all_a_day_ahead(&told(), 3);
}

fn missing_page() {
    enter_lab();
    let clock = clock(Vdso);
    fs::remove_file(clock.path()).unwrap();
    let error = start(Path::new("/bin/sleep"), &["1000"], &clock)
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("/bin/sleep") && error.contains("ENOENT"),
        "{error}"
    );
    wait_until(|| {
        fs::read_dir("/proc").unwrap().flatten().all(|entry| {
            let comm = fs::read_to_string(entry.path().join("comm"));
            comm.is_ok_and(|comm| comm != "sleep\n") || !entry.path().join("comm").exists()
        })
    });
}

fn script(commands: &str) -> PathBuf {
    executable("/run/script", commands)
}

/// A script of the shell in a file of this name.
pub(crate) fn executable(path: &str, commands: &str) -> PathBuf {
    let path = PathBuf::from(path);
    fs::write(&path, format!("#!/bin/sh\n{commands}\n")).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    path
}

/// The seconds in the lines `name:seconds` of the log.
pub(crate) fn told() -> Vec<i64> {
    let log = fs::read_to_string("/run/log").unwrap_or_default();
    let seconds = |line: &str| line.split_once(':')?.1.parse().ok();
    log.lines().filter_map(seconds).collect()
}

pub(crate) fn assert_all_a_day_ahead(seconds: &[i64], count: usize) {
    assert_eq!(
        seconds.len(),
        count,
        "{}",
        fs::read_to_string("/run/log").unwrap()
    );
    let now = true_seconds();
    for second in seconds {
        assert!(
            (now + 80_000..now + 90_000).contains(second),
            "{second} at {now}"
        );
    }
}

/// The names of the programs of a node, in order.
pub(crate) fn commands(node: &NodeProcess, clock: &NodeClock) -> Vec<String> {
    let reach = node.clock_reach(clock);
    let name = |pid: &u32| fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
    let mut names: Vec<String> = reach.faked.iter().chain(&reach.missed).map(name).collect();
    names
        .iter_mut()
        .for_each(|name| name.truncate(name.trim_end().len()));
    names.sort();
    names
}

pub(crate) fn wait_until(mut reached: impl FnMut() -> bool) {
    for _ in 0..4000 {
        if reached() {
            return;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    panic!(
        "waited in vain: {}",
        fs::read_to_string("/run/log").unwrap_or_default()
    );
}
