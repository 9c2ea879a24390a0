//! Which plane a run gets, and why.

use super::iptables::{self, Tc, Tool};
use super::namespace::Namespace;
use super::{Means, NetError, switch};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
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
    /// iptables where it is installed and works and its rules do all that is wanted, else the switch.
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

/// Something that a run wants of the network, in a word, and what iptables needs for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// What.
    pub what: String,
    /// What it takes.
    pub means: Means,
}

/// Chooses the plane. Inside a lab iptables is tried as well as looked for, with all that is wanted of it; outside it is
/// only looked for. Who leaves the choice open gets the switch for whatever takes more than rules: it draws from the run's
/// seed, and tells for each link how long packets waited.
///
/// # Errors
/// When iptables is asked for: [`NetError::OnlySwitch`] where it could never do what is wanted, and whatever says why it
/// does not work here, as [`NetError::NoIptables`] or [`NetError::NoNetem`].
pub fn choose(choice: NetChoice, wanted: &[Wanted]) -> Result<Chosen, NetError> {
    let only_switch = names(wanted, |means| means == Means::Switch);
    let better_switched = names(wanted, |means| means > Means::Rules);
    match choice {
        NetChoice::Switch => Ok(switch_because("asked for")),
        NetChoice::Iptables => match only_switch {
            Some(what) => Err(NetError::OnlySwitch { what }),
            None => asked_for_iptables(wanted),
        },
        NetChoice::Auto => Ok(match (only_switch, better_switched) {
            (Some(what), _) => switch_because(&format!("only the switch can do this: {what}")),
            (None, Some(what)) => {
                switch_because(&format!("the switch does this with the run's seed: {what}"))
            }
            (None, None) => iptables_if_usable(),
        }),
    }
}

/// What takes such means, in words.
fn names(wanted: &[Wanted], such: impl Fn(Means) -> bool) -> Option<String> {
    let wanted = wanted.iter().filter(|wanted| such(wanted.means));
    let names: Vec<&str> = wanted.map(|wanted| wanted.what.as_str()).collect();
    (!names.is_empty()).then(|| names.join(", "))
}

fn asked_for_iptables(wanted: &[Wanted]) -> Result<Chosen, NetError> {
    let tool = usable_iptables()?;
    let means: BTreeSet<Means> = wanted.iter().map(|wanted| wanted.means).collect();
    let mut chosen = iptables_because(&tool, "asked for");
    for means in means {
        if let Some(told) = usable(means)? {
            chosen.reason += &format!("; {told}");
        }
    }
    Ok(chosen)
}

fn iptables_if_usable() -> Chosen {
    match usable_iptables() {
        Ok(tool) => iptables_because(&tool, "installed"),
        Err(NetError::NoIptables) => switch_because("iptables is not installed"),
        Err(other) => switch_because(&format!("iptables does not work here: {other}")),
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

/// Who does it, in a few words, where more than rules do.
fn usable(means: Means) -> Result<Option<String>, NetError> {
    let told = match means {
        Means::Rules | Means::Switch => return Ok(None),
        Means::Copies => "its TEE sends packets twice".to_owned(),
        Means::Bottleneck => format!(
            "the kernel's HTB is the bottleneck ({})",
            Tc::find()?.version()
        ),
        Means::Netem => format!(
            "the kernel's netem holds packets up ({})",
            Tc::find()?.version()
        ),
    };
    if crate::lab::inside() {
        iptables::try_means(means)?;
    }
    Ok(Some(told))
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
