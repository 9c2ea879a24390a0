//! A history's verdict, and what proves it to someone who does not trust the checker.

use checker::{
    Analysis, Budget, Certified, CertifyError, CheckOptions, Counterexample, History, ModelError,
    ModelSpec,
};

/// The answer for each key, and the certificates of all of them.
#[derive(Debug)]
pub(crate) struct Judgement {
    pub analysis: Analysis,
    /// For each key that is not linearizable, the few operations that contradict each other.
    pub counterexamples: Vec<Counterexample>,
    pub certificates: Certificates,
}

/// What the independent verifier says of an answer.
#[derive(Debug)]
pub(crate) enum Certificates {
    Accepted(Certified),
    /// A counterexample is too large to be tried by brute force.
    Undecided(String),
    /// A certificate proves nothing: checker or verifier is wrong.
    Refuted(String),
}

/// Judges `history` and has the answer verified.
///
/// # Errors
/// The model does not know an operation.
pub(crate) fn judge(
    history: &History,
    spec: &ModelSpec,
    options: &CheckOptions,
    budget: &dyn Budget,
) -> Result<Judgement, ModelError> {
    let analysis = checker::check_with(history, spec, options, budget)?;
    let counterexamples: Vec<Counterexample> = analysis
        .keys
        .iter()
        .filter_map(|key| checker::minimize(history, spec, key, budget))
        .collect();
    let certificates = match checker::certify(history, &analysis, &counterexamples) {
        Ok(certified) => Certificates::Accepted(certified),
        Err(error @ CertifyError::TooLarge { .. }) => Certificates::Undecided(error.to_string()),
        Err(error) => Certificates::Refuted(error.to_string()),
    };
    Ok(Judgement {
        analysis,
        counterexamples,
        certificates,
    })
}

impl Certificates {
    /// Whether the answer cannot be relied on.
    pub(crate) const fn is_refuted(&self) -> bool {
        matches!(self, Self::Refuted(_))
    }

    /// One sentence for people.
    pub(crate) fn sentence(&self) -> String {
        match self {
            Self::Accepted(certified) => {
                let Certified {
                    valid,
                    invalid,
                    unknown,
                } = *certified;
                let accepted = format!(
                    "An independent verifier accepted {} and {}",
                    counted(valid, "witness order"),
                    counted(invalid, "counterexample"),
                );
                match unknown {
                    0 => format!("{accepted}."),
                    keys => format!("{accepted}; {} undecided.", counted(keys, "key")),
                }
            }
            Self::Undecided(reason) => format!("The verifier could not decide: {reason}."),
            Self::Refuted(reason) => {
                format!("The verifier refutes the answer, please report this history: {reason}.")
            }
        }
    }
}

fn counted(number: usize, noun: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {noun}{plural}")
}
