//! The clocks of one node: what they show, and what its processes have been told.

use super::page::{ClockPage, Faked};
use super::{ClockChange, ClockError, ClockWay, Setting, Slope, Strobe, Witness, preload};
use crate::kernel::clock_code::ClockCode;
use crate::kernel::ptrace::{NOT_TRACED, stop_at_exec};
use nix::unistd::Pid;
use std::io;
use std::path::Path;
use std::process::Command;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The clocks of a node. It outlives the processes of the node: one that is started again finds them as they are.
#[derive(Debug)]
pub struct NodeClock {
    way: ClockWay,
    page: ClockPage,
    shown: Mutex<Shown>,
}

/// What the clocks show now, and how often they have been set.
#[derive(Debug)]
struct Shown {
    wall: Setting,
    monotonic: Setting,
    number: u64,
}

impl NodeClock {
    /// Clocks that show the true time, in a file at `path`, which must be on a tmpfs that may be executed from (such as
    /// `/run` of a lab) and that the processes of the node find by the same name.
    ///
    /// # Errors
    /// [`ClockError::Architecture`] where no clock can be faked in this way, [`ClockError::Page`] when the file cannot be made.
    pub fn create(path: &Path, way: ClockWay) -> Result<NodeClock, ClockError> {
        let exists = match way {
            ClockWay::Vdso => ClockCode::get().is_some(),
            ClockWay::Preload => !preload::LIBRARY.is_empty(),
        };
        if !exists {
            return Err(ClockError::Architecture { way });
        }
        if way == ClockWay::Preload {
            preload::write_beside(path)?;
        }
        Ok(NodeClock {
            way,
            page: ClockPage::create(path)?,
            shown: Mutex::new(Shown {
                wall: Setting::TRUE,
                monotonic: Setting::TRUE,
                number: 0,
            }),
        })
    }

    /// Makes a change, in the place of an earlier one of its kind. It takes effect at once for everything that runs.
    ///
    /// # Errors
    /// [`ClockError::Page`] when the file cannot be written.
    pub fn install(&self, change: ClockChange) -> Result<(), ClockError> {
        self.set(change, |setting, now_ns| match change {
            ClockChange::Jump { offset_ns } => setting.jump_ns = offset_ns,
            ClockChange::Drift { rate_ppb } | ClockChange::Monotonic { rate_ppb } => {
                setting.slope = setting.slope.drift(now_ns, rate_ppb);
            }
            ClockChange::Strobe {
                offset_ns,
                period_ns,
            } => {
                setting.strobe = Strobe {
                    base_ns: now_ns,
                    period_ns,
                    offset_ns,
                }
            }
        })
    }

    /// Takes a change of this kind back. The wall clock shows the true time from then on, but for changes of other kinds; a
    /// monotonic clock must not jump, and approaches it.
    ///
    /// # Errors
    /// [`ClockError::Page`] when the file cannot be written.
    pub fn undo(&self, change: ClockChange) -> Result<(), ClockError> {
        self.set(change, |setting, now_ns| match change {
            ClockChange::Jump { .. } => setting.jump_ns = 0,
            ClockChange::Drift { .. } => setting.slope = Slope::NONE,
            ClockChange::Strobe { .. } => setting.strobe = Strobe::NONE,
            ClockChange::Monotonic { .. } => setting.slope = setting.slope.ease(now_ns),
        })
    }

    /// Takes every change back.
    ///
    /// # Errors
    /// [`ClockError::Page`] when the file cannot be written.
    pub fn reset(&self) -> Result<(), ClockError> {
        let mut shown = self.shown();
        shown.wall = Setting::TRUE;
        let now_ns = true_time_ns(Faked::Monotonic);
        shown.monotonic.slope = shown.monotonic.slope.ease(now_ns);
        self.publish(&mut shown, Faked::Wall)?;
        self.publish(&mut shown, Faked::Monotonic)
    }

    /// What the processes of the node have been told by the clock that `change` is about, since it was made.
    ///
    /// # Errors
    /// [`ClockError::Page`] when the file cannot be read.
    pub fn witness(&self, change: ClockChange) -> Result<Witness, ClockError> {
        self.page.witness(clock_of(change))
    }

    /// What the clock that `change` is about shows now, less the true time, in nanoseconds.
    pub fn offset_ns(&self, change: ClockChange) -> i64 {
        let clock = clock_of(change);
        self.shown().of(clock).offset_ns(true_time_ns(clock))
    }

