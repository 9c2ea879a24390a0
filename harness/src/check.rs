//! `adrasteia check`: judges histories that were recorded somewhere, by this tool or another.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};
use checker::{
    CheckOptions, Format, History, KeyAnalysis, ModelChoice, ModelName, ModelReason, ModelSpec,
    ReadError, Value, Verdict,
};
use reports::ReportData;
use serde_json::json;

use crate::budget::Limits;
use crate::cli::CheckArgs;
use crate::exit::Exit;
use crate::interrupt;
use crate::judgement::{self, Judgement};
use crate::run::Ending;
use crate::{destination, say, source};

/// What is shown of a reason; the JSON has all of it.
const LINE_CHARS: usize = 4_000;

/// What was asked for, understood.
struct Plan {
    format: Option<Format>,
    model: Option<ModelName>,
    initial: Option<Value>,
    limits: Limits,
    options: CheckOptions,
    explain: bool,
    certify: bool,
    json: bool,
    ending: Ending,
}

/// One file, judged.
struct Judged {
    history: History,
    judgement: Judgement,
}

/// Judges every file; a file that cannot be judged is an error of its own and does not keep the others from being judged.
pub(crate) fn command(args: &CheckArgs) -> Result<Exit> {
    let plan = match Plan::new(args, interrupt::ending("what is proven so far follows")?) {
        Ok(plan) => plan,
        Err(message) => {
            say::aside(format_args!("adrasteia: {message}"));
            return Ok(Exit::Usage);
        }
    };
    let mut worst = Exit::Valid;
    for file in &args.files {
        let exit = match plan.judge(file) {
            Ok(judged) => {
                plan.tell(file, &judged)?;
                if let Some(report) = &args.report {
                    write_report(report, file, &judged)?;
                }
                exit(&judged)
            }
            Err(error) if is_limit(&error) => {
                plan.tell_unread(file, &error);
                Exit::Unknown
            }
            Err(error) => {
                say::aside(format_args!("adrasteia: {error:#}"));
                Exit::Usage
            }
        };
        worst = worst.worst(exit);
    }
    Ok(worst)
}

impl Plan {
    fn new(args: &CheckArgs, ending: Ending) -> Result<Self, String> {
        let named = |error: &dyn std::fmt::Display, option: &str| format!("{option}: {error}");
        if args.report.is_some() && args.files.len() > 1 {
            return Err("--report describes one history: give one file".to_owned());
        }
        if let Some(report) = &args.report {
            destination::check_file(report, "--report")?;
        }
        let format = source::format(&args.format, "--format")?;
        let model = args
            .model
            .as_deref()
            .map(str::parse)
            .transpose()
            .map_err(|error| named(&error, "--model"))?;
        let initial = args
            .initial
            .as_deref()
            .map(Value::parse_literal)
            .transpose()
            .map_err(|error| named(&error, "--initial"))?;
        if args.time_limit.is_zero() || args.memory_limit.as_u64() == 0 {
            return Err("--time-limit and --memory-limit must leave the check something: examples are 60s and 2GiB".to_owned());
        }
        let limits = Limits {
            time: args.time_limit,
            memory_bytes: args.memory_limit.as_u64(),
        };
        let algorithm = args
            .algorithm
            .parse()
            .map_err(|error| named(&error, "--algorithm"))?;
        let workers = args.workers.unwrap_or(CheckOptions::default().workers);
        Ok(Self {
            format,
            model,
            initial,
            limits,
            options: CheckOptions { algorithm, workers },
            explain: args.certify || args.report.is_some(),
            certify: args.certify,
            json: args.json,
            ending,
        })
    }

    fn judge(&self, file: &Path) -> Result<Judged> {
        let source = file.display().to_string();
        // Reading counts.
        let budget = self
            .limits
            .start()
            .ended_by(Some(self.ending.clone()))
            .shown();
        let history = source::read(file, self.format, self.options.workers, &budget)?;
        let spec = self
            .spec(&history, &source)
            .with_context(|| format!("cannot judge {source}"))?;
        let as_model = || {
            let unasked = || format!(", because {}; see --model", history.model_choice().reason);
            let why = self.model.map_or_else(unasked, |_| String::new());
            format!("cannot judge {source} as {}{why}", spec.name)
        };
        let judgement =
            judgement::decide(&history, &spec, &self.options, &budget).with_context(as_model)?;
        let judgement = if self.explain {
            judgement.explained(&history, &budget.rest())
        } else {
            judgement
        };
        let judgement = if self.certify {
            judgement.certified(&history, &budget)
        } else {
            judgement
        };
        Ok(Judged { history, judgement })
    }

