//! Schedules: the promises of `plan`, for any seed.

use nemesis::NodeName;
use nemesis::clocks::ClockChange;
use nemesis::net::{Disturbance, Permille};
use nemesis::partition::Shape;
use nemesis::schedule::{
    ClockKind, Direction, DiskFault, DiskKind, Fault, FaultKind, Links, NetworkKind, Others,
    PlanConfig, Preferences, ProcessKind, Rearrangement, Schedule, Step, Target, plan,
};
use proptest::prelude::*;
use std::collections::BTreeSet;

use crate::looks::{self, SECOND, down_at, of_kind, target};

fn config(nodes: usize, kinds: &[FaultKind], seconds: u64) -> PlanConfig {
    looks::config(nodes, kinds, seconds, Preferences::default())
}

fn shapes(schedule: &Schedule) -> Vec<Shape> {
    let shape = |step: &Step| match &step.fault {
        Fault::Partition { shape, .. } => Some(*shape),
        Fault::Kill { .. }
        | Fault::Pause { .. }
        | Fault::SlowCpu { .. }
        | Fault::CrashLoop { .. }
        | Fault::RollingRestart { .. }
        | Fault::Wipe { .. }
        | Fault::Reconfigure { .. }
        | Fault::Voters { .. }
        | Fault::Member { .. }
        | Fault::Disk { .. }
        | Fault::Clock { .. }
        | Fault::Transfer { .. }
        | Fault::Network { .. }
        | Fault::Links { .. } => None,
    };
    schedule.steps.iter().filter_map(shape).collect()
}

fn configs() -> impl Strategy<Value = PlanConfig> {
    let kinds = prop::sample::subsequence(FaultKind::ALL.to_vec(), 0..=FaultKind::ALL.len());
    (0usize..10, kinds, 0u64..120)
        .prop_map(|(nodes, kinds, seconds)| config(nodes, &kinds, seconds))
}

