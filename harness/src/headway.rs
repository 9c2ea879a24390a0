//! What a person sees while a check takes long: one line on a terminal, and nothing anywhere else.

use std::io::IsTerminal as _;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use checker::CheckProgress;
use indicatif::ProgressBar;

/// A check that is done by then says nothing.
const QUIET_MS: u64 = 1_000;

/// How often the line changes.
const REDRAW_MS: u64 = 100;

/// The line of one check, which goes when the check is over.
#[derive(Debug)]
pub(crate) struct Headway {
    bar: ProgressBar,
    shown_ms: AtomicU64,
}

impl Headway {
    /// `None` where standard error is no terminal.
    pub(crate) fn new() -> Option<Self> {
        std::io::stderr().is_terminal().then(|| Self {
            bar: ProgressBar::new_spinner(),
            shown_ms: AtomicU64::new(QUIET_MS - REDRAW_MS),
        })
    }

    /// Shows how far the check is after some time; called far more often than there is something to see.
    pub(crate) fn show(&self, elapsed: Duration, progress: &CheckProgress) {
        let now = u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX);
        let shown = self.shown_ms.load(Relaxed);
        if now.saturating_sub(shown) < REDRAW_MS {
            return;
        }
        if self
            .shown_ms
            .compare_exchange(shown, now, Relaxed, Relaxed)
            .is_ok()
        {
            self.bar.set_message(line(elapsed, progress));
            self.bar.tick();
        }
    }
}

impl Drop for Headway {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

fn line(elapsed: Duration, progress: &CheckProgress) -> String {
    let CheckProgress {
        objects_done,
        objects,
        returns_proven,
        returns,
        configurations,
        ..
    } = *progress;
    let keys = if objects > 1 {
        format!("{objects_done} of {objects} keys judged, ")
    } else {
        String::new()
    };
    let seconds = elapsed.as_secs_f64();
    format!(
        "checking for {seconds:.1} s: {keys}{returns_proven} of {returns} returns linearizable, {configurations} configurations held"
    )
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use checker::{Budget, Event, EventType, History, Limit, Nanos, Process};

    use super::*;

    /// Remembers the last that it was told.
    #[derive(Default)]
    struct Told(Mutex<Option<CheckProgress>>);

    impl Budget for Told {
        fn exceeded(&self, _estimate_bytes: u64) -> Option<Limit> {
            None
        }

        fn progress(&self, progress: &CheckProgress) {
            *self.0.lock().unwrap() = Some(*progress);
        }
    }

    #[test]
    fn the_line_says_how_much_is_proven_of_how_much() {
        let event = |number: u64, event_type| Event {
            index: number,
            time: Nanos(number),
            process: Process::Client(0),
            event_type,
            f: "write".into(),
            key: None,
            value: i64::try_from(number / 2 % 3).unwrap().into(),
            node: None,
            error: None,
            arrival: None,
        };
        let events = (0..8_000).map(|number| match number % 2 {
            0 => event(number, EventType::Invoke),
            _ => event(number, EventType::Ok),
        });
        let history = History::from_events(None, events.collect()).unwrap();
        let told = Told::default();
        checker::check(&history, &history.default_model(), &told).unwrap();
        let progress = told.0.lock().unwrap().expect("it was told something");
        let line = line(Duration::from_millis(1_500), &progress);
        assert!(
            line.starts_with("checking for 1.5 s: ")
                && line.contains(" of 4000 returns linearizable"),
            "{line}"
        );
    }
}
