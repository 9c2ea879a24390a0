//! The page in a real browser: that it opens in silence, and what a reader can do there.
//!
//! They need `chromedriver` and Chromium (on Debian: `apt-get install chromium-driver`), and say aloud when those are not there.
//! `cargo test -p reports --test browser -- --ignored --nocapture` opens large pages and tells what that took.

#[path = "../it/fixture/mod.rs"]
mod fixture;

mod driver;
mod interactions;
mod opening;
mod page;
mod pictures;
