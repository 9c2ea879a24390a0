//! Verdicts and times to detection over time, for the runs that are meant.

use std::collections::BTreeSet;

use maud::{Markup, PreEscaped, html};

use super::entry::{Entry, Verdict};
use super::frame::{page, when};
use super::overview::{Listing, form};
use crate::clip::clip;
use crate::plots::{self, Group, Kind};
use crate::quantity::{count, duration};

/// Most groups that are drawn; where there are more days, runs are grouped by number.
const MAX_GROUPS: usize = 40;
/// From so many days on, a group is a day.
const MIN_DAYS: usize = 3;

/// The page of the trend.
#[must_use]
pub fn trend(listing: &Listing<'_>) -> String {
    let meant = listing.meant();
    let groups = groups(&meant);
    let query = listing.filter.query();
    let body = html! {
        div.top {
            h1 { "Trend" }
            a.more href=(format!("/?{query}")) { "List of these runs" }
        }
        (form(listing, "/trend"))
        (listing.counts(&meant))
        @if groups.is_empty() {
            p.empty { "No run that has ended is like that. " a href="/trend" { "Show all" } }
        } @else {
            (drawings(&groups))
            (numbers(&groups))
        }
    };
    page("Trend", listing.folder, None, &body)
}

fn drawings(groups: &[Group]) -> Markup {
    html! {
        figure {
            figcaption { "Runs by verdict, oldest first." }
            div.wide { (PreEscaped(plots::verdicts(groups))) }
        }
        figure {
            figcaption {
                "Time until it was known that the system does wrong: a point for each such run, a line for the median of each group. \
                 A violation is known when the check beside the run (--online) proves it, otherwise when the run is over."
            }
            @if groups.iter().all(|group| group.detected_ns.is_empty()) { p.note { "Nothing was detected in these runs." } }
            @else { div.wide { (PreEscaped(plots::detection(groups))) } }
        }
    }
}

/// The same in numbers.
fn numbers(groups: &[Group]) -> Markup {
    html! {
        details {
            summary { "In numbers" }
            div.wide {
                table {
                    thead {
                        tr {
                            th scope="col" { "From" }
                            @for kind in Kind::ALL { th scope="col" { (kind.name()) } }
                            th scope="col" { "Median detection" }
                        }
                    }
                    tbody {
                        @for group in groups {
                            tr {
                                td { (clip(&group.name, 40)) }
                                @for kind in Kind::ALL { td.number { (count(group.count(kind))) } }
                                td.number { (group.median_ns().map_or_else(|| "–".to_owned(), duration)) }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// Runs that have ended, oldest first, by day or by number.
fn groups(newest_first: &[&Entry]) -> Vec<Group> {
    let ended: Vec<&Entry> = newest_first
        .iter()
        .rev()
        .copied()
        .filter(|entry| entry.verdict() != Verdict::UnderWay)
        .collect();
    let days: BTreeSet<&str> = ended.iter().map(|entry| day(entry)).collect();
    if (MIN_DAYS..=MAX_GROUPS).contains(&days.len()) {
        let by_day = ended.chunk_by(|one, other| day(one) == day(other));
        return by_day
            .map(|runs| group(day(runs[0]).to_owned(), runs))
            .collect();
    }
    let size = ended.len().div_ceil(MAX_GROUPS).max(1);
    let by_number = ended.chunks(size);
    by_number
        .map(|runs| group(when(&runs[0].started), runs))
        .collect()
}

fn day(entry: &Entry) -> &str {
    entry.started.get(..10).unwrap_or(&entry.started)
}

fn group(name: String, runs: &[&Entry]) -> Group {
    let mut group = Group::named(name);
    for run in runs {
        group.add(kind(run.verdict()));
        group
            .detected_ns
            .extend(run.judged().and_then(|judged| judged.detected_ns));
    }
    group
}

fn kind(verdict: Verdict) -> Kind {
    use crate::ci::FailureClass;
    match verdict {
        Verdict::Pass => Kind::Pass,
        Verdict::Failure(class) => match class {
            FailureClass::Violation => Kind::Violation,
            FailureClass::Crash | FailureClass::Liveness => Kind::Unserved,
            FailureClass::Unknown | FailureClass::Vacuous | FailureClass::Weak => {
                Kind::Inconclusive
            }
            FailureClass::Infrastructure => Kind::NoResult,
        },
        Verdict::UnderWay | Verdict::Unfinished | Verdict::Broken => Kind::NoResult,
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Plan, State};
    use super::*;

    fn runs(started: impl IntoIterator<Item = String>) -> Vec<Entry> {
        let run = |started: String| Entry {
            id: started.clone(),
            started,
            state: State::Unfinished(Plan::default()),
        };
        started.into_iter().map(run).collect()
    }

    fn sizes(entries: &[Entry]) -> Vec<(String, u64)> {
        let newest_first: Vec<&Entry> = entries.iter().rev().collect();
        let groups = groups(&newest_first);
        let size = |group: &Group| Kind::ALL.iter().map(|kind| group.count(*kind)).sum();
        groups
            .iter()
            .map(|group| (group.name.clone(), size(group)))
            .collect()
    }

    #[test]
    fn days_are_groups_where_there_are_some() {
        let started = ["2026-11-01", "2026-11-01", "2026-11-02", "2026-11-04"];
        let days = sizes(&runs(started.map(|day| format!("{day}T01:02:03.004Z"))));
        let expected = [("2026-11-01", 2), ("2026-11-02", 1), ("2026-11-04", 1)];
        assert_eq!(days, expected.map(|(day, runs)| (day.to_owned(), runs)));
    }

    #[test]
    fn of_one_day_and_of_very_many_groups_are_by_number() {
        let one_day = (0..100).map(|second| format!("2026-11-01T01:02:{second:02}.004Z"));
        let groups = sizes(&runs(one_day));
        assert_eq!((groups.len(), groups[0].1, groups[33].1), (34, 3, 1));
        let many_days = (0..90).map(|day| format!("20{:02}-01-01T00:00:00.000Z", day + 10));
        let groups = sizes(&runs(many_days));
        assert_eq!((groups.len(), groups[0].1), (30, 3));
        assert_eq!(sizes(&[]), []);
    }
}
