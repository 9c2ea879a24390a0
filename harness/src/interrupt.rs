//! Ctrl-C while a command is at work: what is known so far is told; the second one ends the process at once.

use std::process;
use std::thread;

use anyhow::{Context as _, Result};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use crate::exit::Exit;
use crate::run::{EarlyEnd, Ending, signal};
use crate::say;

/// The signals that end a command early; `what_follows` is what the user can expect then. They are handled and not
/// blocked: a blocked signal stays blocked in every program that is started, and then nothing ends it but SIGKILL.
pub(crate) fn ending(what_follows: &'static str) -> Result<Ending> {
    let (ender, ending) = signal();
    let mut signals =
        Signals::new([SIGINT, SIGTERM, SIGHUP]).context("cannot listen for signals")?;
    thread::spawn(move || {
        let mut arriving = signals.forever();
        if arriving.next().is_some() {
            say::aside(format_args!(
                "ending early: {what_follows} (once more to stop at once)"
            ));
            ender.end(EarlyEnd::Interrupted);
        }
        if arriving.next().is_some() {
            process::exit(i32::from(Exit::Harness.code()));
        }
    });
    Ok(ending)
}
