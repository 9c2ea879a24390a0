//! `adrasteia doctor`: what this machine permits, and what to do about the rest.

use nemesis::doctor::{ProbeOutcome, Refusal, probe_all};

use crate::exit::Exit;

/// Probes everything and prints a line for each, with a remedy for what is refused.
pub(crate) fn command() -> Exit {
    let probes = probe_all();
    for probe in &probes {
        match &probe.outcome {
            ProbeOutcome::Available(detail) => println!("ok       {:<18} {detail}", probe.name),
            ProbeOutcome::Refused(Refusal { why, remedy }) => {
                println!("refused  {:<18} {why}", probe.name);
                println!("         {:<18} it unlocks {}; {remedy}", "", probe.unlocks);
            }
        }
    }
    Exit::Valid
}
