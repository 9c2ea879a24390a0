//! What goes wrong, as a plan that is drawn from the seed before the world begins.

use std::time::Duration;

use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;

use super::settings::Settings;

/// Whom it hits; found out when the time has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Who {
    /// Whoever leads, else the first node.
    Leader,
    /// One of the nodes by number, as far as there are so many.
    Node(usize),
}

/// How the members are to change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rearrange {
    /// An empty node joins, and later votes.
    Add,
    /// An empty node joins that only listens.
    Learn,
    Remove(Who),
    /// So many voters go at once, and as many empty nodes take their places.
    Replace(usize),
}

/// One bad thing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Trouble {
    /// Nobody hears it and it hears nobody.
    Isolate(Who),
    /// It hears, and is not heard.
    Mute(Who),
    /// It is heard, and does not hear.
    Deafen(Who),
    /// Two sides, by the bits of the number.
    Split(u64),
    /// The way from one node to another is cut.
    Link(Who, Who),
    /// The way from one node to another takes longer.
    Slow(Who, Who, Duration),
    /// All ways to a node take longer.
    SlowTo(Who, Duration),
    /// All ways from a node take longer.
    SlowFrom(Who, Duration),
    /// All ways are open and fast again.
    Mend,
    /// Power loss.
    Crash(Who, Duration),
    /// The process dies; the disk keeps what was written.
    Kill(Who, Duration),
    /// Power loss when the disk is about to change for the nth time.
    CutShort(Who, u64),
    /// The disk fails to sync for the nth time from now.
    SyncError(Who, u64),
    /// The disk fails to write for the nth time from now.
    WriteError(Who, u64),
    /// The disk has room for so many bytes more.
    Full(Who, usize),
    /// A bit of the disk changes while the node is down.
    Flip(Who, Duration),
    /// The disk is lost, and the node comes back with an empty one.
    Wipe(Who, Duration),
    /// The process is suspended.
    Nap(Who, Duration),
    /// Its clock jumps forward.
    Jump(Who, Duration),
    /// Its clock runs at this rate from now on.
    Rate(Who, u32),
    /// Its wall clock is set back; the one that it goes by is not.
    WallBack(Who, Duration),
    /// The next time somebody stands for election, this happens so long after.
    OnElection(Duration, Box<Trouble>),
    Rearrange(Rearrange),
    /// Leadership is to go elsewhere.
    Transfer(Option<usize>),
    /// A snapshot is to be taken now.
    Snapshot(Who),
}

/// A kind of trouble, before its details are drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Isolate,
    IsolateLeader,
    OneWay,
    Split,
    Link,
    Slow,
    Mend,
    Crash,
    CrashLeader,
    Kill,
    CutShort,
    DiskError,
    Full,
    Flip,
    Wipe,
    Nap,
    Jump,
    Rate,
    Ambush,
    Add,
    Learn,
    Remove,
    Replace,
    Transfer,
    Snapshot,
}

impl Kind {
    pub(super) const PLAIN: [(u32, Self); 9] = [
        (3, Self::Isolate),
        (2, Self::OneWay),
        (2, Self::Split),
        (1, Self::Link),
        (1, Self::Slow),
        (2, Self::Crash),
        (1, Self::Kill),
        (2, Self::Nap),
        (2, Self::Mend),
    ];
    pub(super) const DISK: [(u32, Self); 4] = [
        (3, Self::CutShort),
        (2, Self::DiskError),
        (1, Self::Full),
        (1, Self::Flip),
    ];
    pub(super) const MEMBERS: [(u32, Self); 6] = [
        (3, Self::Add),
        (1, Self::Learn),
        (3, Self::Remove),
        (1, Self::Replace),
        (2, Self::Transfer),
        (1, Self::Snapshot),
    ];
    pub(super) const CLOCKS: [(u32, Self); 2] = [(2, Self::Jump), (3, Self::Rate)];
}

/// A trouble and its time.
pub(super) type Planned = (Duration, Trouble);

/// The troubles of a world, in order.
pub(super) fn plan(settings: &Settings) -> Vec<Planned> {
    let mut draw = Draw {
        rng: ChaCha8Rng::seed_from_u64(settings.seed),
        nodes: settings.nodes,
    };
    draw.rng.set_stream(1);
    let mut planned = Vec::new();
    let mut at = Duration::from_millis(500);
    while at < settings.storm {
        let kind = draw.kind(&settings.troubles);
        planned.push((at, draw.trouble(kind)));
        at += Duration::from_millis(draw.rng.random_range(settings.pace.clone()));
    }
    planned
}

