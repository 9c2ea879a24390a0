//! Processes of nodes: started, stopped, continued, killed, and seen to be so in `/proc`.

use crate::runner::{Scene, enter_lab};
use nemesis::process::{NodeProcess, Pace, ProcessError, ProcessSpec, Slowed};
use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

pub(crate) const SCENES: &[Scene] = &[
    Scene::test("process::pause_and_resume", |_| pause_and_resume()),
    Scene::test("process::slow", |_| slow()),
    Scene::test("process::slow_and_paused", |_| slow_and_paused()),
    Scene::test("process::kill_takes_the_group", |_| kill_takes_the_group()),
    Scene::test("process::orphans_are_reaped", |_| orphans_are_reaped()),
    Scene::test("process::end_is_noticed", |_| end_is_noticed()),
    Scene::test("process::terminate", |_| terminate()),
    Scene::test("process::missing_program", |_| missing_program()),
    Scene::test("process::namespace_and_log", |_| namespace_and_log()),
];

fn shell(script: &str) -> NodeProcess {
    let log = fs::File::options().write(true).open("/dev/null").unwrap();
    let spec = ProcessSpec {
        program: Path::new("/bin/sh"),
        args: vec!["-c".into(), script.into()],
        env: Vec::new(),
        log,
        namespace: None,
        clock: None,
    };
    NodeProcess::spawn(&spec).unwrap()
}

fn state(pid: u32) -> char {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    stat.rsplit_once(") ").unwrap().1.chars().next().unwrap()
}

/// Every process of the lab, zombies among them.
fn listed() -> Vec<u32> {
    let entries = fs::read_dir("/proc").unwrap().flatten();
    entries
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .collect()
}

fn living() -> usize {
    let alive = |pid: &u32| {
        fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| !stat.contains(") Z "))
    };
    listed().iter().filter(|pid| alive(pid)).count()
}

/// A shell with two children that burn time: all three stop, and all three go on.
fn pause_and_resume() {
    enter_lab();
    let mut node = shell("(while :; do :; done) & (while :; do :; done) & wait");
    wait_until(|| living() == 5);
    let evidence = node.pause().unwrap();
    assert_eq!(evidence.pids.len(), 3);
    assert!(evidence.pids.contains(&node.pid()));
    assert_eq!(evidence.threads, 3);
    assert!(evidence.pids.iter().all(|pid| state(*pid) == 'T'));
    node.resume().unwrap();
    assert!(evidence.pids.iter().all(|pid| state(*pid) != 'T'));
    node.pause().unwrap();
    assert_eq!(
        node.kill().unwrap().signal(),
        Some(9),
        "a stopped process can be killed"
    );
    node.resume().unwrap();
    assert!(matches!(node.pause(), Err(ProcessError::Ended { .. })));
}

const A_FIFTH: Pace = Pace {
    run_ms: 10,
    stop_ms: 40,
};

/// What the kernel says that these have used, in its unit of 10 ms.
fn ticks(pids: &[u32]) -> u64 {
    let of_one = |pid: &u32| {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
        let fields = stat
            .rsplit_once(") ")
            .unwrap()
            .1
            .split(' ')
            .skip(11)
            .take(2);
        fields
            .map(|ticks| ticks.parse::<u64>().unwrap())
            .sum::<u64>()
    };
    pids.iter().map(of_one).sum()
}

