//! Schedules that people shape: targets, weights, lengths and ranges, for any seed.

use nemesis::clocks::ClockChange;
use nemesis::net::Disturbance;
use nemesis::schedule::{DiskFault, Fault, FaultKind, Preferences, Spans, Step, Target, plan};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

use crate::chosen::{JUMP, LOSS, SLOW, aimed, config, hits, ranged};
use crate::looks::{SECOND, down_at, target};

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
            let (down, named) = down_at(&schedule, step.start_ns);
            prop_assert!(down <= (nodes.saturating_sub(1) / 2).max(1), "{down} of {nodes} are down");
            prop_assert_eq!(named.iter().collect::<BTreeSet<_>>().len(), named.len(), "a node is hit twice");
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
