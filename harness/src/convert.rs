//! `adrasteia convert`: the same history in another format.

use std::fs;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use checker::{CheckOptions, Format, History, Unlimited};
use tempfile::NamedTempFile;

use crate::cli::ConvertArgs;
use crate::exit::Exit;
use crate::{destination, say, source};

/// The `zstd` command's own default.
const ZSTD_LEVEL: i32 = 3;

/// Reads a history and writes it. A file appears when it is whole.
pub(crate) fn command(args: &ConvertArgs) -> Result<Exit> {
    let formats = (|| {
        let from = source::format(&args.from, "--from")?;
        let to = args.to.parse::<Format>();
        let out = args.out.as_deref();
        out.map_or(Ok(()), |out| destination::check_file(out, "--out"))?;
        Ok::<_, String>((from, to.map_err(|error| format!("--to: {error}"))?))
    })();
    let (from, to) = match formats {
        Ok(formats) => formats,
        Err(message) => return Ok(unusable(&message)),
    };
    let workers = CheckOptions::default().workers;
    let history = match source::read(&args.file, from, workers, &Unlimited) {
        Ok(history) => history,
        Err(error) => return Ok(unusable(&format!("{error:#}"))),
    };
    let written = match &args.out {
        Some(path) => to_file(&history, to, path),
        None => to_stdout(&history, to),
    };
    Ok(written.map_or_else(
        |error| {
            unusable(&format!(
                "cannot convert {}: {error:#}",
                args.file.display()
            ))
        },
        |()| Exit::Valid,
    ))
}

fn unusable(message: &str) -> Exit {
    say::aside(format_args!("adrasteia: {message}"));
    Exit::Usage
}

fn to_file(history: &History, format: Format, path: &Path) -> Result<()> {
    let told = || format!("cannot write {}", path.display());
    let folder = path.parent().filter(|folder| *folder != Path::new(""));
    let folder = folder.map_or_else(|| PathBuf::from("."), Path::to_owned);
    let mut file = NamedTempFile::new_in(&folder).with_context(told)?;
    let mut out = BufWriter::new(&mut file);
    if path.extension().is_some_and(|extension| extension == "zst") {
        let mut packed = zstd::Encoder::new(&mut out, ZSTD_LEVEL).with_context(told)?;
        checker::formats::write(history, format, &mut packed)?;
        packed.finish().with_context(told)?;
    } else {
        checker::formats::write(history, format, &mut out)?;
    }
    out.flush().with_context(told)?;
    drop(out);
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o644);
    fs::set_permissions(file.path(), mode).with_context(told)?;
    file.persist(path).with_context(told)?;
    Ok(())
}

/// A reader that has seen enough is no failure.
fn to_stdout(history: &History, format: Format) -> Result<()> {
    let mut out = BufWriter::new(io::stdout().lock());
    let written =
        checker::formats::write(history, format, &mut out).and_then(|()| Ok(out.flush()?));
    match written {
        Err(checker::WriteError::Io(error)) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => Ok(other?),
    }
}
