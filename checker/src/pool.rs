//! Work on many things by a few threads.

use std::num::NonZero;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

/// The result of the work on each thing, in the order of the things, whoever did it.
pub(crate) fn map<T: Sync, R: Send>(
    things: &[T],
    workers: NonZero<usize>,
    work: impl Fn(&T) -> R + Sync,
) -> Vec<R> {
    let workers = workers.get().min(things.len());
    if workers <= 1 {
        return things.iter().map(work).collect();
    }
    let next = AtomicUsize::new(0);
    let one_worker = || {
        let mut done = Vec::new();
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            let Some(thing) = things.get(number) else {
                return done;
            };
            done.push((number, work(thing)));
        }
    };
    let mut done: Vec<(usize, R)> = thread::scope(|scope| {
        let threads: Vec<_> = (0..workers).map(|_| scope.spawn(one_worker)).collect();
        threads
            .into_iter()
            .flat_map(|thread| {
                thread
                    .join()
                    .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
            })
            .collect()
    });
    done.sort_unstable_by_key(|(number, _)| *number);
    done.into_iter().map(|(_, result)| result).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_come_in_the_order_of_the_things() {
        let things: Vec<u32> = (0..1000).collect();
        let squares: Vec<u32> = things.iter().map(|thing| thing * thing).collect();
        for workers in [1, 2, 7] {
            let workers = NonZero::new(workers).expect("not zero");
            assert_eq!(map(&things, workers, |thing| thing * thing), squares);
        }
        assert!(map(&[] as &[u32], NonZero::<usize>::MIN, |thing| *thing).is_empty());
    }
}
