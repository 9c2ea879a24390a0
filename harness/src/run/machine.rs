//! Whether the machine itself keeps up. Where a timer fires late or a small sync takes long, the nodes are held up as well, and nobody
//! can blame them for not serving.

use std::fs::File;
use std::io::{self, Seek as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use anyhow::{Context as _, Result};
use reports::MachineStall;

use crate::clock::Clock;

/// How often the machine is looked at.
const EVERY: Duration = Duration::from_millis(100);
/// Bytes of a sample that is synced: a block.
const SAMPLE: [u8; 4096] = [0; 4096];
/// Later than this, and a node that waits for its leader may have given up.
const LATE_NS: u64 = 100_000_000;
/// Stalls that are closer to each other than this are one.
const CLOSE_NS: u64 = 500_000_000;

/// Looks at the machine until it is told to stop.
#[derive(Debug)]
pub(super) struct Meter {
    stop: Sender<()>,
    thread: JoinHandle<Stalls>,
    file: PathBuf,
}

#[derive(Debug, Default)]
struct Stalls(Vec<MachineStall>);

impl Meter {
    /// Syncs a small file of this name, which is gone in the end.
    pub(super) fn start(file: &Path, clock: Clock) -> Result<Self> {
        let sample = File::create(file);
        let sample = sample.with_context(|| format!("cannot create {}", file.display()))?;
        let (stop, stopped) = mpsc::channel();
        let look = move || {
            let mut stalls = Stalls::default();
            loop {
                let asleep_ns = clock.nanos().0;
                if stopped.recv_timeout(EVERY) != Err(RecvTimeoutError::Timeout) {
                    return stalls;
                }
                let awake_ns = clock.nanos().0;
                let late_ns = (awake_ns - asleep_ns).saturating_sub(EVERY.as_nanos() as u64);
                stalls.note((asleep_ns, awake_ns), late_ns);
                if sync(&sample).is_ok() {
                    let synced_ns = clock.nanos().0;
                    stalls.note((awake_ns, synced_ns), synced_ns - awake_ns);
                }
            }
        };
        let thread = thread::Builder::new().name("machine".to_owned());
        Ok(Self {
            stop,
            thread: thread.spawn(look).context("cannot start a thread")?,
            file: file.to_owned(),
        })
    }

    /// When the machine did not keep up.
    pub(super) fn stop(self) -> Vec<MachineStall> {
        drop(self.stop);
        let Stalls(stalls) = self.thread.join().unwrap_or_default();
        // Nobody reads it; the folder is complete with it or without.
        let _ = std::fs::remove_file(self.file);
        stalls
    }
}

/// Writes the sample over itself, so that no more than its bytes have to reach the disk.
fn sync(mut file: &File) -> io::Result<()> {
    file.rewind()?;
    file.write_all(&SAMPLE)?;
    file.sync_data()
}

impl Stalls {
    /// Something between these moments took so much longer than it should.
    fn note(&mut self, (from_ns, to_ns): (u64, u64), late_ns: u64) {
        if late_ns < LATE_NS {
            return;
        }
        match self.0.last_mut() {
            Some(last) if from_ns <= last.to_ns.saturating_add(CLOSE_NS) => {
                last.to_ns = to_ns;
                last.longest_ns = last.longest_ns.max(late_ns);
            }
            Some(_) | None => self.0.push(MachineStall {
                from_ns,
                to_ns,
                longest_ns: late_ns,
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: u64 = 1_000_000;

    #[test]
    fn stalls_that_are_close_are_one_and_short_ones_are_none() {
        let mut stalls = Stalls::default();
        for (from, to, late) in [
            (0, 100, 1),
            (1_000, 1_199, 99),
            (2_000, 2_200, 100),
            (2_600, 2_900, 250),
            (5_000, 5_120, 120),
        ] {
            stalls.note((from * MS, to * MS), late * MS);
        }
        let found: Vec<[u64; 3]> = stalls
            .0
            .iter()
            .map(|one| [one.from_ns / MS, one.to_ns / MS, one.longest_ns / MS])
            .collect();
        assert_eq!(found, [[2_000, 2_900, 250], [5_000, 5_120, 120]]);
    }

    #[test]
    fn the_sample_is_gone_in_the_end() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("sample");
        let meter = Meter::start(&file, Clock::start()).unwrap();
        assert!(file.exists());
        meter.stop();
        assert!(!file.exists());
    }
}
