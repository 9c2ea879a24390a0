//! Trying the parts of a plane, in a namespace of no further use.

use super::iptables::{self, Tc, Tool};
use super::namespace::Namespace;
use super::{Means, NetError, switch};

/// Makes a TUN interface.
pub(crate) fn try_tun() -> Result<String, NetError> {
    switch::try_tun(&Namespace::create()?)?;
    Ok("/dev/net/tun can be opened".into())
}

/// Makes a veth pair with a packet socket at its end.
pub(crate) fn try_packet_sockets() -> Result<String, NetError> {
    switch::try_packet_socket(&Namespace::create()?)?;
    Ok("packet sockets on veth pairs".into())
}

/// Makes a bridge and a veth pair.
pub(crate) fn try_bridge() -> Result<String, NetError> {
    iptables::try_bridge(&Namespace::create()?)?;
    Ok("a bridge with veth pairs".into())
}

/// Sets a rule.
pub(crate) fn try_iptables() -> Result<String, NetError> {
    let tool = Tool::find()?;
    iptables::try_rule(&tool, &Namespace::create()?)?;
    Ok(tool.version)
}

/// Has the kernel lose packets by chance.
pub(crate) fn try_loss() -> Result<String, NetError> {
    let tool = Tool::find()?;
    iptables::try_loss(&tool, &Namespace::create()?)?;
    Ok("the kernel draws packets to lose".into())
}

/// Has iptables send packets twice.
pub(crate) fn try_copies() -> Result<String, NetError> {
    iptables::try_means(Means::Copies)?;
    Ok("the kernel sends packets twice".into())
}

/// Lays a bottleneck.
pub(crate) fn try_bottleneck() -> Result<String, NetError> {
    iptables::try_means(Means::Bottleneck)?;
    Ok(format!(
        "the kernel has bottlenecks, {}",
        Tc::find()?.version()
    ))
}

/// Has netem make a packet late.
pub(crate) fn try_netem() -> Result<String, NetError> {
    iptables::try_means(Means::Netem)?;
    Ok(format!(
        "netem made a packet late, {}",
        Tc::find()?.version()
    ))
}

/// Caps the pauses of TCP.
pub(crate) fn try_short_backoff() -> Result<String, NetError> {
    iptables::try_short_backoff(&Namespace::create()?)?;
    Ok("connections on iptables move within a second of a heal".into())
}
