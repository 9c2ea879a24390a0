//! What was typed behind `replay` and `shrink`.

use std::num::NonZero;
use std::path::PathBuf;

use clap::Args;

/// The text below the options.
pub(crate) const EXAMPLES: &str = "\
Faults begin and end when they did; what nodes and clients do meanwhile is never quite the same, so a
violation comes again in some of the runs.

Exit codes: 0 no violation, 1 a violation came again, 254 no such run, 255 a run could not be made.

Examples:
  adrasteia replay runs/latest
  adrasteia replay runs/register-partition-7/20261121T101500.000Z --times 5
  adrasteia shrink runs/latest                  which of the faults are needed";

const ONE: NonZero<u32> = NonZero::<u32>::MIN;

#[derive(Debug, Clone, Args)]
pub(crate) struct ReplayArgs {
    /// The folder of a run
    #[arg(value_name = "RUN")]
    pub run: PathBuf,
    /// How many runs to make
    #[arg(long, value_name = "N", default_value_t = ONE)]
    pub times: NonZero<u32>,
    /// The folder that collects them
    #[arg(long, value_name = "DIR", default_value = "runs/replay")]
    pub out: PathBuf,
}

#[derive(Debug, Clone, Args)]
pub(crate) struct ShrinkArgs {
    /// The folder of a run
    #[arg(value_name = "RUN")]
    pub run: PathBuf,
    /// Runs without a violation after which the faults that were left out count as needed
    #[arg(long, value_name = "N", default_value = "3")]
    pub tries: NonZero<u32>,
    /// Runs with what is left, to say in how many of them the violation comes
    #[arg(long, value_name = "N", default_value = "5")]
    pub times: NonZero<u32>,
    /// The folder that collects everything
    #[arg(long, value_name = "DIR", default_value = "runs/shrink")]
    pub out: PathBuf,
}
