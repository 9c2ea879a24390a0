//! The explanation of a run: `result.json`, one offline HTML page, plots and the last lines on the terminal.
//!
//! Everything here is a pure function from a run's data to text: equal input gives byte-identical output, nothing
//! reads a clock or a file, and no verdict is computed. The verdict comes in; this crate finds the words for it.
#![forbid(unsafe_code)]

mod answers;
mod availability;
pub mod ci;
mod clip;
mod counterexample;
mod data;
mod finding;
pub mod html;
mod log;
mod palette;
pub mod plots;
mod quantity;
mod result;
pub mod site;
pub mod terminal;
mod timeline;
mod tried;

pub use availability::{Availability, MachineStall, NeedlessElection, Outage};
pub use counterexample::{CounterexampleRecord, OperationRecord, WeakerRecord};
pub use data::ReportData;
pub use log::{LogExcerpt, LogLine};
pub use result::{
    AnomalyRecord, Clocks, Consistency, Counts, Effect, Environment, FaultRecord, Health,
    HealthEvent, Infrastructure, LeaderSpan, Liveness, Net, RESULT_VERSION, ResultError, RunResult,
    StoppedOnline, Strength,
};
pub use tried::Tried;
