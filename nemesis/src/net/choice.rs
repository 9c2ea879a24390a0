//! Which plane a run gets, and why.

use super::iptables::{self, Tool};
use super::namespace::Namespace;
use super::{Disturbance, NetError, switch};
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
    /// iptables where it is installed and works and can do all that is wanted, else the switch.
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
/// `only_switch` names what a run wants that no other plane can do, if it wants any such thing.
///
/// # Errors
/// [`NetError::NoIptables`], [`NetError::Iptables`] or [`NetError::OnlySwitch`] when iptables is asked for and cannot be used.
pub fn choose(choice: NetChoice, only_switch: Option<&str>) -> Result<Chosen, NetError> {
    match (choice, only_switch) {
        (NetChoice::Switch, _) => Ok(switch_because("asked for")),
        (NetChoice::Iptables, Some(what)) => Err(NetError::OnlySwitch { what: what.into() }),
        (NetChoice::Iptables, None) => {
            usable_iptables().map(|tool| iptables_because(&tool, "asked for"))
        }
        (NetChoice::Auto, Some(what)) => Ok(switch_because(&format!(
            "only the switch can do this: {what}"
        ))),
        (NetChoice::Auto, None) => Ok(match usable_iptables() {
            Ok(tool) => iptables_because(&tool, "installed"),
            Err(NetError::NoIptables) => switch_because("iptables is not installed"),
            Err(other) => switch_because(&format!("iptables does not work here: {other}")),
        }),
    }
}

impl PlaneKind {
    /// Whether this plane can do it.
    pub fn can(self, disturbance: &Disturbance) -> bool {
        match (self, disturbance) {
            (PlaneKind::Switch, _)
            | (PlaneKind::Iptables, Disturbance::Cut | Disturbance::Loss { .. }) => true,
            (
                PlaneKind::Iptables,
                Disturbance::Flap { .. }
                | Disturbance::Duplicate { .. }
                | Disturbance::Corrupt { .. }
                | Disturbance::Rate { .. }
                | Disturbance::Delay { .. }
                | Disturbance::Reorder { .. },
            ) => false,
        }
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
