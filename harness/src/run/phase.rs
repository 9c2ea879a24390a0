//! The one signal that ends a run early, and waiting that listens to it.

use std::ops::ControlFlow;
use std::sync::Arc;

use anyhow::{Context as _, Result};
use tokio::signal::unix::{SignalKind, signal as unix_signal};
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;

use crate::progress::Progress;

/// Why the clients' time was cut short.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum EarlyEnd {
    /// The user asked for it (Ctrl-C, SIGTERM).
    Interrupted,
    /// A violation is proven, and the run was to end at the first.
    Violated,
    /// The run cannot go on, for this reason.
    Failed(String),
}

/// The sender's side: anyone who can end the run.
#[derive(Debug, Clone)]
pub(crate) struct Ender(Arc<watch::Sender<Option<EarlyEnd>>>);

/// The receiver's side: everything that waits.
#[derive(Debug, Clone)]
pub(crate) struct Ending(watch::Receiver<Option<EarlyEnd>>);

/// A signal that was not given yet.
pub(crate) fn signal() -> (Ender, Ending) {
    let (sender, receiver) = watch::channel(None);
    (Ender(Arc::new(sender)), Ending(receiver))
}

/// Ends the run at the first Ctrl-C, SIGTERM or closing of the terminal, and the process at the second.
pub(crate) fn end_on_signals(ender: &Ender, progress: &Progress) -> Result<()> {
    let (told, asked) = mpsc::unbounded_channel();
    for kind in [
        SignalKind::interrupt(),
        SignalKind::terminate(),
        SignalKind::hangup(),
    ] {
        let mut signals = unix_signal(kind).context("cannot listen for signals")?;
        let told = told.clone();
        tokio::spawn(
            async move { while signals.recv().await.is_some() && told.send(()).is_ok() {} },
        );
    }
    tokio::spawn(obey(asked, ender.clone(), progress.clone()));
    Ok(())
}

async fn obey(mut asked: mpsc::UnboundedReceiver<()>, ender: Ender, progress: Progress) {
    asked.recv().await;
    progress
        .say("ending early: healing, then judging what was recorded (once more to stop at once)");
    ender.end(EarlyEnd::Interrupted);
    asked.recv().await;
    progress
        .say("stopped; what was recorded can be judged: adrasteia check runs/latest/history.jsonl");
    std::process::exit(i32::from(crate::exit::Exit::Harness.code()));
}

impl Ender {
    /// Ends the run; the first reason stands.
    pub(crate) fn end(&self, why: EarlyEnd) {
        self.0.send_if_modified(|reason| {
            let first = reason.is_none();
            if first {
                *reason = Some(why);
            }
            first
        });
    }
}

impl Ending {
    /// Why the run was ended early, if it was.
    pub(crate) fn reason(&self) -> Option<EarlyEnd> {
        self.0.borrow().clone()
    }

    /// Was the run ended early?
    pub(crate) fn is_given(&self) -> bool {
        self.0.borrow().is_some()
    }

    /// Waits for `deadline`; breaks off at once when the run is ended.
    pub(crate) async fn sleep_until(&mut self, deadline: Instant) -> ControlFlow<()> {
        tokio::select! {
            biased;
            () = self.ended() => ControlFlow::Break(()),
            () = tokio::time::sleep_until(deadline) => ControlFlow::Continue(()),
        }
    }

    /// Returns when the run is ended; never, if nobody is left to end it.
    pub(crate) async fn ended(&mut self) {
        if self.0.wait_for(Option::is_some).await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[tokio::test]
    async fn waiting_breaks_off_when_the_run_is_ended_and_the_first_reason_stands() {
        let (ender, mut ending) = signal();
        let far = Instant::now() + Duration::from_secs(3_600);
        let waiting = tokio::spawn(async move { (ending.sleep_until(far).await, ending.reason()) });
        ender.end(EarlyEnd::Interrupted);
        ender.end(EarlyEnd::Failed("too late".to_owned()));
        assert_eq!(
            waiting.await.unwrap(),
            (ControlFlow::Break(()), Some(EarlyEnd::Interrupted))
        );
    }
}
