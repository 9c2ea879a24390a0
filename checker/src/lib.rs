//! An exact, bounded linearizability checker that explains itself.
//!
//! [`formats::read`] turns a file into a [`History`], [`check`] judges it by a sequential model. The answer for each object is *valid*
//! with a witness order, *invalid* with the first operation that could not be placed and the contradiction in words, or *unknown* with
//! the limit that was reached.
//!
//! ```
//! let text = r#"
//! {"process": 4, "type": "invoke", "f": "write", "value": 17, "time": 12000000000}
//! {"process": 4, "type": "ok", "f": "write", "value": 17, "time": 12401000000}
//! {"process": 9, "type": "invoke", "f": "read", "time": 13020000000}
//! {"process": 9, "type": "ok", "f": "read", "value": null, "time": 13021000000}
//! "#;
//! let history = checker::formats::read(text.as_bytes(), None, "example.jsonl")?;
//! let analysis = checker::check(&history, &history.default_model(), &checker::Unlimited)?;
//! let (_, violation) = analysis.violations().next().expect("the read is stale");
//! assert_eq!(
//!     violation.anomaly.explanation,
//!     "client 4 wrote 17, acknowledged at 12.401 s; client 9's read began 619 ms later and returned nil (1 write behind)"
//! );
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! The crate is pure: no clock, no files, and no threads but the workers of a check. Whoever calls it owns time and memory and speaks
//! through a [`Budget`]. An answer depends on the history alone, not on how many workers there are; see [`CheckOptions`].

#![forbid(unsafe_code)]

mod budget;
mod certify;
mod check;
mod counterexample;
mod engine;
mod event;
mod explain;
mod explanation;
mod fast;
pub mod formats;
mod frontier;
mod history;
mod interner;
mod mask;
mod minimize;
mod models;
mod online;
mod options;
mod pairing;
mod parted;
mod parts;
mod phantom;
mod pool;
mod race;
mod search;
mod segmented;
mod segments;
mod slots;
mod text;
mod unique;
mod uses;
mod value;
mod verdict;
mod weaker;

pub use budget::{Budget, CheckProgress, Limit, Unlimited};
pub use certify::{Certified, CertifyError, certify};
pub use check::{ModelError, check, check_model, check_with};
pub use counterexample::{Counterexample, Effect, Presence, Weakened};
pub use event::{Event, EventType, Header, Nanos, Process};
pub use explanation::{Explanation, explain};
pub use formats::{Format, ReadError, UnknownFormat, WriteError};
pub use history::{History, OpId, Operation, Outcome};
pub use minimize::minimize;
pub use models::{
    BadInitial, Call, Model, ModelChoice, ModelName, ModelReason, ModelSpec, UnknownModel,
};
pub use online::{Online, OnlineError, OnlineLimit, OnlineViolation, Standing};
pub use options::{Algorithm, CheckOptions, UnknownAlgorithm};
pub use pairing::MalformedHistory;
pub use text::Text;
pub use value::{Float, LiteralError, Value};
pub use verdict::{
    Analysis, Anomaly, AnomalyClass, KeyAnalysis, KeyResult, Staleness, Verdict, Violation,
};
pub use weaker::{Weaker, WeakerLimit, WeakerModel, weaker};
