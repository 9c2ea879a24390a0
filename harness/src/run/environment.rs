//! Where, when and with what a run took place.

use nemesis::net::Chosen;
use reports::{Environment, Net};

use super::cluster::Clocks;
use crate::clock;

/// With what a run breaks the world of its nodes, as it was decided before it began.
#[derive(Debug, Clone)]
pub(crate) struct Equipment {
    pub network: Chosen,
    pub clocks: Clocks,
}

impl Equipment {
    pub(crate) fn net(&self) -> Net {
        Net {
            plane: self.network.kind.to_string(),
            reason: self.network.reason.clone(),
        }
    }

    pub(crate) fn clocks(&self) -> Option<reports::Clocks> {
        let chosen = self.clocks.as_ref().ok()?;
        Some(reports::Clocks {
            way: chosen.way.to_string(),
            reason: chosen.reason.clone(),
        })
    }
}

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
