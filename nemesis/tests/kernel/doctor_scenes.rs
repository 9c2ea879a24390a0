//! The probes agree with what really works.

use crate::plane_scenes::wanted;
use crate::runner::{Scene, enter_lab};
use nemesis::clocks::{ClockWay, NodeClock};
use nemesis::doctor::{ProbeOutcome, lab_available, probe_all};
use nemesis::net::{Means, NetChoice, choose};
use std::collections::BTreeMap;

pub(crate) const SCENES: &[Scene] = &[Scene::test("doctor::agrees_with_the_lab", |_| {
    agrees_with_the_lab();
})];

fn agrees_with_the_lab() {
    let outcomes: BTreeMap<_, _> = probe_all()
        .into_iter()
        .map(|probe| (probe.name, probe.outcome))
        .collect();
    let works = |name| matches!(outcomes[name], ProbeOutcome::Available(_));
    assert_eq!(lab_available().is_ok(), works("lab"));
    for outcome in outcomes.values() {
        if let ProbeOutcome::Refused(refusal) = outcome {
            assert!(
                !refusal.why.is_empty() && !refusal.remedy.is_empty(),
                "{refusal:?}"
            );
        }
    }
    if works("lab") {
        enter_lab();
        assert!(works("process control"));
        let tun = std::fs::File::options()
            .read(true)
            .write(true)
            .open("/dev/net/tun");
        assert_eq!(tun.is_ok(), works("tun"));
        for (way, name) in [
            (ClockWay::Vdso, "clocks"),
            (ClockWay::Preload, "preloaded clocks"),
        ] {
            let clock = NodeClock::create("/run/clock".as_ref(), way);
            assert!(clock.is_ok() || !works(name), "{name}");
        }
        for (probe, means) in [
            ("iptables copies", Means::Copies),
            ("iptables rate", Means::Bottleneck),
            ("iptables netem", Means::Netem),
        ] {
            let chosen = choose(NetChoice::Iptables, &[wanted(probe, means)]);
            assert_eq!(chosen.is_ok(), works(probe), "{probe}: {chosen:?}");
        }
    }
}
