//! Worlds without a bug keep every law.

use super::{
    super::{settings::Settings, world::World},
    assert_healthy,
};

const SEEDS: u64 = 60;

#[test]
fn three_nodes_keep_every_law_and_recover() {
    let story = assert_healthy((0..SEEDS).map(|seed| Settings::new(seed, 3)));
    assert!(story.crashes > SEEDS / 2 && story.cuts > SEEDS && story.elections > 2 * SEEDS);
    assert!(story.operations > 100 * SEEDS && story.committed > 50 * SEEDS);
    assert!(story.stored > 10 * SEEDS && story.installed > SEEDS / 4);
    assert!(story.changes > SEEDS / 3 && story.transfers > SEEDS / 8);
    assert!(story.failed_disks > SEEDS / 4 && story.wrecked > 0);
}

#[test]
fn five_nodes_keep_every_law_and_recover() {
    let story = assert_healthy((1000..1000 + SEEDS).map(|seed| Settings::new(seed, 5)));
    assert!(story.crashes > SEEDS / 2 && story.cuts > SEEDS && story.elections > 2 * SEEDS);
    assert!(story.operations > 100 * SEEDS && story.committed > 50 * SEEDS);
    assert!(story.stored > 10 * SEEDS && story.installed > SEEDS / 4);
}

#[test]
fn four_nodes_need_three() {
    let story = assert_healthy((2000..2020).map(|seed| Settings::new(seed, 4)));
    assert!(story.cuts > 20 && story.committed > 50 * 20);
}

#[test]
fn contested_elections_are_safe_while_votes_are_kept() {
    let story = assert_healthy((0..SEEDS).map(|seed| Settings::new(seed, 3).contested()));
    assert!(story.elections > 10 * SEEDS, "{story:?} contest little");
}

#[test]
fn the_same_seed_gives_the_same_story() {
    let story = |seed| World::run(Settings::new(seed, 5));
    assert_eq!(story(4), story(4));
    assert_ne!(story(4).story, story(5).story);
}
