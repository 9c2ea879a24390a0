//! Ctrl-C while a command is at work: what is known so far is told; the second one ends the process at once.

use std::process;
use std::thread;

use anyhow::{Context as _, Result};
use nix::sys::signal::{SigSet, Signal};

use crate::exit::Exit;
use crate::run::{EarlyEnd, Ending, signal};
use crate::say;

/// The signals that end a command early; `what_follows` is what the user can expect then. To be called before there are other
/// threads, so that none of them takes a signal.
pub(crate) fn ending(what_follows: &'static str) -> Result<Ending> {
    let (ender, ending) = signal();
    let signals = SigSet::from_iter([Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP]);
    signals
        .thread_block()
        .context("cannot listen for signals")?;
    thread::spawn(move || {
        if signals.wait().is_ok() {
            say::aside(format_args!(
                "ending early: {what_follows} (once more to stop at once)"
            ));
            ender.end(EarlyEnd::Interrupted);
        }
        if signals.wait().is_ok() {
            process::exit(i32::from(Exit::Harness.code()));
        }
    });
    Ok(ending)
}
