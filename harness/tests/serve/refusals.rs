//! What is not answered: paths that leave the folder, foreign hosts, other methods; and errors that say what to do.

use std::net::TcpListener;
use std::os::unix::fs::symlink;
use std::process::Command;

use crate::server::{Server, folder, id, passed, store};

fn served() -> Server {
    let folder = folder();
    let runs = folder.path().join("runs");
    store(&runs, &id(1), &passed(1));
    let run = runs.join(id(1));
    std::fs::create_dir_all(run.join("data/n1")).unwrap();
    std::fs::write(run.join("data/n1/0001.wal"), [0, 255, 10]).unwrap();
    std::fs::write(run.join("report.html"), "<p>report</p>").unwrap();
    std::fs::write(run.join("data/n1/page.html"), "<p>report</p>").unwrap();
    std::fs::write(run.join("rate.svg"), "<svg/>").unwrap();
    std::fs::write(run.join("n1.log"), "said\n".repeat(100_000)).unwrap();
    std::fs::write(runs.join("beside.txt"), "SECRET").unwrap();
    symlink("../../../secret.txt", run.join("link.txt")).unwrap();
    symlink("/etc", run.join("etc")).unwrap();
    symlink("../../..", run.join("data/up")).unwrap();
    symlink("n1", run.join("data/n2")).unwrap();
    symlink(id(1), runs.join("latest")).unwrap();
    Server::start(folder)
}

#[test]
fn no_path_outside_the_folder_can_be_read() {
    let server = served();
    let run = id(1);
    let absolute = server
        .folder
        .path()
        .join("secret.txt")
        .display()
        .to_string();
    let encoded = absolute.replace('/', "%2F");
    let mut paths: Vec<String> = [
        "../secret.txt",
        "../../secret.txt",
        "..%2f..%2f..%2fsecret.txt",
        "%2e%2e/%2e%2e/%2e%2e/secret.txt",
        "%2e%2e%2f%2e%2e%2f%2e%2e%2fsecret.txt",
        "..%252f..%252f..%252fsecret.txt",
        "data/../../../../secret.txt",
        "data/n1/../n1/0001.wal",
        "./n1.log",
        "/n1.log",
        "data//n1/0001.wal",
        "..\\..\\..\\secret.txt",
        "..%5c..%5c..%5csecret.txt",
        "..%c0%af..%c0%afsecret.txt",
        "%ff",
        "n1.log%00",
        "n1.log%00.html",
        "n1.log/",
        "link.txt",
        "etc/passwd",
        "data/up/secret.txt",
        "data/n2/0001.wal",
        "data",
        "data/n1",
        ".",
        "..",
    ]
    .iter()
    .map(|below| format!("/runs/{run}/{below}"))
    .collect();
    let elsewhere = [
        format!("/runs/{encoded}"),
        format!("/runs/{absolute}"),
        format!("/runs/{run}/{encoded}"),
        format!("/runs/{run}{absolute}"),
        "/runs/../secret.txt".to_owned(),
        "/runs/%2e%2e/secret.txt".to_owned(),
        "/runs/beside.txt".to_owned(),
        "/runs/latest/n1.log".to_owned(),
        "/runs/register-partition-1".to_owned(),
        "/../secret.txt".to_owned(),
        "/secret.txt".to_owned(),
        "//secret.txt".to_owned(),
        "/etc/passwd".to_owned(),
        format!("/live/{run}/n1.log"),
        "/live/..%2fsecret.txt".to_owned(),
    ];
    paths.extend(elsewhere);
    for path in &paths {
        let answer = server.get(path);
        assert!(
            matches!(answer.status, 400 | 404),
            "{path}: {}",
            answer.status
        );
        let body = String::from_utf8_lossy(&answer.body);
        for held in ["SECRET", "root:", "said"] {
            assert!(!body.contains(held), "{path}");
        }
    }
    // The same ways to files that are there do lead to them.
    for path in [
        "n1.log",
        "data/n1/0001.wal",
        "data%2fn1/0001.wal",
        "%6e1.log",
    ] {
        let answer = server.get(&format!("/runs/{run}/{path}"));
        assert_eq!(answer.status, 200, "{path}");
    }
}

