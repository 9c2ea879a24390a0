//! Scripts: a cluster in memory, moved by commands, and the trace that it leaves (crate `goldenscript`).
//!
//! A script stands in `tests/scripts`, by area. It opens with a sentence on what it shows and the rules that it
//! shows (`target-node/RAFT.md`). What stands behind `---` is what the commands before it brought about:
//! `UPDATE_GOLDENFILES=1 cargo nextest run -p target-node script` writes it anew, and it is reviewed like code.
//!
//! After every step of a node the rules of `law` are checked.

mod cluster;
mod command;
mod law;
mod machine;
mod node;
mod random;
mod runner;
mod tell;

use std::path::Path;

use self::runner::Script;

/// Runs every script of an area.
fn scripts(area: &str) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/raft/tests/scripts");
    let files = std::fs::read_dir(folder.join(area)).unwrap();
    let mut paths: Vec<_> = files.map(|file| file.unwrap().path()).collect();
    paths.sort();
    assert!(!paths.is_empty());
    let failures: Vec<String> = paths.iter().filter_map(|path| failure(path)).collect();
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

/// What a script fails with; a trace that differs panics by itself.
fn failure(path: &Path) -> Option<String> {
    let outcome = goldenscript::run(&mut Script::default(), path);
    let error = outcome.err()?;
    Some(format!("{}: {error}", path.display()))
}

#[test]
fn elections() {
    scripts("elections");
}

#[test]
fn replication() {
    scripts("replication");
}

#[test]
fn membership() {
    scripts("membership");
}

#[test]
fn snapshots() {
    scripts("snapshots");
}

#[test]
fn transfer() {
    scripts("transfer");
}

#[test]
fn reads() {
    scripts("reads");
}
