//! Which plane a run gets, and why.

use super::iptables::{self, Tool};
use super::namespace::Namespace;
use super::{NetError, switch};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// The two ways to join the nodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PlaneKind {
    /// Bridge, veth pairs and iptables rules.
    Iptables,
    /// A switch in the harness.
    Switch,
}

/// What a user asks for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum NetChoice {
    /// iptables where it is installed and works, else the switch.
    #[default]
    Auto,
    /// iptables, or an error.
    Iptables,
    /// The switch, or an error.
    Switch,
}

/// A plane, and the reason it was taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chosen {
    /// The plane.
    pub kind: PlaneKind,
    /// Why, in a few words for the report: `iptables v1.8.9 (nf_tables) is installed`.
    pub reason: String,
}

/// A text that names no plane.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("network {0:?} is not known: use one of auto, iptables, switch")]
pub struct UnknownNet(String);

/// Chooses the plane. Inside a lab iptables is tried as well as looked for; outside it is only looked for.
///
/// # Errors
/// [`NetError::NoIptables`] or [`NetError::Iptables`] when iptables is asked for and cannot be used.
pub fn choose(choice: NetChoice) -> Result<Chosen, NetError> {
    match choice {
        NetChoice::Switch => Ok(switch_because("asked for")),
        NetChoice::Iptables => usable_iptables().map(|tool| iptables_because(&tool, "asked for")),
        NetChoice::Auto => Ok(match usable_iptables() {
            Ok(tool) => iptables_because(&tool, "installed"),
            Err(NetError::NoIptables) => switch_because("iptables is not installed"),
            Err(other) => switch_because(&format!("iptables does not work here: {other}")),
        }),
    }
}

fn usable_iptables() -> Result<Tool, NetError> {
    let tool = Tool::find()?;
    if crate::lab::inside() {
        let scratch = Namespace::create()?;
        iptables::try_rule(&tool, &scratch)?;
        iptables::try_bridge(&scratch)?;
    }
    Ok(tool)
}

fn iptables_because(tool: &Tool, why: &str) -> Chosen {
    Chosen {
        kind: PlaneKind::Iptables,
        reason: format!("{} is {why}", tool.version),
    }
}

fn switch_because(why: &str) -> Chosen {
    Chosen {
        kind: PlaneKind::Switch,
        reason: format!("{why}; the switch uses {}", switch::ports_here()),
    }
}

impl fmt::Display for PlaneKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            PlaneKind::Iptables => "iptables",
            PlaneKind::Switch => "switch",
        })
    }
}

impl FromStr for PlaneKind {
    type Err = UnknownNet;

    fn from_str(text: &str) -> Result<PlaneKind, UnknownNet> {
        match text {
            "iptables" => Ok(PlaneKind::Iptables),
            "switch" => Ok(PlaneKind::Switch),
            other => Err(UnknownNet(other.to_owned())),
        }
    }
}

impl fmt::Display for NetChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            NetChoice::Auto => "auto",
            NetChoice::Iptables => "iptables",
            NetChoice::Switch => "switch",
        })
    }
}

impl FromStr for NetChoice {
    type Err = UnknownNet;

    fn from_str(text: &str) -> Result<NetChoice, UnknownNet> {
        if text == "auto" {
            return Ok(NetChoice::Auto);
        }
        text.parse().map(|kind| match kind {
            PlaneKind::Iptables => NetChoice::Iptables,
            PlaneKind::Switch => NetChoice::Switch,
        })
    }
}
