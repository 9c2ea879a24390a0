//! Programs that know nothing of us, with wrong clocks: redis, etcd (Go) and PostgreSQL (a process for each connection), where
//! they are installed. Each is asked in its own way.

use crate::clock_scenes::{DAY, clock, executable, start, true_seconds, wait_until};
use crate::runner::{Scene, enter_lab, skip};
use nemesis::clocks::{ClockError, ClockWay, NodeClock};
use nemesis::process::{NodeProcess, ProcessError};
use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::Command;

pub(crate) const SCENES: &[Scene] = &[
    Scene::test("foreign_clocks::redis", |_| redis(ClockWay::Vdso)),
    Scene::test("foreign_clocks::etcd", |_| etcd()),
    Scene::test("foreign_clocks::postgresql", |_| postgresql(ClockWay::Vdso)),
    Scene::test("foreign_preloaded_clocks::redis", |_| {
        redis(ClockWay::Preload);
    }),
    Scene::test("foreign_preloaded_clocks::etcd_never_looks", |_| {
        etcd_never_looks();
    }),
    Scene::test("foreign_preloaded_clocks::postgresql", |_| {
        postgresql(ClockWay::Preload);
    }),
];

/// `TIME` is a day ahead from one moment to the next, and what was to expire later is gone.
fn redis(way: ClockWay) {
    let program = installed("redis-server");
    enter_lab();
    let clock = clock(way);
    let args = [
        "--port",
        "0",
        "--unixsocket",
        "/run/redis",
        "--save",
        "",
        "--dir",
        "/run",
    ];
    let node = start(&program, &args, &clock).unwrap();
    wait_until(|| UnixStream::connect("/run/redis").is_ok());
    let mut redis = UnixStream::connect("/run/redis").unwrap();
    let mut ask = |command: &str| {
        redis
            .write_all(format!("{command}\r\n").as_bytes())
            .unwrap();
        let mut answer = [0; 512];
        let length = redis.read(&mut answer).unwrap();
        String::from_utf8_lossy(&answer[..length]).into_owned()
    };
    let ahead = |ask: &mut dyn FnMut(&str) -> String| {
        let answer = ask("TIME");
        let seconds: i64 = answer.lines().nth(2).unwrap().parse().unwrap();
        seconds - true_seconds()
    };
    assert!((-2..=0).contains(&ahead(&mut ask)));
    assert_eq!(ask("SET key value EX 3600"), "+OK\r\n");
    assert_eq!(ask("GET key"), "$5\r\nvalue\r\n");
    clock.install(DAY).unwrap();
    assert!((86_390..=86_400).contains(&ahead(&mut ask)));
    assert_eq!(ask("GET key"), "$-1\r\n");
    clock.undo(DAY).unwrap();
    assert!((-2..=0).contains(&ahead(&mut ask)));
    assert!(clock.witness(DAY).unwrap().turns >= 2);
    drop(node);
}

/// Go's HTTP server dates its answers.
fn etcd() {
    let (node, clock) = start_etcd(ClockWay::Vdso);
    for ahead in [0, 86_400] {
        if ahead > 0 {
            clock.install(DAY).unwrap();
        }
        assert_dated(ahead);
    }
    assert_reach(&node, &clock);
}

/// A Go program asks the vDSO itself, whatever it has loaded: nobody may take that for a wrong clock.
fn etcd_never_looks() {
    let (node, clock) = start_etcd(ClockWay::Preload);
    clock.install(DAY).unwrap();
    assert_dated(0);
    assert_eq!(clock.witness(DAY).unwrap().reads, 0);
    drop(node);
}

fn start_etcd(way: ClockWay) -> (NodeProcess, NodeClock) {
    let program = installed("etcd");
    enter_lab();
    let clock = clock(way);
    let args = [
        "--data-dir=/run/etcd",
        "--listen-client-urls=http://127.0.0.1:2379",
        "--advertise-client-urls=http://127.0.0.1:2379",
        "--listen-peer-urls=http://127.0.0.1:2380",
    ];
    let node = match start(&program, &args, &clock) {
        Err(ProcessError::Clock {
            source: error @ ClockError::NotLoaded { .. },
            ..
        }) => skip(error),
        node => node.unwrap(),
    };
    wait_until(|| dated().is_some());
    (node, clock)
}