proptest! {
    #[test]
    fn steps_keep_to_the_times(seed: u64, config in configs()) {
        let schedule = plan(seed, &config);
        let spans = &config.spans;
        let ids: Vec<u32> = schedule.steps.iter().map(|step| step.id).collect();
        prop_assert_eq!(ids, (1..=schedule.steps.len() as u32).collect::<Vec<_>>());
        prop_assert!(schedule.steps.is_sorted_by_key(|step| step.start_ns));
        for step in &schedule.steps {
            let length = step.stop_ns - step.start_ns;
            prop_assert!(step.start_ns >= config.quiet_start_ns);
            prop_assert!(step.stop_ns + spans.quiet_end_ns <= config.time_limit_ns);
            prop_assert!((spans.fault_min_ns..=spans.fault_max_ns).contains(&length));
        }
        for kind in FaultKind::ALL {
            for pair in of_kind(&schedule, kind).windows(2) {
                let quiet = pair[1].start_ns.checked_sub(pair[0].stop_ns);
                prop_assert!(quiet.is_some_and(|quiet| quiet >= spans.quiet_min_ns));
            }
        }
    }

    #[test]
    fn never_more_than_a_minority_is_down(seed: u64, config in configs()) {
        let schedule = plan(seed, &config);
        let most = (config.nodes.len().saturating_sub(1) / 2).max(1);
        for step in &schedule.steps {
            let (down, named) = down_at(&schedule, step.start_ns);
            prop_assert!(down <= most, "{} of {} down", down, config.nodes.len());
            prop_assert_eq!(named.iter().collect::<BTreeSet<_>>().len(), named.len(), "a node is hit twice");
            if let Some(Target::Nodes(nodes)) = target(&step.fault) {
                prop_assert!(!nodes.is_empty() && nodes.iter().all(|node| config.nodes.contains(node)));
            }
        }
    }

    #[test]
    fn orders_are_permutations_and_shapes_fit(seed: u64, config in configs()) {
        for step in &plan(seed, &config).steps {
            if let Fault::Partition { shape, order } = &step.fault {
                let mut sorted = order.clone();
                sorted.sort();
                prop_assert_eq!(&sorted, &config.nodes);
                prop_assert!(!shape.grudge(order, None).is_empty());
            }
        }
    }

    /// Between sensible bounds, on links that exist, and never between the clients and everybody.
    #[test]
    fn disturbances_are_sensible(seed: u64, config in configs()) {
        for step in &plan(seed, &config).steps {
            let Fault::Network { disturbance, links } = &step.fault else { continue };
            let resolved = links.resolve(&config.nodes, config.nodes.first());
            prop_assert!(!resolved.is_empty());
            let sensible = match disturbance {
                Disturbance::Cut => links.with == Others::Clients,
                Disturbance::Flap { down_ms, up_ms } => down_ms.min(up_ms) >= &50 && down_ms.max(up_ms) <= &1_000,
                Disturbance::Loss { permille } | Disturbance::Duplicate { permille } => {
                    (0.05..=0.5).contains(&permille.probability())
                }
                Disturbance::Corrupt { permille, .. } => (0.005..=0.2).contains(&permille.probability()),
                Disturbance::Rate { bytes_per_s, .. } => (20_000..=500_000).contains(bytes_per_s),
                Disturbance::Delay { by_ms, jitter_ms } => (50..=500).contains(by_ms) && *jitter_ms <= by_ms / 2,
                Disturbance::Reorder { by_ms, .. } => (5..=100).contains(by_ms),
            };
            prop_assert!(sensible, "{disturbance}");
            if links.with == Others::Clients && config.nodes.len() > 2 {
                let hit: BTreeSet<_> = resolved.iter().flat_map(|link| [&link.from, &link.to]).collect();
                prop_assert!(hit.len() - 1 < config.nodes.len(), "nobody is left for the clients");
            }
        }
    }

    #[test]
    fn only_what_was_asked_for_happens(seed: u64, config in configs()) {
        let kinds: BTreeSet<FaultKind> = plan(seed, &config).steps.iter().map(|step| step.fault.kind()).collect();
        prop_assert!(kinds.iter().all(|kind| config.kinds.contains(kind)));
        // Kinds of disk faults take turns, so do those of clocks, and where nodes are few all that take nodes down.
        let turns = config.kinds.len() as u64;
        let enough = config.nodes.len() >= 2 && config.time_limit_ns >= (15 + 5 * turns) * SECOND;
        let possible = config.kinds.iter().filter(|kind| kind.min_nodes() <= config.nodes.len());
        prop_assert!(!enough || kinds.len() == possible.count());
    }

    #[test]
    fn the_same_seed_gives_the_same_bytes(seed: u64, config in configs()) {
        let bytes = || serde_json::to_vec(&plan(seed, &config)).expect("a schedule becomes JSON");
        prop_assert_eq!(bytes(), bytes());
        let back: Schedule = serde_json::from_slice(&bytes()).expect("and back");
        prop_assert_eq!(back, plan(seed, &config));
    }

    #[test]
    fn other_kinds_do_not_move_the_partitions(seed: u64) {
        let alone = plan(seed, &config(5, &[FaultKind::Partition], 60));
        let together = plan(seed, &config(5, &FaultKind::ALL, 60));
        let key = |step: &&Step| (step.start_ns, step.stop_ns, step.fault.clone());
        let partitions = |schedule: &Schedule| -> Vec<_> {
            of_kind(schedule, FaultKind::Partition).iter().map(key).collect()
        };
        prop_assert_eq!(partitions(&alone), partitions(&together));
    }

    #[test]
    fn a_run_of_thirty_seconds_sees_five_partitions(seed: u64) {
        let shapes = shapes(&plan(seed, &config(5, &[FaultKind::Partition], 30)));
        prop_assert!(shapes.len() >= 5);
        prop_assert!(shapes[..3].contains(&Shape::LeaderAlone));
    }

    #[test]
    fn every_shape_comes_once_before_any_comes_again(seed: u64) {
        let shapes = shapes(&plan(seed, &config(5, &[FaultKind::Partition], 120)));
        for deck in shapes.chunks_exact(Shape::USUAL.len()) {
            prop_assert_eq!(deck.iter().collect::<BTreeSet<_>>().len(), Shape::USUAL.len());
        }
    }

    #[test]
    fn faults_of_disks_take_turns_and_spare_a_majority(seed: u64) {
        let disks = DiskKind::ALL.map(FaultKind::Disk);
        let schedule = plan(seed, &config(5, &disks, 120));
        let of_all = |step: &&Step| step.fault.kind() == FaultKind::Disk(DiskKind::Blackout);
        let turns: Vec<&Step> = schedule.steps.iter().filter(|step| !of_all(step)).collect();
        prop_assert!(turns.windows(2).all(|pair| pair[0].stop_ns <= pair[1].start_ns));
        for step in &schedule.steps {
            let Fault::Disk { target, fault } = &step.fault else { unreachable!() };
            let all = *fault == DiskFault::Blackout;
            if let Target::Nodes(nodes) = target {
                let fits = if all { nodes.len() == 5 } else { nodes.len() <= 2 };
                prop_assert!(fits, "{fault} {target}");
            }
        }
        for kind in disks {
            prop_assert!(!of_kind(&schedule, kind).is_empty(), "{kind}");
        }
    }

    #[test]
    fn faults_of_clocks_take_turns_and_spare_a_majority(seed: u64) {
        let clocks = ClockKind::ALL.map(FaultKind::Clock);
        let schedule = plan(seed, &config(5, &clocks, 120));
        prop_assert!(schedule.steps.windows(2).all(|pair| pair[0].stop_ns <= pair[1].start_ns));
        for step in &schedule.steps {
            let Fault::Clock { target: Target::Nodes(nodes), .. } = &step.fault else { continue };
            prop_assert!((1..=2).contains(&nodes.len()));
        }
        for kind in clocks {
            prop_assert!(of_kind(&schedule, kind).len() > 1, "{kind}");
        }
    }

    #[test]
    fn where_there_is_room_disks_do_not_move_the_processes(seed: u64) {
        let disk = FaultKind::Disk(DiskKind::PowerLoss);
        let times = |kinds: &[FaultKind]| -> Vec<_> {
            let schedule = plan(seed, &config(5, kinds, 60));
            of_kind(&schedule, FaultKind::Kill).iter().map(|step| (step.start_ns, step.stop_ns)).collect()
        };
        prop_assert_eq!(times(&[FaultKind::Kill]), times(&[FaultKind::Kill, disk]));
    }

    /// What ends processes takes turns, and what each does is decided.
    #[test]
    fn what_ends_processes_comes_one_after_the_other(seed: u64) {
        let kinds = [ProcessKind::CrashLoop, ProcessKind::RollingRestart, ProcessKind::Wipe].map(FaultKind::Process);
        let schedule = plan(seed, &config(5, &[&kinds[..], &[FaultKind::Kill]].concat(), 60));
        prop_assert!(schedule.steps.windows(2).all(|pair| pair[0].stop_ns <= pair[1].start_ns));
        for kind in kinds {
            prop_assert!(of_kind(&schedule, kind).len() > 1, "{kind}");
        }
        for step in &schedule.steps {
            if let Fault::CrashLoop { lives_ms, .. } = &step.fault {
                let lived: u64 = lives_ms.iter().map(|life| u64::from(*life) * 1_000_000).sum();
                prop_assert!(lives_ms.iter().all(|life| (100..=1_000).contains(life)));
                prop_assert!(lived >= step.stop_ns - step.start_ns);
            }
            if let Fault::RollingRestart { order, .. } = &step.fault {
                let every: BTreeSet<_> = order.iter().cloned().collect();
                prop_assert_eq!(every.into_iter().collect::<Vec<_>>(), NodeName::first(5));
            }
        }
    }

    #[test]
    fn slow_nodes_are_a_minority_and_run_for_a_tenth_to_a_half(seed: u64) {
        let slow = FaultKind::Process(ProcessKind::SlowCpu);
        let schedule = plan(seed, &config(5, &[slow, FaultKind::Kill, FaultKind::Pause], 60));
        let slowed = of_kind(&schedule, slow);
        prop_assert!(slowed.len() > 5);
        for step in slowed {
            let Fault::SlowCpu { target, pace } = &step.fault else { unreachable!() };
            prop_assert!((0.04..=0.5).contains(&pace.share()), "{pace:?}");
            prop_assert!((20..=200).contains(&(pace.run_ms + pace.stop_ms)));
            prop_assert!(!matches!(target, Target::Nodes(nodes) if nodes.is_empty() || nodes.len() > 2));
        }
    }

    #[test]
    fn changes_of_members_take_turns_and_every_way_comes(seed: u64) {
        let schedule = plan(seed, &config(5, &[FaultKind::Member, FaultKind::Reconfigure], 60));
        prop_assert!(schedule.steps.windows(2).all(|pair| pair[0].stop_ns <= pair[1].start_ns));
        let mut ways = BTreeSet::new();
        for step in of_kind(&schedule, FaultKind::Reconfigure) {
            let Fault::Reconfigure { way, .. } = &step.fault else { unreachable!() };
            ways.insert(*way);
        }
        prop_assert_eq!(ways.into_iter().collect::<Vec<_>>(), Rearrangement::ALL);
        prop_assert!(of_kind(&schedule, FaultKind::Member).len() > 3);
    }

    #[test]
    fn no_member_leaves_while_one_is_wiped(seed: u64) {
        let wipe = FaultKind::Process(ProcessKind::Wipe);
        let kinds = [FaultKind::Member, FaultKind::Reconfigure, wipe];
        let schedule = plan(seed, &config(5, &kinds, 60));
        prop_assert!(schedule.steps.windows(2).all(|pair| pair[0].stop_ns <= pair[1].start_ns));
        prop_assert!(kinds.iter().all(|kind| of_kind(&schedule, *kind).len() > 1));
    }

    #[test]
    fn clocks_do_not_move_the_processes(seed: u64) {
        let kills = |kinds: &[FaultKind]| -> Vec<_> {
            let schedule = plan(seed, &config(5, kinds, 60));
            let key = |step: &&Step| (step.start_ns, step.stop_ns, step.fault.clone());
            of_kind(&schedule, FaultKind::Kill).iter().map(key).collect()
        };
        let jump = FaultKind::Clock(ClockKind::Jump);
        prop_assert_eq!(kills(&[FaultKind::Kill]), kills(&[FaultKind::Kill, jump]));
    }

    #[test]
    fn process_faults_of_different_kinds_overlap_where_there_is_room(seed: u64) {
        let both = [FaultKind::Kill, FaultKind::Pause];
        let overlaps = |nodes| {
            let schedule = plan(seed, &config(nodes, &both, 120));
            let mut pairs = schedule.steps.windows(2);
            pairs.any(|pair| pair[1].start_ns < pair[0].stop_ns)
        };
        prop_assert!(overlaps(5));
        prop_assert!(!overlaps(3));
    }
}

