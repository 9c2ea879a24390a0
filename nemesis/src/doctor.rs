//! What this host permits, found out by trying.
//!
//! Each probe does the real thing in a lab of its own, inside a forked child, and leaves nothing behind. A refusal comes
//! with its reason and a remedy.

mod clocks;
mod sandbox;

use crate::clocks::{ChosenWay, ClockChoice, ClockWay};
use crate::disk;
use crate::lab::{self, LabError};
use crate::net;
use nix::errno::Errno;
use nix::sys::prctl::set_dumpable;
use nix::unistd::{Gid, Uid, setgid, setuid};
use sandbox::Surroundings;
use serde::{Deserialize, Serialize};
use std::fmt;

/// The result of trying one mechanism.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Probe {
    /// The mechanism.
    pub name: &'static str,
    /// What works only with it.
    pub unlocks: &'static str,
    /// Whether it works here.
    pub outcome: ProbeOutcome,
}

/// Whether a mechanism works on this host.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ProbeOutcome {
    /// It does; in what form.
    Available(String),
    /// It does not.
    Refused(Refusal),
}

/// Why a mechanism does not work, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub struct Refusal {
    /// What failed, and the answer of the kernel.
    pub why: String,
    /// What makes it work, or what is used instead.
    pub remedy: String,
}

/// A user without privileges.
const NOBODY: u32 = 65_534;

/// One mechanism: how it is tried, and where.
struct Trial {
    name: &'static str,
    unlocks: &'static str,
    surroundings: Surroundings,
    attempt: fn() -> Result<String, Refusal>,
}

/// The name of the trial that most others need.
const LAB: &str = "lab";

const TRIALS: [Trial; 15] = [
    Trial {
        name: LAB,
        unlocks: "every run: namespaces that vanish with it",
        surroundings: Surroundings::Lab,
        attempt: || Ok("mount, network and PID namespaces".into()),
    },
    Trial {
        name: "user namespaces",
        unlocks: "runs without root",
        surroundings: Surroundings::Bare,
        attempt: unprivileged_lab,
    },
    Trial {
        name: "tun",
        unlocks: "--net switch, and with it every network fault, at full speed",
        surroundings: Surroundings::Lab,
        attempt: || {
            let remedy = "sudo chmod 666 /dev/net/tun, or --device /dev/net/tun for a container; packet sockets are used \
                          until then";
            net::try_tun().map_err(|error| Refusal::of(&error, remedy))
        },
    },
    Trial {
        name: "packet sockets",
        unlocks: "--net switch where /dev/net/tun cannot be opened",
        surroundings: Surroundings::Lab,
        attempt: || {
            let remedy =
                "the kernel needs CONFIG_VETH and CONFIG_PACKET (sudo modprobe veth af_packet)";
            net::try_packet_sockets().map_err(|error| Refusal::of(&error, remedy))
        },
    },
    Trial {
        name: "bridge",
        unlocks: "--net iptables, together with iptables",
        surroundings: Surroundings::Lab,
        attempt: || {
            let remedy = "the kernel needs CONFIG_BRIDGE and CONFIG_VETH (sudo modprobe bridge veth); --net switch does not";
            net::try_bridge().map_err(|error| Refusal::of(&error, remedy))
        },
    },
    Trial {
        name: "iptables",
        unlocks: "--net iptables: cuts as on a remote machine",
        surroundings: Surroundings::Lab,
        attempt: || {
            let remedy = "sudo apt-get install iptables, or nothing: --net switch does not need it";
            net::try_iptables().map_err(|error| Refusal::of(&error, remedy))
        },
    },
    Trial {
        name: "iptables loss",
        unlocks: "--nemesis loss with --net iptables",
        surroundings: Surroundings::Lab,
        attempt: || {
            let remedy = "the kernel needs CONFIG_NETFILTER_XT_MATCH_STATISTIC (sudo modprobe xt_statistic), or nothing: \
                          --net switch loses packets without it";
            net::try_loss().map_err(|error| Refusal::of(&error, remedy))
        },
    },
    Trial {
        name: "iptables copies",
        unlocks: "--nemesis duplicate with --net iptables",
        surroundings: Surroundings::Lab,
        attempt: || {
            let remedy = "the kernel needs CONFIG_NETFILTER_XT_TARGET_TEE (sudo modprobe xt_TEE), or nothing: --net switch \
                          doubles packets without it";
            net::try_copies().map_err(|error| Refusal::of(&error, remedy))
        },
    },
    Trial {
        name: "iptables rate",
        unlocks: "--nemesis rate with --net iptables",
        surroundings: Surroundings::Lab,
        attempt: || {
            let remedy = "it takes tc (sudo apt-get install iproute2) and a kernel with CONFIG_NET_SCH_HTB and \
                          CONFIG_NETFILTER_XT_TARGET_CLASSIFY, or nothing: --net switch does not need them";
            net::try_bottleneck().map_err(|error| Refusal::of(&error, remedy))
        },
    },
    Trial {
        name: "iptables netem",
        unlocks: "--nemesis delay,reorder,corrupt with --net iptables",
        surroundings: Surroundings::Lab,
        attempt: || {
            let remedy = "or nothing: --net auto takes the switch for that, which does not need it";
            net::try_netem().map_err(|error| Refusal::of(&error, remedy))
        },
    },
    Trial {
        name: "tcp back-off",
        unlocks: "connections on --net iptables that move again within a second of a heal",
        surroundings: Surroundings::Lab,
        attempt: || {
            let remedy = "use Linux 6.15 or later, or --net switch, which wakes connections itself";
            net::try_short_backoff().map_err(|error| Refusal::of(&error, remedy))
        },
    },
    Trial {
        name: "process control",
        unlocks: "--nemesis kill,pause",
        surroundings: Surroundings::Lab,
        attempt: pause_and_kill,
    },
    Trial {
        name: "disks",
        unlocks: "--nemesis power-loss and every other fault of disks",
        surroundings: Surroundings::Lab,
        attempt: || disk::try_disk().map_err(|error| Refusal::of(&error.why(), error.remedy())),
    },
    Trial {
        name: "clocks",
        unlocks: "--nemesis clock: clocks of nodes that jump, drift or flip, whatever program they are",
        surroundings: Surroundings::Lab,
        attempt: clocks::by_vdso,
    },
    Trial {
        name: "preloaded clocks",
        unlocks: "--nemesis clock for programs that are linked dynamically, where \"clocks\" is refused",
        surroundings: Surroundings::Lab,
        attempt: clocks::by_preload,
    },
];

