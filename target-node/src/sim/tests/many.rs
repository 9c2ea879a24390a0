//! As many worlds as one likes:
//! `SIM_SEEDS=10000 SIM_FROM=0 cargo test --release -p target-node --lib sim::tests::many -- --ignored --nocapture`

use std::{
    env,
    sync::atomic::{AtomicU64, Ordering},
    thread,
};

use super::super::{
    settings::Settings,
    shrink::{shrink, tell},
    world::{Story, World},
};

const THREADS: usize = 2;

fn number(name: &str, otherwise: u64) -> u64 {
    let text = env::var(name).ok();
    text.map_or(otherwise, |text| text.parse().expect("a number"))
}

/// Of so many nodes, or as the seed has it.
fn settings(seed: u64, nodes: u64) -> Settings {
    let drawn = [3, 5, 3, 4][super::super::positions::usize_of(seed % 4)];
    let nodes = usize::try_from(nodes).expect("few nodes");
    let settings = Settings::new(seed, if nodes == 0 { drawn } else { nodes });
    if seed.is_multiple_of(11) {
        settings.contested()
    } else {
        settings
    }
}

#[test]
#[ignore = "as long as one likes: SIM_SEEDS worlds from SIM_FROM on"]
fn many_worlds_keep_every_law() {
    let (from, seeds) = (number("SIM_FROM", 0), number("SIM_SEEDS", 1_000));
    let nodes = number("SIM_NODES", 0);
    let next = AtomicU64::new(from);
    let live = || {
        let (mut all, mut broken) = (Story::default(), 0);
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= from + seeds {
                return (all, broken);
            }
            let settings = settings(seed, nodes);
            let ending = World::run(settings.clone());
            all.add(&ending.story);
            if ending.violation.is_some() {
                broken += 1;
                let least = shrink(&settings, ending);
                println!("seed {seed}: {}", tell(&settings, &least));
            }
        }
    };
    let (mut all, mut broken) = (Story::default(), 0);
    thread::scope(|scope| {
        let lives = [(); THREADS].map(|()| scope.spawn(live));
        for life in lives {
            let (story, found) = life.join().expect("worlds end");
            all.add(&story);
            broken += found;
        }
    });
    println!("{seeds} worlds: {all:?}");
    assert_eq!(broken, 0, "worlds that broke a law");
}
