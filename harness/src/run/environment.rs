//! Where and when a run took place.

use reports::Environment;

use crate::clock;

/// This program, this kernel, now.
pub(crate) fn environment() -> Environment {
    let kernel = nix::sys::utsname::uname().map_or_else(
        |error| format!("unknown ({error})"),
        |name| {
            format!(
                "{} {}",
                name.sysname().to_string_lossy(),
                name.release().to_string_lossy()
            )
        },
    );
    Environment {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        kernel,
        started: humantime::format_rfc3339_seconds(clock::wall()).to_string(),
    }
}
