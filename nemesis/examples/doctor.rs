//! Prints what this host permits.

use nemesis::doctor::{ProbeOutcome, probe_all};

fn main() {
    for probe in probe_all() {
        let answer = match probe.outcome {
            ProbeOutcome::Available(detail) => format!("yes: {detail}"),
            ProbeOutcome::Refused(refusal) => format!("no: {refusal}"),
        };
        println!(
            "{:16} {answer}\n{:16} for {}",
            probe.name, "", probe.unlocks
        );
    }
}
