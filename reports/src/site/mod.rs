//! The pages of a server of stored runs, as values in and text out: who serves them reads the folders.
//!
//! | file | idea |
//! |---|---|
//! | `entry` | what is remembered of a run so that a thousand of them can be listed |
//! | `filter` | which of them are meant, as a query that can be shared as a link |
//! | `overview` | the list |
//! | `trend` | verdicts and times to detection over time |
//! | `run` | one run, and its files |
//! | `compare` | two runs side by side |
//! | `live` | a run that is under way |
//! | `frame` | what every page has around it, in the style of the report |

mod compare;
mod differences;
mod entry;
mod filter;
mod frame;
mod link;
mod live;
mod overview;
mod run;
mod trend;

pub use compare::{Side, compare};
pub use entry::{Entry, Judged, Plan, State, Verdict};
pub use filter::Filter;
pub use frame::{SCRIPT, refusal, style};
pub use live::{ActiveFault, NodeNow, Quantiles, Second, Snapshot, live};
pub use overview::{Listing, overview};
pub use run::{FileKind, StoredFile, run};
pub use trend::trend;
