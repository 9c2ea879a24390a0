//! The thread that carries packets, and wakes for those that wait.

use super::Port;
use super::capture::Capture;
use super::fabric::{Fabric, Fate};
use super::port::LONGEST_FRAME;
use crate::clock::Stopwatch;
use crate::net::NetError;
use crate::net::disturbance::{Disturbance, RuleId, Tally};
use nix::errno::Errno;
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};
use nix::sys::eventfd::{EfdFlags, EventFd};
use nix::sys::time::TimeSpec;
use nix::sys::timerfd::{ClockId, Expiration, TimerFd, TimerFlags, TimerSetTimeFlags};
use std::cell::Cell;
use std::fs::File;
use std::io::BufWriter;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// Packets taken from one port before the others get their turn.
const BURST: usize = 64;

/// Ports that are looked at after one wait.
const EVENTS: usize = 64;

/// The shortest time a timer can be set to: zero would switch it off.
const SHORTEST_WAIT: Duration = Duration::from_nanos(1);

/// A running switch. It stops when dropped.
pub(super) struct Pump {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

struct Shared {
    fabric: Mutex<Fabric>,
    /// Ends with its first error, which costs nothing but the record.
    capture: Mutex<Option<Capture<BufWriter<File>>>>,
    ports: Vec<Port>,
    /// The time of the fabric.
    clock: Stopwatch,
    /// Wakes the thread: there is another deadline, or it is to stop.
    wake: EventFd,
    stop: AtomicBool,
    /// Why the thread ended, once it has.
    failure: Mutex<Option<String>>,
}

impl Pump {
    pub(super) fn start(
        fabric: Fabric,
        ports: Vec<Port>,
        capture: Option<Capture<BufWriter<File>>>,
    ) -> Result<Pump, NetError> {
        let fail = |errno: Errno| NetError::SwitchStopped {
            why: format!("it could not start: {errno}"),
        };
        let flags = EfdFlags::EFD_CLOEXEC | EfdFlags::EFD_NONBLOCK;
        let shared = Arc::new(Shared {
            fabric: Mutex::new(fabric),
            capture: Mutex::new(capture),
            ports,
            clock: Stopwatch::start(),
            wake: EventFd::from_flags(flags).map_err(fail)?,
            stop: AtomicBool::new(false),
            failure: Mutex::new(None),
        });
        let watched = Watched::new(&shared.ports, &shared.wake).map_err(fail)?;
        let carried = Arc::clone(&shared);
        let thread = thread::Builder::new()
            .name("switch".into())
            .spawn(move || carried.carry(&watched))
            .map_err(|error| fail(Errno::from_raw(error.raw_os_error().unwrap_or(0))))?;
        Ok(Pump {
            shared,
            thread: Some(thread),
        })
    }

    /// Lays a rule on these links at once.
    pub(super) fn impose(
        &self,
        id: RuleId,
        disturbance: &Disturbance,
        links: &[(usize, usize)],
    ) -> Result<(), NetError> {
        self.check()?;
        let mut fabric = lock(&self.shared.fabric);
        fabric.impose(self.shared.clock.elapsed(), id, disturbance, links);
        Ok(())
    }

    /// Takes the rules away for which `lifted` holds, and delivers what they kept back.
    pub(super) fn lift(&self, lifted: impl Fn(RuleId) -> bool) -> Result<(), NetError> {
        self.check()?;
        let mut fabric = lock(&self.shared.fabric);
        // Delivered under the lock, so that nothing newer overtakes what was held.
        let mut out = |port: usize, frame: &[u8]| self.shared.ports[port].write(frame);
        fabric.lift(self.shared.clock.elapsed(), lifted, &mut out);
        drop(fabric);
        self.wake()
    }

    /// The links a rule lies on, and what it did on each.
    pub(super) fn tallies(&self, id: RuleId) -> Result<Vec<(usize, usize, Tally)>, NetError> {
        self.check()?;
        Ok(lock(&self.shared.fabric).tallies(id))
    }

    fn wake(&self) -> Result<(), NetError> {
        let woken = self.shared.wake.write(1);
        woken.map(drop).map_err(|errno| NetError::SwitchStopped {
            why: format!("it cannot be woken: {errno}"),
        })
    }

    /// A fault on a network that carries nothing proves nothing.
    fn check(&self) -> Result<(), NetError> {
        let ended = self.thread.as_ref().is_none_or(JoinHandle::is_finished);
        if !ended {
            return Ok(());
        }
        let why = lock(&self.shared.failure).clone();
        Err(NetError::SwitchStopped {
            why: why.unwrap_or_else(|| "its thread panicked".into()),
        })
    }
}

impl Drop for Pump {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::Release);
        let woken = self.wake().is_ok();
        if let Some(thread) = self.thread.take().filter(|_| woken) {
            // A panic of the thread has been printed, and reported by `check`.
            let _ = thread.join();
        }
    }
}

