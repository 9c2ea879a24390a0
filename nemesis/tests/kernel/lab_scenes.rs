//! The lab: exit codes, signals, and that nothing is left when any of its processes is killed.

use crate::runner::{Playing, Scene, User, command, enter_lab, judge};
use libtest_mimic::{Failed, Trial};
use nemesis::NodeName;
use nemesis::lab::LabError;
use nemesis::process::{NodeProcess, ProcessSpec};
use nix::sys::signal::{SigSet, Signal, kill, killpg};
use nix::unistd::Pid;
use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ExitStatus};
use std::thread;
use std::time::Duration;

pub(crate) const SCENES: &[Scene] = &[
    Scene::test("lab::inside_is_private", |_| inside_is_private()),
    Scene::test("lab::threads_are_refused", |_| threads_are_refused()),
    Scene::part("lab::exit_with", |words| exit_with(&words[0])),
    Scene::part("lab::count_signals", |_| count_signals()),
    Scene::part("lab::busy", |_| busy()),
];

type Check = fn(User) -> Result<(), Failed>;

pub(crate) fn trials() -> Vec<Trial> {
    let tests: [(&str, Check); 7] = [
        (
            "lab::ignored_signals_stay_ignored",
            ignored_signals_stay_ignored,
        ),
        ("lab::exit_code_is_passed_on", exit_code_is_passed_on),
        ("lab::each_signal_arrives_once", each_signal_arrives_once),
        ("lab::group_signal_arrives_once", group_signal_arrives_once),
        ("lab::killed_outer_leaves_nothing", |user| {
            nothing_left(user, Victim::Outer)
        }),
        ("lab::killed_init_leaves_nothing", |user| {
            nothing_left(user, Victim::Init)
        }),
        ("lab::killed_harness_leaves_nothing", |user| {
            nothing_left(user, Victim::Harness)
        }),
    ];
    let each = |(name, run): (&'static str, Check)| {
        let trial = move |user: User| {
            let name = format!("{name}::{}", user.label());
            Trial::test(name, move || match lab_refusal(user) {
                Some(skipped) => judge(&skipped),
                None => run(user),
            })
        };
        User::all().into_iter().map(trial)
    };
    tests.into_iter().flat_map(each).collect()
}

/// The output of a scene that could not enter the lab, if that is what happens to this user.
fn lab_refusal(user: User) -> Option<std::process::Output> {
    let output = command("lab::exit_with", user).arg("0").output().unwrap();
    (!output.status.success()).then_some(output)
}

fn inside_is_private() {
    let lab = enter_lab();
    assert_eq!(std::process::id(), 2);
    assert_eq!(nix::unistd::getppid(), Pid::from_raw(1));
    assert!(nix::unistd::geteuid().is_root());
    assert_eq!(
        lab.user_namespace,
        fs::read_to_string("/proc/self/uid_map")
            .unwrap()
            .trim_end()
            .ends_with(" 1")
    );
    assert!(nemesis::lab::inside());
    let interfaces = fs::read_to_string("/proc/net/dev").unwrap();
    assert_eq!(
        interfaces
            .lines()
            .skip(2)
            .filter(|line| !line.trim_start().starts_with("lo:"))
            .count(),
        0,
        "{interfaces}"
    );
    std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    fs::write("/run/xtables.lock", "").unwrap();
    let processes = fs::read_dir("/proc").unwrap().flatten();
    let numbers =
        processes.filter(|entry| entry.file_name().to_string_lossy().parse::<u32>().is_ok());
    assert_eq!(numbers.count(), 2);
}

fn threads_are_refused() {
    let (stop, stopped) = std::sync::mpsc::channel::<()>();
    let thread = thread::spawn(move || stopped.recv());
    assert!(matches!(
        nemesis::lab::enter(),
        Err(LabError::Threads { count: 2 })
    ));
    drop(stop);
    assert!(thread.join().unwrap().is_err());
}

/// Ends the harness with an exit code, or by a signal.
fn exit_with(how: &str) {
    enter_lab();
    match how.parse() {
        Ok(code) => std::process::exit(code),
        Err(_) => std::process::abort(),
    }
}

fn exit_code_is_passed_on(user: User) -> Result<(), Failed> {
    for (how, code) in [("0", 0), ("4", 4), ("255", 255), ("abort", 128 + 6)] {
        let output = command("lab::exit_with", user).arg(how).output()?;
        assert_eq!(output.status.code(), Some(code), "{how}");
    }
    Ok(())
}

/// Prints each signal it gets, until one says stop.
fn count_signals() {
    enter_lab();
    let mut signals = SigSet::empty();
    for signal in [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP] {
        signals.add(signal);
    }
    signals.thread_block().unwrap();
    println!("ready");
    loop {
        let signal = signals.wait().unwrap();
        println!("{signal}");
        if signal == Signal::SIGHUP {
            return;
        }
    }
}

fn each_signal_arrives_once(user: User) -> Result<(), Failed> {
    signals_arrive_once(user, |outer, signal| kill(outer, signal).unwrap())
}

/// As `timeout` and a terminal do it: the process is signalled, and its whole group as well.
fn group_signal_arrives_once(user: User) -> Result<(), Failed> {
    signals_arrive_once(user, |outer, signal| {
        kill(outer, signal).unwrap();
        killpg(outer, signal).unwrap();
    })
}

