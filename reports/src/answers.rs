//! The five answers of a run and its headline, in words. The terminal and the page say the same thing because both
//! take it from here.

use crate::availability;
use crate::clip::{SENTENCE_CHARS, clip};
use crate::quantity::{count, counted, duration, moment};
use crate::result::{
    AnomalyRecord, Consistency, Effect, FaultRecord, Health, Infrastructure, Liveness, RunResult,
    Strength,
};

/// How an answer feels to someone who hoped for a pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tone {
    /// As hoped.
    Good,
    /// Not a failure, and not a pass to rely on.
    Caution,
    /// A failure.
    Bad,
    /// Nothing was asked.
    Neutral,
}

/// One of the five answers.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) question: &'static str,
    pub(crate) word: &'static str,
    pub(crate) tone: Tone,
    pub(crate) detail: String,
}

/// The verdict in one phrase, and the sentence that carries it.
#[derive(Debug)]
pub(crate) struct Headline {
    pub(crate) tone: Tone,
    /// One word for a terminal: `violation`.
    pub(crate) word: &'static str,
    pub(crate) title: String,
    pub(crate) reason: String,
}

/// The headline of a run. A violation comes before everything, then whatever makes the other answers worthless.
pub(crate) fn headline(result: &RunResult) -> Headline {
    if result.consistency == Consistency::Violation {
        return violation(&result.anomalies);
    }
    if result.infrastructure == Infrastructure::Failed {
        return harness_failure(result);
    }
    if result.consistency == Consistency::Unknown {
        return unknown(result.unknown.as_deref());
    }
    if result.health == Health::Unhealthy {
        return unhealthy(result);
    }
    if let Some(headline) = not_live(result) {
        return headline;
    }
    match result.strength {
        Strength::Vacuous => vacuous(result),
        Strength::Weak => weak(result),
        Strength::Strong => valid(result),
    }
}

/// The five answers in their order.
pub(crate) fn five(result: &RunResult) -> [Answer; 5] {
    [
        consistency(result),
        liveness(result),
        health(result),
        strength(result),
        infrastructure(result),
    ]
}

/// The headline of a violation, for a run as for a history alone.
pub(crate) fn violation(anomalies: &[AnomalyRecord]) -> Headline {
    let first = anomalies.first();
    let class = first.map_or("other", |anomaly| anomaly.class.as_str());
    let key = first.and_then(|anomaly| anomaly.key.as_ref()).map(key_name);
    let place = key.map_or(String::new(), |key| format!(" on {key}"));
    let more = match anomalies.len() {
        0 | 1 => String::new(),
        several => format!(
            ", and {}",
            counted(several as u64 - 1, "more contradiction")
        ),
    };
    let title = match class {
        "divergence" => "The nodes' copies differ, though no client saw it".to_owned(),
        _ => format!("Not linearizable: {}{place}{more}", clip(class, 40)),
    };
    Headline {
        tone: Tone::Bad,
        word: "violation",
        title,
        reason: first.map_or(String::new(), |anomaly| sentence(&anomaly.explanation)),
    }
}

/// The headline of a check that gave up.
pub(crate) fn unknown(limit: Option<&str>) -> Headline {
    let limit = limit.map_or("A limit was reached.".to_owned(), sentence);
    Headline {
        tone: Tone::Caution,
        word: "unknown",
        title: "Undecided: the check reached a limit".to_owned(),
        reason: format!("{limit} This is neither a pass nor a violation."),
    }
}

fn harness_failure(result: &RunResult) -> Headline {
    Headline {
        tone: Tone::Bad,
        word: "harness failure",
        title: "The harness failed, so the run proves nothing".to_owned(),
        reason: infrastructure_detail(result),
    }
}

fn unhealthy(result: &RunResult) -> Headline {
    Headline {
        tone: Tone::Bad,
        word: "unhealthy",
        title: "Linearizable, but a node did not stay up".to_owned(),
        reason: health_detail(result),
    }
}

