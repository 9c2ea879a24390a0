//! What was typed behind `matrix`.

use std::num::NonZero;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use clap::Args;

use super::{Net, parse_duration};

/// The text below the options.
pub(crate) const EXAMPLES: &str = "\
Each run is a `run --online` of its own: it ends at the first proven violation. What a run came to is
a line of OUT/matrix.jsonl, written as soon as it is over; called again with the same arguments, what
is there is not run again. Run folders are kept of the first run that found each bug, and of every run
that found something on the healthy node or could not be made. Only the last kind is tried again, once.

Exit codes:
  0    everything was run, and the healthy node kept silent
  1    something was found on the healthy node
  3    fewer bugs were found than --require-found asks for
  254  the arguments cannot be used
  255  some runs could not be made, or not all of them were

Examples:
  adrasteia matrix                                           every bug, ten seeds, 200 healthy runs
  adrasteia matrix --bugs read-no-quorum,quorum-half --seeds 3 --healthy 0
  adrasteia matrix --shard 1/4 --out shards/1                a quarter of it, for one of four machines
  adrasteia matrix --bugs none --healthy 500 --nemesis partition,kill,pause";

#[derive(Debug, Clone, Args)]
pub(crate) struct MatrixArgs {
    /// Planted bugs to hunt, separated by commas; all, or none
    #[arg(long, value_name = "NAME,…", default_value = "all")]
    pub bugs: String,
    /// Faults of every run; auto takes for each bug those that expose it
    #[arg(long, value_name = "NAME,…", default_value = "auto")]
    pub nemesis: String,
    /// Runs of each bug, each with a seed of its own
    #[arg(long, value_name = "N", default_value_t = 10)]
    pub seeds: u32,
    /// The first seed
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub first_seed: u32,
    /// Runs of the node without bugs, spread over the same faults
    #[arg(long, value_name = "N", default_value_t = 200)]
    pub healthy: u32,
    /// How long clients work in each run, unless a violation ends it
    #[arg(long, value_name = "TIME", default_value = "16s", value_parser = parse_duration)]
    pub time_limit: Duration,
    /// Runs at once [default: one a core]
    #[arg(long, value_name = "N")]
    pub jobs: Option<NonZero<usize>>,
    /// Which part of the runs is made here, as in 2/4; all parts together make each run once
    #[arg(long, value_name = "I/N", default_value = "1/1")]
    pub shard: Shard,
    /// How nodes are connected and cut off
    #[arg(long, value_enum, default_value_t = Net::Auto)]
    pub net: Net,
    /// How many bugs must be found
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub require_found: usize,
    /// The folder that collects everything
    #[arg(long, value_name = "DIR", default_value = "runs/matrix")]
    pub out: PathBuf,
    /// Keep the folder of every run
    #[arg(long)]
    pub keep: bool,
    /// Print one JSON object instead of a table
    #[arg(long)]
    pub json: bool,
}

/// One of several equal parts; counts from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Shard {
    number: usize,
    of: usize,
}

/// Text that is not `I/N`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("write the part and how many there are, as in 2/4")]
pub(crate) struct BadShard;

impl Shard {
    /// Whether the thing with this number, from 0, belongs to the part.
    pub(crate) const fn has(self, index: usize) -> bool {
        index % self.of == self.number - 1
    }
}

impl FromStr for Shard {
    type Err = BadShard;

    fn from_str(text: &str) -> Result<Self, BadShard> {
        let (number, of) = text.split_once('/').ok_or(BadShard)?;
        let number = number.parse().map_err(|_| BadShard)?;
        let of = of.parse().map_err(|_| BadShard)?;
        match (1..=of).contains(&number) {
            true => Ok(Self { number, of }),
            false => Err(BadShard),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parts_make_the_whole_and_do_not_overlap() {
        for of in 1..=5 {
            let parts: Vec<Shard> = (1..=of)
                .map(|number| format!("{number}/{of}").parse().unwrap())
                .collect();
            for index in 0..50 {
                assert_eq!(parts.iter().filter(|part| part.has(index)).count(), 1);
            }
        }
        for text in ["0/4", "5/4", "1", "1/0", "a/b", "-1/2"] {
            assert_eq!(text.parse::<Shard>(), Err(BadShard), "{text}");
        }
    }
}