/// Under `nohup` the end of the terminal is not the end of the run.
fn ignored_signals_stay_ignored(user: User) -> Result<(), Failed> {
    let scene = command("lab::count_signals", user);
    let mut shell = std::process::Command::new("/bin/sh");
    shell
        .args(["-c", "trap '' HUP; exec \"$@\"", "sh"])
        .arg(scene.get_program())
        .args(scene.get_args());
    user.take_over(&mut shell);
    let mut outer = Playing::start(shell.current_dir("/"))?;
    let mut lines = BufReader::new(outer.stdout.take().unwrap()).lines();
    assert_eq!(lines.next().unwrap()?, "ready");
    for signal in [
        Signal::SIGHUP,
        Signal::SIGTERM,
        Signal::SIGHUP,
        Signal::SIGINT,
    ] {
        kill(pid_of(&outer), signal).unwrap();
    }
    let heard = [lines.next().unwrap()?, lines.next().unwrap()?];
    assert_eq!(
        BTreeSet::from(heard),
        BTreeSet::from(["SIGINT".to_owned(), "SIGTERM".to_owned()])
    );
    Ok(())
}

fn signals_arrive_once(user: User, send: fn(Pid, Signal)) -> Result<(), Failed> {
    let mut outer = Playing::start(command("lab::count_signals", user).process_group(0))?;
    let mut lines = BufReader::new(outer.stdout.take().unwrap()).lines();
    assert_eq!(lines.next().unwrap()?, "ready");
    for signal in [
        Signal::SIGINT,
        Signal::SIGTERM,
        Signal::SIGINT,
        Signal::SIGHUP,
    ] {
        send(pid_of(&outer), signal);
        assert_eq!(lines.next().unwrap()?, signal.to_string());
    }
    assert!(outer.wait()?.success());
    Ok(())
}

/// A lab with everything in it: a network, a process in a group, one in a session of its own.
fn busy() {
    enter_lab();
    let nodes = NodeName::first(3);
    let options = nemesis::net::NetOptions::default();
    let plane = nemesis::net::build(nemesis::net::PlaneKind::Switch, &nodes, &options).unwrap();
    let running: Vec<NodeProcess> = ["sleep 1000", "setsid sleep 1000", "sleep 1000 & wait"]
        .into_iter()
        .zip(&nodes)
        .map(|(script, node)| {
            let spec = ProcessSpec {
                program: Path::new("/bin/sh"),
                args: vec!["-c".into(), script.into()],
                env: Vec::new(),
                log: fs::File::options().write(true).open("/dev/null").unwrap(),
                namespace: Some(plane.namespace(node)),
                clock: None,
            };
            NodeProcess::spawn(&spec).unwrap()
        })
        .collect();
    println!("{}", running.len());
    std::io::stdout().flush().unwrap();
    thread::sleep(Duration::from_secs(1000));
}

#[derive(Clone, Copy)]
enum Victim {
    Outer,
    Init,
    Harness,
}

fn nothing_left(user: User, victim: Victim) -> Result<(), Failed> {
    let before = traces_of_labs();
    let mut outer = Playing::start(&mut command("lab::busy", user))?;
    let mut stdout = BufReader::new(outer.stdout.take().unwrap());
    let mut ready = String::new();
    stdout.read_line(&mut ready)?;
    assert_eq!(ready.trim(), "3");
    let family = descendants(outer.id());
    let lives = |pid: &u32| {
        fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| !stat.contains(") Z "))
    };
    assert!(
        family.len() >= 6,
        "outer, init, harness and at least three nodes: {family:?}"
    );
    let namespaces: BTreeSet<PathBuf> = family.iter().filter_map(|pid| network_of(*pid)).collect();
    assert!(namespaces.len() >= 4, "{namespaces:?}");

    let status = strike(&mut outer, &family, victim);
    assert!(
        matches!(victim, Victim::Outer) || status.code() == Some(128 + 9),
        "{status}"
    );
    wait_for("its processes to end", || !family.iter().skip(1).any(lives));
    let mut rest = String::new();
    stdout.read_to_string(&mut rest)?;
    assert_eq!(rest, "", "somebody kept the pipe of the lab open");
    assert_eq!(traces_of_labs(), before);
    Ok(())
}

fn strike(outer: &mut Child, family: &[u32], victim: Victim) -> ExitStatus {
    let number = match victim {
        Victim::Outer => 0,
        Victim::Init => 1,
        Victim::Harness => 2,
    };
    kill(Pid::from_raw(family[number] as i32), Signal::SIGKILL).unwrap();
    outer.wait().unwrap()
}

/// A process and all that came from it, oldest first.
fn descendants(root: u32) -> Vec<u32> {
    let mut family = vec![root];
    let mut seen = 0;
    while seen < family.len() {
        let parent = family[seen];
        let path = format!("/proc/{parent}/task/{parent}/children");
        let children = fs::read_to_string(path).unwrap_or_default();
        family.extend(
            children
                .split_whitespace()
                .filter_map(|pid| pid.parse::<u32>().ok()),
        );
        seen += 1;
    }
    family
}

/// The mounts and interfaces of the host.
fn traces_of_labs() -> (String, Vec<String>) {
    let links = fs::read_to_string("/proc/net/dev").unwrap();
    let names = links
        .lines()
        .filter_map(|line| line.split_once(':'))
        .map(|(name, _)| name.trim().to_owned());
    (fs::read_to_string("/proc/mounts").unwrap(), names.collect())
}

fn network_of(pid: u32) -> Option<PathBuf> {
    fs::read_link(format!("/proc/{pid}/ns/net")).ok()
}

fn wait_for(what: &str, reached: impl Fn() -> bool) {
    for _ in 0..2000 {
        if reached() {
            return;
        }
        thread::sleep(Duration::from_millis(5));
    }
    panic!("waited in vain for {what}");
}

fn pid_of(child: &Child) -> Pid {
    Pid::from_raw(child.id() as i32)
}
