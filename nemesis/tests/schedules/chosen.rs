//! What people may choose: whom faults hit, and how hard; how it is written, and what is refused.

use nemesis::NodeName;
use nemesis::partition::Shape;
use nemesis::schedule::{
    ClockKind, DiskKind, Fault, FaultKind, Links, NetworkKind, Others, PlanConfig, Preferences,
    Ranges, Schedule, Target, Targets, plan,
};
use std::collections::BTreeSet;

use crate::looks::{self, down_at, target};

pub(crate) const JUMP: FaultKind = FaultKind::Clock(ClockKind::Jump);
pub(crate) const LOSS: FaultKind = FaultKind::Network(NetworkKind::Loss);
pub(crate) const SLOW: FaultKind = FaultKind::Disk(DiskKind::Slow);

pub(crate) fn config(nodes: usize, kinds: &[FaultKind], preferences: Preferences) -> PlanConfig {
    looks::config(nodes, kinds, 120, preferences)
}

pub(crate) fn aimed(text: &str) -> Preferences {
    Preferences {
        targets: text.parse().expect("targets"),
        ..Preferences::default()
    }
}

pub(crate) fn ranged(text: &str) -> Preferences {
    Preferences {
        ranges: text.parse().expect("ranges"),
        ..Preferences::default()
    }
}

fn beyond(text: &str) -> Preferences {
    let mut preferences = aimed(text);
    preferences.targets.beyond_minority = true;
    preferences
}

pub(crate) fn hits(schedule: &Schedule) -> Vec<&Target> {
    let steps = schedule.steps.iter();
    steps.filter_map(|step| target(&step.fault)).collect()
}

fn sizes(schedule: &Schedule) -> BTreeSet<usize> {
    let size = |target: &Target| match target {
        Target::Leader => 1,
        Target::Nodes(nodes) => nodes.len(),
        Target::Followers(nodes) => nodes.len() - 1,
    };
    hits(schedule).into_iter().map(size).collect()
}

#[test]
fn each_selector_takes_as_many_as_it_says() {
    for (selector, nodes, expected) in [
        ("one", 5, vec![1]),
        ("minority", 5, vec![2]),
        ("minority", 4, vec![1]),
        ("minority-third", 7, vec![2]),
        ("minority-third", 3, vec![1]),
        ("majority", 5, vec![3]),
        ("majority", 4, vec![3]),
        ("all", 5, vec![5]),
        ("random", 3, vec![1, 2, 3]),
        ("leader", 5, vec![1]),
        ("followers", 5, vec![4]),
        ("n1+n3", 5, vec![2]),
    ] {
        for kind in [FaultKind::Kill, JUMP, LOSS] {
            let config = config(nodes, &[kind], beyond(selector));
            let seen: BTreeSet<usize> = (0..20)
                .flat_map(|seed| sizes(&plan(seed, &config)))
                .collect();
            assert_eq!(
                seen,
                BTreeSet::from_iter(expected.clone()),
                "{kind}={selector} of {nodes}"
            );
        }
    }
}

#[test]
fn a_random_target_that_takes_nodes_down_keeps_to_the_guard() {
    let config = config(5, &[FaultKind::Pause], aimed("random"));
    let seen: BTreeSet<usize> = (0..20)
        .flat_map(|seed| sizes(&plan(seed, &config)))
        .collect();
    assert_eq!(seen, BTreeSet::from([1, 2]));
}

#[test]
fn faults_beyond_a_minority_overlap() {
    let kinds = [FaultKind::Kill, FaultKind::Pause];
    let config = config(5, &kinds, beyond("all"));
    let schedule = plan(1, &config);
    let most = schedule
        .steps
        .iter()
        .map(|step| down_at(&schedule, step.start_ns).0)
        .max();
    assert_eq!(most, Some(10));
}

#[test]
fn partitions_have_the_shapes_that_were_chosen() {
    let config = config(
        5,
        &[FaultKind::Partition],
        aimed("partition=bridge,leader-minority,n1+n3"),
    );
    let schedule = plan(3, &config);
    let mut seen = BTreeSet::new();
    for step in &schedule.steps {
        seen.insert(if let Fault::Partition { shape, .. } = &step.fault {
            shape.to_string()
        } else {
            step.fault.to_string()
        });
        assert_eq!(step.fault.kind(), FaultKind::Partition);
    }
    let expected = [
        "bridge",
        "cut, between n1 n3 and the rest",
        "leader-minority",
    ];
    assert_eq!(seen, BTreeSet::from(expected.map(str::to_owned)));
}

#[test]
fn a_partition_of_random_nodes_leaves_somebody() {
    let config = config(2, &[FaultKind::Partition], aimed("random"));
    for seed in 0..20 {
        for step in &plan(seed, &config).steps {
            let Fault::Network {
                links: Links { of, with, .. },
                ..
            } = &step.fault
            else {
                panic!("{} is no cut", step.fault)
            };
            assert_eq!(*with, Others::Rest);
            assert!(
                matches!(of, Target::Nodes(nodes) if nodes.len() == 1),
                "{of}"
            );
        }
    }
}