    /// The file's own model, unless another was asked for.
    fn spec(&self, history: &History, source: &str) -> Result<ModelSpec> {
        let named = history
            .header
            .as_ref()
            .and_then(|header| header.model.as_deref());
        if let (None, Some(named)) = (self.model, named) {
            named
                .parse::<ModelName>()
                .context("its header names its model; see --model")?;
        }
        let ModelChoice { spec: own, reason } = history.model_choice();
        if self.model.is_none() && matches!(reason, ModelReason::Functions(_)) {
            say::aside(format_args!(
                "{source} is judged as {}, because {reason}; --model overrides",
                own.name
            ));
        }
        let initial = self.initial.clone();
        let spec = match self.model {
            Some(name) if name != own.name => ModelSpec { name, initial },
            Some(_) | None => ModelSpec {
                name: own.name,
                initial: initial.or(own.initial),
            },
        };
        spec.check_initial()?;
        Ok(spec)
    }

    /// Nothing is known about a history that is too large to be read.
    fn tell_unread(&self, file: &Path, error: &anyhow::Error) {
        let (verdict, reason) = (Verdict::Unknown, format!("nothing was judged: {error}"));
        if self.json {
            let file = file.display().to_string();
            say::answer(json!({"file": file, "verdict": verdict, "reason": reason}));
        } else {
            let file = one_line(&file.display().to_string());
            say::answer(format_args!("{file}\t{verdict}\t{}", one_line(&reason)));
        }
    }

    fn tell(&self, file: &Path, judged: &Judged) -> Result<()> {
        let verdict = judged.judgement.analysis.outcome();
        let reason = reason(judged);
        if self.json {
            let answer = json!({
                "file": file.display().to_string(), "verdict": verdict, "reason": reason,
                "operations": judged.history.operations.len(), "truncated": judged.history.truncated,
                "analysis": judged.judgement.analysis,
                "counterexamples": judged.judgement.explanation.counterexamples,
                "certificate": judged.judgement.certificate(),
                "weaker": judged.judgement.explanation.weaker,
            });
            say::answer(format_args!(
                "{}",
                serde_json::to_string(&answer).context("cannot encode the answer")?
            ));
        } else {
            let reason =
                reason.map_or_else(String::new, |reason| format!("\t{}", one_line(&reason)));
            let file = one_line(&file.display().to_string());
            say::answer(format_args!("{file}\t{verdict}{reason}"));
        }
        Ok(())
    }
}

/// Whether a limit ended the reading, with nothing wrong so far.
fn is_limit(error: &anyhow::Error) -> bool {
    let read = error.downcast_ref::<ReadError>();
    read.is_some_and(|error| error.limit.is_some())
}

fn exit(judged: &Judged) -> Exit {
    let verdict = match judged.judgement.analysis.outcome() {
        Verdict::Valid => Exit::Valid,
        Verdict::Invalid => Exit::Violation,
        Verdict::Unknown => Exit::Unknown,
    };
    if judged.judgement.is_refuted() {
        verdict.worst(Exit::Harness)
    } else {
        verdict
    }
}

/// The sentence behind the verdict; for a valid history only if the reader must know that it is not whole.
fn reason(judged: &Judged) -> Option<String> {
    let judgement = &judged.judgement;
    let found = match judgement.analysis.outcome() {
        Verdict::Valid => None,
        Verdict::Invalid => judgement.violations().first().map(|(_, violation)| {
            let anomaly = &violation.anomaly;
            format!("{}: {}", anomaly.class, anomaly.explanation)
        }),
        Verdict::Unknown => {
            let keys = &judgement.analysis.keys;
            keys.iter().find_map(KeyAnalysis::unknown_reason)
        }
    };
    let cut = judged
        .history
        .truncated
        .then(|| "the last line was cut off; everything before it was judged".to_owned());
    let (severity, certificate) = (judgement.severity(), judgement.certificate());
    let reasons: Vec<String> = [found, cut, severity, certificate]
        .into_iter()
        .flatten()
        .collect();
    (!reasons.is_empty()).then(|| reasons.join("; "))
}

/// A verdict is one line, whatever the history's values hold.
fn one_line(text: &str) -> String {
    let whole = text.chars().count() <= LINE_CHARS;
    let mark = if whole { "" } else { " […]" };
    let shown = text.chars().take(LINE_CHARS);
    shown
        .map(|c| if c.is_control() { ' ' } else { c })
        .chain(mark.chars())
        .collect()
}

fn write_report(report: &Path, file: &Path, judged: &Judged) -> Result<()> {
    let title = file.display().to_string();
    let data = ReportData {
        title: &title,
        result: None,
        history: &judged.history,
        analysis: Some(&judged.judgement.analysis),
        explanation: Some(&judged.judgement.explanation),
        logs: None,
    };
    fs::write(report, reports::html::render(&data))
        .with_context(|| format!("cannot write {}", report.display()))
}
