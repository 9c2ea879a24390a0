//! Schedules that people shape: targets, weights, lengths and ranges, for any seed.

use nemesis::NodeName;
use nemesis::clocks::ClockChange;
use nemesis::net::Disturbance;
use nemesis::partition::Shape;
use nemesis::schedule::{
    ClockKind, DiskFault, DiskKind, Fault, FaultKind, Links, NetworkKind, Others, PlanConfig,
    Preferences, Ranges, Schedule, Spans, Step, Target, Targets, plan,
};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

const SECOND: u64 = 1_000_000_000;
const JUMP: FaultKind = FaultKind::Clock(ClockKind::Jump);
const LOSS: FaultKind = FaultKind::Network(NetworkKind::Loss);
const SLOW: FaultKind = FaultKind::Disk(DiskKind::Slow);

fn config(nodes: usize, kinds: &[FaultKind], preferences: Preferences) -> PlanConfig {
    PlanConfig {
        nodes: NodeName::first(nodes),
        kinds: kinds.to_vec(),
        quiet_start_ns: 2 * SECOND,
        time_limit_ns: 120 * SECOND,
        spans: Spans::default(),
        preferences,
    }
}

fn aimed(text: &str) -> Preferences {
    Preferences {
        targets: text.parse().expect("targets"),
        ..Preferences::default()
    }
}