fn not_live(result: &RunResult) -> Option<Headline> {
    let (title, reason) = match result.liveness {
        Liveness::NotRecovered => (
            "Linearizable, but the system did not recover",
            "No operation succeeded after the last fault was healed.".to_owned(),
        ),
        Liveness::Unavailable => (
            "Linearizable, but the system did not serve while it could",
            available(result),
        ),
        Liveness::Disturbed => (
            "Linearizable, but leaders lost their office for nothing",
            available(result),
        ),
        Liveness::Recovered | Liveness::NotMeasured => return None,
    };
    Some(Headline {
        tone: Tone::Bad,
        word: liveness(result).word,
        title: title.to_owned(),
        reason,
    })
}

fn vacuous(result: &RunResult) -> Headline {
    Headline {
        tone: Tone::Caution,
        word: "vacuous",
        title: "Nothing was tested".to_owned(),
        reason: format!(
            "The history is linearizable, but the run proves nothing. {}",
            strength_detail(result)
        ),
    }
}

fn weak(result: &RunResult) -> Headline {
    Headline {
        tone: Tone::Caution,
        word: "valid, weakly tested",
        title: "Linearizable, but the test was weak".to_owned(),
        reason: format!("{} {}", proven(result), last_reason(result)),
    }
}

fn valid(result: &RunResult) -> Headline {
    Headline {
        tone: Tone::Good,
        word: "valid",
        title: "Linearizable".to_owned(),
        reason: format!("{} {}", proven(result), tested(result)),
    }
}

fn proven(result: &RunResult) -> String {
    format!(
        "A witness order was found for every key; it explains all {}.",
        counted(result.operations.total(), "operation")
    )
}

fn installed(result: &RunResult) -> u64 {
    let acted = |fault: &&FaultRecord| fault.effect == Effect::Installed;
    result.faults.iter().filter(acted).count() as u64
}

fn tested(result: &RunResult) -> String {
    if result.faults.is_empty() {
        return "No faults were asked for.".to_owned();
    }
    format!(
        "{} of {} acted, proven by evidence; the leader changed {}.",
        count(installed(result)),
        counted(result.faults.len() as u64, "fault"),
        counted(u64::from(result.leader_changes), "time"),
    )
}

fn consistency(result: &RunResult) -> Answer {
    let (word, tone, detail) = match result.consistency {
        Consistency::Valid => (
            "valid",
            Tone::Good,
            "Every key has a witness order.".to_owned(),
        ),
        Consistency::Violation => {
            let found = counted(result.anomalies.len() as u64, "contradiction");
            ("violation", Tone::Bad, format!("{found} found."))
        }
        Consistency::Unknown => {
            let limit = result.unknown.as_deref().map_or(String::new(), sentence);
            ("unknown", Tone::Caution, limit)
        }
    };
    Answer {
        question: "Consistency",
        word,
        tone,
        detail,
    }
}

fn liveness(result: &RunResult) -> Answer {
    let (word, tone, detail) = match result.liveness {
        Liveness::Recovered => ("recovered", Tone::Good, recovery(result.recovery_ms)),
        Liveness::Unavailable => ("unavailable", Tone::Bad, recovery(result.recovery_ms)),
        Liveness::Disturbed => ("disturbed", Tone::Bad, recovery(result.recovery_ms)),
        Liveness::NotRecovered => (
            "not recovered",
            Tone::Bad,
            "Nothing succeeded after the last heal.".to_owned(),
        ),
        Liveness::NotMeasured => (
            "not measured",
            Tone::Neutral,
            "The run saw no recovery window.".to_owned(),
        ),
    };
    Answer {
        question: "Liveness",
        word,
        tone,
        detail: format!("{detail} {}", available_in_short(result))
            .trim_end()
            .to_owned(),
    }
}

/// How available it was while clients worked.
fn available(result: &RunResult) -> String {
    let all = result.availability.as_ref();
    all.map_or_else(String::new, availability::sentences)
}

fn available_in_short(result: &RunResult) -> String {
    let all = result.availability.as_ref();
    all.map_or_else(String::new, availability::in_short)
}

fn recovery(recovery_ms: Option<u64>) -> String {
    recovery_ms.map_or(
        "It served again after the last heal.".to_owned(),
        |recovery_ms| {
            let took = duration(recovery_ms.saturating_mul(1_000_000));
            format!("It served again {took} after the last heal.")
        },
    )
}

