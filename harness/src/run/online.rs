//! The check beside the run: it reads the history as it is written, and ends the run at the first proven violation.
//!
//! It reads the file. So the recorder never waits for it, and a check that falls behind loses nothing but time.

use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use anyhow::{Context as _, Result};
use checker::{Event, Format, ModelName, Nanos, Online, OnlineLimit, OnlineViolation, Standing};
use reports::StoppedOnline;

use super::phase::{EarlyEnd, Ender};
use crate::budget::Limits;
use crate::clock::Clock;
use crate::progress::Progress;

/// How often the history is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// Events are read in portions, so that a violation is found even when they come faster than they can be checked.
const PORTION: usize = 5_000;
/// What one look may take; the next goes on where it was.
const LOOK_LIMIT: Duration = Duration::from_secs(1);
/// A check that is behind by more says so.
const BEHIND_NS: u64 = 1_000_000_000;

/// A check that follows a run.
pub(crate) struct Watch {
    stop: mpsc::Sender<()>,
    thread: JoinHandle<Option<StoppedOnline>>,
}

impl Watch {
    /// Follows the history of a run, on a thread of its own.
    pub(crate) fn start(post: Post) -> Result<Self> {
        let (stop, stopped) = mpsc::channel();
        let thread = thread::Builder::new().name("online".to_owned());
        let thread = thread
            .spawn(move || post.keep(&stopped))
            .context("cannot start the thread of the online check")?;
        Ok(Self { stop, thread })
    }

    /// Ends the check. The violation it ended the run at, if it found one.
    pub(crate) fn finish(self) -> Option<StoppedOnline> {
        drop(self.stop);
        let found = self.thread.join();
        found.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    }
}

/// What the check needs to know, and whom it tells.
pub(crate) struct Post {
    pub history: PathBuf,
    pub model: ModelName,
    pub memory_bytes: u64,
    pub clock: Clock,
    pub progress: Progress,
    pub ender: Ender,
}

impl Post {
    fn keep(&self, stop: &mpsc::Receiver<()>) -> Option<StoppedOnline> {
        let found = self.follow(stop);
        found.unwrap_or_else(|error| {
            self.progress.say(&format!(
                "the online check gave up: {error:#}; the history is judged when the run is over"
            ));
            None
        })
    }

    /// Until a violation is proven or the run is over.
    fn follow(&self, stop: &mpsc::Receiver<()>) -> Result<Option<StoppedOnline>> {
        let mut online = Online::new(&self.model.into());
        let mut events = Events::open(&self.history)?;
        let mut was_behind = false;
        while stop.recv_timeout(LOOK_EVERY) == Err(RecvTimeoutError::Timeout) {
            let mut latest = None;
            for _ in 0..PORTION {
                let Some(event) = events.next()? else { break };
                online.feed(&event)?;
                latest = Some(event.time);
            }
            let limits = Limits {
                time: LOOK_LIMIT,
                memory_bytes: self.memory_bytes,
            };
            match online.poll(&limits.start()) {
                Standing::Violated(violation) => return self.stop(&violation).map(Some),
                Standing::Holds => {}
                Standing::Unknown { limit, .. } => endured(limit)?,
            }
            let behind_ns = latest.map_or(0, |Nanos(time)| self.clock.nanos().0 - time);
            self.say_behind(behind_ns, &mut was_behind);
        }
        Ok(None)
    }

    fn say_behind(&self, behind_ns: u64, was_behind: &mut bool) {
        let is_behind = behind_ns > BEHIND_NS;
        if is_behind && !*was_behind {
            self.progress
                .say(&format!("the online check is {} behind", Nanos(behind_ns)));
        }
        *was_behind = is_behind;
    }

    fn stop(&self, violation: &OnlineViolation) -> Result<StoppedOnline> {
        let at = self.clock.nanos();
        self.ender.end(EarlyEnd::Violated);
        let bytes = std::fs::read(&self.history).context("cannot read the history again")?;
        let source = self.history.display().to_string();
        let history = checker::formats::read(&bytes, Some(Format::Jsonl), &source)?;
        let operation = history.operation(violation.operation);
        let key = violation.key.as_ref().map(|key| match key.as_text() {
            Some(text) => text.to_owned(),
            None => key.to_string(),
        });
        let on = key
            .as_ref()
            .map_or_else(String::new, |key| format!("key {key}: "));
        let completed = operation.return_time.unwrap_or(at);
        self.progress.say(&format!(
            "violation found after {at}: {on}nothing that can have happened before lets client {}'s {} return {} at {completed}; stopping",
            operation.process, operation.f, operation.output
        ));
        Ok(StoppedOnline {
            at_ns: at.0,
            key,
            operation: violation.operation.0,
            completed_ns: completed.0,
        })
    }
}

/// A look that takes too long is made up for by the next; memory does not come back.
fn endured(limit: OnlineLimit) -> Result<()> {
    match limit {
        OnlineLimit::Budget(checker::Limit::Time(_)) | OnlineLimit::CompletedLate(_) => Ok(()),
        OnlineLimit::Budget(_) => Err(limit.into()),
    }
}

/// The events of a history that is still being written.
struct Events {
    file: BufReader<File>,
    /// What there is of the next line.
    line: Vec<u8>,
    is_behind_header: bool,
}

impl Events {
    fn open(history: &std::path::Path) -> Result<Self> {
        let shown = history.display();
        let file = File::open(history).with_context(|| format!("cannot read {shown}"))?;
        Ok(Self {
            file: BufReader::new(file),
            line: Vec::new(),
            is_behind_header: false,
        })
    }

    /// The next event, if all of it has been written.
    fn next(&mut self) -> Result<Option<Event>> {
        loop {
            self.file
                .read_until(b'\n', &mut self.line)
                .context("cannot read the history")?;
            if self.line.last() != Some(&b'\n') {
                return Ok(None);
            }
            let line = std::mem::take(&mut self.line);
            if std::mem::replace(&mut self.is_behind_header, true) {
                let event = serde_json::from_slice(&line).context("cannot read an event")?;
                return Ok(Some(event));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    #[test]
    fn an_event_is_read_when_all_of_its_line_is_there() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        let mut events = Events::open(file.path()).unwrap();
        assert!(events.next().unwrap().is_none());
        let line = r#"{"index":0,"time":7,"process":1,"type":"invoke","f":"read","key":"k"}"#;
        let (first, second) = line.split_at(20);
        write!(file, "{{}}\n{first}").unwrap();
        assert!(events.next().unwrap().is_none());
        writeln!(file, "{second}").unwrap();
        assert_eq!(events.next().unwrap().unwrap().time, Nanos(7));
        assert!(events.next().unwrap().is_none());
    }
}