fn assert_dated(ahead: i64) {
    let before = http_date(true_seconds() + ahead);
    let told = dated().unwrap();
    let after = http_date(true_seconds() + ahead);
    assert!(told == before || told == after, "{told}, not {before}");
}

/// What etcd says when it was that it answered.
fn dated() -> Option<String> {
    let mut stream = TcpStream::connect("127.0.0.1:2379").ok()?;
    stream.write_all(b"GET /version HTTP/1.0\r\n\r\n").ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    let date = answer.lines().find_map(|line| line.strip_prefix("Date: "));
    date.map(str::to_owned)
}

fn http_date(seconds: i64) -> String {
    let format = [
        "-u",
        "-d",
        &format!("@{seconds}"),
        "+%a, %d %b %Y %H:%M:%S GMT",
    ];
    let output = Command::new("date")
        .env("LC_ALL", "C")
        .args(format)
        .output()
        .unwrap();
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// An old session and a new one, each a process of its own; the server is started by a script that changes the user.
fn postgresql(way: ClockWay) {
    let Some(bin) = postgresql_programs() else {
        skip("PostgreSQL is not installed");
    };
    let become_it = "setpriv --reuid=postgres --regid=postgres --clear-groups";
    let can = Command::new("setpriv")
        .args(["--reuid=postgres", "true"])
        .status();
    if !can.is_ok_and(|status| status.success()) {
        skip("PostgreSQL needs a user of its own, whom only root can become");
    }
    enter_lab();
    let clock = clock(way);
    let bin = bin.display();
    let script = executable(
        "/run/server",
        &format!(
            "mkdir /run/pg && chown postgres /run/pg && {become_it} {bin}/initdb -D /run/pg/data --no-sync >/dev/null
             exec {become_it} {bin}/postgres -D /run/pg/data -c listen_addresses= -c unix_socket_directories=/run/pg"
        ),
    );
    let mut node = start(&script, &[], &clock).unwrap();
    let psql = |input: &[&str]| {
        let mut command = Command::new(format!("{bin}/psql"));
        command.args(["-h", "/run/pg", "-U", "postgres", "-At"]);
        for text in input {
            command.args(["-c", text]);
        }
        command.output().unwrap()
    };
    wait_until(|| psql(&["select 1"]).status.success());
    let now = "select floor(extract(epoch from clock_timestamp()))::bigint";
    let ahead = |session: &std::process::Output| -> Vec<i64> {
        let said = String::from_utf8_lossy(&session.stdout).into_owned();
        let seconds = said.lines().filter_map(|line| line.parse::<i64>().ok());
        seconds.map(|second| second - true_seconds()).collect()
    };
    assert!(matches!(ahead(&psql(&[now]))[..], [-5..=0]));
    // One session from before the jump until after it.
    let old = std::thread::scope(|scope| {
        let old = scope.spawn(|| psql(&[now, "select pg_sleep(1)", now]));
        wait_until(|| {
            active_sleep(&psql(&[
                "select count(*) from pg_stat_activity where wait_event = 'PgSleep'",
            ]))
        });
        clock.install(DAY).unwrap();
        old.join().unwrap()
    });
    assert!(
        matches!(ahead(&old)[..], [-10..=0, 86_380..=86_400]),
        "{:?}",
        ahead(&old)
    );
    assert!(matches!(ahead(&psql(&[now]))[..], [86_380..=86_400]));
    assert_reach(&node, &clock);
    node.kill().unwrap();
}

fn active_sleep(output: &std::process::Output) -> bool {
    output.stdout.starts_with(b"1")
}

fn assert_reach(node: &NodeProcess, clock: &NodeClock) {
    let reach = node.clock_reach(clock);
    assert!(
        !reach.faked.is_empty() && reach.missed.is_empty(),
        "{reach:?}"
    );
}

/// Where a program is, or the end of the scene.
fn installed(name: &str) -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut candidates = std::env::split_paths(&path).map(|folder| folder.join(name));
    let found = candidates.find(|candidate| candidate.exists());
    found.unwrap_or_else(|| skip(format_args!("{name} is not installed")))
}

/// The folder with the programs of the newest PostgreSQL.
fn postgresql_programs() -> Option<PathBuf> {
    let versions = fs::read_dir(Path::new("/usr/lib/postgresql")).ok()?;
    let folders = versions.flatten().map(|entry| entry.path().join("bin"));
    folders
        .filter(|folder| folder.join("initdb").exists())
        .max()
}
