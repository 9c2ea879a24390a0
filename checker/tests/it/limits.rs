//! Limits are looked at all the time, on every model.

use std::num::NonZero;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use checker::{
    Algorithm, Budget, CheckOptions, CheckProgress, History, Limit, ModelName, Verdict, check_with,
};

use crate::bursts;

/// No engine may do more between two looks at the budget: it adds at most one configuration a transition.
const WORK_PER_LOOK: usize = 512;

/// After so many looks the check is to end.
const LOOKS: u64 = 300;

/// Whoever works beside the one that was told to end looks once more.
const LATE: u64 = 10;

/// Counts looks, and how many configurations are added between two of them at most.
#[derive(Default)]
struct Looks {
    looks: AtomicU64,
    configurations: AtomicUsize,
    most_added: AtomicUsize,
}

impl Budget for Looks {
    fn exceeded(&self, _own_memory_estimate_bytes: u64) -> Option<Limit> {
        let looks = self.looks.fetch_add(1, Ordering::Relaxed);
        (looks >= LOOKS).then_some(Limit::Cancelled)
    }

    fn progress(&self, progress: &CheckProgress) {
        let before = self
            .configurations
            .swap(progress.configurations, Ordering::Relaxed);
        let added = progress.configurations.saturating_sub(before);
        self.most_added.fetch_max(added, Ordering::Relaxed);
    }
}

#[test]
fn a_check_of_any_model_looks_at_its_budget_after_little_work_and_ends_when_it_is_used_up() {
    let mut ended = 0;
    for model in ModelName::ALL
        .into_iter()
        .filter(|model| *model != ModelName::Kv)
    {
        let name = model.to_string();
        let history =
            History::from_events(Some(bursts::header(&name)), bursts::events(&name, 40, 100))
                .expect("a burst is well-formed");
        for algorithm in [Algorithm::Auto, Algorithm::Search, Algorithm::Frontier] {
            let options = CheckOptions {
                algorithm,
                workers: NonZero::<usize>::MIN,
            };
            let looks = Looks::default();
            let analysis = check_with(&history, &history.default_model(), &options, &looks)
                .expect("operations of the model");
            let (looked, added) = (looks.looks.into_inner(), looks.most_added.into_inner());
            assert_ne!(analysis.outcome(), Verdict::Valid, "{model} {algorithm}");
            // The other algorithms tell how far they are return by return, or in turns.
            assert!(
                added <= WORK_PER_LOOK || algorithm != Algorithm::Search,
                "{model}: {added} at once"
            );
            assert!(
                looked <= LOOKS + LATE,
                "{model} {algorithm}: {looked} looks"
            );
            if analysis.outcome() == Verdict::Unknown {
                ended += 1;
                let reason = analysis.keys[0].unknown_reason().expect("a limit");
                assert!(
                    reason.contains("cancelled"),
                    "{model} {algorithm}: {reason}"
                );
            }
        }
    }
    assert!(ended >= 6, "only {ended} checks were ended");
}
