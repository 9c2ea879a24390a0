//! Keeping TCP awake through a cut.
//!
//! A connection that gets no answer doubles its pauses; after a cut of 30 s it would sleep up to 25 s past the heal.
//! Linux 6.15 and later can cap the pauses of a namespace at one second. The cap alone would make connections give up
//! after 15 tries, 15 s into the cut, so the number of tries has to be raised with it.

use crate::net::namespace::set_sysctl;
use std::fmt;

/// How long TCP may sleep past a heal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Patience {
    /// A second.
    Short,
    /// About as long as the cut lasted: the kernel has no cap.
    AsTheCut,
}

/// Sets the calling thread's namespace up; sockets opened later in it obey.
pub(super) fn shorten_backoff() -> Patience {
    // Tries first: the cap without them would break connections that a cut should only delay.
    let tries =
        set_sysctl("net/ipv4/tcp_retries2", "255") && set_sysctl("net/ipv4/tcp_syn_retries", "127");
    if tries && set_sysctl("net/ipv4/tcp_rto_max_ms", "1000") {
        Patience::Short
    } else {
        Patience::AsTheCut
    }
}

impl fmt::Display for Patience {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Patience::Short => "tcp back-off capped at 1 s",
            Patience::AsTheCut => {
                "tcp back-off not capped: connections may sleep past a heal as long as the cut lasted"
            }
        })
    }
}
