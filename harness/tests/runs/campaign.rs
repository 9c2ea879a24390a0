//! `adrasteia campaign` from outside: what failed is made again first, and nothing is lost.

use std::io::Write as _;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;

use crate::program::{adrasteia, in_lab, text};

fn campaign(options: &str, out: &Path) -> Command {
    let (own, further) = options.split_once(" -- ").unwrap_or((options, ""));
    let mut command = adrasteia(&format!("campaign {own}"));
    command.arg("--out").arg(out).arg("--");
    command.args(further.split_whitespace());
    command
}

fn night(options: &str, out: &Path) -> Output {
    campaign(options, out).output().unwrap()
}

fn lines(out: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(out.join("campaign.jsonl")).unwrap_or_default();
    let whole = text
        .split_inclusive('\n')
        .filter(|line| line.ends_with('\n'));
    whole
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// Seed and whether it was made again, line by line.
fn told(lines: &[Value]) -> Vec<(u64, bool)> {
    let told = |line: &Value| (line["seed"].as_u64().unwrap(), line["again"] == true);
    lines.iter().map(told).collect()
}

#[test]
fn what_failed_is_made_again_first_under_the_faults_it_had() {
    let Some(_alone) = in_lab("what_failed_is_made_again_first") else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path();
    let healthy = "--workload register --nemesis pause --seeds 1 --time-limit 6s --jobs 1";
    let buggy = format!("{healthy} -- --bug follower-read-local");
    let of_line = |line: &Value, file: &str| out.join(line["folder"].as_str().unwrap()).join(file);

    let first = night(&buggy, out);
    assert_eq!(first.status.code(), Some(1), "{}", text(&first.stderr));
    let failed = &lines(out)[0];
    assert_eq!(failed["failure"], "violation", "{failed}");
    assert_eq!(failed["answers"]["consistency"], "violation");
    assert!(failed["detected_ms"].as_u64().unwrap() < 6_000, "{failed}");
    assert!(
        of_line(failed, "history.jsonl").exists(),
        "everything of it is kept"
    );
    let kept = std::fs::read(out.join(failed["faults"].as_str().unwrap())).unwrap();

    let dry = text(&night(&format!("--dry-run {healthy}"), out).stdout);
    let (again, fresh) = (
        dry.find("again: register under pause, seed 1"),
        dry.find("seed 2"),
    );
    assert!(
        again.is_some() && again < fresh && dry.contains("failing/"),
        "{dry}"
    );

    // The defect is repaired.
    let second = night(healthy, out);
    assert_eq!(second.status.code(), Some(0), "{}", text(&second.stderr));
    let all = lines(out);
    assert_eq!(told(&all), [(1, false), (1, true), (2, false)]);
    assert_eq!(
        std::fs::read(of_line(&all[1], "schedule.json")).unwrap(),
        kept,
        "byte for byte"
    );
    assert!(
        of_line(&all[2], "result.json").exists() && !of_line(&all[2], "history.jsonl").exists()
    );
    let said = text(&second.stdout);
    assert!(
        said.contains("again in 0 of 1 run; passed 1 of 5 times in a row"),
        "{said}"
    );

    // And it comes back.
    let third = night(&buggy, out);
    assert_eq!(third.status.code(), Some(1), "{}", text(&third.stderr));
    let all = lines(out);
    assert_eq!(told(&all[3..4]), [(1, true)]);
    let nights: Vec<u64> = all
        .iter()
        .map(|line| line["night"].as_u64().unwrap())
        .collect();
    assert_eq!(nights, [1, 2, 2, 3, 3]);
    let said = text(&third.stdout);
    assert!(
        said.contains("seed 1: violation: ") && said.contains("; again in 1 of 2 runs"),
        "{said}"
    );
    let junit = std::fs::read_to_string(out.join("junit.xml")).unwrap();
    assert!(
        junit.contains("failed before") && junit.contains("type=\"violation\""),
        "{junit}"
    );
    let markdown = std::fs::read_to_string(out.join("summary.md")).unwrap();
    assert!(markdown.contains("| register under pause |"), "{markdown}");

    let mut summary = Command::new(env!("CARGO_BIN_EXE_adrasteia"));
    let summary = text(&summary.arg("summary").arg(out).output().unwrap().stdout);
    assert!(
        summary.contains("5 runs: 2 passed, 3 violation"),
        "{summary}"
    );
}

fn started(options: &str, out: &Path) -> Child {
    let mut command = campaign(options, out);
    command
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// Waits until there are so many lines, and the next run is under way.
fn wait_for(count: usize, out: &Path) {
    for _ in 0..1_200 {
        let under_way = out.join("making").join(count.to_string()).join("latest");
        if lines(out).len() >= count && under_way.is_symlink() {
            return;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    panic!("{count} runs are not made: {:?}", lines(out));
}

const QUICK: &str = "--workload register --nemesis none --seeds 4 --seed 40 --time-limit 2s --jobs 1 -- --require nothing";

#[test]
fn a_night_that_was_killed_goes_on_and_loses_nothing() {
    let Some(_alone) = in_lab("a_night_that_was_killed_goes_on") else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path();
    let mut killed = started(QUICK, out);
    wait_for(2, out);
    killed.kill().unwrap();
    killed.wait().unwrap();
    let before = lines(out);
    let mut file = std::fs::OpenOptions::new();
    let mut file = file.append(true).open(out.join("campaign.jsonl")).unwrap();
    file.write_all(b"{\"version\":1,\"night\":1,\"when\":\"20")
        .unwrap();
    drop(file);

    let end = night(QUICK, out);
    assert_eq!(end.status.code(), Some(0), "{}", text(&end.stderr));
    let after = lines(out);
    assert_eq!(after[..before.len()], before);
    assert_eq!(
        told(&after),
        [(40, false), (41, false), (42, false), (43, false)]
    );
    assert!(
        !out.join("making").join("0").exists(),
        "what was under way is gone"
    );
    let junit = std::fs::read_to_string(out.join("junit.xml")).unwrap();
    assert_eq!(
        junit.matches("<testcase").count(),
        4,
        "the whole night is told"
    );
}

#[test]
fn a_night_that_is_interrupted_tells_how_to_go_on() {
    let Some(_alone) = in_lab("a_night_that_is_interrupted") else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path();
    let interrupted = started(QUICK, out);
    wait_for(1, out);
    kill(
        Pid::from_raw(interrupted.id().cast_signed()),
        Signal::SIGINT,
    )
    .unwrap();
    let end = interrupted.wait_with_output().unwrap();
    assert_eq!(end.status.code(), Some(255));
    let said = text(&end.stdout);
    let missing = 4 - lines(out).len();
    assert!((1..=3).contains(&missing));
    assert!(
        said.contains(&format!("{missing} runs are missing")),
        "{said}"
    );
    assert!(said.contains("--seed 40 goes on"), "{said}");
    assert!(out.join("summary.md").exists() && out.join("junit.xml").exists());
}

#[test]
fn a_night_in_which_nothing_can_be_made_ends_soon() {
    let Some(_alone) = in_lab("a_night_in_which_nothing_can_be_made") else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path();
    // A system that never listens.
    let options = "--workload register --nemesis none --for 1h --jobs 1 -- --node-bin /bin/false";
    let end = night(options, out);
    assert_eq!(end.status.code(), Some(255), "{}", text(&end.stderr));
    assert!(
        text(&end.stderr).contains("the night ends"),
        "{}",
        text(&end.stderr)
    );
    let all = lines(out);
    let retried = all.iter().filter(|line| line["retried"] == true).count();
    assert_eq!(
        (all.len(), retried),
        (10, 5),
        "each is made once more, and only once"
    );
    assert!(all.iter().all(|line| line["failure"] == "infrastructure"));
    let said = text(&end.stdout);
    assert!(said.contains(" 10\n"), "both tries are counted: {said}");
    let junit = std::fs::read_to_string(out.join("junit.xml")).unwrap();
    assert!(
        junit.contains("tests=\"5\"") && junit.contains("errors=\"5\""),
        "{junit}"
    );
}

#[test]
fn what_cannot_be_run_is_refused_at_once() {
    let folder = tempfile::tempdir().unwrap();
    for (options, named) in [
        ("--workload bank", "bank"),
        ("--nemesis earthquake", "earthquake"),
        ("--nemesis kill -- --seed 5", "--seed"),
    ] {
        let refused = night(options, folder.path());
        assert_eq!(refused.status.code(), Some(254), "{options}");
        assert!(
            text(&refused.stderr).contains(named),
            "{}",
            text(&refused.stderr)
        );
    }
    std::fs::write(folder.path().join("campaign.jsonl"), "{\"version\":9}\n").unwrap();
    let refused = night("--dry-run", folder.path());
    assert_eq!(
        refused.status.code(),
        Some(255),
        "a file of another release is not touched"
    );
    assert!(text(&refused.stderr).contains("campaign.jsonl"));
}

#[test]
fn the_docs_name_every_input_of_the_action_and_the_nightly_knows_the_options() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let read = |path: &str| std::fs::read_to_string(root.join(path)).unwrap();
    let docs = read("docs/nightly.md");
    let action = read(".github/actions/adrasteia/action.yml");
    let (inputs, _) = action.split_once("\noutputs:").unwrap();
    let (_, inputs) = inputs.split_once("\ninputs:\n").unwrap();
    let is_name = |line: &&str| line.starts_with("  ") && !line.starts_with("   ");
    let inputs: Vec<&str> = inputs.lines().filter(is_name).collect();
    assert!(inputs.len() >= 6, "{inputs:?}");
    for input in inputs {
        let name = input.trim().trim_end_matches(':');
        assert!(
            docs.contains(&format!("| `{name}` |")),
            "{name} is not told"
        );
        assert!(
            action.contains(&format!("inputs.{name}")),
            "{name} is not used"
        );
    }
    let nightly = read(".github/workflows/nightly.yml");
    let help = Command::new(env!("CARGO_BIN_EXE_adrasteia"))
        .args(["campaign", "--help"])
        .output()
        .unwrap();
    let help = text(&help.stdout);
    let (_, arguments) = nightly.split_once("arguments: >-").unwrap();
    let (arguments, _) = arguments.split_once(" -- ").unwrap();
    let options: Vec<&str> = arguments
        .split_whitespace()
        .filter(|word| word.starts_with("--"))
        .collect();
    assert!(options.len() >= 4, "{options:?}");
    for option in options {
        assert!(
            help.contains(&format!("{option} <")),
            "{option} is no option of campaign"
        );
    }
}
