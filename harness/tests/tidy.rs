//! Keeps the house: who may depend on whom, how long a file may get, where unsafe code may stand.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Past this a file is two ideas.
const LONGEST_FILE_LINES: usize = 700;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .unwrap()
        .to_owned()
}

fn sources() -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    let mut folders: Vec<PathBuf> = ["checker", "harness", "nemesis", "reports", "target-node"]
        .iter()
        .map(|name| root().join(name))
        .collect();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.ends_with("target") {
                continue;
            }
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = std::fs::read_to_string(&path).unwrap();
                found.push((path, text));
            }
        }
    }
    assert!(found.len() > 50);
    found
}

fn workspace_dependencies(name: &str) -> BTreeSet<String> {
    let manifest = std::fs::read_to_string(root().join(name).join("Cargo.toml")).unwrap();
    let members = ["checker", "harness", "nemesis", "reports", "target-node"];
    // What only tests need is no part of the crate: the simulation asks the checker.
    let mut sections = manifest.split("[dev-dependencies]");
    let shipped = match (name, sections.next()) {
        ("target-node", Some(shipped)) => shipped,
        _ => manifest.as_str(),
    };
    shipped
        .lines()
        .filter(|line| line.contains("workspace"))
        .filter_map(|line| line.split(['.', ' ', '=']).next())
        .filter(|dependency| members.contains(dependency))
        .map(str::to_owned)
        .collect()
}

#[test]
fn crates_depend_in_one_direction() {
    let set = |names: &[&str]| {
        names
            .iter()
            .map(ToString::to_string)
            .collect::<BTreeSet<_>>()
    };
    for independent in ["checker", "nemesis", "target-node"] {
        assert_eq!(
            workspace_dependencies(independent),
            set(&[]),
            "{independent}"
        );
    }
    assert_eq!(workspace_dependencies("reports"), set(&["checker"]));
    assert_eq!(
        workspace_dependencies("harness"),
        set(&["checker", "nemesis", "reports", "target-node"])
    );
}

#[test]
fn no_file_holds_two_ideas() {
    let long: Vec<String> = sources()
        .iter()
        .map(|(path, text)| (path, text.lines().count()))
        .filter(|(_, lines)| *lines > LONGEST_FILE_LINES)
        .map(|(path, lines)| format!("{}: {lines} lines", path.display()))
        .collect();
    assert_eq!(long, Vec::<String>::new());
}

#[test]
fn unsafe_code_stands_where_it_must_only() {
    let block = concat!("uns", "afe {");
    let function = concat!("uns", "afe fn");
    let kernel = root().join("nemesis/src/kernel");
    // A program of its own, for other programs.
    let preloaded = root().join("nemesis/preload");
    let outside: Vec<PathBuf> = sources()
        .into_iter()
        .filter(|(_, text)| text.contains(block) || text.contains(function))
        .map(|(path, _)| path)
        .filter(|path| !path.starts_with(&kernel) && *path != kernel.with_extension("rs"))
        .filter(|path| !path.starts_with(&preloaded))
        .collect();
    assert_eq!(outside, Vec::<PathBuf>::new());
}

#[test]
fn the_readme_names_what_the_program_lists() {
    let readme = std::fs::read_to_string(root().join("README.md")).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_adrasteia"))
        .arg("list")
        .output()
        .unwrap();
    let listed = String::from_utf8(output.stdout).unwrap();
    let names = listed
        .lines()
        .filter(|line| line.starts_with("  "))
        .map(|line| line.split_whitespace().next().unwrap());
    let missing: Vec<&str> = names
        .filter(|name| !readme.contains(&format!("`{name}`")))
        .collect();
    assert_eq!(
        missing,
        Vec::<&str>::new(),
        "named by `adrasteia list`, not by the README"
    );
}

#[test]
fn the_readme_tells_every_exit_code_as_help_does() {
    let readme = std::fs::read_to_string(root().join("README.md")).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_adrasteia"))
        .arg("--help")
        .output()
        .unwrap();
    let help = String::from_utf8(output.stdout).unwrap();
    for code in ["0", "1", "2", "3", "4", "254", "255"] {
        assert!(
            help.contains(&format!("\n  {code} ")),
            "help lacks exit code {code}"
        );
        assert!(
            readme.contains(&format!("| {code} |")),
            "README lacks exit code {code}"
        );
    }
}
