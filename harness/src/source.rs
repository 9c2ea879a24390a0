//! Where recorded histories come from: a file, or standard input as `-`.

use std::fs::File;
use std::io::{self, Read};
use std::num::NonZero;
use std::path::Path;

use anyhow::{Context as _, Result};
use checker::{Budget, Format, History};

/// Reads a history piece by piece, within a budget, by several threads where the format allows that.
pub(crate) fn read(
    file: &Path,
    format: Option<Format>,
    workers: NonZero<usize>,
    budget: &dyn Budget,
) -> Result<History> {
    let (source, reader) = open(file)?;
    let history = checker::formats::read_by(workers, reader, format, &source, budget)?;
    Ok(history)
}

/// The name for people, and the bytes.
fn open(file: &Path) -> Result<(String, Box<dyn Read>)> {
    if file == Path::new("-") {
        return Ok(("standard input".to_owned(), Box::new(io::stdin().lock())));
    }
    let source = file.display().to_string();
    let opened = File::open(file).with_context(|| format!("cannot read {source}"))?;
    Ok((source, Box::new(opened)))
}

/// `auto` finds out from the content.
pub(crate) fn format(name: &str, option: &str) -> Result<Option<Format>, String> {
    match name {
        "auto" => Ok(None),
        name => match name.parse() {
            Ok(format) => Ok(Some(format)),
            Err(error) => Err(format!("{option}: {error}")),
        },
    }
}
