//! The processes of the nodes: starting, killing, stopping and continuing them, and proof that it happened.
//!
//! Each node is a process group. A process that leaves its group is not reached by the faults, and is killed with the
//! lab.

mod group;
mod slow;

pub use slow::{Pace, SlowEvidence, Slowed};

use crate::clock::Stopwatch;
use crate::clocks::{ClockError, NodeClock};
use crate::kernel;
use nix::errno::Errno;
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::File;
use std::io;
use std::os::fd::BorrowedFd;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::Duration;

/// Longest wait for the kernel to stop, continue or reap a process it was told to.
const PATIENCE: Duration = Duration::from_secs(5);

/// Time between two looks at a process whose state is awaited.
const LOOK_AGAIN: Duration = Duration::from_micros(500);

/// The same for one that was killed, which takes less long.
const REAP_AGAIN: Duration = Duration::from_micros(50);

/// What to start.
#[derive(Debug)]
pub struct ProcessSpec<'a> {
    /// The program.
    pub program: &'a Path,
    /// Its arguments, without its name.
    pub args: Vec<OsString>,
    /// Variables added to the environment of this process.
    pub env: Vec<(OsString, OsString)>,
    /// Where its output and errors go.
    pub log: File,
    /// The network namespace it runs in; none means the one of the harness.
    pub namespace: Option<BorrowedFd<'a>>,
    /// The clocks it goes by; none means those of the host.
    pub clock: Option<&'a NodeClock>,
}

/// A started node. Dropped while it still runs, it is killed.
#[derive(Debug)]
pub struct NodeProcess {
    child: Child,
    program: PathBuf,
    ended: Option<ExitStatus>,
}

/// Proof of a pause.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PauseEvidence {
    /// The processes `/proc` showed as stopped with all their threads.
    pub pids: Vec<u32>,
    /// Their threads.
    pub threads: usize,
    /// From the signal until the last of them had stopped.
    pub waited: Duration,
}

/// How far the clocks of a node reach.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClockReach {
    /// The processes of the node that go by them.
    pub faked: Vec<u32>,
    /// Those that go by the true time, because they were executed by a program that is no script.
    pub missed: Vec<u32>,
}

/// A process could not be started, killed, stopped or continued.
#[derive(Debug, thiserror::Error)]
pub enum ProcessError {
    /// It did not start.
    #[error("cannot start {}: {source}; check that the file exists and is executable", program.display())]
    Spawn {
        /// The program.
        program: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It was started and could not be given its clocks.
    #[error("cannot start {} with clocks of its own: {source}", program.display())]
    Clock {
        /// The program.
        program: PathBuf,
        /// Why.
        source: ClockError,
    },
    /// It had ended before.
    #[error("cannot {action} {} (pid {pid}): it has ended", program.display())]
    Ended {
        /// What was tried.
        action: &'static str,
        /// The program.
        program: PathBuf,
        /// Its former process number.
        pid: u32,
    },
    /// The kernel refused.
    #[error("cannot {action} {} (pid {pid}): {errno}", program.display())]
    Refused {
        /// What was tried.
        action: &'static str,
        /// The program.
        program: PathBuf,
        /// Its process number.
        pid: u32,
        /// The kernel's answer.
        errno: Errno,
    },
    /// The signal was sent and the state did not follow in time.
    #[error("{} (pid {pid}) did not {action} within {PATIENCE:?} of the signal: look at /proc/{pid}/stat", program.display())]
    TooSlow {
        /// What was tried.
        action: &'static str,
        /// The program.
        program: PathBuf,
        /// Its process number.
        pid: u32,
    },
}

impl NodeProcess {
    /// Starts a process as the leader of a group of its own, with nothing on its standard input.
    ///
    /// # Errors
    /// [`ProcessError::Spawn`] when it does not start, [`ProcessError::Clock`] when it cannot have its clocks.
    pub fn spawn(spec: &ProcessSpec<'_>) -> Result<NodeProcess, ProcessError> {
        let program = spec.program.to_owned();
        let unwilling = |source| ProcessError::Spawn {
            program: program.clone(),
            source,
        };
        let unclocked = |source| ProcessError::Clock {
            program: program.clone(),
            source,
        };
        let mut command = command(spec).map_err(unwilling)?;
        if let Some(clock) = spec.clock {
            clock.prepare(&mut command).map_err(unclocked)?;
        }
        let started = command.spawn();
        let process = NodeProcess {
            child: started.map_err(|error| match NodeClock::refused(&error) {
                Some(refusal) => unclocked(refusal),
                None => unwilling(error),
            })?,
            program: program.clone(),
            ended: None,
        };
        if let Some(clock) = spec.clock {
            // What has been started is killed as it is dropped.
            let put_on = clock.put_on(process.group(), &program);
            put_on.map_err(unclocked)?;
        }
        Ok(process)
    }

