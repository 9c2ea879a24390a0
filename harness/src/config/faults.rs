//! What was typed about faults, understood: their kinds and weights, whom they hit, when, and how strong they are.

use std::collections::BTreeMap;
use std::time::Duration;

use nemesis::NodeName;
use nemesis::schedule::{FaultKind, Preferences, Ranges, Spans, Targets};

use super::arguments::parse;
use super::{QUIET_START, UsageError, compact, nanos, usage};
use crate::cli::{FaultArgs, parse_duration};

/// What is shorter cannot be told from nothing.
const SHORTEST_FAULT: Duration = Duration::from_millis(1);
/// A timeline of more would not fit into memory beside others.
const MOST_FAULTS: u64 = 1_000_000;
const HEAVIEST: u32 = 100;

/// The kinds of fault, and their weights where some were given.
pub(super) type Kinds = (Vec<FaultKind>, BTreeMap<FaultKind, u32>);

pub(super) fn kinds(text: &str) -> Result<Kinds, UsageError> {
    let (mut kinds, mut weights) = (Vec::new(), BTreeMap::new());
    if text == "none" {
        return Ok((kinds, weights));
    }
    for item in text.split(',').map(str::trim) {
        let (name, weight) = match item.split_once('=') {
            Some((name, weight)) => (name.trim(), Some(self::weight(item, weight.trim())?)),
            None => (item, None),
        };
        if name == "none" {
            return usage("--nemesis none stands alone: leave out the others, or none");
        }
        let named =
            FaultKind::named(name).map_err(|error| UsageError(format!("--nemesis: {error}")))?;
        weights.extend(named.iter().filter_map(|kind| Some((*kind, weight?))));
        kinds.extend(named);
    }
    kinds.sort_unstable();
    kinds.dedup();
    if !weights.is_empty() {
        for kind in &kinds {
            weights.entry(*kind).or_insert(1);
        }
    }
    Ok((kinds, weights))
}

fn weight(item: &str, text: &str) -> Result<u32, UsageError> {
    match text.parse() {
        Ok(weight @ 1..=HEAVIEST) => Ok(weight),
        Ok(_) | Err(_) => usage(format!(
            "--nemesis {item}: a weight is a whole number from 1 to {HEAVIEST}, as in partition=3,kill=1"
        )),
    }
}

/// Everything but the kinds and their weights, checked against them where nothing was read from a file.
pub(super) fn preferences(
    args: &FaultArgs,
    (kinds, weights): &Kinds,
    nodes: &[NodeName],
) -> Result<Preferences, UsageError> {
    let mut targets: Targets = match &args.target {
        Some(text) => parse("--target", text)?,
        None => Targets::default(),
    };
    targets.beyond_minority = args.beyond_minority;
    let refused =
        |option: &str, error: &dyn std::fmt::Display| UsageError(format!("{option}: {error}"));
    targets
        .check(kinds, nodes)
        .map_err(|error| refused("--target", &error))?;
    let ranges: Ranges = match &args.range {
        Some(text) => parse("--range", text)?,
        None => Ranges::default(),
    };
    ranges
        .check(kinds)
        .map_err(|error| refused("--range", &error))?;
    Ok(Preferences {
        targets,
        weights: weights.clone(),
        ranges,
    })
}

/// How long faults and the quiet between them are, where that fits into the time limit.
pub(super) fn spans(args: &FaultArgs, time_limit: Duration) -> Result<Spans, UsageError> {
    let (fault_min, fault_max) = times("--fault-length", &args.fault_length)?;
    let (quiet_min, quiet_max) = times("--fault-interval", &args.fault_interval)?;
    if fault_min < SHORTEST_FAULT {
        return usage(format!(
            "--fault-length {}: choose at least {}",
            args.fault_length,
            compact(SHORTEST_FAULT)
        ));
    }
    let turn = nanos(fault_min.saturating_add(quiet_min));
    if nanos(time_limit) / turn > MOST_FAULTS {
        return usage(format!(
            "--fault-length {} and --fault-interval {} make more than {MOST_FAULTS} faults in --time-limit {}: make them longer, or the run shorter",
            args.fault_length,
            args.fault_interval,
            compact(time_limit)
        ));
    }
    let spans = Spans {
        fault_min_ns: nanos(fault_min),
        fault_max_ns: nanos(fault_max),
        quiet_min_ns: nanos(quiet_min),
        quiet_max_ns: nanos(quiet_max),
        ..Spans::default()
    };
    if spans != Spans::default() {
        check_room(args, fault_min, time_limit, &spans)?;
    }
    Ok(spans)
}

fn check_room(
    args: &FaultArgs,
    shortest: Duration,
    time_limit: Duration,
    spans: &Spans,
) -> Result<(), UsageError> {
    let quiet_end = Duration::from_nanos(spans.quiet_end_ns);
    let room = time_limit.saturating_sub(QUIET_START + quiet_end);
    if shortest <= room {
        return Ok(());
    }
    usage(format!(
        "--fault-length {} does not fit into --time-limit {}, of which {} at the start and {} at the end stay quiet: shorten it, or allow at least {}",
        args.fault_length,
        compact(time_limit),
        compact(QUIET_START),
        compact(quiet_end),
        compact(QUIET_START + shortest + quiet_end)
    ))
}

/// For how long a run with faults of so many kinds should last at least.
pub(super) fn enough(spans: &Spans, kinds: usize) -> Duration {
    let turn = Duration::from_nanos(spans.fault_max_ns.saturating_add(spans.quiet_max_ns));
    let kinds = u32::try_from(kinds).unwrap_or(u32::MAX);
    QUIET_START + turn.saturating_mul(kinds) + Duration::from_nanos(spans.quiet_end_ns)
}

/// Both ends of a range of times; one time is a range of its own.
fn times(option: &str, text: &str) -> Result<(Duration, Duration), UsageError> {
    let (first, last) = text.split_once("..").unwrap_or((text, text));
    let time = |text: &str| {
        parse_duration(text.trim())
            .map_err(|error| UsageError(format!("{option} {text:?}: {error}; a range is 1s..3s")))
    };
    let (first, last) = (time(first)?, time(last)?);
    match first <= last {
        true => Ok((first, last)),
        false => usage(format!(
            "{option} {text} ends before it begins: write the shorter time first"
        )),
    }
}

/// A range of times as it is typed.
pub(super) fn typed_times(least_ns: u64, most_ns: u64) -> String {
    let [least, most] = [least_ns, most_ns].map(|ns| compact(Duration::from_nanos(ns)));
    match least == most {
        true => least,
        false => format!("{least}..{most}"),
    }
}
