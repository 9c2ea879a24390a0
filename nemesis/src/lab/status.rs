//! What `/proc/self/status` says about this process.

use super::LabError;
use std::fs;

/// The number of threads.
pub(super) fn threads() -> Result<usize, LabError> {
    Ok(field("Threads:")?.parse().unwrap_or(0))
}

/// The effective capabilities, as a set of bits.
pub(super) fn capabilities() -> Result<u64, LabError> {
    bits("CapEff:")
}

/// The ignored signals, as a set of bits from signal 1 up.
pub(super) fn ignored_signals() -> Result<u64, LabError> {
    bits("SigIgn:")
}

fn bits(name: &str) -> Result<u64, LabError> {
    Ok(u64::from_str_radix(&field(name)?, 16).unwrap_or(0))
}

fn field(name: &str) -> Result<String, LabError> {
    let status = fs::read_to_string("/proc/self/status").map_err(LabError::NoProc)?;
    let value = status.lines().find_map(|line| line.strip_prefix(name));
    Ok(value.unwrap_or_default().trim().to_owned())
}