#[test]
fn files_are_shown_for_what_they_are() {
    let server = served();
    let file = |name: &str| server.get(&format!("/runs/{}/{name}", id(1)));
    let rows = [
        (
            "report.html",
            "content-type: text/html",
            "sandbox allow-scripts;",
        ),
        (
            "n1.log",
            "content-type: text/plain; charset=utf-8",
            "sandbox;",
        ),
        (
            "result.json",
            "content-type: text/plain; charset=utf-8",
            "sandbox;",
        ),
        ("rate.svg", "content-type: image/svg+xml", "sandbox;"),
        (
            "data/n1/page.html",
            "content-type: application/octet-stream",
            "sandbox;",
        ),
        (
            "data/n1/0001.wal",
            "content-disposition: attachment",
            "sandbox;",
        ),
    ];
    for (name, expected, policy) in rows {
        let head = file(name).head;
        for part in [
            expected,
            policy,
            "x-content-type-options: nosniff",
            "referrer-policy: no-referrer",
        ] {
            assert!(head.contains(part), "{name}: {part} in {head}");
        }
    }
    let log = file("n1.log");
    assert_eq!(log.text(), "said\n".repeat(100_000), "in several pieces");
    assert!(log.head.contains("content-length: 500000"), "{}", log.head);
    assert_eq!(file("data/n1/0001.wal").body, [0, 255, 10]);
    let page = server.get("/");
    for part in [
        "default-src 'none'",
        "script-src 'self'",
        "frame-ancestors 'none'",
        "nosniff",
        "no-referrer",
    ] {
        assert!(page.head.contains(part), "{part} in {}", page.head);
    }
    for asset in ["/style.css", "/script.js"] {
        assert_eq!(server.get(asset).status, 200, "{asset}");
    }
}

#[test]
fn only_this_machine_is_answered() {
    let server = served();
    let file = format!("/runs/{}/n1.log", id(1));
    for path in ["/", "/style.css", file.as_str(), "/absent"] {
        for host in [
            "evil.example",
            "evil.example:7400",
            "127.0.0.1.evil.example",
            "10.1.2.3",
            "",
        ] {
            let answer = server.ask("GET", path, &format!("Host: {host}"));
            assert_eq!(answer.status, 403, "{path} of {host}");
        }
        let two = server.ask("GET", path, "Host: localhost\r\nHost: evil.example");
        assert!(matches!(two.status, 400 | 403), "{}", two.status);
    }
    let foreign = server.ask("GET", "http://evil.example/", "Host: localhost");
    assert_eq!(foreign.status, 403);
    for host in ["localhost", "LOCALHOST:80", "127.0.0.1", "[::1]:9"] {
        assert_eq!(
            server.ask("GET", "/", &format!("Host: {host}")).status,
            200,
            "{host}"
        );
    }
    for method in ["POST", "PUT", "DELETE", "PATCH"] {
        let answer = server.ask(method, &file, "Host: localhost\r\nContent-Length: 0");
        assert_eq!(answer.status, 405, "{method}");
    }
    let head = server.ask("HEAD", &file, "Host: localhost");
    assert_eq!((head.status, head.body.len()), (200, 0));
}

#[test]
fn what_cannot_be_served_is_said_with_a_remedy() {
    let refused = |arguments: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_adrasteia"))
            .arg("serve")
            .args(arguments)
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(254), "{arguments:?}");
        String::from_utf8(output.stderr).unwrap()
    };
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let folder = folder();
    let place = folder.path().display().to_string();
    let said = refused(&["--dir", &place, "--listen", &address]);
    assert!(
        said.contains(&address) && said.contains("another port"),
        "{said}"
    );
    let absent = folder.path().join("absent").display().to_string();
    let said = refused(&["--dir", &absent]);
    assert!(said.contains(&absent) && said.contains("--out"), "{said}");
    let file = folder.path().join("secret.txt").display().to_string();
    assert!(refused(&["--dir", &file]).contains("Not a directory"));
    let said = refused(&["--dir", &place, "--listen", "example.org:80"]);
    assert!(said.contains("127.0.0.1:7400"), "{said}");
}

#[test]
fn ctrl_c_ends_it() {
    let folder = folder();
    let mut child = Command::new(env!("CARGO_BIN_EXE_adrasteia"))
        .args(["serve", "--listen", "0", "--dir"])
        .arg(folder.path())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    let mut said = std::io::BufReader::new(child.stdout.take().unwrap());
    std::io::BufRead::read_line(&mut said, &mut line).unwrap();
    let process = nix::unistd::Pid::from_raw(i32::try_from(child.id()).unwrap());
    nix::sys::signal::kill(process, nix::sys::signal::Signal::SIGINT).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(0));
}
