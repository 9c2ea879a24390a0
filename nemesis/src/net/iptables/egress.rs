//! What a sender does to the packets of its links: a chain that draws, copies and sorts them, and the queues they wait in.

use super::chain::CHAIN;
use super::laid::{Count, Lines};
use super::shaping::{self, COPIES, Shape, Witness};
use super::tc::Tc;
use super::tree::{Classes, Tree};
use super::{Place, Tool};
use crate::net::{NetError, RuleId};
use std::net::Ipv4Addr;

/// The programs of the host.
pub(super) struct Programs {
    pub(super) iptables: Tool,
    pub(super) tc: Option<Tc>,
}

/// What stands at one sender. The first rule that needs it makes it.
#[derive(Clone)]
pub(super) struct Egress {
    device: &'static str,
    hooked: bool,
    shapes: Vec<Shape>,
    lines: Lines,
    tree: Tree,
}

/// A sender that does something else than before.
pub(super) struct Reshaped {
    /// What was counted until then.
    pub(super) counts: Vec<Count>,
    pub(super) egress: Egress,
    /// Whether what had stood there before is out of the way.
    pub(super) cleared: Result<(), NetError>,
}

impl Programs {
    pub(super) fn find() -> Result<Programs, NetError> {
        Ok(Programs {
            iptables: Tool::find()?,
            tc: Tc::find().ok(),
        })
    }

    fn tc(&self) -> Result<&Tc, NetError> {
        self.tc.as_ref().ok_or(NetError::NoTc)
    }

    /// Nothing to do takes no `tc`.
    fn batch(&self, place: Place<'_>, lines: &str) -> Result<(), NetError> {
        if lines.is_empty() {
            return Ok(());
        }
        self.tc()?.batch(place, lines)
    }
}

impl Egress {
    pub(super) fn of(device: &'static str) -> Egress {
        Egress {
            device,
            hooked: false,
            shapes: Vec::new(),
            lines: Lines::default(),
            tree: Tree::default(),
        }
    }

    /// First the queues, then the chain that fills them, in one transaction, then away with queues that nothing fills.
    pub(super) fn reshaped(
        &self,
        programs: &Programs,
        place: Place<'_>,
        shapes: Vec<Shape>,
        address: impl Fn(usize) -> Ipv4Addr,
    ) -> Result<Reshaped, NetError> {
        let (counts, classes) = self.count(programs, place)?;
        let layouts = shapes.iter().map(|shape| (shape.to(), shape.layout()));
        let change = self.tree.changed(self.device, &layouts.collect(), &classes);
        let tree = change.tree;
        let mut lines = Lines::default();
        for shape in &shapes {
            lines.append(shape.lines(&address, |lane| tree.class(shape.to(), lane)));
        }
        let built = programs.batch(place, &change.before).and_then(|()| {
            let text = self.table(&lines, &shaping::copying(&shapes, &address));
            programs.iptables.restore(place, &text)
        });
        if let (Err(_), Some(tc)) = (&built, &programs.tc) {
            tc.force(place, &change.undo);
        }
        built?;
        let cleared = programs.batch(place, &change.after);
        let egress = Egress {
            device: self.device,
            hooked: true,
            shapes,
            lines,
            tree,
        };
        Ok(Reshaped {
            counts,
            egress,
            cleared,
        })
    }

    /// What was counted since the chain was last written: by its lines, of which no more are believed than their queues
    /// have seen.
    pub(super) fn count(
        &self,
        programs: &Programs,
        place: Place<'_>,
    ) -> Result<(Vec<Count>, Classes), NetError> {
        if self.lines.is_empty() && !self.tree.counts() {
            return Ok((Vec::new(), Classes::default()));
        }
        let listing = ["-t", "mangle", "-v", "-S", CHAIN];
        let mut counts = self.lines.read(&programs.iptables.run(place, &listing)?);
        let classes = match self.tree.counts() {
            true => Classes::read(&programs.tc()?.classes(place, self.device)?),
            false => Classes::default(),
        };
        for count in &mut counts {
            count.hit = self.witnessed(count, &classes);
        }
        Ok((counts, classes))
    }

    fn witnessed(&self, count: &Count, classes: &Classes) -> u64 {
        let to = count.link.1;
        let most = match self.witness(to, count.rule) {
            Witness::Line => u64::MAX,
            Witness::Lanes(bits) => self.tree.entered(to, bits, classes),
            Witness::Bottleneck => self.tree.stopped(to, classes),
            Witness::Nobody => 0,
        };
        count.hit.min(most)
    }

    fn witness(&self, to: usize, rule: RuleId) -> Witness {
        let shape = self.shapes.iter().find(|shape| shape.to() == to);
        shape.map_or(Witness::Nobody, |shape| shape.witness(rule))
    }

    /// What `iptables-restore` is given: our chains emptied and written, and at first hooked in.
    fn table(&self, lines: &Lines, copying: &str) -> String {
        let hook = match self.hooked {
            true => String::new(),
            false => format!("-I POSTROUTING -j {CHAIN}\n"),
        };
        format!(
            "*mangle\n:{CHAIN} - [0:0]\n:{COPIES} - [0:0]\n{hook}{}{copying}COMMIT\n",
            lines.text()
        )
    }

    /// Takes our chains away.
    pub(super) fn unhook(&self, iptables: &Tool, place: Place<'_>) {
        if !self.hooked {
            return;
        }
        let text = format!(
            "*mangle\n-D POSTROUTING -j {CHAIN}\n-F {CHAIN}\n-F {COPIES}\n-X {CHAIN}\n-X {COPIES}\nCOMMIT\n"
        );
        // What cannot be taken back now goes with the lab.
        let _ = iptables.restore(place, &text);
    }
}