/// Draws the details.
struct Draw {
    rng: ChaCha8Rng,
    nodes: usize,
}

impl Draw {
    fn kind(&mut self, weighted: &[(u32, Kind)]) -> Kind {
        let total = weighted.iter().map(|(weight, _)| weight).sum();
        let mut left: u32 = self.rng.random_range(0..total);
        for (weight, kind) in weighted {
            match left.checked_sub(*weight) {
                Some(rest) => left = rest,
                None => return *kind,
            }
        }
        Kind::Mend
    }

    fn who(&mut self) -> Who {
        if self.rng.random_bool(0.5) {
            Who::Leader
        } else {
            self.node()
        }
    }

    fn node(&mut self) -> Who {
        // Those who join later have their share.
        Who::Node(self.rng.random_range(0..self.nodes + 2))
    }

    fn ms(&mut self, range: std::ops::Range<u64>) -> Duration {
        Duration::from_millis(self.rng.random_range(range))
    }

    fn trouble(&mut self, kind: Kind) -> Trouble {
        match kind {
            Kind::Isolate => Trouble::Isolate(self.who()),
            Kind::IsolateLeader => Trouble::Isolate(Who::Leader),
            Kind::OneWay if self.rng.random_bool(0.5) => Trouble::Mute(self.who()),
            Kind::OneWay => Trouble::Deafen(self.who()),
            Kind::Split => Trouble::Split(self.rng.random()),
            Kind::Link => Trouble::Link(self.who(), self.node()),
            Kind::Slow => {
                let (one, other, extra) = (self.who(), self.node(), self.ms(50..600));
                match self.rng.random_bool(0.5) {
                    true => Trouble::Slow(one, other, extra),
                    false => Trouble::Slow(other, one, extra),
                }
            }
            Kind::Mend => Trouble::Mend,
            Kind::Crash => Trouble::Crash(self.who(), self.downtime()),
            Kind::CrashLeader => Trouble::Crash(Who::Leader, self.downtime()),
            Kind::Kill => Trouble::Kill(self.who(), self.downtime()),
            Kind::CutShort => {
                let changes = self.rng.random_range(1..40);
                Trouble::CutShort(self.who(), changes)
            }
            Kind::DiskError if self.rng.random_bool(0.5) => {
                Trouble::SyncError(self.who(), self.rng.random_range(1..6))
            }
            Kind::DiskError => Trouble::WriteError(self.who(), self.rng.random_range(1..6)),
            Kind::Full => Trouble::Full(self.who(), self.rng.random_range(0..6_000)),
            Kind::Flip => Trouble::Flip(self.who(), self.downtime()),
            Kind::Wipe => Trouble::Wipe(self.node(), self.downtime()),
            Kind::Nap => Trouble::Nap(self.who(), self.ms(50..900)),
            Kind::Jump => Trouble::Jump(self.who(), self.ms(1..2_000)),
            Kind::Rate => Trouble::Rate(self.who(), self.rng.random_range(800_000..1_200_000)),
            Kind::Ambush => {
                let after = Duration::from_micros(self.rng.random_range(1_000..12_000));
                let downtime = Duration::from_micros(self.rng.random_range(500..5_000));
                Trouble::OnElection(after, Box::new(Trouble::Crash(self.node(), downtime)))
            }
            Kind::Add => Trouble::Rearrange(Rearrange::Add),
            Kind::Learn => Trouble::Rearrange(Rearrange::Learn),
            Kind::Remove => Trouble::Rearrange(Rearrange::Remove(self.who())),
            Kind::Replace => Trouble::Rearrange(Rearrange::Replace(self.rng.random_range(1..4))),
            Kind::Transfer => {
                let to = self.rng.random_range(0..self.nodes);
                Trouble::Transfer(self.rng.random_bool(0.7).then_some(to))
            }
            Kind::Snapshot => Trouble::Snapshot(self.who()),
        }
    }

    fn downtime(&mut self) -> Duration {
        self.ms(2..600)
    }
}