#[test]
fn different_seeds_give_different_schedules() {
    let config = config(5, &FaultKind::ALL, 30);
    let distinct: BTreeSet<String> = (0..50)
        .map(|seed| serde_json::to_string(&plan(seed, &config).steps).unwrap())
        .collect();
    assert_eq!(distinct.len(), 50);
}

#[test]
fn a_target_is_resolved_against_who_is_down() {
    let nodes = NodeName::first(3);
    let down = BTreeSet::from([nodes[0].clone()]);
    let named = Target::Nodes(nodes[..2].to_vec());
    assert_eq!(named.resolve(None, &BTreeSet::new()), nodes[..2]);
    assert_eq!(named.resolve(None, &down), nodes[1..2]);
    assert_eq!(Target::Leader.resolve(Some(&nodes[2]), &down), nodes[2..]);
    assert!(Target::Leader.resolve(Some(&nodes[0]), &down).is_empty());
    assert!(Target::Leader.resolve(None, &down).is_empty());
}

#[test]
fn kinds_are_read_as_they_are_written() {
    for kind in FaultKind::ALL {
        assert_eq!(kind.to_string().parse(), Ok(kind));
        assert_eq!(serde_json::to_string(&kind).unwrap(), format!("\"{kind}\""));
    }
    let unknown = "earthquake".parse::<FaultKind>().unwrap_err().to_string();
    let known = FaultKind::ALL.map(FaultKind::name).join(", ");
    assert_eq!(
        unknown,
        format!("nemesis \"earthquake\" is not known: use one of {known}")
    );
    let walls = [ClockKind::Jump, ClockKind::Drift, ClockKind::Strobe].map(FaultKind::Clock);
    assert_eq!(FaultKind::group("clock"), Some(&walls[..]));
    assert_eq!(FaultKind::group("kill"), None);
    let disks = FaultKind::group("disk").expect("a group of disks");
    let left_out: Vec<DiskKind> = DiskKind::ALL
        .into_iter()
        .filter(|kind| !disks.contains(&FaultKind::Disk(*kind)))
        .collect();
    assert_eq!(left_out, [DiskKind::Blackout, DiskKind::Lie]);
    let net = FaultKind::group("net").expect("a group of the network");
    let left_out: Vec<NetworkKind> = NetworkKind::ALL
        .into_iter()
        .filter(|kind| !net.contains(&FaultKind::Network(*kind)))
        .collect();
    assert_eq!(left_out, [NetworkKind::CorruptUnnoticed]);
}

