//! The few troubles that break the same rule: those of the plan are left out by halves, quarters and so on down to
//! single ones, as long as the world still breaks it (Zeller and Hildebrandt, "Simplifying and Isolating
//! Failure-Inducing Input", 2002, without complements).

use super::{
    settings::Settings,
    trouble::Planned,
    world::{Ending, World},
};

/// The same world with as little trouble as still breaks the same rule, and how it ends.
pub(super) fn shrink(settings: &Settings, ending: Ending) -> Ending {
    let Some(law) = ending.violation.as_ref().map(super::Violation::law) else {
        return ending;
    };
    let mut least = ending;
    let mut chunk = least.plan.len().div_ceil(2);
    while chunk > 0 {
        let mut from = 0;
        while from < least.plan.len() {
            match without(settings, &least.plan, from, chunk, law) {
                Some(smaller) => least = smaller,
                None => from += chunk,
            }
        }
        chunk /= 2;
    }
    least
}

fn without(
    settings: &Settings,
    plan: &[Planned],
    from: usize,
    chunk: usize,
    law: &str,
) -> Option<Ending> {
    let end = (from + chunk).min(plan.len());
    let rest = [&plan[..from], &plan[end..]].concat();
    let settings = Settings {
        plan: Some(rest),
        ..settings.clone()
    };
    let ending = World::run(settings);
    let same = |violation: &super::Violation| violation.law() == law;
    let breaks = ending.violation.as_ref().is_some_and(same);
    breaks.then_some(ending)
}

/// What a failing seed is reported as.
pub(super) fn tell(settings: &Settings, ending: &Ending) -> String {
    let mut lines = vec![format!("{:?}", ending.violation)];
    let troubles = ending.plan.iter();
    lines.extend(troubles.map(|(at, trouble)| format!("  {at:?}: {trouble:?}")));
    lines.push(format!(
        "again: SIM_FROM={} SIM_SEEDS=1 SIM_NODES={} cargo test --release -p target-node --lib sim::tests::many -- --ignored --nocapture",
        settings.seed, settings.nodes
    ));
    lines.join("\n")
}
