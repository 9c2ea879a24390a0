//! The list of runs, newest first, with what tells them apart.

use std::collections::BTreeSet;

use maud::{Markup, html};

use super::entry::{Entry, Judged, State, Verdict};
use super::filter::Filter;
use super::frame::{nemesis, page, run_link, toned, verdict};
use super::link;
use crate::clip::{CELL_CHARS, clip};
use crate::quantity::{count, counted, duration};

/// Runs on a page.
const PAGE_RUNS: usize = 50;
/// Most entries of a choice; what is beyond is found by text.
const MAX_CHOICES: usize = 200;
/// Most bugs named in a row.
const MAX_BUGS: usize = 3;

/// What a list is made from.
#[derive(Clone, Copy, Debug)]
pub struct Listing<'a> {
    /// The folder that is served, as the reader knows it.
    pub folder: &'a str,
    /// Every run there is, newest first.
    pub all: &'a [&'a Entry],
    /// Which of them are meant.
    pub filter: &'a Filter,
}

impl<'a> Listing<'a> {
    pub(super) fn meant(&self) -> Vec<&'a Entry> {
        let all = self.all.iter().copied();
        all.filter(|entry| self.filter.admits(entry)).collect()
    }

    /// Runs that are meant, of all, in words.
    pub(super) fn counts(&self, meant: &[&Entry]) -> Markup {
        html! {
            p.counts {
                strong {
                    @if self.filter.is_empty() { (counted(self.all.len() as u64, "run")) }
                    @else { (count(meant.len() as u64)) " of " (counted(self.all.len() as u64, "run")) }
                }
                @for one in Verdict::all() {
                    @let number = meant.iter().filter(|entry| entry.verdict() == one).count();
                    @if number > 0 {
                        @let narrowed = Filter { verdict: one.name().to_owned(), ..self.filter.clone() };
                        " " a.count href=(format!("?{}", narrowed.query())) {
                            (toned(one.tone(), one.name())) " " (count(number as u64))
                        }
                    }
                }
            }
        }
    }
}

/// The page number `number`, counted from 1, of the runs that are meant.
#[must_use]
pub fn overview(listing: &Listing<'_>, number: usize) -> String {
    let meant = listing.meant();
    let pages = meant.len().div_ceil(PAGE_RUNS).max(1);
    let number = number.clamp(1, pages);
    let shown: Vec<&Entry> = meant
        .iter()
        .copied()
        .skip((number - 1) * PAGE_RUNS)
        .take(PAGE_RUNS)
        .collect();
    let query = listing.filter.query();
    let body = html! {
        div.top {
            h1 { "Runs" }
            a.more href=(format!("/trend?{query}")) { "Trend of these runs" }
        }
        (collections(listing))
        (form(listing, "/"))
        (listing.counts(&meant))
        @match (listing.all.is_empty(), shown.is_empty()) {
            (true, _) => (nothing_yet()),
            (false, true) => p.empty { "No run is like that. " a href="/" { "Show all" } },
            (false, false) => (table(&shown)),
        }
        (turns(&query, number, pages))
    };
    page("Runs", listing.folder, None, &body)
}

fn nothing_yet() -> Markup {
    html! {
        div.empty {
            p { "There is no run in this folder yet. Make one, and it is listed here while it is still under way:" }
            p { code { "adrasteia run --nemesis partition" } }
        }
    }
}

/// Folders of runs below the folder, where there are several.
fn collections(listing: &Listing<'_>) -> Markup {
    let folders: BTreeSet<&str> = listing.all.iter().map(|entry| entry.collection()).collect();
    // Of a folder for each of a thousand runs nobody could choose.
    let top: BTreeSet<&str> = folders
        .iter()
        .filter_map(|folder| folder.split('/').next())
        .filter(|name| !name.is_empty())
        .collect();
    html! {
        @if !top.is_empty() {
            nav.collections aria-label="Collections" {
                span { "Collections" }
                a href="/" aria-current=[listing.filter.collection.is_empty().then_some("page")] { "all" }
                @for name in top.into_iter().take(MAX_CHOICES) {
                    @let narrowed = Filter { collection: name.to_owned(), ..Filter::default() };
                    a href=(format!("/?{}", narrowed.query())) aria-current=[(listing.filter.collection == name).then_some("page")] {
                        (clip(name, CELL_CHARS))
                    }
                }
            }
        }
    }
}