fn health(result: &RunResult) -> Answer {
    let (word, tone) = match result.health {
        Health::Healthy => ("healthy", Tone::Good),
        Health::Unhealthy => ("unhealthy", Tone::Bad),
    };
    Answer {
        question: "Node health",
        word,
        tone,
        detail: health_detail(result),
    }
}

fn health_detail(result: &RunResult) -> String {
    match result.health_events.as_slice() {
        [] => "No node ended on its own.".to_owned(),
        [first, rest @ ..] => {
            let node = clip(&first.node, 40);
            let more = if rest.is_empty() {
                String::new()
            } else {
                format!(" And {} more.", count(rest.len() as u64))
            };
            format!(
                "{node} at {}: {}{more}",
                moment(first.time_ns),
                sentence_as_is(&first.message)
            )
        }
    }
}

fn strength(result: &RunResult) -> Answer {
    let (word, tone) = match result.strength {
        Strength::Vacuous => ("vacuous", Tone::Caution),
        Strength::Weak => ("weak", Tone::Caution),
        Strength::Strong => ("strong", Tone::Good),
    };
    Answer {
        question: "Test strength",
        word,
        tone,
        detail: strength_in_short(result),
    }
}

/// What a card has room for.
fn strength_in_short(result: &RunResult) -> String {
    match (result.strength, &result.tried) {
        (Strength::Strong, Some(tried)) => format!(
            "{} of {} acknowledged operations ran under {}.",
            count(tried.under_faults as u64),
            count(tried.acknowledged as u64),
            counted(installed(result), "fault")
        ),
        (Strength::Vacuous, Some(tried)) => format!(
            "{} of {} acknowledged operations ran under faults.",
            count(tried.under_faults as u64),
            count(tried.acknowledged as u64)
        ),
        (Strength::Weak, _) => last_reason(result),
        (Strength::Strong | Strength::Vacuous, None) => strength_detail(result),
    }
}

/// Why the grade is no better.
fn last_reason(result: &RunResult) -> String {
    let last = result.strength_reasons.last();
    last.map_or_else(String::new, |reason| sentence(reason))
}

fn strength_detail(result: &RunResult) -> String {
    result
        .strength_reasons
        .iter()
        .map(|reason| sentence(reason))
        .collect::<Vec<_>>()
        .join(" ")
}

fn infrastructure(result: &RunResult) -> Answer {
    let (word, tone) = match result.infrastructure {
        Infrastructure::Ok => ("ok", Tone::Good),
        Infrastructure::Failed => ("failed", Tone::Bad),
    };
    Answer {
        question: "Infrastructure",
        word,
        tone,
        detail: infrastructure_detail(result),
    }
}

fn infrastructure_detail(result: &RunResult) -> String {
    match (result.infrastructure, &result.infrastructure_error) {
        (Infrastructure::Ok, _) => "The harness worked throughout.".to_owned(),
        (Infrastructure::Failed, Some(message)) => sentence(message),
        (Infrastructure::Failed, None) => "The harness failed.".to_owned(),
    }
}

/// A key as text: strings bare, everything else as JSON.
pub(crate) fn key_name(key: &serde_json::Value) -> String {
    let text = key.as_str().map_or_else(|| key.to_string(), str::to_owned);
    clip(&text, 40)
}

/// Text as a sentence: a full stop at the end, a capital at the front unless a name such as `n1` stands there.
pub(crate) fn sentence(text: &str) -> String {
    let ended = sentence_as_is(text);
    let first_word = ended.split(' ').next().unwrap_or_default();
    if !first_word.chars().all(char::is_alphabetic) {
        return ended;
    }
    let mut characters = ended.chars();
    characters.next().map_or(String::new(), |first| {
        first.to_uppercase().chain(characters).collect()
    })
}

fn sentence_as_is(text: &str) -> String {
    let shown = clip(text.trim(), SENTENCE_CHARS);
    match shown.chars().last() {
        None | Some('.' | '!' | '?') => shown,
        Some(_) => shown + ".",
    }
}
