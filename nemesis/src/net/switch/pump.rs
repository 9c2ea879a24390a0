//! The thread that carries packets.

use super::Port;
use super::fabric::Fabric;
use super::port::LONGEST_FRAME;
use crate::net::NetError;
use nix::errno::Errno;
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};
use nix::sys::eventfd::{EfdFlags, EventFd};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};

/// Packets taken from one port before the others get their turn.
const BURST: usize = 64;

/// Ports that are looked at after one wait.
const EVENTS: usize = 64;

/// A running switch. It stops when dropped.
pub(super) struct Pump {
    shared: Arc<Shared>,
    stop: Arc<EventFd>,
    thread: Option<JoinHandle<()>>,
}

struct Shared {
    fabric: Mutex<Fabric>,
    ports: Vec<Port>,
    /// Why the thread ended, once it has.
    failure: Mutex<Option<String>>,
}

impl Pump {
    pub(super) fn start(fabric: Fabric, ports: Vec<Port>) -> Result<Pump, NetError> {
        let fail = |errno: Errno| NetError::SwitchStopped {
            why: format!("it could not start: {errno}"),
        };
        let stop = Arc::new(EventFd::from_flags(EfdFlags::EFD_CLOEXEC).map_err(fail)?);
        let epoll = watch(&ports, &stop).map_err(fail)?;
        let shared = Arc::new(Shared {
            fabric: Mutex::new(fabric),
            ports,
            failure: Mutex::new(None),
        });
        let carried = Arc::clone(&shared);
        let thread = thread::Builder::new()
            .name("switch".into())
            .spawn(move || carried.carry(&epoll))
            .map_err(|error| fail(Errno::from_raw(error.raw_os_error().unwrap_or(0))))?;
        Ok(Pump {
            shared,
            stop,
            thread: Some(thread),
        })
    }

    /// Cuts exactly the links between nodes for which `cut(from, to)` holds, and delivers what was held on the others.
    pub(super) fn recut(&self, cut: impl Fn(usize, usize) -> bool) -> Result<(), NetError> {
        self.check()?;
        let mut fabric = lock(&self.shared.fabric);
        // Delivered under the lock, so that nothing newer overtakes what was held.
        for delivery in fabric.recut(cut) {
            self.shared.ports[delivery.port].write(&delivery.frame);
        }
        Ok(())
    }

    /// The cut links and the packets each has dropped since it was cut.
    pub(super) fn drops(&self) -> Result<Vec<(usize, usize, u64)>, NetError> {
        self.check()?;
        Ok(lock(&self.shared.fabric).drops())
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
        let woken = self.stop.write(1).is_ok();
        if let Some(thread) = self.thread.take().filter(|_| woken) {
            // A panic of the thread has been printed, and reported by `check`.
            let _ = thread.join();
        }
    }
}

impl Shared {
    fn carry(&self, epoll: &Epoll) {
        let mut buffer = vec![0; LONGEST_FRAME];
        let mut events = [EpollEvent::empty(); EVENTS];
        loop {
            let ready = match epoll.wait(&mut events, EpollTimeout::NONE) {
                Ok(ready) => ready,
                Err(Errno::EINTR) => continue,
                Err(errno) => return self.fail(format!("waiting for packets failed: {errno}")),
            };
            for event in &events[..ready] {
                let port = event.data() as usize;
                if port == self.ports.len() {
                    return;
                }
                if let Err(error) = self.drain(port, &mut buffer) {
                    return self.fail(format!("reading from port {port} failed: {error}"));
                }
            }
        }
    }

    /// Carries a burst of packets that came in at one port.
    fn drain(&self, from: usize, buffer: &mut [u8]) -> std::io::Result<()> {
        for _ in 0..BURST {
            let Some(length) = self.ports[from].read(buffer)? else {
                return Ok(());
            };
            let frame = &buffer[..length];
            let packet = self.ports[from].packet(frame);
            // The lock is held until the packet is out: after a cut has returned nothing is still under way.
            let mut fabric = lock(&self.fabric);
            if let Some(to) = fabric.forward(from, frame, packet) {
                self.ports[to].write(frame);
            }
        }
        Ok(())
    }

    fn fail(&self, why: String) {
        *lock(&self.failure) = Some(why);
    }
}

/// Watches every port under its number, and `stop` under the next one.
fn watch(ports: &[Port], stop: &EventFd) -> Result<Epoll, Errno> {
    let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?;
    for (number, port) in ports.iter().enumerate() {
        epoll.add(port, EpollEvent::new(EpollFlags::EPOLLIN, number as u64))?;
    }
    let stopping = EpollEvent::new(EpollFlags::EPOLLIN, ports.len() as u64);
    epoll.add(stop, stopping)?;
    Ok(epoll)
}

/// The values behind these locks are whole between any two statements, so a panic elsewhere does not spoil them.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
