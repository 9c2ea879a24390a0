//! How a history is to be judged.

use std::fmt;
use std::num::NonZero;
use std::str::FromStr;
use std::thread;

use serde::Serialize;

/// Which algorithm decides. All of them are exact; they differ in what they cost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Algorithm {
    /// The fast path where one applies, otherwise search and frontier side by side.
    #[default]
    Auto,
    /// Depth first over orders of operations: quick to confirm, slow to refute.
    Search,
    /// Near-linear time, where there is a theorem: above all where written or inserted values are unique. Elsewhere the answer is unknown.
    Fast,
    /// Breadth first, return by return, in memory that does not grow with the length: quick to refute.
    Frontier,
}

impl Algorithm {
    /// Every algorithm.
    pub const ALL: [Self; 4] = [Self::Auto, Self::Search, Self::Fast, Self::Frontier];

    fn name(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Search => "search",
            Self::Fast => "fast",
            Self::Frontier => "frontier",
        }
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.pad(self.name())
    }
}

/// A name that no algorithm has.
#[derive(Debug, thiserror::Error)]
#[error("no algorithm is called `{0}`; the algorithms are auto, search, fast and frontier")]
pub struct UnknownAlgorithm(String);

impl FromStr for Algorithm {
    type Err = UnknownAlgorithm;

    fn from_str(name: &str) -> Result<Self, UnknownAlgorithm> {
        Self::ALL
            .into_iter()
            .find(|algorithm| algorithm.name() == name)
            .ok_or_else(|| UnknownAlgorithm(name.to_owned()))
    }
}

/// How to go about a check. Nothing here changes an answer, only what it costs and so which limit is met.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CheckOptions {
    /// Which algorithm decides.
    pub algorithm: Algorithm,
    /// How many threads may work at once: over the objects, or on two algorithms if there is one object only.
    pub workers: NonZero<usize>,
}

impl Default for CheckOptions {
    /// The best algorithm, on all cores there are.
    fn default() -> Self {
        Self {
            algorithm: Algorithm::Auto,
            workers: thread::available_parallelism().unwrap_or(NonZero::<usize>::MIN),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn algorithms_are_read_as_they_are_written() {
        for algorithm in Algorithm::ALL {
            assert_eq!(
                algorithm.to_string().parse::<Algorithm>().expect("a name"),
                algorithm
            );
        }
        let error = "dfs".parse::<Algorithm>().expect_err("no name");
        assert_eq!(
            error.to_string(),
            "no algorithm is called `dfs`; the algorithms are auto, search, fast and frontier"
        );
    }
}
