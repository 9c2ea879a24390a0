//! Healthy worlds by the hundred, worlds that broke once, and a world for each planted bug.

mod availability;
mod bugs;
mod gaps;
mod healthy;
mod many;
mod plans;
mod worlds;

use super::{
    settings::Settings,
    shrink::{shrink, tell},
    world::{Story, World},
};

/// Lives through worlds that must keep every law, and adds up what they saw.
fn assert_healthy(worlds: impl Iterator<Item = Settings>) -> Story {
    let mut all = Story::default();
    for settings in worlds {
        let ending = World::run(settings.clone());
        if ending.violation.is_some() {
            let least = shrink(&settings, ending);
            panic!("seed {}: {}", settings.seed, tell(&settings, &least));
        }
        all.add(&ending.story);
    }
    println!("{all:?}");
    all
}
