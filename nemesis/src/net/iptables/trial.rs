//! Trying the parts of the iptables plane, in namespaces of no further use.

use super::tcp::{self, Patience};
use super::{IptablesPlane, Place, Tc, Tool, lay_bridge};
use crate::NodeName;
use crate::net::disturbance::Means;
use crate::net::namespace::Namespace;
use crate::net::netlink::Netlink;
use crate::net::seats::PROBED_PORT;
use crate::net::{Disturbance, NetError, Permille, Plane, RuleId};
use crate::partition::{Endpoint, Link};
use std::collections::BTreeSet;
use std::net::UdpSocket;
use std::time::Duration;

/// How late a packet is to be, where it is tried whether netem works.
const LATE_MS: u32 = 300;

/// When it must not have come yet, even if everything else is slow.
const TOO_EARLY: Duration = Duration::from_millis(50);

/// When it must have come.
const AT_LAST: Duration = Duration::from_secs(2);

/// A machine that stands still for a moment makes a late packet look early.
const TRIES: usize = 3;

/// Lets a kernel draw packets to lose, in a namespace of no further use.
pub(in crate::net) fn try_loss(tool: &Tool, scratch: &Namespace) -> Result<(), NetError> {
    let place = Place {
        namespace: scratch,
        node: None,
    };
    let words = "-A INPUT -s 10.99.0.1 -m statistic --mode random --probability 0.5 -j DROP";
    let words: Vec<&str> = words.split(' ').collect();
    tool.run(place, &words).map(drop)
}

/// Caps the back-off of TCP in a namespace of no further use.
pub(in crate::net) fn try_short_backoff(scratch: &Namespace) -> Result<(), NetError> {
    match scratch.run(|| Ok(tcp::shorten_backoff()))? {
        Patience::Short => Ok(()),
        Patience::AsTheCut => Err(NetError::NoShortBackoff),
    }
}

/// Sets a rule in a namespace of no further use.
pub(in crate::net) fn try_rule(tool: &Tool, scratch: &Namespace) -> Result<(), NetError> {
    let place = Place {
        namespace: scratch,
        node: None,
    };
    tool.run(place, &["-A", "INPUT", "-s", "10.99.0.1", "-j", "DROP"])
        .map(drop)
}

/// Lays a bridge and a cable in a namespace of no further use.
pub(in crate::net) fn try_bridge(scratch: &Namespace) -> Result<(), NetError> {
    scratch.run(|| {
        lay_bridge()?;
        Netlink::open()?.add_veth("port0", "port1", scratch)
    })
}

/// Has the kernel do what these means are for, as in a run: between two nodes of a network of their own.
pub(in crate::net) fn try_means(means: Means) -> Result<(), NetError> {
    let Some(disturbance) = example(means) else {
        return Ok(());
    };
    if means != Means::Copies {
        Tc::find()?;
    }
    Namespace::create()?.run(|| {
        let nodes = NodeName::first(2);
        let mut plane = IptablesPlane::build(&nodes)?;
        let [from, to] = [0, 1].map(|number: usize| Endpoint::Node(nodes[number].clone()));
        let link = BTreeSet::from([Link::new(from, to)]);
        plane.impose(RuleId(0), &disturbance, &link)?;
        match means {
            Means::Netem => late(&plane, &link),
            Means::Rules | Means::Copies | Means::Bottleneck | Means::Switch => Ok(()),
        }
    })
}

/// Something that takes these means and no others.
fn example(means: Means) -> Option<Disturbance> {
    match means {
        Means::Rules | Means::Switch => None,
        Means::Copies => Some(Disturbance::Duplicate {
            permille: Permille::CERTAIN,
        }),
        Means::Bottleneck => Some(Disturbance::Rate {
            bytes_per_s: 1_000_000,
            burst_bytes: 100_000,
        }),
        Means::Netem => Some(Disturbance::Delay {
            by_ms: LATE_MS,
            jitter_ms: 0,
        }),
    }
}

/// Sends packets over the link until one of them is late, as all of them should be.
fn late(plane: &IptablesPlane, link: &BTreeSet<Link>) -> Result<(), NetError> {
    let seat = plane.seats.iter().last().expect("it was built with two");
    let receiver = seat.namespace.run(|| {
        UdpSocket::bind((seat.address, PROBED_PORT))
            .map_err(NetError::namespace_io("open a socket to wait for a probe"))
    })?;
    let comes = |within| {
        receiver.set_read_timeout(Some(within)).is_ok() && receiver.recv(&mut [0; 64]).is_ok()
    };
    for _ in 0..TRIES {
        plane.seats.probe(link)?;
        if !comes(TOO_EARLY) && comes(AT_LAST) {
            return Ok(());
        }
    }
    Err(NetError::NotLate { waits_ms: LATE_MS })
}
