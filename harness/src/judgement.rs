//! A history's verdict, and what proves it to someone who does not trust the checker.

use checker::{
    Analysis, AnomalyClass, Budget, Certified, CertifyError, CheckOptions, Explanation, History,
    KeyAnalysis, ModelError, ModelSpec, Verdict, Violation, WeakerModel,
};

/// The answer for each key, and the certificates of all of them.
#[derive(Debug)]
pub(crate) struct Judgement {
    pub analysis: Analysis,
    /// Empty where nobody asked.
    pub explanation: Explanation,
    /// `None` where nobody asked.
    pub certificates: Option<Certificates>,
}

/// What the independent verifier says of an answer.
#[derive(Debug)]
pub(crate) enum Certificates {
    Accepted(Certified),
    /// A limit was reached, or a counterexample is too large to be tried by brute force.
    Undecided(String),
    /// A certificate proves nothing: checker or verifier is wrong.
    Refuted(String),
}

/// Judges `history` within `budget`.
///
/// # Errors
/// The model does not know an operation.
pub(crate) fn decide(
    history: &History,
    spec: &ModelSpec,
    options: &CheckOptions,
    budget: &dyn Budget,
) -> Result<Judgement, ModelError> {
    let analysis = checker::check_with(history, spec, options, budget)?;
    Ok(Judgement {
        analysis,
        explanation: Explanation::default(),
        certificates: None,
    })
}

impl Judgement {
    /// Has violations explained further within `patience`.
    pub(crate) fn explained(self, history: &History, patience: &dyn Budget) -> Self {
        Self {
            explanation: checker::explain(history, &self.analysis, patience),
            ..self
        }
    }

    /// Has the explained answer verified within `budget`.
    pub(crate) fn certified(self, history: &History, budget: &dyn Budget) -> Self {
        Self {
            certificates: Some(Certificates::of(history, &self, budget)),
            ..self
        }
    }

    /// The violations, those that tell most first: what was lost, then what was stale, and last what has no name.
    pub(crate) fn violations(&self) -> Vec<(&KeyAnalysis, &Violation)> {
        let mut found: Vec<_> = self.analysis.violations().collect();
        found.sort_by_key(|(_, violation)| match violation.anomaly.class {
            AnomalyClass::LostUpdate => 0,
            AnomalyClass::StaleRead => 1,
            AnomalyClass::DirtyRead
            | AnomalyClass::PhantomValue
            | AnomalyClass::DoubleApply
            | AnomalyClass::NonMonotonicRead
            | AnomalyClass::Divergence
            | AnomalyClass::CasMismatch => 2,
            AnomalyClass::Other => 3,
        });
        found
    }

    /// What the verifier says, in one sentence, if it was asked.
    pub(crate) fn certificate(&self) -> Option<String> {
        self.certificates.as_ref().map(Certificates::sentence)
    }

    /// Whether the verifier found the answer wrong.
    pub(crate) fn is_refuted(&self) -> bool {
        matches!(self.certificates, Some(Certificates::Refuted(_)))
    }

    /// How bad a violation is, in one sentence; `None` where there is none, or nothing can be said.
    pub(crate) fn severity(&self) -> Option<String> {
        let of = |verdict| {
            let weaker = self.explanation.weaker.iter();
            let names: Vec<String> = weaker
                .filter(|weaker| weaker.verdict == verdict)
                .map(|weaker| weaker.model.to_string())
                .collect();
            names.join(", ")
        };
        let sequential = self.explanation.weaker.iter().any(|weaker| {
            weaker.model == WeakerModel::Sequential && weaker.verdict == Verdict::Valid
        });
        if sequential {
            return Some("Not linearizable, but sequentially consistent.".to_owned());
        }
        let (held, broken) = (of(Verdict::Valid), of(Verdict::Invalid));
        match (held.as_str(), broken.as_str()) {
            ("", "") => None,
            (held, "") => Some(format!("Not linearizable, but still holds: {held}.")),
            ("", broken) => Some(format!("Also broken: {broken}.")),
            (held, broken) => Some(format!("Also broken: {broken}; still holds: {held}.")),
        }
    }
}

impl Certificates {
    fn of(history: &History, judgement: &Judgement, budget: &dyn Budget) -> Self {
        let counterexamples = &judgement.explanation.counterexamples;
        match checker::certify(history, &judgement.analysis, counterexamples, budget) {
            Ok(certified) => Self::Accepted(certified),
            Err(
                error @ (CertifyError::TooLarge { .. }
                | CertifyError::NoCounterexample { .. }
                | CertifyError::Limit(_)),
            ) => Self::Undecided(error.to_string()),
            Err(error) => Self::Refuted(error.to_string()),
        }
    }

    fn sentence(&self) -> String {
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