impl Shared {
    fn carry(&self, watched: &Watched) {
        let mut buffer = vec![0; LONGEST_FRAME];
        let mut events = [EpollEvent::empty(); EVENTS];
        while !self.stop.load(Ordering::Acquire) {
            let ready = match self.rest(watched, &mut events) {
                Ok(ready) => ready,
                Err(errno) => return self.fail(format!("waiting for packets failed: {errno}")),
            };
            let came_in = events[..ready].iter().map(|event| event.data() as usize);
            for port in came_in.filter(|number| *number < self.ports.len()) {
                if let Err(error) = self.drain(port, &mut buffer) {
                    return self.fail(format!("reading from port {port} failed: {error}"));
                }
            }
        }
    }

    /// Delivers what is due, then waits for packets or until something else is due.
    fn rest(&self, watched: &Watched, events: &mut [EpollEvent]) -> Result<usize, Errno> {
        let _ = self.wake.read();
        let next = self.settle();
        watched.set_timer(next)?;
        match watched.epoll.wait(events, EpollTimeout::NONE) {
            Err(Errno::EINTR) => Ok(0),
            other => other,
        }
    }

    /// Delivers what is due; the time until the next is.
    fn settle(&self) -> Option<Duration> {
        let mut fabric = lock(&self.fabric);
        let mut out = |port: usize, frame: &[u8]| self.ports[port].write(frame);
        fabric.settle(self.clock.elapsed(), &mut out);
        let now = self.clock.elapsed();
        let deadline = fabric.deadline(now);
        deadline.map(|deadline| deadline.saturating_sub(now))
    }

    /// Carries a burst of packets that came in at one port.
    fn drain(&self, from: usize, buffer: &mut [u8]) -> std::io::Result<()> {
        for _ in 0..BURST {
            let Some(length) = self.ports[from].read(buffer)? else {
                return Ok(());
            };
            let header = self.ports[from].header();
            let frame = (&mut buffer[..length], header);
            // The lock is held until the packet is out: after a cut has returned nothing is still under way.
            let mut fabric = lock(&self.fabric);
            let mut out = |to: usize, frame: &[u8]| self.ports[to].write(frame);
            let now = self.clock.elapsed();
            if let Some(fate) = fabric.forward(now, from, frame, &mut out) {
                self.record(now, &fate, &buffer[header..length]);
            }
        }
        Ok(())
    }

    fn record(&self, now: Duration, fate: &Fate, packet: &[u8]) {
        let mut capture = lock(&self.capture);
        let recorded = capture
            .as_mut()
            .map(|capture| capture.record(now, fate, packet));
        if let Some(Err(_)) = recorded {
            *capture = None;
        }
    }

    fn fail(&self, why: String) {
        *lock(&self.failure) = Some(why);
    }
}

/// What the thread waits for: every port under its number, and its alarms under higher ones.
struct Watched {
    epoll: Epoll,
    timer: TimerFd,
    /// Whether the timer was set: most of the time nothing waits.
    ticking: Cell<bool>,
}

impl Watched {
    fn new(ports: &[Port], wake: &EventFd) -> Result<Watched, Errno> {
        let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?;
        let timer = TimerFd::new(
            ClockId::CLOCK_MONOTONIC,
            TimerFlags::TFD_CLOEXEC | TimerFlags::TFD_NONBLOCK,
        )?;
        let event = |number: usize| EpollEvent::new(EpollFlags::EPOLLIN, number as u64);
        for (number, port) in ports.iter().enumerate() {
            epoll.add(port, event(number))?;
        }
        epoll.add(wake, event(ports.len()))?;
        epoll.add(&timer, event(ports.len() + 1))?;
        Ok(Watched {
            epoll,
            timer,
            ticking: Cell::new(false),
        })
    }

    /// Sets the timer, which also ends its last ring, or switches it off.
    fn set_timer(&self, next: Option<Duration>) -> Result<(), Errno> {
        let ticked = self.ticking.replace(next.is_some());
        match next {
            Some(next) => {
                let next = TimeSpec::from_duration(next.max(SHORTEST_WAIT));
                self.timer
                    .set(Expiration::OneShot(next), TimerSetTimeFlags::empty())
            }
            None if ticked => self.timer.unset(),
            None => Ok(()),
        }
    }
}

/// The values behind these locks are whole between any two statements, so a panic elsewhere does not spoil them.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