    /// Its process number, as seen inside the lab.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Kills the whole group with SIGKILL and waits until the process is gone. Harmless when it has ended.
    ///
    /// # Errors
    /// When the kernel refuses the signal or the wait.
    pub fn kill(&mut self) -> Result<ExitStatus, ProcessError> {
        match self.ended {
            Some(status) => Ok(status),
            None => {
                self.signal(Signal::SIGKILL, "kill")?;
                self.reap()
            }
        }
    }

    /// Stops the whole group with SIGSTOP and waits until every thread in it has stopped: the call returns from the
    /// kernel earlier than that.
    ///
    /// # Errors
    /// When the process has ended, or does not stop in time.
    pub fn pause(&self) -> Result<PauseEvidence, ProcessError> {
        let action = "pause";
        let watch = Stopwatch::start();
        self.require_running(action)?;
        self.signal(Signal::SIGSTOP, action)?;
        let members = self.wait_until(action, |members| {
            !members.is_empty() && members.iter().all(group::Member::is_stopped)
        })?;
        Ok(PauseEvidence {
            pids: members.iter().map(|member| member.pid).collect(),
            threads: members.iter().map(|member| member.threads.len()).sum(),
            waited: watch.elapsed(),
        })
    }

    /// Lets a stopped group continue, and waits until it does. Harmless when it has ended.
    ///
    /// # Errors
    /// When the kernel refuses the signal, or the group does not continue in time.
    pub fn resume(&self) -> Result<(), ProcessError> {
        let action = "resume";
        self.signal(Signal::SIGCONT, action)?;
        self.wait_until(action, |members| {
            !members.iter().any(group::Member::waits_for_sigcont)
        })
        .map(drop)
    }

    /// The processor time that each of its processes has used so far.
    pub fn cpu_times(&self) -> BTreeMap<u32, Duration> {
        let members = group::members(self.pid()).into_iter();
        members.map(|member| (member.pid, member.cpu)).collect()
    }

    /// Which of its processes go by `clock`, which it was started with: those that have it in their memory.
    pub fn clock_reach(&self, clock: &NodeClock) -> ClockReach {
        let pids = group::members(self.pid())
            .into_iter()
            .map(|member| member.pid);
        let (faked, missed) = pids.partition(|pid| group::has_mapped(*pid, clock.path()));
        ClockReach { faked, missed }
    }

    /// Asks the group to end with SIGTERM, and kills it when it has not after `grace`.
    ///
    /// # Errors
    /// When the kernel refuses a signal or the wait.
    pub fn terminate(&mut self, grace: Duration) -> Result<ExitStatus, ProcessError> {
        self.signal(Signal::SIGTERM, "terminate")?;
        self.wait(grace)
    }

