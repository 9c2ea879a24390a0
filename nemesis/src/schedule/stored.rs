//! Schedules that come from a file: read and checked before anything relies on them.

use super::{FaultKind, SCHEDULE_VERSION, Schedule};
use std::collections::BTreeSet;

/// Why a text is no schedule to follow.
#[derive(Debug, thiserror::Error)]
pub enum ScheduleError {
    /// It is not JSON of this form.
    #[error("not a schedule: {0}")]
    Malformed(#[from] serde_json::Error),
    /// It was written by another release.
    #[error(
        "the schedule has version {0}, this program reads {SCHEDULE_VERSION}: use the release that wrote it"
    )]
    Version(u32),
    /// A step ends before it begins.
    #[error("step {0} ends before it begins")]
    EndsEarly(u32),
    /// Two steps have the same number.
    #[error("two steps have the number {0}")]
    Repeated(u32),
}

impl Schedule {
    /// Reads `schedule.json`, whoever wrote it. Steps come in the order of their starts.
    ///
    /// # Errors
    /// [`ScheduleError`], with the step it is about.
    pub fn from_json(text: &str) -> Result<Schedule, ScheduleError> {
        let mut schedule: Schedule = serde_json::from_str(text)?;
        if schedule.version != SCHEDULE_VERSION {
            return Err(ScheduleError::Version(schedule.version));
        }
        let mut seen = BTreeSet::new();
        for step in &schedule.steps {
            if step.stop_ns < step.start_ns {
                return Err(ScheduleError::EndsEarly(step.id));
            }
            if !seen.insert(step.id) {
                return Err(ScheduleError::Repeated(step.id));
            }
        }
        schedule.steps.sort_by_key(|step| (step.start_ns, step.id));
        Ok(schedule)
    }

    /// The kinds of fault in it, each once.
    pub fn kinds(&self) -> Vec<FaultKind> {
        let kinds = self.steps.iter().map(|step| step.fault.kind());
        kinds.collect::<BTreeSet<_>>().into_iter().collect()
    }

    /// When the last fault ends, in nanoseconds since the start of the run.
    pub fn end_ns(&self) -> u64 {
        self.steps
            .iter()
            .map(|step| step.stop_ns)
            .max()
            .unwrap_or(0)
    }
}
