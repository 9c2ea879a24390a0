//! What readers of a run see: the page, the plots, `result.json` and the last lines.

mod ci;
mod context;
mod escaping;
mod fixture;
mod markdown;
mod page;
mod plots;
mod result;
mod schema;
mod site;
