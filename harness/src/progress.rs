//! What a person sees while a run is on: a bar on a terminal, plain lines elsewhere; always on standard error.

use std::io::IsTerminal as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use reports::{Effect, FaultRecord};

use crate::clock::Clock;
use crate::run::{Completion, Leaders, Live};
use crate::say;

/// How often the counts are shown on a terminal, and where every look leaves a line.
const REDRAW_EVERY: Duration = Duration::from_millis(250);
const LINE_EVERY: Duration = Duration::from_secs(5);

/// A handle that anything in the run may tell what happened.
#[derive(Debug, Clone)]
pub(crate) struct Progress {
    bar: Option<ProgressBar>,
    counts: Arc<Counts>,
    live: Live,
}

#[derive(Debug, Default)]
struct Counts {
    ok: AtomicU64,
    fail: AtomicU64,
    info: AtomicU64,
}

impl Progress {
    /// A bar of the length of the clients' time, or plain lines.
    pub(crate) fn new(length: Duration, live: Live) -> Self {
        let bar = std::io::stderr().is_terminal().then(|| {
            let bar = ProgressBar::new(u64::try_from(length.as_millis()).unwrap_or(u64::MAX));
            bar.set_style(
                ProgressStyle::with_template("{bar:20} {wide_msg}")
                    .expect("the template is a constant that is well formed"),
            );
            bar
        });
        Self {
            bar,
            counts: Arc::default(),
            live,
        }
    }

    /// Says what is going on now.
    pub(crate) fn say(&self, line: &str) {
        match &self.bar {
            Some(bar) if !bar.is_finished() => bar.println(line),
            Some(_) | None => say::aside(format_args!("{line}")),
        }
    }

    /// Says what the run does from now on, also to whoever watches it from elsewhere.
    pub(crate) fn act(&self, line: &str) {
        self.live.phase(line);
        self.say(line);
    }

    /// Where those who watch the run look.
    pub(crate) fn live(&self) -> &Live {
        &self.live
    }

    /// Counts an operation that ended.
    pub(crate) fn completed(&self, completion: &Completion) {
        let count = match completion {
            Completion::Ok(_) => &self.counts.ok,
            Completion::Fail(_) => &self.counts.fail,
            Completion::Info(_) => &self.counts.info,
        };
        count.fetch_add(1, Relaxed);
    }

    /// Says that a fault began or ended.
    pub(crate) fn fault(&self, record: &FaultRecord, phase: &str) {
        let (at_ns, what) = match (phase, record.effect) {
            ("start", _) => (record.start_ns, "begins".to_owned()),
            (_, effect @ (Effect::Installed | Effect::Indeterminate | Effect::Skipped)) => {
                (record.end_ns, format!("ends ({effect}{})", reason(record)))
            }
        };
        self.say(&format!(
            "{:>7.3} s  fault {:<2} {} {what}",
            seconds(at_ns),
            record.id,
            record.description
        ));
    }

    /// Shows counts and the leader until the clients' time is over.
    pub(crate) async fn watch(self, clock: Clock, leaders: Leaders) {
        let mut every = tokio::time::interval(if self.bar.is_some() {
            REDRAW_EVERY
        } else {
            LINE_EVERY
        });
        every.tick().await;
        loop {
            every.tick().await;
            let elapsed = clock.elapsed();
            let line = format!(
                "{:>7.3} s  {}",
                elapsed.as_secs_f64(),
                self.counts_line(&leaders)
            );
            match &self.bar {
                Some(bar) => {
                    bar.set_position(u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX));
                    bar.set_message(line);
                }
                None => say::aside(format_args!("{line}")),
            }
        }
    }

    /// Takes the bar off the screen.
    pub(crate) fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }

    fn counts_line(&self, leaders: &Leaders) -> String {
        let Counts { ok, fail, info } = &*self.counts;
        let leader = leaders.current().map_or_else(
            || "none seen".to_owned(),
            |(node, term)| format!("{node} (term {term})"),
        );
        format!(
            "operations: {} ok, {} failed, {} unknown; leader {leader}",
            ok.load(Relaxed),
            fail.load(Relaxed),
            info.load(Relaxed)
        )
    }
}

fn reason(record: &FaultRecord) -> String {
    let reason = record
        .evidence
        .get("reason")
        .and_then(|reason| reason.as_str());
    reason.map_or_else(String::new, |reason| format!(": {reason}"))
}

fn seconds(ns: u64) -> f64 {
    Duration::from_nanos(ns).as_secs_f64()
}
