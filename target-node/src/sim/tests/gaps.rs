//! How long nothing is committed when something happens to a calm world, in its own time.

use std::time::Duration;

use super::super::{
    place::End,
    settings::{Settings, Workload},
    trouble::{Rearrange, Trouble, Who},
    world::World,
};

const SEEDS: u64 = 20;
const ELECTION_MIN: Duration = Duration::from_millis(150);
const ELECTION_MAX: Duration = Duration::from_millis(300);
/// A vote or an entry there and back, with the disks in between, a few times.
const EXCHANGES: Duration = Duration::from_millis(60);

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

/// A calm world in which clients write.
fn calm(seed: u64) -> World {
    let mut settings = Settings::new(seed, 3).with_workload(Workload::REGISTERS);
    settings.storm = Duration::ZERO;
    settings.clients = 8;
    let mut world = World::new(settings);
    world.live_until(ms(1_000 + seed * 7));
    world
}

/// The times between commits in the second after `event`, the first of them counted from there.
fn gaps(seed: u64, event: fn(&mut World)) -> Vec<Duration> {
    let mut world = calm(seed);
    event(&mut world);
    let (end, mut last) = (world.now + ms(1_000), world.now);
    let (mut gaps, mut seen) = (Vec::new(), world.law.committed.len());
    while world.now < end {
        world.live_until(world.now + ms(1));
        if world.law.committed.len() > seen {
            gaps.push(world.now - last);
            (last, seen) = (world.now, world.law.committed.len());
        }
    }
    assert_eq!(world.law.broken, None, "seed {seed}");
    gaps.push(end - last);
    gaps
}

/// The median over all worlds, and the longest.
fn median_and_longest(what: &str, of: impl Fn(u64) -> Duration) -> (Duration, Duration) {
    let mut all: Vec<Duration> = (0..SEEDS).map(of).collect();
    all.sort_unstable();
    println!("{what}: {all:?}");
    (all[all.len() / 2], all[all.len() - 1])
}

fn leader(world: &World) -> usize {
    world.leader().expect("somebody leads in a calm world")
}

fn lose_the_leader(world: &mut World) {
    world.stop(leader(world), End::Power, ms(5_000));
}

/// Until somebody else commits: clients who had asked the lost one are patient for longer.
#[test]
fn a_lost_leader_costs_about_one_election_timeout() {
    let first = |seed| gaps(seed, lose_the_leader)[0];
    let (median, longest) = median_and_longest("loss of the leader", first);
    assert!(median > ELECTION_MIN - EXCHANGES, "{median:?} is no outage");
    assert!(median <= ELECTION_MAX + EXCHANGES, "{median:?}");
    // Two that stand at the same time may both have to try again.
    assert!(longest <= 2 * ELECTION_MAX + EXCHANGES, "{longest:?}");
}

#[test]
fn what_is_planned_costs_no_election_timeout() {
    type Event = fn(&mut World);
    let events: [(&str, Event); 4] = [
        ("transfer", |world| world.suffer(&Trouble::Transfer(None))),
        ("a joiner", |world| world.rearrange(Rearrange::Add)),
        ("snapshots everywhere", |world| {
            for node in 0..3 {
                world.suffer(&Trouble::Snapshot(Who::Node(node)));
            }
        }),
        ("loss of a follower", |world| {
            world.stop((leader(world) + 1) % 3, End::Power, ms(5_000));
        }),
    ];
    for (what, event) in events {
        let longest = |seed| gaps(seed, event).into_iter().max().expect("one at least");
        let (_, longest) = median_and_longest(what, longest);
        assert!(longest < ELECTION_MIN, "{what}: {longest:?}");
    }
}

/// It asks the best of the others to stand; one that lacks what a third one has must leave it to that one's timer.
#[test]
fn a_leader_that_is_removed_hands_over() {
    let longest = |seed| {
        let gaps = gaps(seed, |world| {
            world.rearrange(Rearrange::Remove(Who::Leader));
        });
        gaps.into_iter().max().expect("one at least")
    };
    let (median, longest) = median_and_longest("removal of the leader", longest);
    assert!(median < ELECTION_MIN, "{median:?}");
    assert!(longest <= ELECTION_MAX + EXCHANGES, "{longest:?}");
}
