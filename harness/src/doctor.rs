//! `adrasteia doctor`: what this machine permits, and what to do about the rest.

use nemesis::doctor::{ProbeOutcome, Refusal, probe_all};

use crate::exit::Exit;
use crate::say;

/// Probes everything and prints a line for each, with a remedy for what is refused.
pub(crate) fn command() -> Exit {
    let probes = probe_all();
    for probe in &probes {
        match &probe.outcome {
            ProbeOutcome::Available(detail) => {
                say::answer(format_args!("ok       {:<18} {detail}", probe.name));
            }
            ProbeOutcome::Refused(Refusal { why, remedy }) => {
                say::answer(format_args!("refused  {:<18} {why}", probe.name));
                say::answer(format_args!(
                    "         {:<18} it unlocks {}; {remedy}",
                    "", probe.unlocks
                ));
            }
        }
    }
    Exit::Valid
}
