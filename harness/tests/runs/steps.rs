//! `adrasteia run --steps` from outside: steps wait for a real cluster, and what came of them is stored.

use std::path::Path;

use serde_json::Value;

use crate::program::{Run, in_lab, text, told};

fn of_step<'a>(result: &'a Value, step: &str) -> Vec<&'a Value> {
    let faults = result["faults"].as_array().unwrap().iter();
    faults
        .filter(|fault| fault["evidence"]["step"] == step)
        .collect()
}

#[test]
fn every_file_that_comes_with_the_program_is_told_in_words() {
    let listed = text(&told("list steps").stdout);
    let mut files: Vec<String> =
        std::fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/steps"))
            .unwrap()
            .map(|file| {
                file.unwrap()
                    .path()
                    .file_stem()
                    .unwrap()
                    .to_string_lossy()
                    .into_owned()
            })
            .collect();
    files.sort();
    assert!(files.len() >= 4);
    for name in files {
        assert!(listed.contains(&name), "{name} is not listed");
        let dry = told(&format!("--dry-run --steps {name} --seed 1"));
        assert_eq!(dry.status.code(), Some(0), "{}", text(&dry.stderr));
        let said = text(&dry.stdout);
        assert!(said.contains(&format!("--steps {name}")), "{said}");
        assert!(
            said.contains("\nstep ") && !said.contains("fault 1 "),
            "{said}"
        );
    }
}

#[test]
fn a_mistake_is_named_before_anything_starts() {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), "[[step]]\n\ndo = \"kill n9\"\n").unwrap();
    let refused = told(&format!("--steps {}", file.path().display()));
    assert_eq!(refused.status.code(), Some(254));
    let said = text(&refused.stderr);
    assert!(
        said.contains("line 3") && said.contains("n9") && said.contains("--nodes"),
        "{said}"
    );
}

#[test]
fn steps_wait_for_the_system_and_what_came_of_them_is_stored() {
    let Some(_alone) = in_lab("steps wait for the system") else {
        return;
    };
    let run = Run::of("--steps leader-left-behind --nodes 3 --time-limit 12s --seed 5");
    let result = run.result();
    assert_eq!(result["consistency"], "valid", "{}", run.said());
    assert_eq!(result["liveness"], "recovered");

    let cut = of_step(&result, "cut");
    let first = cut[0];
    assert_eq!(first["effect"], "installed", "{first}");
    let held = first["evidence"]["until"]["others 200 ahead of L"]
        .as_str()
        .unwrap();
    assert!(held.starts_with("commit "), "{held}");
    let kill = of_step(&result, "kill")[0];
    assert_eq!(
        (&kill["name"], &kill["effect"]),
        (&"kill".into(), &"installed".into())
    );
    assert!(kill["start_ns"].as_u64() > first["start_ns"].as_u64());

    // Whoever led then is named, and the same node is killed although another one leads.
    let schedule = run.json("schedule.json");
    let steps = schedule["steps"].as_array().unwrap();
    let of_id = |record: &Value| {
        steps
            .iter()
            .find(|step| step["id"] == record["id"])
            .unwrap()
    };
    let killed = of_id(kill)["fault"]["target"]["nodes"][0].as_str().unwrap();
    let links = of_id(first)["fault"]["links"].as_array().unwrap();
    assert_eq!(links.len(), 4, "{links:?}");
    assert!(
        links
            .iter()
            .all(|link| link.as_str().unwrap().contains(killed)),
        "{killed}: {links:?}"
    );
    let written = run.latest("steps.toml");
    let bundled =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/steps/leader-left-behind.toml");
    assert_eq!(
        std::fs::read(written).unwrap(),
        std::fs::read(bundled).unwrap()
    );

    let by_the_clock = told(&format!(
        "--dry-run --nodes 3 --schedule {}",
        run.latest("schedule.json").display()
    ));
    assert!(
        text(&by_the_clock.stdout).contains(&format!("kill {killed}")),
        "{}",
        text(&by_the_clock.stderr)
    );
}

#[test]
fn what_never_comes_is_said_and_drawn_faults_go_on_beside_it() {
    let Some(_alone) = in_lab("what never comes") else {
        return;
    };
    let file = tempfile::NamedTempFile::new().unwrap();
    let story = "[[step]]\nname = \"never\"\nwhen = \"term +900\"\nlimit = \"500ms\"\nbind = \"L = leader\"\n\
                 [[step]]\nname = \"lost\"\ndo = \"kill L\"\nfor = \"1s\"\n\
                 [[step]]\nname = \"nap\"\nbind = \"F = one of followers\"\ndo = \"pause F\"\nuntil = \"acknowledged +50\"\n";
    std::fs::write(file.path(), story).unwrap();
    let path = file.path().display();
    let run = Run::of(&format!(
        "--steps {path} --nemesis kill --nodes 3 --time-limit 8s --seed 3"
    ));
    let result = run.result();
    assert_eq!(result["consistency"], "valid", "{}", run.said());
    let never = of_step(&result, "never")[0];
    assert_eq!(never["effect"], "skipped");
    let why = never["evidence"]["reason"].as_str().unwrap();
    assert!(
        why.contains("term +900") && why.contains("500ms") && why.contains("it was"),
        "{why}"
    );
    let lost = of_step(&result, "lost")[0]["evidence"]["reason"]
        .as_str()
        .unwrap();
    assert!(lost.contains("nobody is called L"), "{lost}");
    assert_eq!(of_step(&result, "nap")[0]["effect"], "installed");
    let drawn = result["faults"].as_array().unwrap().iter();
    assert!(
        drawn
            .filter(|fault| fault["name"] == "kill" && fault["effect"] == "installed")
            .count()
            > 0
    );
    assert_eq!(result["nemesis"], serde_json::json!(["kill", "pause"]));
}

#[test]
fn a_replay_follows_the_steps_again() {
    let Some(_alone) = in_lab("a replay of steps") else {
        return;
    };
    let run = Run::of(
        "--steps leader-left-behind --bug follower-read-local --online --time-limit 10s --seed 1",
    );
    assert_eq!(run.exit(), 1, "{}", run.said());
    let again = tempfile::tempdir().unwrap();
    let (from, to) = (run.out.path().join("latest"), again.path().display());
    let replayed = told(&format!("replay {} --out {to}", from.display()));
    assert_eq!(
        replayed.status.code(),
        Some(1),
        "{}",
        text(&replayed.stderr)
    );
    let steps = |folder: &Path| std::fs::read(folder.join("steps.toml")).unwrap();
    assert_eq!(steps(&again.path().join("1/latest")), steps(&from));
    let shrunk = told(&format!(
        "shrink {} --tries 1 --times 1 --out {to}/shrunk",
        from.display()
    ));
    let said = text(&shrunk.stdout);
    assert!(
        said.contains("0 of 4 faults are left"),
        "{said}{}",
        text(&shrunk.stderr)
    );
}
