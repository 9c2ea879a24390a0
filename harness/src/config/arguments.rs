//! One typed argument after the other, understood or refused with its remedy.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::str::FromStr;
use std::time::{Duration, UNIX_EPOCH};

use nemesis::NodeName;

use super::{NodeProgram, UsageError, compact, usage};
use crate::clock;

/// Addresses are 10.99.0.1 to 10.99.0.99; the harness has 10.99.0.254.
const MOST_NODES: usize = 99;
const MOST_WORKERS: usize = 2_000;
const FASTEST_RATE: f64 = 100_000.0;

pub(super) fn parse<T: FromStr<Err: std::fmt::Display>>(
    option: &str,
    text: &str,
) -> Result<T, UsageError> {
    text.parse()
        .map_err(|error| UsageError(format!("{option}: {error}")))
}

pub(super) fn nodes(count: usize) -> Result<Vec<NodeName>, UsageError> {
    match count {
        1..=MOST_NODES => Ok(NodeName::first(count)),
        _ => usage(format!("--nodes {count}: choose from 1 to {MOST_NODES}")),
    }
}

pub(super) fn workers(text: &str, nodes: usize) -> Result<usize, UsageError> {
    let count = match text.strip_suffix('n') {
        Some(times) => times
            .parse::<usize>()
            .ok()
            .and_then(|times| times.checked_mul(nodes)),
        None => text.parse().ok(),
    };
    match count {
        Some(count @ 1..=MOST_WORKERS) => Ok(count),
        Some(count) => usage(format!(
            "--concurrency {text} means {count} clients: choose from 1 to {MOST_WORKERS}"
        )),
        None => usage(format!(
            "--concurrency {text:?}: write a number such as 10, or a multiple of the nodes such as 2n"
        )),
    }
}

pub(super) fn rate(rate: f64) -> Result<f64, UsageError> {
    if rate > 0.0 && rate <= FASTEST_RATE {
        Ok(rate)
    } else {
        usage(format!(
            "--rate {rate}: choose more than 0 and at most {FASTEST_RATE} operations per second"
        ))
    }
}

pub(crate) fn at_least(
    option: &str,
    value: Duration,
    least: Duration,
) -> Result<Duration, UsageError> {
    if value >= least {
        Ok(value)
    } else {
        usage(format!(
            "{option} {}: choose at least {}",
            compact(value),
            compact(least)
        ))
    }
}

pub(crate) fn at_most(
    option: &str,
    value: Duration,
    most: Duration,
) -> Result<Duration, UsageError> {
    if value <= most {
        Ok(value)
    } else {
        usage(format!(
            "{option} {}: choose at most {}",
            compact(value),
            compact(most)
        ))
    }
}

pub(crate) fn program(other: Option<&Path>) -> Result<NodeProgram, UsageError> {
    let Some(path) = other else {
        let own = std::env::current_exe();
        return own
            .map(NodeProgram::Bundled)
            .or_else(|error| usage(format!("cannot find this program's own file: {error}")));
    };
    let shown = path.display();
    let path = path
        .canonicalize()
        .or_else(|error| usage(format!("--node-bin {shown}: {error}")))?;
    match path.metadata() {
        Ok(file) if file.is_file() && file.permissions().mode() & 0o111 != 0 => {
            Ok(NodeProgram::Other(path))
        }
        Ok(_) => usage(format!("--node-bin {shown} is not an executable file")),
        Err(error) => usage(format!("--node-bin {shown}: {error}")),
    }
}

/// A short seed, so that it can be read aloud.
pub(super) fn drawn_seed() -> u64 {
    let since = clock::wall().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::from(since.subsec_micros()) + since.as_secs() % 1_000 * 1_000_000
}