/// Tries everything. Call it with one thread, or accept that a child is forked from several.
pub fn probe_all() -> Vec<Probe> {
    let lab = lab_available();
    let probe = |trial: &Trial| Probe {
        name: trial.name,
        unlocks: trial.unlocks,
        outcome: match (trial.surroundings, &lab, trial.name) {
            (Surroundings::Lab, Err(refusal), LAB) => ProbeOutcome::Refused(refusal.clone()),
            (Surroundings::Lab, Err(_), _) => ProbeOutcome::Refused(Refusal {
                why: "there is no lab to try it in".into(),
                remedy: "make the lab work first".into(),
            }),
            (Surroundings::Lab | Surroundings::Bare, _, _) => {
                match sandbox::attempt(trial.surroundings, trial.attempt) {
                    Ok(detail) => ProbeOutcome::Available(detail),
                    Err(refusal) => ProbeOutcome::Refused(refusal),
                }
            }
        },
    };
    TRIALS.iter().map(probe).collect()
}

/// Whether the present user can enter a lab on this host: for tests, which say aloud what they skip.
///
/// # Errors
/// [`Refusal`] with the reason and the remedy.
pub fn lab_available() -> Result<(), Refusal> {
    sandbox::attempt(Surroundings::Lab, || Ok(String::new())).map(drop)
}

/// How the present user can give processes clocks of their own on this host.
///
/// # Errors
/// [`Refusal`] with the reason and the remedy.
pub fn choose_clocks(choice: ClockChoice) -> Result<ChosenWay, Refusal> {
    clocks::choose(choice, |way| {
        let attempt = match way {
            ClockWay::Vdso => clocks::by_vdso,
            ClockWay::Preload => clocks::by_preload,
        };
        sandbox::attempt(Surroundings::Lab, attempt)
    })
}

/// What root may do says nothing about others: root tries it as somebody without privileges.
fn unprivileged_lab() -> Result<String, Refusal> {
    if nix::unistd::geteuid().is_root() {
        become_nobody().map_err(|errno| Refusal {
            why: format!("cannot try it as user {NOBODY}: {errno}"),
            remedy: "run this as the user who is to use it".into(),
        })?;
    }
    lab::unshare_for_nobody()?;
    Ok("an ordinary user can enter the lab".into())
}

fn become_nobody() -> nix::Result<()> {
    let change = || {
        setgid(Gid::from_raw(NOBODY))?;
        setuid(Uid::from_raw(NOBODY))
    };
    match change() {
        // Root of a user namespace that has nobody else: root has no special rights then.
        Err(Errno::EINVAL) => Ok(()),
        // A process that changed its user may not write its own maps without this.
        changed => changed.and_then(|()| set_dumpable(true)),
    }
}

fn pause_and_kill() -> Result<String, Refusal> {
    use crate::process::{NodeProcess, ProcessError, ProcessSpec};
    let refuse =
        |error: &dyn fmt::Display| Refusal::of(error, "mount /proc, and see that /bin/sh exists");
    let log = std::fs::File::options().write(true).open("/dev/null");
    let spec = ProcessSpec {
        program: "/bin/sh".as_ref(),
        args: vec!["-c".into(), "while :; do :; done".into()],
        env: Vec::new(),
        log: log.map_err(|error| refuse(&error))?,
        namespace: None,
        clock: None,
    };
    let cycle = || -> Result<String, ProcessError> {
        let mut process = NodeProcess::spawn(&spec)?;
        let evidence = process.pause()?;
        process.resume()?;
        process.kill()?;
        Ok(format!(
            "stopped within {:.1?} of the signal",
            evidence.waited
        ))
    };
    cycle().map_err(|error| refuse(&error))
}

impl Refusal {
    fn of(error: &dyn fmt::Display, remedy: &str) -> Refusal {
        Refusal {
            why: error.to_string(),
            remedy: remedy.to_owned(),
        }
    }
}

impl From<LabError> for Refusal {
    fn from(error: LabError) -> Refusal {
        match error {
            LabError::Refused {
                step,
                errno,
                remedy,
            } => Refusal {
                why: format!("cannot {step}: {errno}"),
                remedy,
            },
            LabError::Threads { .. } | LabError::NoProc(_) | LabError::Loopback(_) => {
                Refusal::of(&error, "see what else is refused here")
            }
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}; {}", self.why, self.remedy)
    }
}