/// The questions that tell runs apart; what there is to choose comes from the runs themselves.
pub(super) fn form(listing: &Listing<'_>, action: &str) -> Markup {
    let Listing { all, filter, .. } = listing;
    let plans = || all.iter().filter_map(|entry| entry.plan());
    let judged = || all.iter().filter_map(|entry| entry.judged());
    let verdicts = all.iter().map(|entry| entry.verdict());
    let verdicts: BTreeSet<Verdict> = verdicts.collect();
    let answers = judged().flat_map(|judged| judged.answers.iter());
    let answers: BTreeSet<&str> = answers.map(|answer| answer.word).collect();
    let classes: BTreeSet<&str> = judged()
        .flat_map(|judged| judged.classes.iter().map(String::as_str))
        .collect();
    let workloads: BTreeSet<&str> = plans().map(|plan| plan.workload.as_str()).collect();
    let kinds = plans().flat_map(|plan| plan.nemesis.iter().map(String::as_str));
    let bugs = plans().flat_map(|plan| plan.bugs.iter().map(String::as_str));
    let kinds: BTreeSet<&str> = kinds.chain(["none"]).collect();
    let bugs: BTreeSet<&str> = bugs.chain(["none"]).collect();
    html! {
        form.controls.filter method="get" action=(action) role="search" {
            label { "Text" input type="search" name="q" value=(filter.text) placeholder="command, folder, class, …"; }
            (choice("Verdict", "verdict", &filter.verdict, verdicts.into_iter().map(Verdict::name)))
            (choice("Answer", "answer", &filter.answer, answers))
            (choice("Class", "class", &filter.class, classes))
            (choice("Workload", "workload", &filter.workload, workloads))
            (choice("Nemesis", "nemesis", &filter.nemesis, kinds))
            (choice("Bug", "bug", &filter.bug, bugs))
            label { "Seed" input type="text" inputmode="numeric" name="seed" value=(filter.seed); }
            @if !filter.collection.is_empty() { input type="hidden" name="in" value=(filter.collection); }
            div.buttons {
                button type="submit" { "Filter" }
                @if !filter.is_empty() { a.button href=(action) { "Clear" } }
            }
        }
    }
}

fn choice<'a>(
    label: &str,
    name: &str,
    chosen: &str,
    among: impl IntoIterator<Item = &'a str>,
) -> Markup {
    let among: Vec<&str> = among.into_iter().take(MAX_CHOICES).collect();
    let unheard = !chosen.is_empty() && !among.contains(&chosen);
    html! {
        label {
            (label)
            select name=(name) {
                option value="" { "any" }
                @if unheard { option value=(chosen) selected { (clip(chosen, CELL_CHARS)) } }
                @for one in among {
                    option value=(one) selected[one == chosen] { (clip(one, CELL_CHARS)) }
                }
            }
        }
    }
}

fn table(shown: &[&Entry]) -> Markup {
    html! {
        form method="get" action="/compare" {
            div.wide {
                table.runs {
                    thead {
                        tr {
                            th scope="col" { span.hidden { "Compare" } }
                            @for name in ["Began (UTC)", "Verdict", "Answers", "Test", "Seed", "Length", "Detected"] { th scope="col" { (name) } }
                        }
                    }
                    tbody { @for entry in shown { (row(entry)) } }
                }
            }
            p.buttons.compare { button type="submit" { "Compare the two that are ticked" } }
        }
    }
}

fn row(entry: &Entry) -> Markup {
    html! {
        tr {
            td.tick {
                @if entry.judged().is_some() {
                    input type="checkbox" name="run" value=(entry.id) aria-label=(format!("Compare {}", clip(&entry.id, CELL_CHARS)));
                }
            }
            td.began {
                (run_link(entry))
                span.id { (clip(&entry.id, CELL_CHARS)) }
            }
            td.outcome { (verdict(entry)) (remark(entry)) }
            td.five data-name="Answers" { @if let Some(judged) = entry.judged() { (five(judged)) } }
            td.test data-name="Test" { (test(entry)) }
            td.number data-name="Seed" { @if let Some(seed) = entry.plan().and_then(|plan| plan.seed) { (seed) } }
            td.number data-name="Length" { @if let Some(judged) = entry.judged() { (duration(judged.duration_ns)) } }
            td.number data-name="Detected" {
                @if let Some(at) = entry.judged().and_then(|judged| judged.detected_ns) { (duration(at)) }
            }
        }
    }
}

/// What stands below the verdict of a run.
fn remark(entry: &Entry) -> Markup {
    let text = match &entry.state {
        State::Judged(judged) => judged.classes.join(", "),
        State::UnderWay(_) => "clients may still be at work".to_owned(),
        State::Unfinished(_) => "ended without a result".to_owned(),
        State::Broken(reason) => reason.clone(),
    };
    html! { @if !text.is_empty() { span.remark { (clip(&text, CELL_CHARS)) } } }
}

fn five(judged: &Judged) -> Markup {
    html! {
        @for answer in judged.answers {
            span title=(answer.question) { span.hidden { (answer.question) ": " } (toned(answer.tone, answer.word)) } " "
        }
    }
}

fn test(entry: &Entry) -> Markup {
    let Some(plan) = entry.plan() else {
        return html! {};
    };
    html! {
        (clip(&plan.workload, CELL_CHARS)) " · " (nemesis(&plan.nemesis))
        @if !plan.bugs.is_empty() {
            span.remark {
                (clip(&plan.bugs.iter().take(MAX_BUGS).cloned().collect::<Vec<_>>().join(", "), CELL_CHARS))
                @if plan.bugs.len() > MAX_BUGS { " and " (plan.bugs.len() - MAX_BUGS) " more" }
            }
        }
    }
}

fn turns(query: &str, number: usize, pages: usize) -> Markup {
    let address = |page: usize| match query {
        "" => format!("/?page={page}"),
        query => format!("/?{query}&page={page}"),
    };
    html! {
        @if pages > 1 {
            nav.turns aria-label="Pages" {
                @if number > 1 { a.button rel="prev" href=(address(number - 1)) { "Newer" } }
                span { "page " (number) " of " (pages) }
                @if number < pages { a.button rel="next" href=(address(number + 1)) { "Older" } }
            }
        }
    }
}

/// A link to the page that compares two runs.
pub(super) fn compare_link(left: &Entry, right: &Entry, text: &str) -> Markup {
    html! { a href=(link::compare(&left.id, &right.id)) { (text) } }
}
