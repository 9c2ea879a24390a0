//! Programs that know nothing of us, on a disk that loses power: redis, etcd and PostgreSQL, where they are installed.

use crate::disk_scenes::{disk, shell, wait_until};
use crate::runner::{Scene, skip};
use nemesis::disk::Disk;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::Duration;

pub(crate) const SCENES: &[Scene] = &[
    Scene::test("foreign_disk::redis_keeps_what_it_syncs", |_| {
        redis("always");
    }),
    Scene::test("foreign_disk::redis_loses_what_it_does_not", |_| {
        redis("no");
    }),
    Scene::test("foreign_disk::etcd", |_| etcd()),
    Scene::test("foreign_disk::postgresql", |_| postgresql()),
];

/// A disk, if these programs can be started.
fn disk_for(programs: &[&str]) -> (Disk, PathBuf) {
    for program in programs {
        if Command::new(program).arg("--version").output().is_err() {
            skip(format_args!("{program} is not installed"));
        }
    }
    disk()
}

fn run(program: &str, args: &[&str]) -> Output {
    Command::new(program).args(args).output().unwrap()
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

/// Counts up in redis, then loses power, and sees how far it still counts.
fn redis(appendfsync: &str) {
    let (disk, folder) = disk_for(&["redis-server", "redis-cli"]);
    let server = format!(
        "exec redis-server --dir $1 --port 0 --unixsocket /run/redis --save '' --appendonly yes --appendfsync {appendfsync}"
    );
    let cli = |args: &[&str]| run("redis-cli", &[&["-s", "/run/redis"], args].concat());
    let up = || said(&cli(&["ping"])) == "PONG";
    let mut node = shell(&server, &folder);
    wait_until(up);
    disk.settle().unwrap();
    let acknowledged = said(&cli(&["-r", "3000", "incr", "n"])).lines().count();
    assert_eq!(acknowledged, 3000);
    node.kill().unwrap();
    let lost = disk.lose_power(0, 1).unwrap();
    let mut node = shell(&server, &folder);
    wait_until(up);
    let left: usize = said(&cli(&["get", "n"])).parse().unwrap_or(0);
    println!(
        "redis, appendfsync {appendfsync}: {acknowledged} acknowledged, {left} left; {lost:?}"
    );
    match appendfsync {
        "always" => assert_eq!(left, acknowledged, "{lost:?}"),
        _ => assert!(
            left < acknowledged && lost.bytes > 0,
            "{left} left; {lost:?}"
        ),
    }
    node.kill().unwrap();
}

/// Every put that was acknowledged is there after a torn loss of power.
fn etcd() {
    let (disk, folder) = disk_for(&["etcd", "etcdctl"]);
    let server = "exec etcd --data-dir $1/etcd --listen-client-urls http://127.0.0.1:2379 \
                  --advertise-client-urls http://127.0.0.1:2379 --listen-peer-urls http://127.0.0.1:2380";
    let cli = |args: &[&str]| run("etcdctl", &[&["--endpoints=127.0.0.1:2379"], args].concat());
    let up = || cli(&["endpoint", "health"]).status.success();
    let mut node = shell(server, &folder);
    wait_until(up);
    disk.settle().unwrap();
    let put = |number: u32| {
        cli(&["put", &format!("k{number:03}"), "v"])
            .status
            .success()
    };
    let acknowledged = (0..60).filter(|number| put(*number)).count();
    assert_eq!(acknowledged, 60);
    node.kill().unwrap();
    let lost = disk.lose_power(30, 1).unwrap();
    let mut node = shell(server, &folder);
    wait_until(up);
    let left = said(&cli(&["get", "--prefix", "k", "--keys-only"]));
    let left = left.lines().filter(|line| line.starts_with('k')).count();
    println!("etcd: {acknowledged} acknowledged, {left} left; {lost:?}");
    assert_eq!(left, acknowledged, "{lost:?}");
    node.kill().unwrap();
}

/// Every insert that was acknowledged is there after a torn loss of power, and what was not synced on purpose is not.
fn postgresql() {
    let Some(programs) = postgresql_programs() else {
        skip("PostgreSQL is not installed");
    };
    if !nix::unistd::geteuid().is_root()
        || run("setpriv", &["--reuid=postgres", "true"]).status.code() != Some(0)
    {
        skip("PostgreSQL needs a user of its own, whom only root can become");
    }
    let (disk, folder) = disk();
    let data = folder.join("data");
    for made in [data.to_str().unwrap(), "/run/postgres"] {
        fs::create_dir(made).unwrap();
        assert!(run("chown", &["postgres", made]).status.success());
    }
    let become_it = "setpriv --reuid=postgres --regid=postgres --clear-groups";
    let bin = programs.display();
    let made = shell(
        &format!("{become_it} {bin}/initdb -D $1/data --no-sync >/dev/null"),
        &folder,
    );
    wait_for(made);
    disk.settle().unwrap();
    let server = format!(
        "exec {become_it} {bin}/postgres -D $1/data -c listen_addresses= -c unix_socket_directories=/run/postgres"
    );
    let psql = programs.join("psql");
    let query = |text: &str| {
        run(
            psql.to_str().unwrap(),
            &["-h", "/run/postgres", "-U", "postgres", "-Atc", text],
        )
    };
    let up = || query("select 1").status.success();
    let mut node = shell(&server, &folder);
    wait_until(up);
    assert!(query("create table t (n int)").status.success());
    let insert = |number: u32| {
        query(&format!("insert into t values ({number})"))
            .status
            .success()
    };
    let acknowledged = (0..100).filter(|number| insert(*number)).count();
    assert_eq!(acknowledged, 100);
    assert!(query("set synchronous_commit = off; insert into t select 1000 + n from generate_series(1, 9) n").status.success());
    node.kill().unwrap();
    // Its processes each lead a session of their own, and end when they see that the first is gone.
    wait_until(|| !run("pgrep", &["-x", "postgres"]).status.success());
    let lost = disk.lose_power(0, 1).unwrap();
    let mut node = shell(&server, &folder);
    wait_until(up);
    let left: usize = said(&query("select count(*) from t where n < 1000"))
        .parse()
        .unwrap();
    println!("PostgreSQL: {acknowledged} acknowledged, {left} left; {lost:?}");
    assert_eq!(left, acknowledged, "{lost:?}");
    node.kill().unwrap();
}

fn wait_for(mut process: nemesis::process::NodeProcess) {
    for _ in 0..1200 {
        if let Some(status) = process.try_wait().unwrap() {
            assert!(status.success(), "{status}");
            return;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    panic!("waited in vain");
}

/// The folder with the programs of the newest PostgreSQL.
fn postgresql_programs() -> Option<PathBuf> {
    let versions = fs::read_dir(Path::new("/usr/lib/postgresql")).ok()?;
    let folders = versions.flatten().map(|entry| entry.path().join("bin"));
    folders
        .filter(|folder| folder.join("initdb").exists())
        .max()
}
