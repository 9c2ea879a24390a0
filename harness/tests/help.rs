//! The command line as it shows itself: a change of it is a change of a contract, and must be seen as one.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::process::Command;

fn shown(arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_adrasteia"))
        .args(arguments)
        .env_remove("COLUMNS")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(0), "{arguments:?}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn help_teaches() {
    insta::assert_snapshot!("help", shown(&["--help"]));
    insta::assert_snapshot!("help_check", shown(&["check", "--help"]));
    insta::assert_snapshot!("help_bench", shown(&["bench", "--help"]));
    insta::assert_snapshot!("help_matrix", shown(&["matrix", "--help"]));
    insta::assert_snapshot!("help_campaign", shown(&["campaign", "--help"]));
    insta::assert_snapshot!("help_summary", shown(&["summary", "--help"]));
    insta::assert_snapshot!("help_serve", shown(&["serve", "--help"]));
    insta::assert_snapshot!("help_convert", shown(&["convert", "--help"]));
}

#[test]
fn run_is_the_default_command() {
    let options = |help: &str| {
        let lines = help.lines().map(str::trim);
        lines
            .filter(|line| line.starts_with("--"))
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    assert_eq!(
        options(&shown(&["--help"])),
        options(&shown(&["run", "--help"]))
    );
}

#[test]
fn the_catalogues_are_known() {
    insta::assert_snapshot!("list", shown(&["list"]));
}
