//! Directed worlds in which nobody may notice a trouble, and the bugs that make it felt.

use std::time::Duration;

use super::super::{
    place::End,
    settings::{Settings, Workload},
    trouble::Rearrange,
    world::World,
};
use crate::{
    bug::Bug,
    raft::{Role, Term},
};

const SEEDS: u64 = 20;

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

/// A calm world that has lived for a second, and its leader.
fn calm(seed: u64, bug: Option<Bug>, clients: usize) -> (World, usize) {
    let mut settings = Settings::new(seed, 3).with_workload(Workload::REGISTERS);
    settings.storm = Duration::ZERO;
    settings.clients = clients;
    settings.bugs = bug.into_iter().collect();
    let mut world = World::new(settings);
    world.live_until(ms(1_000));
    let leader = world.leader().expect("somebody leads in a calm world");
    (world, leader)
}

fn standing(world: &World, node: usize) -> (Role, Term) {
    let running = world.places[node].running.as_ref();
    let raft = running.expect("nobody stops here").replica.raft();
    (raft.role(), raft.term())
}

/// A follower is cut off for a while and comes back: who led goes on in the same term.
fn returns_in_peace(seed: u64, bug: Option<Bug>) -> bool {
    let (mut world, leader) = calm(seed, bug, 2);
    let before = standing(&world, leader);
    let away = (leader + 1) % 3;
    world
        .network
        .cut(3, |from, to| (from == away) != (to == away));
    world.live_until(ms(2_500));
    world.network.mend();
    world.live_until(ms(3_500));
    standing(&world, leader) == before
}

/// A leader that nobody hears and that hears nobody steps down within two of the longest timeouts.
fn gives_up_alone(seed: u64, bug: Option<Bug>) -> bool {
    let (mut world, leader) = calm(seed, bug, 2);
    world
        .network
        .cut(3, |from, to| (from == leader) != (to == leader));
    world.live_until(ms(1_650));
    standing(&world, leader).0 != Role::Leader
}

/// A node that does not hear its leader, but is heard by everybody, changes nothing: as one that was removed
/// and does not know.
fn campaigns_in_vain(seed: u64, bug: Option<Bug>) -> bool {
    let (mut world, leader) = calm(seed, bug, 0);
    let before = standing(&world, leader);
    world.network.cut_link(leader, (leader + 1) % 3);
    world.live_until(ms(3_000));
    standing(&world, leader) == before
}

/// An empty node that is added and cannot be reached takes nothing from the majority, so that another may fail.
fn joins_unnoticed(seed: u64, bug: Option<Bug>) -> bool {
    let (mut world, leader) = calm(seed, bug, 2);
    world.network.cut(4, |from, to| (from == 3) != (to == 3));
    world.rearrange(Rearrange::Add);
    world.live_until(ms(1_400));
    world.stop((leader + 1) % 3, End::Power, ms(5_000));
    world.live_until(ms(2_000));
    let before = world.story.operations;
    world.live_until(ms(3_000));
    world.story.operations > before + 20
}

#[test]
fn troubles_of_one_node_are_not_felt_by_the_others() {
    type Scene = fn(u64, Option<Bug>) -> bool;
    let scenes: [(Scene, Bug); 4] = [
        (returns_in_peace, Bug::NoPrevote),
        (gives_up_alone, Bug::NoCheckQuorum),
        (campaigns_in_vain, Bug::NoStickiness),
        (joins_unnoticed, Bug::AddNoCatchup),
    ];
    for (scene, bug) in scenes {
        for seed in 0..SEEDS {
            assert!(scene(seed, None), "{bug}, seed {seed}, without the bug");
        }
        let felt = (0..SEEDS).find(|&seed| !scene(seed, Some(bug)));
        println!("{bug}: felt in world {:?}", felt.map(|seed| seed + 1));
        assert!(felt.is_some(), "{bug} is not felt in {SEEDS} worlds");
    }
}
