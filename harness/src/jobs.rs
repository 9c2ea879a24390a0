//! Several runs at once, each a process of its own.

use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use anyhow::Result;
use indicatif::{ProgressBar, ProgressStyle};

use crate::run::Ending;

/// Does `work` for one item after the other, for `jobs` of them at a time, until there are no more, `ending` is given, or some work
/// failed. What is being done then is finished; an item is not taken before somebody is free to do it.
pub(crate) fn through<T>(
    jobs: usize,
    items: impl Iterator<Item = T> + Send,
    ending: &Ending,
    work: impl Fn(T) -> Result<()> + Sync,
) -> Result<()> {
    let items = Mutex::new(Some(items));
    let next = || {
        let mut items = items.lock().unwrap_or_else(PoisonError::into_inner);
        items.as_mut().filter(|_| !ending.is_given())?.next()
    };
    let stop = || *items.lock().unwrap_or_else(PoisonError::into_inner) = None;
    let worker = || -> Result<()> {
        while let Some(item) = next() {
            work(item).inspect_err(|_| stop())?;
        }
        Ok(())
    };
    let ends = thread::scope(|scope| {
        let workers: Vec<_> = (0..jobs).map(|_| scope.spawn(worker)).collect();
        let join = |worker: thread::ScopedJoinHandle<'_, Result<()>>| {
            let end = worker.join();
            end.unwrap_or_else(|_| Err(anyhow::anyhow!("a worker panicked")))
        };
        workers.into_iter().map(join).collect::<Vec<_>>()
    });
    ends.into_iter().collect()
}

/// How many of so many runs are made; hidden by itself where standard error is no terminal.
pub(crate) fn bar(runs: usize) -> ProgressBar {
    styled(
        ProgressBar::new(runs as u64),
        "{bar:20} {pos} of {len} runs, {eta} left",
    )
}

/// How many runs are made in a time that is given.
pub(crate) fn clock_bar(limit: Duration) -> ProgressBar {
    let limit = humantime::format_duration(limit);
    styled(
        ProgressBar::no_length(),
        &format!("{{spinner}} {{pos}} runs, {{elapsed}} of {limit}"),
    )
}

fn styled(bar: ProgressBar, template: &str) -> ProgressBar {
    bar.set_style(ProgressStyle::with_template(template).expect("the template is well formed"));
    bar.enable_steady_tick(Duration::from_millis(250));
    bar
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::run::{EarlyEnd, signal};

    #[test]
    fn everything_is_done_once_by_however_many() {
        for jobs in [1, 3, 16] {
            let (_ender, ending) = signal();
            let done = Mutex::new(Vec::new());
            through(jobs, 0..50, &ending, |item| {
                done.lock().unwrap().push(item);
                Ok(())
            })
            .unwrap();
            let done = done.into_inner().unwrap();
            assert_eq!(done.len(), 50);
            assert_eq!(BTreeSet::from_iter(done), BTreeSet::from_iter(0..50));
        }
    }

    #[test]
    fn an_end_or_an_error_takes_no_further_item() {
        let (ender, ending) = signal();
        let done = Mutex::new(Vec::new());
        let work = |item| {
            done.lock().unwrap().push(item);
            match item {
                3 => anyhow::bail!("the third"),
                7 => ender.end(EarlyEnd::Interrupted),
                _ => {}
            }
            Ok(())
        };
        let error = through(1, 0.., &ending, work).unwrap_err();
        assert_eq!(error.to_string(), "the third");
        through(1, 5.., &ending, work).unwrap();
        assert_eq!(done.into_inner().unwrap(), [0, 1, 2, 3, 5, 6, 7]);
    }
}
