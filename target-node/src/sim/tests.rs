//! Healthy worlds by the hundred, and a world for each planted bug.

use super::{
    Violation,
    world::{Settings, Story, World},
};
use crate::bug::Bug;

const SEEDS: u64 = 200;

fn assert_healthy(nodes: usize, seeds: std::ops::Range<u64>) -> Story {
    let mut all = Story::default();
    for seed in seeds {
        let story = World::run(Settings::new(seed, nodes))
            .unwrap_or_else(|violation| panic!("{nodes} nodes, seed {seed}: {violation:?}"));
        all.events += story.events;
        all.crashes += story.crashes;
        all.cuts += story.cuts;
        all.elections += story.elections;
        all.operations += story.operations;
        all.committed += story.committed;
        all.stored += story.stored;
        all.installed += story.installed;
    }
    println!("{nodes} nodes: {all:?}");
    all
}

/// The first violation among `seeds` worlds with a bug, and the seed.
fn first_violation(worlds: impl Iterator<Item = Settings>) -> Option<(u64, Violation)> {
    worlds
        .map(|settings| (settings.seed, World::run(settings)))
        .find_map(|(seed, end)| end.err().map(|violation| (seed, violation)))
}

#[test]
fn three_nodes_keep_every_law_and_recover() {
    let story = assert_healthy(3, 0..SEEDS);
    assert!(story.crashes > SEEDS / 2 && story.cuts > SEEDS && story.elections > 2 * SEEDS);
    assert!(story.operations > 100 * SEEDS && story.committed as u64 > 50 * SEEDS);
    assert!(story.stored > 10 * SEEDS && story.installed > SEEDS / 4);
}

#[test]
fn five_nodes_keep_every_law_and_recover() {
    let story = assert_healthy(5, 1000..1000 + SEEDS);
    assert!(story.crashes > SEEDS / 2 && story.cuts > SEEDS && story.elections > 2 * SEEDS);
    assert!(story.operations > 100 * SEEDS && story.committed as u64 > 50 * SEEDS);
    assert!(story.stored > 10 * SEEDS && story.installed > SEEDS / 4);
}

#[test]
fn four_nodes_need_three() {
    let story = assert_healthy(4, 2000..2050);
    assert!(story.cuts > 50 && story.committed > 50 * 50);
}

#[test]
fn contested_elections_are_safe_while_votes_are_kept() {
    let mut elections = 0;
    for seed in 0..SEEDS {
        let end = World::run(contested(Settings::new(seed, 3)));
        elections += end
            .unwrap_or_else(|v| panic!("seed {seed}: {v:?}"))
            .elections;
    }
    assert!(
        elections > 10 * SEEDS,
        "{elections} elections contest little"
    );
}

#[test]
fn the_same_seed_gives_the_same_story() {
    let story = |seed| format!("{:?}", World::run(Settings::new(seed, 5)));
    assert_eq!(story(4), story(4));
    assert_ne!(story(4), story(5));
}

fn contested(mut settings: Settings) -> Settings {
    settings.contested = true;
    settings
}

/// The first law that any of the worlds breaks is the expected one; which world it is, is printed.
fn expect(worlds: impl Iterator<Item = Settings>, expected: fn(&Violation) -> bool) {
    let found = first_violation(worlds);
    println!("{found:?}");
    assert!(
        found
            .as_ref()
            .is_some_and(|(_, violation)| expected(violation)),
        "{found:?}"
    );
}

#[test]
fn read_no_quorum_shows_stale_reads() {
    let worlds = (0..60).map(|seed| Settings::new(seed, 5).with_bug(Bug::ReadNoQuorum));
    expect(worlds, |violation| {
        matches!(violation, Violation::StaleRead(_))
    });
}

#[test]
fn follower_read_local_shows_stale_reads() {
    let worlds = (0..3).map(|seed| Settings::new(seed, 3).with_bug(Bug::FollowerReadLocal));
    expect(worlds, |violation| {
        matches!(violation, Violation::StaleRead(_))
    });
}

#[test]
fn ack_on_local_append_loses_updates() {
    let worlds = (0..20).map(|seed| Settings::new(seed, 5).with_bug(Bug::AckOnLocalAppend));
    expect(worlds, |violation| {
        matches!(violation, Violation::LostUpdate(_))
    });
}

#[test]
fn vote_no_persist_elects_two_leaders_in_one_term() {
    let worlds =
        (0..500).map(|seed| contested(Settings::new(seed, 3)).with_bug(Bug::VoteNoPersist));
    expect(worlds, |violation| {
        matches!(violation, Violation::TwoLeaders(_))
    });
}