/// The stored form: a change of it is a change of the format's version.
#[test]
fn the_stored_form_of_a_schedule() {
    let schedule = Schedule {
        version: 1,
        seed: 7,
        steps: vec![
            Step {
                id: 1,
                start_ns: 5,
                stop_ns: 9,
                fault: Fault::Partition {
                    shape: Shape::OneWay,
                    order: NodeName::first(2),
                },
            },
            Step {
                id: 2,
                start_ns: 6,
                stop_ns: 8,
                fault: Fault::Kill {
                    target: Target::Leader,
                },
            },
            Step {
                id: 3,
                start_ns: 6,
                stop_ns: 8,
                fault: Fault::Pause {
                    target: Target::Nodes(NodeName::first(1)),
                },
            },
            Step {
                id: 4,
                start_ns: 7,
                stop_ns: 8,
                fault: Fault::Network {
                    disturbance: Disturbance::Loss {
                        permille: Permille::new(250).unwrap(),
                    },
                    links: Links {
                        of: Target::Leader,
                        with: Others::Nodes,
                        direction: Direction::From,
                    },
                },
            },
            Step {
                id: 5,
                start_ns: 7,
                stop_ns: 8,
                fault: Fault::Clock {
                    target: Target::Leader,
                    change: ClockChange::Jump { offset_ns: -11 },
                },
            },
        ],
    };
    let stored = concat!(
        r#"{"version":1,"seed":7,"steps":["#,
        r#"{"id":1,"start_ns":5,"stop_ns":9,"fault":{"kind":"partition","shape":"one-way","order":["n1","n2"]}},"#,
        r#"{"id":2,"start_ns":6,"stop_ns":8,"fault":{"kind":"kill","target":"leader"}},"#,
        r#"{"id":3,"start_ns":6,"stop_ns":8,"fault":{"kind":"pause","target":{"nodes":["n1"]}}},"#,
        r#"{"id":4,"start_ns":7,"stop_ns":8,"fault":{"kind":"network","disturbance":{"loss":{"permille":250}},"#,
        r#""links":{"of":"leader","with":"nodes","direction":"from"}}},"#,
        r#"{"id":5,"start_ns":7,"stop_ns":8,"fault":{"kind":"clock","target":"leader","change":{"jump":{"offset_ns":-11}}}}]}"#,
    );
    assert_eq!(serde_json::to_string(&schedule).unwrap(), stored);
    assert_eq!(serde_json::from_str::<Schedule>(stored).unwrap(), schedule);
}
