//! Holds `RAFT.md` against the tests it names.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use crate::bug::Bug;

const ROWS: usize = 173;

/// A row of the table.
struct Row {
    id: String,
    tests: Vec<String>,
    open: String,
}

fn folder() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn rows() -> Vec<Row> {
    let table = fs::read_to_string(folder().join("RAFT.md")).unwrap();
    table.lines().filter_map(row).collect()
}

fn row(line: &str) -> Option<Row> {
    let cells: Vec<&str> = line.split('|').map(str::trim).collect();
    let ["", id, _, tests, open, ""] = cells[..] else {
        return None;
    };
    is_rule(id).then(|| Row {
        id: id.into(),
        tests: tests
            .split_whitespace()
            .map(|name| name.trim_matches('`').into())
            .collect(),
        open: open.into(),
    })
}

/// A letter and a number: `E01`, `M08b`.
fn is_rule(word: &str) -> bool {
    let digits = word
        .get(1..3)
        .is_some_and(|digits| digits.bytes().all(|b| b.is_ascii_digit()));
    digits && word.len() <= 4 && word.starts_with(|c: char| "BPELMCTKV".contains(c))
}

fn scripts() -> Vec<PathBuf> {
    let areas = fs::read_dir(folder().join("src/raft/tests/scripts")).unwrap();
    let files = areas.flat_map(|area| fs::read_dir(area.unwrap().path()).unwrap());
    files.map(|file| file.unwrap().path()).collect()
}

/// Area and name, as the table has it.
fn name(script: &Path) -> String {
    let area = script.parent().and_then(Path::file_name).unwrap();
    let file = script.file_name().unwrap();
    format!("{}/{}", area.to_str().unwrap(), file.to_str().unwrap())
}

/// The rules that the sentence at the head of a script names.
fn rules(script: &Path) -> BTreeSet<String> {
    let text = fs::read_to_string(script).unwrap();
    let head = text.lines().take_while(|line| line.starts_with('#'));
    let words = head.flat_map(|line| line.split(|c: char| !c.is_alphanumeric()));
    words
        .filter(|word| is_rule(word))
        .map(str::to_owned)
        .collect()
}

fn exists(test: &str) -> bool {
    let source = folder().join("src");
    match test.split_once("::") {
        Some((file, function)) => fs::read_to_string(source.join(file))
            .is_ok_and(|text| text.contains(&format!("fn {function}("))),
        None => source.join("raft/tests/scripts").join(test).is_file(),
    }
}

#[test]
fn every_rule_has_a_test_that_exists_or_a_reason() {
    let rows = rows();
    let ids: BTreeSet<&str> = rows.iter().map(|row| row.id.as_str()).collect();
    assert_eq!((rows.len(), ids.len()), (ROWS, ROWS));
    for Row { id, tests, open } in &rows {
        assert!(
            !tests.is_empty() || !open.is_empty(),
            "{id}: neither test nor reason"
        );
        let missing: Vec<&String> = tests.iter().filter(|test| !exists(test)).collect();
        assert!(
            missing.is_empty(),
            "{id} names tests that are not there: {missing:?}"
        );
    }
}

#[test]
fn every_planted_bug_has_a_line_in_both_tables() {
    let table = fs::read_to_string(folder().join("RAFT.md")).unwrap();
    let lines = |bug: &Bug| {
        let head = format!("| `{bug}` |");
        table.lines().filter(|line| line.starts_with(&head)).count()
    };
    let odd: Vec<Bug> = Bug::ALL.into_iter().filter(|bug| lines(bug) != 2).collect();
    assert!(odd.is_empty(), "{odd:?}");
}

#[test]
fn scripts_and_table_name_the_same_rules() {
    let mut table: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for row in rows() {
        for test in row.tests.into_iter().filter(|test| !test.contains("::")) {
            table.entry(test).or_default().insert(row.id.clone());
        }
    }
    let scripts: BTreeMap<_, _> = scripts()
        .iter()
        .map(|path| (name(path), rules(path)))
        .collect();
    assert!(scripts.len() > 50);
    assert_eq!(scripts, table);
}