#[test]
fn the_leader_with_a_minority() {
    let nodes = NodeName::first(5);
    let told = Shape::LeaderMinority
        .grudge(&nodes, Some(&nodes[3]))
        .describe();
    assert_eq!(told, "n1 n4 | n2 n3 n5");
    assert!(!Shape::USUAL.contains(&Shape::LeaderMinority));
}

#[test]
fn followers_are_known_once_somebody_leads() {
    let nodes = NodeName::first(3);
    let followers = Target::Followers(nodes.clone());
    assert!(followers.resolve(None, &BTreeSet::new()).is_empty());
    let down = BTreeSet::from([nodes[0].clone()]);
    assert_eq!(followers.resolve(Some(&nodes[1]), &down), nodes[2..]);
}

#[test]
fn targets_are_read_as_they_are_written() {
    for text in [
        "leader",
        "leader,minority,kill=majority,pause=n1+n2",
        "partition=bridge,leader",
    ] {
        let targets: Targets = text.parse().unwrap();
        assert_eq!(targets.to_string(), text);
    }
    let grouped: Targets = "clock=one,leader".parse().unwrap();
    let expected = "clock-jump=one,leader,clock-drift=one,leader,clock-strobe=one,leader";
    assert_eq!(grouped.to_string(), expected);
}

#[test]
fn what_does_not_fit_is_named_with_its_remedy() {
    let nodes = NodeName::first(5);
    let kinds = [
        FaultKind::Partition,
        FaultKind::Kill,
        FaultKind::Member,
        FaultKind::Transfer,
        FaultKind::Disk(DiskKind::Blackout),
        LOSS,
    ];
    for (text, part) in [
        ("", "is not known"),
        ("kill=", "is not known"),
        ("kill=N 1", "n1+n3"),
        ("earthquake=one", "earthquake"),
        (
            "pause=one",
            "pause has a target but is no fault of this run",
        ),
        (
            "kill=majority",
            "takes down 3 of 5 nodes, and they can do without 2",
        ),
        ("kill=all", "--beyond-minority"),
        ("kill=followers", "takes down 4 of 5"),
        ("kill=n1+n2+n3", "takes down 3 of 5"),
        ("kill=n9", "n9 is no node of this cluster"),
        (
            "kill=ladder",
            "ladder is no node of this cluster, and no target either",
        ),
        ("kill=bridge", "shape of partitions"),
        ("partition=all", "nobody to be cut off from"),
        ("member=minority", "one node at a time"),
        ("transfer=one", "nobody to choose"),
        ("blackout=one", "nobody to choose"),
    ] {
        let told = match text.parse::<Targets>() {
            Ok(targets) => targets.check(&kinds, &nodes).unwrap_err().to_string(),
            Err(error) => error.to_string(),
        };
        assert!(told.contains(part), "{text}: {told}");
    }
    for text in [
        "loss=all",
        "member=leader,n2",
        "kill=n1+n2",
        "partition=majority",
    ] {
        let targets: Targets = text.parse().unwrap();
        assert_eq!(targets.check(&kinds, &nodes), Ok(()), "{text}");
    }
    let bridge: Targets = "partition=bridge".parse().unwrap();
    let told = bridge.check(&kinds, &nodes[..2]).unwrap_err().to_string();
    assert!(told.contains("needs at least 3 nodes"), "{told}");
}

#[test]
fn ranges_are_read_as_they_are_written() {
    for text in [
        "delay=10ms..50ms,loss=1%..5%",
        "rate=20kB/s",
        "clock-drift=0.5%..12.5%",
        "bit-flip=1..4",
    ] {
        let ranges: Ranges = text.parse().unwrap();
        assert_eq!(ranges.to_string(), text);
    }
    for (text, part) in [
        ("delay", "write it as in delay=50ms..500ms"),
        ("earthquake=1..2", "earthquake"),
        ("delay=1%..2%", "write it as in delay=50ms..500ms"),
        ("loss=5..10", "write it as in loss=5%..50%"),
        ("delay=50ms..10ms", "ends before it begins"),
        ("loss=0%..5%", "stay within 0.1%..100%"),
        ("loss=200%", "stay within"),
        ("delay=1ms,delay=2ms", "two ranges"),
    ] {
        let told = text.parse::<Ranges>().unwrap_err().to_string();
        assert!(told.contains(part), "{text}: {told}");
    }
    let loss: Ranges = "loss=1%".parse().unwrap();
    let told = loss.check(&[FaultKind::Kill]).unwrap_err().to_string();
    assert!(told.contains("is no fault of this run"), "{told}");
    assert_eq!(loss.check(&[LOSS]), Ok(()));
}
