//! A run as a process of its own: this program again, in a lab inside that of whoever starts it.

use std::fs::File;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Result};
use reports::RunResult;

use crate::run::Ending;

/// Time between two looks at whether a run is over.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// Makes the run with these arguments of `run` in `folder`, where `latest` leads to it and `said.log` has what it said.
/// Nothing if it was ended early: it is killed then, and everything it made goes with it. The inner error is a run that
/// has no result.
pub(crate) fn make(
    arguments: &[String],
    folder: &Path,
    ending: &Ending,
) -> Result<Option<Result<RunResult>>> {
    std::fs::create_dir_all(folder)
        .with_context(|| format!("cannot create {}", folder.display()))?;
    let said = folder.join("said.log");
    let mut child = start(arguments, folder, &said)?;
    let Some(status) = wait(&mut child, ending)? else {
        return Ok(None);
    };
    let result = result(folder).with_context(|| format!("{status}: it said {}", last(&said)));
    Ok(Some(result))
}

fn start(arguments: &[String], folder: &Path, said: &Path) -> Result<Child> {
    let log = File::create(said).with_context(|| format!("cannot write {}", said.display()))?;
    let program = std::env::current_exe().context("cannot find this program's own file")?;
    Command::new(program)
        .arg("run")
        .args(arguments)
        .arg("--out")
        .arg(folder)
        .stdin(Stdio::null())
        .stdout(log.try_clone()?)
        .stderr(log)
        .spawn()
        .context("cannot start a run")
}

fn wait(child: &mut Child, ending: &Ending) -> Result<Option<ExitStatus>> {
    loop {
        if let Some(status) = child.try_wait().context("cannot wait for a run")? {
            return Ok(Some(status));
        }
        if ending.is_given() {
            child.kill().context("cannot end a run")?;
            child.wait().context("cannot wait for a run")?;
            return Ok(None);
        }
        thread::sleep(LOOK_EVERY);
    }
}

fn result(folder: &Path) -> Result<RunResult> {
    let path = folder.join("latest/result.json");
    let text = std::fs::read_to_string(&path)
        .with_context(|| format!("there is no {}", path.display()))?;
    Ok(RunResult::from_json(&text)?)
}

/// The last line a run left.
fn last(said: &Path) -> String {
    let text = std::fs::read(said).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let last = text.lines().rfind(|line| !line.trim().is_empty());
    last.unwrap_or("nothing").to_owned()
}