/// Two children burn time and a third comes later: all stand still in turns, none uses more than it was let run, and in the
/// end all run.
fn slow() {
    enter_lab();
    let burn = "(while :; do :; done) &";
    let script = format!("{burn} {burn} read line < /run/more; {burn} wait");
    nix::unistd::mkfifo("/run/more", nix::sys::stat::Mode::S_IRWXU).unwrap();
    let node = Arc::new(Mutex::new(shell(&script)));
    wait_until(|| living() == 5);
    let pids = || {
        listed()
            .into_iter()
            .filter(|pid| *pid > 2)
            .collect::<Vec<_>>()
    };
    let two = pids();
    let before = ticks(&two);
    let of_thread = Arc::clone(&node);
    let slowed = Slowed::start(A_FIFTH, move |act| act(&of_thread.lock().unwrap()));
    let (mut stood, mut ran) = (0, 0);
    while stood < 50 || ran < 50 {
        match state(two[1]) {
            'T' => stood += 1,
            _ => ran += 1,
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    fs::write("/run/more", "now\n").unwrap();
    wait_until(|| living() == 6);
    let three = pids();
    wait_until(|| three.iter().all(|pid| state(*pid) == 'T'));
    wait_until(|| three.iter().all(|pid| state(*pid) != 'T'));
    let used = ticks(&two) - before;
    let evidence = slowed.end();
    assert_eq!((evidence.processes, evidence.without), (4, 0));
    assert_eq!(evidence.failed, None);
    assert!(evidence.stops > 2 && evidence.share() < 0.9, "{evidence:?}");
    assert!(
        !evidence.cpu.is_zero() && evidence.cpu < 4 * evidence.ran,
        "{evidence:?}"
    );
    let allowed = 2 * evidence.ran.as_millis() as u64 / 10;
    assert!(used <= allowed + 5, "{used} ticks in {evidence:?}");
    assert!(three.iter().all(|pid| state(*pid) != 'T'), "it runs again");
    drop(node);
}

/// Somebody else pauses a slowed node: it stays paused, whatever turn it is, and is slow again afterwards.
fn slow_and_paused() {
    enter_lab();
    let node = Arc::new(Mutex::new(shell("while :; do :; done")));
    let pid = node.lock().unwrap().pid();
    let is_paused = Arc::new(AtomicBool::new(false));
    let (of_thread, paused) = (Arc::clone(&node), Arc::clone(&is_paused));
    let slowed = Slowed::start(A_FIFTH, move |act| {
        let process = of_thread.lock().unwrap();
        if !paused.load(Ordering::SeqCst) {
            act(&process);
        }
    });
    wait_until(|| state(pid) == 'T');
    {
        let process = node.lock().unwrap();
        is_paused.store(true, Ordering::SeqCst);
        process.pause().unwrap();
    }
    for _ in 0..200 {
        assert_eq!(state(pid), 'T');
        std::thread::sleep(Duration::from_millis(1));
    }
    {
        let process = node.lock().unwrap();
        is_paused.store(false, Ordering::SeqCst);
        process.resume().unwrap();
    }
    wait_until(|| state(pid) == 'T');
    wait_until(|| state(pid) != 'T');
    node.lock().unwrap().kill().unwrap();
    let evidence = slowed.end();
    assert!(evidence.stops > 1 && evidence.without > 0, "{evidence:?}");
}

fn kill_takes_the_group() {
    enter_lab();
    let mut node = shell("sleep 1000 & sleep 1000 & wait");
    wait_until(|| living() == 5);
    assert_eq!(node.kill().unwrap().signal(), Some(9));
    assert_eq!(
        node.kill().unwrap().signal(),
        Some(9),
        "a second kill changes nothing"
    );
    wait_until(|| living() == 2);
}

/// A daemon that left its group and its parent is reaped by the lab's init: not even a zombie stays.
fn orphans_are_reaped() {
    enter_lab();
    let mut node = shell("setsid sh -c ': > /run/started; exec sleep 1000' & wait");
    wait_until(|| Path::new("/run/started").exists());
    node.kill().unwrap();
    let daemons = || {
        listed()
            .into_iter()
            .filter(|pid| *pid > 2)
            .collect::<Vec<_>>()
    };
    assert_eq!(daemons().len(), 1, "it escaped the group");
    nix::sys::signal::kill(
        nix::unistd::Pid::from_raw(daemons()[0] as i32),
        nix::sys::signal::Signal::SIGKILL,
    )
    .unwrap();
    wait_until(|| daemons().is_empty());
}

/// The children of a process that ends by itself go with it.
fn end_is_noticed() {
    enter_lab();
    let mut node = shell("sleep 1000 & read line < /proc/1/nothing; exit 3");
    let mut seen = None;
    wait_until_mut(|| {
        seen = node.try_wait().unwrap();
        seen.is_some()
    });
    assert_eq!(seen.and_then(|status| status.code()), Some(3));
    wait_until(|| living() == 2);
}

fn terminate() {
    enter_lab();
    let grace = Duration::from_secs(20);
    assert_eq!(
        shell("exec sleep 1000").terminate(grace).unwrap().signal(),
        Some(15)
    );
    let mut deaf = shell("trap '' TERM; : > /run/deaf; while :; do sleep 1; done");
    wait_until(|| Path::new("/run/deaf").exists());
    assert_eq!(deaf.terminate(Duration::ZERO).unwrap().signal(), Some(9));
}

fn missing_program() {
    enter_lab();
    let spec = ProcessSpec {
        program: Path::new("/no/such/program"),
        args: Vec::new(),
        env: Vec::new(),
        log: fs::File::options().write(true).open("/dev/null").unwrap(),
        namespace: None,
        clock: None,
    };
    let error = NodeProcess::spawn(&spec).unwrap_err().to_string();
    assert!(error.contains("/no/such/program"), "{error}");
}

/// A process started in a node's namespace has the node's address only, and its output is in its log.
fn namespace_and_log() {
    enter_lab();
    let (nodes, plane) = crate::network::three_nodes(nemesis::net::PlaneKind::Switch);
    let log = Path::new("/run/n2.log");
    let spec = ProcessSpec {
        program: Path::new("/bin/sh"),
        args: vec![
            "-c".into(),
            "cat /proc/net/fib_trie; echo $GREETING >&2".into(),
        ],
        env: vec![("GREETING".into(), "hello".into())],
        log: fs::File::create(log).unwrap(),
        namespace: Some(plane.namespace(&nodes[1])),
        clock: None,
    };
    let mut node = NodeProcess::spawn(&spec).unwrap();
    wait_until_mut(|| node.try_wait().unwrap().is_some());
    let text = fs::read_to_string(log).unwrap();
    assert!(
        text.contains("10.99.0.2") && !text.contains("10.99.0.1\n"),
        "{text}"
    );
    assert!(text.ends_with("hello\n"), "{text}");
}

fn wait_until(reached: impl Fn() -> bool) {
    wait_until_mut(reached);
}

fn wait_until_mut(mut reached: impl FnMut() -> bool) {
    for _ in 0..2000 {
        if reached() {
            return;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    panic!("waited in vain");
}
