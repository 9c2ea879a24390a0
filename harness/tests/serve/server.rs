//! A server over a folder of its own, and requests to it byte by byte: an ordinary client would tidy up the paths that matter here.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};

/// A server that ends with the test.
pub(crate) struct Server {
    child: Child,
    address: String,
    pub(crate) folder: tempfile::TempDir,
}

/// What it answered.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.body.clone()).unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Server {
    /// Serves `folder/runs`.
    pub(crate) fn start(folder: tempfile::TempDir) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_adrasteia"))
            .args(["serve", "--listen", "0", "--dir"])
            .arg(folder.path().join("runs"))
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut said = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        said.read_line(&mut line).unwrap();
        let (_, rest) = line
            .split_once("http://")
            .expect("it says where it listens");
        let address = rest.split_once('/').unwrap().0.to_owned();
        assert!(address.starts_with("127.0.0.1:"), "{address}");
        Self {
            child,
            address,
            folder,
        }
    }

    pub(crate) fn runs(&self) -> std::path::PathBuf {
        self.folder.path().join("runs")
    }

    pub(crate) fn get(&self, path: &str) -> Answer {
        self.ask("GET", path, &format!("Host: {}", self.address))
    }

    /// The page at `path`, which is there.
    pub(crate) fn page(&self, path: &str) -> String {
        let answer = self.get(path);
        assert_eq!(answer.status, 200, "{path}: {}", answer.head);
        answer.text()
    }

    pub(crate) fn ask(&self, method: &str, path: &str, headers: &str) -> Answer {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        let request = format!("{method} {path} HTTP/1.1\r\n{headers}\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        let end = answer.windows(4).position(|bytes| bytes == b"\r\n\r\n");
        let end = end.expect("an answer has a head");
        let head = String::from_utf8(answer[..end].to_vec()).unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        Answer {
            status,
            head: head.to_lowercase(),
            body: answer[end + 4..].to_vec(),
        }
    }
}

/// A folder with an empty `runs`, and a file beside it that nobody may see.
pub(crate) fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("runs")).unwrap();
    std::fs::write(folder.path().join("secret.txt"), "SECRET").unwrap();
    folder
}

/// The result of a run that passed.
pub(crate) fn passed(seed: u64) -> Value {
    json!({
        "version": 1, "exit_code": 0, "consistency": "valid", "unknown": null, "liveness": "recovered", "recovery_ms": 310,
        "health": "healthy", "health_events": [], "strength": "strong", "strength_reasons": ["5 faults acted"],
        "infrastructure": "ok", "infrastructure_error": null, "anomalies": [],
        "operations": {"ok": 5000, "fail": 12, "info": 3},
        "faults": [{"id": 1, "name": "partition", "effect": "installed", "description": "n1 | n2 n3", "evidence": {},
            "start_ns": 2_000_000_000_u64, "end_ns": 4_000_000_000_u64}],
        "leader_changes": 2, "leaders": [], "seed": seed, "command": format!("adrasteia run --nemesis partition --seed {seed}"),
        "workload": "register", "nemesis": ["partition"], "nodes": ["n1", "n2", "n3"], "bugs": [],
        "net": {"plane": "switch", "reason": "test"}, "duration_ns": 30_000_000_000_u64, "interrupted": false, "notes": [],
        "environment": {"version": "0.1.0", "kernel": "6.1", "started": "2026-11-21T14:07:54.034Z"}
    })
}

/// The result of a run in which a violation was found.
pub(crate) fn violated(seed: u64, class: &str, bug: &str) -> Value {
    let mut result = passed(seed);
    result["consistency"] = "violation".into();
    result["exit_code"] = 1.into();
    result["bugs"] = json!([bug]);
    result["anomalies"] = json!([{"class": class, "key": "k1", "operations": [1, 2], "explanation": "it was wrong", "fault": 1}]);
    result["stopped_online"] = json!({"at_ns": 7_500_000_000_u64, "key": "k1", "operation": 2, "completed_ns": 7_000_000_000_u64});
    result
}

/// Writes a run folder.
pub(crate) fn store(runs: &Path, id: &str, result: &Value) {
    let folder = runs.join(id);
    std::fs::create_dir_all(&folder).unwrap();
    let config = json!({
        "version": 1, "workload": result["workload"], "nemesis": result["nemesis"], "seed": result["seed"],
        "bugs": result["bugs"], "command": result["command"]
    });
    std::fs::write(folder.join("config.json"), config.to_string()).unwrap();
    std::fs::write(folder.join("result.json"), result.to_string()).unwrap();
}

/// A run folder's name: the one of this number, a minute after the one before.
pub(crate) fn id(number: u64) -> String {
    let (day, hour, minute) = (number / 1440 + 1, number / 60 % 24, number % 60);
    format!("register-partition-{number}/202611{day:02}T{hour:02}{minute:02}00.000Z")
}
