//! Which build of the system was tested, and what of a command line is about it.
//!
//! A run that failed is made again to find out whether *that test* still fails on *tonight's system*. So its arguments fall into two
//! parts: those of the system are tonight's, all others are those of the run that failed.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use sha2::{Digest as _, Sha256};

use crate::config::UsageError;

/// Options of the system that take a value of their own.
const OPTIONS: [&str; 2] = ["--node-bin", "--bug"];
/// One that is a single word with its value.
const PREFIX: &str = "--node-arg=";

/// The words of these arguments of `run` that are about the test, and those that are about the system.
pub(super) fn parted(arguments: &[String]) -> (Vec<String>, Vec<String>) {
    let (mut test, mut system) = (Vec::new(), Vec::new());
    let mut words = arguments.iter().cloned();
    while let Some(word) = words.next() {
        if OPTIONS.contains(&word.as_str()) {
            system.push(word);
            system.extend(words.next());
        } else if word.starts_with(PREFIX) {
            system.push(word);
        } else {
            test.push(word);
        }
    }
    (test, system)
}

/// This release, and the beginning of the hash of the program that runs as each node.
pub(super) fn fingerprint(program: &Path) -> Result<String, UsageError> {
    let hash = hash(program)
        .map_err(|error| UsageError(format!("cannot read {}: {error}", program.display())))?;
    Ok(format!("{} {hash}", env!("CARGO_PKG_VERSION")))
}

fn hash(path: &Path) -> std::io::Result<String> {
    let mut file = File::open(path)?;
    let mut hasher = Sha256::new();
    let mut piece = vec![0; 1 << 16];
    loop {
        match file.read(&mut piece)? {
            0 => break,
            length => hasher.update(&piece[..length]),
        }
    }
    let digest = hasher.finalize();
    Ok(digest[..8]
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        text.split_whitespace().map(str::to_owned).collect()
    }

    #[test]
    fn what_is_about_the_system_is_told_from_the_test() {
        let all = "--nemesis kill --bug no-dedup,snap-torn --seed 7 --node-bin /bin/server --retry --node-arg=--disk=x --online";
        let (test, system) = parted(&words(all));
        assert_eq!(test, words("--nemesis kill --seed 7 --retry --online"));
        assert_eq!(
            system,
            words("--bug no-dedup,snap-torn --node-bin /bin/server --node-arg=--disk=x")
        );
    }

    #[test]
    fn another_build_is_another_program() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), vec![7; 100_000]).unwrap();
        let first = fingerprint(file.path()).unwrap();
        assert_eq!(fingerprint(file.path()).unwrap(), first);
        std::fs::write(file.path(), vec![7; 100_001]).unwrap();
        assert_ne!(fingerprint(file.path()).unwrap(), first);
        assert!(fingerprint(Path::new("/no/such/file")).is_err());
    }
}
