//! The two ways to give a program a clock of its own.

use serde::{Deserialize, Serialize};
use std::fmt;

/// How the processes of a node come to use its clocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ClockWay {
    /// The functions of their vDSO are overwritten: for any program, where the kernel lets it be traced.
    Vdso,
    /// A library is loaded into them that takes the place of the C library's functions: for programs that are linked with it.
    Preload,
}

/// What a user asks for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ClockChoice {
    /// The vDSO where it can be patched, else the library.
    #[default]
    Auto,
    /// The vDSO, or an error.
    Vdso,
    /// The library, or an error.
    Preload,
}

/// A way, and the reason it was taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChosenWay {
    /// The way.
    pub way: ClockWay,
    /// Why, in a few words for the report.
    pub reason: String,
}

impl fmt::Display for ClockWay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            ClockWay::Vdso => "vdso",
            ClockWay::Preload => "preload",
        })
    }
}

impl fmt::Display for ClockChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            ClockChoice::Auto => "auto",
            ClockChoice::Vdso => "vdso",
            ClockChoice::Preload => "preload",
        })
    }
}