    /// Waits until it ends by itself, and kills it when it has not after `grace`.
    ///
    /// # Errors
    /// When the kernel refuses the wait or the signal.
    pub fn wait(&mut self, grace: Duration) -> Result<ExitStatus, ProcessError> {
        let watch = Stopwatch::start();
        while watch.elapsed() < grace {
            if let Some(status) = self.try_wait()? {
                return Ok(status);
            }
            thread::sleep(LOOK_AGAIN);
        }
        self.kill()
    }

    /// The exit status, once the process has ended by itself; what it left behind in its group is killed then.
    ///
    /// # Errors
    /// When the kernel refuses the wait.
    pub fn try_wait(&mut self) -> Result<Option<ExitStatus>, ProcessError> {
        if self.ended.is_some() {
            return Ok(self.ended);
        }
        match self.has_ended() {
            Ok(false) => Ok(None),
            Ok(true) => self.kill().map(Some),
            Err(errno) => Err(self.refused("wait for", errno)),
        }
    }

    /// Whether the process has ended, without reaping it: until it is reaped its number cannot go to another process.
    fn has_ended(&self) -> Result<bool, Errno> {
        kernel::ptrace::has_ended(self.group())
    }

    /// Waits for the end of a process that was killed. To wait for a traced one without looking first would take its stops
    /// for its end.
    fn reap(&mut self) -> Result<ExitStatus, ProcessError> {
        while !self
            .has_ended()
            .map_err(|errno| self.refused("wait for", errno))?
        {
            thread::sleep(REAP_AGAIN);
        }
        let status = self.child.wait().map_err(|error| {
            let errno = error.raw_os_error().map_or(Errno::EIO, Errno::from_raw);
            self.refused("wait for", errno)
        })?;
        self.ended = Some(status);
        Ok(status)
    }

    /// Signals the group, unless it has been reaped: then its number may belong to somebody else.
    fn signal(&self, signal: Signal, action: &'static str) -> Result<(), ProcessError> {
        if self.ended.is_some() {
            return Ok(());
        }
        killpg(self.group(), signal).map_err(|errno| self.refused(action, errno))
    }

    fn require_running(&self, action: &'static str) -> Result<(), ProcessError> {
        match self.ended.is_none() && self.has_ended() == Ok(false) {
            true => Ok(()),
            false => Err(ProcessError::Ended {
                action,
                program: self.program.clone(),
                pid: self.pid(),
            }),
        }
    }

    fn wait_until(
        &self,
        action: &'static str,
        reached: impl Fn(&[group::Member]) -> bool,
    ) -> Result<Vec<group::Member>, ProcessError> {
        let watch = Stopwatch::start();
        loop {
            let members = group::members(self.pid());
            if reached(&members) {
                return Ok(members);
            }
            if watch.elapsed() > PATIENCE {
                return Err(ProcessError::TooSlow {
                    action,
                    program: self.program.clone(),
                    pid: self.pid(),
                });
            }
            thread::sleep(LOOK_AGAIN);
        }
    }

    fn group(&self) -> Pid {
        Pid::from_raw(i32::try_from(self.pid()).expect("process numbers fit in 22 bits"))
    }

    fn refused(&self, action: &'static str, errno: Errno) -> ProcessError {
        ProcessError::Refused {
            action,
            program: self.program.clone(),
            pid: self.pid(),
            errno,
        }
    }
}

fn command(spec: &ProcessSpec<'_>) -> io::Result<Command> {
    let mut command = Command::new(spec.program);
    command
        .args(&spec.args)
        .envs(spec.env.iter().map(|(name, value)| (name, value)))
        .stdin(Stdio::null())
        .stdout(spec.log.try_clone()?)
        .stderr(spec.log.try_clone()?)
        .process_group(0);
    if let Some(namespace) = spec.namespace {
        kernel::start_in_namespace(&mut command, namespace);
    }
    Ok(command)
}

impl Drop for NodeProcess {
    fn drop(&mut self) {
        // Nobody is left to tell; the end of the lab takes what this leaves.
        let _ = self.kill();
    }
}