fn ranged(text: &str) -> Preferences {
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

/// Whom a fault hits, where it says so.
fn target(fault: &Fault) -> Option<&Target> {
    match fault {
        Fault::Kill { target }
        | Fault::Pause { target }
        | Fault::SlowCpu { target, .. }
        | Fault::CrashLoop { target, .. }
        | Fault::Wipe { target }
        | Fault::Member { target }
        | Fault::Disk { target, .. }
        | Fault::Clock { target, .. } => Some(target),
        Fault::Network { links, .. } => Some(&links.of),
        Fault::Partition { .. }
        | Fault::RollingRestart { .. }
        | Fault::Reconfigure { .. }
        | Fault::Voters { .. }
        | Fault::Transfer { .. }
        | Fault::Links { .. } => None,
    }
}

fn hits(schedule: &Schedule) -> Vec<&Target> {
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

/// How many nodes are down at a time, whoever leads, and whether one of them was named twice.
fn down_at(schedule: &Schedule, time_ns: u64) -> (usize, bool) {
    let active = |step: &&Step| (step.start_ns..step.stop_ns).contains(&time_ns);
    let takes_down = |step: &&Step| match &step.fault {
        Fault::Kill { .. }
        | Fault::Pause { .. }
        | Fault::CrashLoop { .. }
        | Fault::RollingRestart { .. }
        | Fault::Wipe { .. } => true,
        Fault::Disk { fault, .. } => *fault != DiskFault::Blackout,
        Fault::Partition { .. }
        | Fault::Member { .. }
        | Fault::Clock { .. }
        | Fault::SlowCpu { .. }
        | Fault::Reconfigure { .. }
        | Fault::Voters { .. }
        | Fault::Transfer { .. }
        | Fault::Network { .. }
        | Fault::Links { .. } => false,
    };
    let steps = schedule.steps.iter().filter(active).filter(takes_down);
    let targets: Vec<&Target> = steps.filter_map(|step| target(&step.fault)).collect();
    let (mut leaders, mut named) = (0, Vec::new());
    for target in targets {
        match target {
            Target::Leader => leaders += 1,
            Target::Nodes(nodes) => named.extend(nodes),
            Target::Followers(nodes) => named.extend(&nodes[1..]),
        }
    }
    let distinct: BTreeSet<_> = named.iter().collect();
    (leaders + named.len(), distinct.len() < named.len())
}

const SMALL: [&str; 8] = [
    "one",
    "leader",
    "minority",
    "minority-third",
    "random",
    "n1",
    "n1+n2",
    "n2+n4",
];

proptest! {
    /// Whatever is chosen and accepted: together no more than a minority, and nobody twice.
    #[test]
    fn the_guard_holds(
        seed: u64,
        nodes in 1_usize..10,
        kills in prop::sample::subsequence(SMALL.to_vec(), 1..4),
        pauses in prop::sample::subsequence(SMALL.to_vec(), 0..4),
        disks in prop::sample::subsequence(SMALL.to_vec(), 0..4),
    ) {
        let kinds = [FaultKind::Kill, FaultKind::Pause, SLOW];
        let mut words = vec![format!("kill={}", kills.join(","))];
        let others = [("pause", pauses), ("disk-slow", disks)];
        words.extend(others.iter().filter(|(_, chosen)| !chosen.is_empty()).map(|(kind, chosen)| format!("{kind}={}", chosen.join(","))));
        let config = config(nodes, &kinds, aimed(&words.join(",")));
        prop_assume!(config.preferences.targets.check(&kinds, &config.nodes).is_ok());
        let schedule = plan(seed, &config);
        prop_assert_eq!(schedule.kinds(), kinds);
        for step in &schedule.steps {
            let (down, twice) = down_at(&schedule, step.start_ns);
            prop_assert!(down <= (nodes.saturating_sub(1) / 2).max(1), "{down} of {nodes} are down");
            prop_assert!(!twice);
            if let Some(Target::Nodes(hit)) = target(&step.fault) {
                prop_assert!(!hit.is_empty());
            }
        }
        prop_assert_eq!(&plan(seed, &config), &schedule);
    }

    #[test]
    fn several_targets_take_turns(seed: u64) {
        let schedule = plan(seed, &config(5, &[FaultKind::Kill], aimed("kill=leader,n4")));
        for pair in hits(&schedule).chunks_exact(2) {
            let hit: BTreeSet<String> = pair.iter().map(ToString::to_string).collect();
            prop_assert_eq!(hit, BTreeSet::from(["n4".to_owned(), "the leader".to_owned()]));
        }
    }

    #[test]
    fn a_target_for_all_kinds_is_one_for_each(seed: u64) {
        let kinds = [FaultKind::Partition, FaultKind::Kill, JUMP, LOSS, FaultKind::Transfer];
        let schedule = plan(seed, &config(5, &kinds, aimed("n2,kill=n3")));
        for step in &schedule.steps {
            let kind = step.fault.kind();
            let expected = if kind == FaultKind::Kill { "n3" } else { "n2" };
            let expected = (kind != FaultKind::Transfer).then(|| expected.to_owned());
            prop_assert_eq!(target(&step.fault).map(ToString::to_string), expected);
        }
        prop_assert_eq!(schedule.kinds().len(), kinds.len());
    }

    /// In every four faults three partitions and one kill, one at a time.
    #[test]
    fn weights_are_kept(seed: u64, partitions in 1_u32..5, kills in 1_u32..5) {
        let kinds = [FaultKind::Kill, FaultKind::Partition];
        let preferences = Preferences {
            weights: BTreeMap::from([(FaultKind::Partition, partitions), (FaultKind::Kill, kills)]),
            ..Preferences::default()
        };
        let schedule = plan(seed, &config(5, &kinds, preferences));
        prop_assert!(schedule.steps.windows(2).all(|pair| pair[0].stop_ns < pair[1].start_ns));
        let deck = (partitions + kills) as usize;
        prop_assert!(schedule.steps.len() > 2 * deck);
        for deck in schedule.steps.chunks_exact(deck) {
            let of = |kind| deck.iter().filter(|step| step.fault.kind() == kind).count();
            prop_assert_eq!(of(FaultKind::Kill), kills as usize);
            prop_assert_eq!(of(FaultKind::Partition), partitions as usize);
        }
    }

    #[test]
    fn every_kind_can_have_a_weight(seed: u64, nodes in 0_usize..8) {
        let preferences = Preferences {
            weights: FaultKind::ALL.map(|kind| (kind, 1)).into(),
            ..Preferences::default()
        };
        let schedule = plan(seed, &config(nodes, &FaultKind::ALL, preferences));
        prop_assert!(schedule.steps.windows(2).all(|pair| pair[0].stop_ns < pair[1].start_ns));
        prop_assert!(nodes < 2 || schedule.steps.len() > 20);
    }

    #[test]
    fn lengths_are_kept(seed: u64, fault_ms in 1_u64..4_000, more_ms in 0_u64..1_000, quiet_ms in 0_u64..2_000) {
        let mut config = config(5, &[FaultKind::Kill, LOSS], Preferences::default());
        config.spans = Spans {
            fault_min_ns: fault_ms * 1_000_000,
            fault_max_ns: (fault_ms + more_ms) * 1_000_000,
            quiet_min_ns: quiet_ms * 1_000_000,
            quiet_max_ns: (quiet_ms + more_ms) * 1_000_000,
            ..Spans::default()
        };
        config.time_limit_ns = 30 * SECOND;
        let schedule = plan(seed, &config);
        prop_assert_eq!(schedule.kinds().len(), 2);
        for step in &schedule.steps {
            let length = step.stop_ns - step.start_ns;
            prop_assert!((config.spans.fault_min_ns..=config.spans.fault_max_ns).contains(&length));
        }
        for kind in &config.kinds {
            let own: Vec<&Step> = schedule.steps.iter().filter(|step| step.fault.kind() == *kind).collect();
            for pair in own.windows(2) {
                let quiet = pair[1].start_ns - pair[0].stop_ns;
                prop_assert!((config.spans.quiet_min_ns..=config.spans.quiet_max_ns).contains(&quiet));
            }
        }
    }

    #[test]
    fn ranges_are_kept(seed: u64) {
        let kinds: Vec<FaultKind> = FaultKind::ALL.to_vec();
        let ranges = "delay=10ms..20ms,loss=1%..2%,reorder=3%,reorder-by=1ms..2ms,duplicate=0.5%,corrupt=100%,\
            corrupt-unnoticed=0.1%,rate=1kB/s..2kB/s,flap=1s..2s,clock-jump=1s..2s,clock-drift=0.5%..1%,clock-strobe=1s,\
            clock-strobe-period=5ms..6ms,clock-monotonic=2%,torn-write=99%,disk-slow=1ms..2ms,disk-misread=9,bit-flip=20..30";
        let schedule = plan(seed, &config(5, &kinds, ranged(ranges)));
        prop_assert_eq!(schedule.kinds(), kinds);
        for step in &schedule.steps {
            prop_assert!(is_within(&step.fault), "{}", step.fault);
        }
    }

    /// What was not chosen is drawn as it always was.
    #[test]
    fn a_range_of_one_kind_leaves_the_others_alone(seed: u64) {
        let kinds = [FaultKind::Kill, JUMP, LOSS];
        let usual = plan(seed, &config(5, &kinds, Preferences::default()));
        let chosen = plan(seed, &config(5, &kinds, ranged("loss=1%")));
        for (usual, chosen) in usual.steps.iter().zip(&chosen.steps) {
            if usual.fault.kind() == LOSS {
                prop_assert_eq!((usual.start_ns, usual.stop_ns), (chosen.start_ns, chosen.stop_ns));
            } else {
                prop_assert_eq!(usual, chosen);
            }
        }
    }
}

/// Within the ranges of the test above.
fn is_within(fault: &Fault) -> bool {
    let seconds = |ns: &i64| (1_000_000_000..=2_000_000_000).contains(&ns.abs());
    let share = |permille: nemesis::net::Permille, least: f64, most: f64| {
        (least..=most).contains(&permille.probability())
    };
    match fault {
        Fault::Network { disturbance, .. } => match disturbance {
            Disturbance::Cut => true,
            Disturbance::Flap { down_ms, up_ms } => [down_ms, up_ms]
                .iter()
                .all(|ms| (1_000..=2_000).contains(*ms)),
            Disturbance::Loss { permille } => share(*permille, 0.01, 0.02),
            Disturbance::Duplicate { permille } => share(*permille, 0.005, 0.005),
            Disturbance::Corrupt { permille, .. } => [0.001, 1.0].contains(&permille.probability()),
            Disturbance::Rate { bytes_per_s, .. } => (1_000..=2_000).contains(bytes_per_s),
            Disturbance::Delay { by_ms, .. } => (10..=20).contains(by_ms),
            Disturbance::Reorder { permille, by_ms } => {
                share(*permille, 0.03, 0.03) && (1..=2).contains(by_ms)
            }
        },
        Fault::Clock { change, .. } => match change {
            ClockChange::Jump { offset_ns } => seconds(offset_ns),
            ClockChange::Drift { rate_ppb } => (5_000_000..=10_000_000).contains(&rate_ppb.abs()),
            ClockChange::Monotonic { rate_ppb } => rate_ppb.abs() == 20_000_000,
            ClockChange::Strobe {
                offset_ns,
                period_ns,
            } => seconds(offset_ns) && (5_000_000..=6_000_000).contains(period_ns),
        },
        Fault::Disk { fault, .. } => match fault {
            DiskFault::TornWrite { kept_percent, .. } => *kept_percent == 99,
            DiskFault::Slow { delay_ms } => (1..=2).contains(delay_ms),
            DiskFault::Misread { one_in } => *one_in == 9,
            DiskFault::BitFlip { bits, .. } => (20..=30).contains(bits),
            DiskFault::PowerLoss
            | DiskFault::Blackout
            | DiskFault::Errors { .. }
            | DiskFault::Full
            | DiskFault::Stuck
            | DiskFault::Lie
            | DiskFault::Truncate { .. } => true,
        },
        Fault::Partition { .. }
        | Fault::Kill { .. }
        | Fault::Pause { .. }
        | Fault::SlowCpu { .. }
        | Fault::CrashLoop { .. }
        | Fault::RollingRestart { .. }
        | Fault::Wipe { .. }
        | Fault::Reconfigure { .. }
        | Fault::Voters { .. }
        | Fault::Member { .. }
        | Fault::Transfer { .. }
        | Fault::Links { .. } => true,
    }
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
