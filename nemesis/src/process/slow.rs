//! Less processor time for a node: it stands still and runs in turn, whatever program it is.
//!
//! Each turn looks anew for the processes of the node, so that those which it has made since stand still as well, and a
//! node that was started again meanwhile is slowed like the one before.

use super::NodeProcess;
use crate::clock::Stopwatch;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// How long a slowed node runs and stands still, in turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pace {
    /// It runs for so long.
    pub run_ms: u32,
    /// Then it stands still for so long.
    pub stop_ms: u32,
}

impl Pace {
    /// The share of the time in which it may run.
    pub fn share(self) -> f64 {
        f64::from(self.run_ms) / (f64::from(self.run_ms) + f64::from(self.stop_ms))
    }
}

impl fmt::Display for Pace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Pace { run_ms, stop_ms } = self;
        write!(
            f,
            "{:.0} % of the time ({run_ms} ms of {})",
            100.0 * self.share(),
            run_ms + stop_ms
        )
    }
}

/// Proof that a node was slow.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SlowEvidence {
    /// How often all its threads were seen to have stopped.
    pub stops: u32,
    /// How long it ran before each stop, until `/proc` showed all its threads stopped.
    pub ran: Duration,
    /// How long it stood still from then on.
    pub stood: Duration,
    /// The processor time that its processes used, as seen at each stop.
    pub cpu: Duration,
    /// How many processes were stopped in all.
    pub processes: usize,
    /// Turns in which there was nothing to stop: the node was down or stopped already.
    pub without: u32,
    /// Why a stop or the end of one failed, the last time that it did.
    pub failed: Option<String>,
}

impl SlowEvidence {
    /// The share of the time in which it could run, as measured.
    pub fn share(&self) -> f64 {
        let all = self.ran + self.stood;
        match all.is_zero() {
            true => 1.0,
            false => self.ran.as_secs_f64() / all.as_secs_f64(),
        }
    }
}

/// A node that is slow until this is ended or dropped; then it runs.
#[derive(Debug)]
pub struct Slowed {
    /// Let go of, it ends the thread.
    goes_on: Option<Sender<()>>,
    thread: Option<JoinHandle<SlowEvidence>>,
}

impl Slowed {
    /// Begins to slow a node. `reach` calls what it is given with the node's process, if that is there now and nobody else
    /// keeps it from running.
    pub fn start(
        pace: Pace,
        reach: impl FnMut(&mut dyn FnMut(&NodeProcess)) + Send + 'static,
    ) -> Slowed {
        let (sender, ended) = channel();
        let turns = Turns {
            pace,
            reach,
            ended,
            used: BTreeMap::new(),
            evidence: SlowEvidence::default(),
        };
        Slowed {
            goes_on: Some(sender),
            thread: Some(thread::spawn(|| turns.take())),
        }
    }

    /// Lets the node run again, and tells how slow it was.
    pub fn end(mut self) -> SlowEvidence {
        self.join().unwrap_or_default()
    }

    fn join(&mut self) -> Option<SlowEvidence> {
        self.goes_on = None;
        self.thread.take()?.join().ok()
    }
}

impl Drop for Slowed {
    fn drop(&mut self) {
        let _ = self.join();
    }
}

struct Turns<R> {
    pace: Pace,
    reach: R,
    ended: Receiver<()>,
    /// The processor time of each process when it was first seen, and last.
    used: BTreeMap<u32, (Duration, Duration)>,
    evidence: SlowEvidence,
}

impl<R: FnMut(&mut dyn FnMut(&NodeProcess))> Turns<R> {
    fn take(mut self) -> SlowEvidence {
        let mut runs = Stopwatch::start();
        (self.reach)(&mut |process| note(&mut self.used, process, true));
        while self.wait(self.pace.run_ms) {
            let stopped = self.stop();
            let ran = runs.elapsed();
            let stands = Stopwatch::start();
            let goes_on = self.wait(self.pace.stop_ms);
            let stood = stands.elapsed();
            runs = Stopwatch::start();
            if let Some(pid) = stopped {
                self.evidence.ran += ran;
                self.evidence.stood += stood;
                self.go_on(pid);
            }
            if !goes_on {
                break;
            }
        }
        self.evidence.processes = self.used.len();
        self.evidence.cpu = self.used.values().map(|(first, last)| *last - *first).sum();
        self.evidence
    }

    /// Whether it goes on after so long.
    fn wait(&self, ms: u32) -> bool {
        let patience = Duration::from_millis(ms.into());
        self.ended.recv_timeout(patience) == Err(RecvTimeoutError::Timeout)
    }

    /// Stops the node; its process number, if that succeeded.
    fn stop(&mut self) -> Option<u32> {
        let mut outcome = None;
        (self.reach)(&mut |process| {
            outcome = Some(process.pause().map(|_| process.pid()));
            note(&mut self.used, process, false);
        });
        match outcome {
            Some(Ok(pid)) => {
                self.evidence.stops += 1;
                Some(pid)
            }
            Some(Err(error)) => {
                self.evidence.failed = Some(error.to_string());
                // Part of it may have stopped.
                self.resume(|_| true);
                None
            }
            None => {
                self.evidence.without += 1;
                None
            }
        }
    }

    /// Lets the process that was stopped go on, if it is still that one.
    fn go_on(&mut self, pid: u32) {
        self.resume(|process| process.pid() == pid);
    }

    fn resume(&mut self, meant: impl Fn(&NodeProcess) -> bool) {
        (self.reach)(&mut |process| {
            if meant(process)
                && let Err(error) = process.resume()
            {
                self.evidence.failed = Some(error.to_string());
            }
        });
    }
}

/// Takes down what processor time was used. Who was not there `at_first` has used all of it since.
fn note(used: &mut BTreeMap<u32, (Duration, Duration)>, process: &NodeProcess, at_first: bool) {
    for (pid, cpu) in process.cpu_times() {
        let first = if at_first { cpu } else { Duration::ZERO };
        used.entry(pid).or_insert((first, cpu)).1 = cpu;
    }
}