    /// The file of the clocks: a process has them when its memory map names it.
    pub fn path(&self) -> &Path {
        self.page.path()
    }

    /// How its processes come to use them.
    pub fn way(&self) -> ClockWay {
        self.way
    }

    /// Has `command` take the clocks, which are to be [put on](NodeClock::put_on) by the thread that spawns it.
    pub(crate) fn prepare(&self, command: &mut Command) -> Result<(), ClockError> {
        match self.way {
            ClockWay::Vdso => {
                stop_at_exec(command);
                Ok(())
            }
            ClockWay::Preload => preload::prepare(command, &self.page),
        }
    }

    /// Whether a [prepared](NodeClock::prepare) command failed to start because of its clocks.
    pub(crate) fn refused(error: &io::Error) -> Option<ClockError> {
        let untraced = error.raw_os_error() == Some(NOT_TRACED as i32);
        untraced.then_some(ClockError::Untraced)
    }

    /// Gives the clocks to a process that was [prepared](NodeClock::prepare) and has been spawned; then it runs.
    pub(crate) fn put_on(&self, pid: Pid, program: &Path) -> Result<(), ClockError> {
        match self.way {
            ClockWay::Vdso => self.patch(pid, program),
            ClockWay::Preload => preload::await_loaded(pid, program, &self.page),
        }
    }

    #[cfg(target_arch = "x86_64")]
    fn patch(&self, pid: Pid, program: &Path) -> Result<(), ClockError> {
        use super::follow;
        use super::patch::{put_on, refused};
        use crate::kernel::ptrace::{Happened, Release, release, wait_for};
        use nix::libc::SIGSTOP;
        if let Happened::Ended { pid } = wait_for(pid).map_err(refused(pid, "wait for its exec"))? {
            return Err(ClockError::Ended { pid: pid.as_raw() });
        }
        let withheld = put_on(pid, self.path())?;
        let free = |signal| release(pid, Release::Free, signal).map_err(refused(pid, "let it go"));
        match is_script(program) {
            false => free(follow::deliver(pid, &withheld)),
            true => {
                free(SIGSTOP)?;
                follow::follow(pid, self.path().to_owned())
            }
        }
    }

    /// There is no code that could be put there.
    #[cfg(not(target_arch = "x86_64"))]
    fn patch(&self, _: Pid, _: &Path) -> Result<(), ClockError> {
        Err(ClockError::Architecture { way: self.way })
    }

    fn set(
        &self,
        change: ClockChange,
        alter: impl FnOnce(&mut Setting, i64),
    ) -> Result<(), ClockError> {
        let clock = clock_of(change);
        let mut shown = self.shown();
        let now_ns = true_time_ns(clock);
        alter(shown.of_mut(clock), now_ns);
        self.publish(&mut shown, clock)
    }

    fn publish(&self, shown: &mut Shown, clock: Faked) -> Result<(), ClockError> {
        shown.number += 1;
        self.page.write(clock, shown.number, shown.of(clock))
    }

    fn shown(&self) -> MutexGuard<'_, Shown> {
        self.shown.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Shown {
    fn of(&self, clock: Faked) -> &Setting {
        match clock {
            Faked::Wall => &self.wall,
            Faked::Monotonic => &self.monotonic,
        }
    }

    fn of_mut(&mut self, clock: Faked) -> &mut Setting {
        match clock {
            Faked::Wall => &mut self.wall,
            Faked::Monotonic => &mut self.monotonic,
        }
    }
}

fn clock_of(change: ClockChange) -> Faked {
    match change {
        ClockChange::Jump { .. } | ClockChange::Drift { .. } | ClockChange::Strobe { .. } => {
            Faked::Wall
        }
        ClockChange::Monotonic { .. } => Faked::Monotonic,
    }
}

fn true_time_ns(clock: Faked) -> i64 {
    match clock {
        Faked::Wall => crate::clock::wall_ns(),
        Faked::Monotonic => crate::clock::monotonic_ns(),
    }
}

/// Whether a program is a script: what it starts is followed then.
#[cfg(target_arch = "x86_64")]
fn is_script(program: &Path) -> bool {
    use std::io::Read;
    let mut begin = [0; 2];
    let read = std::fs::File::open(program).and_then(|mut file| file.read_exact(&mut begin));
    read.is_ok() && begin == *b"#!"
}
