//! A run that is under way, as far as its history is written.

use maud::{Markup, html};

use super::entry::{Entry, Plan, State};
use super::frame::{page, verdict};
use super::link;
use super::run::{StoredFile, asked, files, outcomes};
use crate::clip::{CELL_CHARS, clip};
use crate::quantity::{count, duration, moment, plain};
use crate::result::Counts;

/// How often a reader without scripts sees the page anew.
const REFRESH_S: u32 = 5;
/// The drawing of the last seconds, in its own units.
const BAR_WIDTH: u64 = 8;
const CHART_HEIGHT: u64 = 96;

/// What a run under way has come to.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Snapshot {
    /// What it is doing, in its own words.
    pub phase: String,
    /// How far it is, on the clock of the history.
    pub time_ns: u64,
    /// Completed operations by outcome.
    pub operations: Counts,
    /// Operations that were called and have not returned.
    pub open: u64,
    /// The length of the window that the next fields are about.
    pub window_ns: u64,
    /// Operations acknowledged a second, in the window.
    pub rate: f64,
    /// Latency of operations acknowledged in the window.
    pub latency: Option<Quantiles>,
    /// Faults that act now.
    pub faults: Vec<ActiveFault>,
    /// What the nodes said last.
    pub nodes: Vec<NodeNow>,
    /// The last seconds, oldest first.
    pub seconds: Vec<Second>,
}

/// Latency, from the moment an operation was due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quantiles {
    /// Half of the operations took no longer.
    pub half_ns: u64,
    /// 95 of 100 took no longer.
    pub p95_ns: u64,
    /// 99 of 100 took no longer.
    pub p99_ns: u64,
    /// None took longer.
    pub max_ns: u64,
}

/// A fault that acts now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ActiveFault {
    /// Its number in the schedule.
    pub id: u64,
    /// Its kind.
    pub name: String,
    /// Whom it hit, and how.
    pub description: String,
    /// When it began.
    pub since_ns: u64,
}

/// What a node said last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeNow {
    /// Its name.
    pub name: String,
    /// Whether it answers; `None` before it was asked.
    pub answers: Option<bool>,
    /// `leader`, `follower`, …
    pub role: Option<String>,
    /// Its term.
    pub term: Option<u64>,
}

/// Operations that completed within one second.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Second {
    /// Which second of the run.
    pub number: u64,
    /// By outcome.
    pub operations: Counts,
}

/// The page of a run under way.
#[must_use]
pub fn live(folder: &str, entry: &Entry, snapshot: &Snapshot, stored: &[StoredFile]) -> String {
    let nothing = Plan::default();
    let plan = match &entry.state {
        State::UnderWay(plan) | State::Unfinished(plan) => plan,
        State::Judged(judged) => &judged.plan,
        State::Broken(_) => &nothing,
    };
    let body = html! {
        p.crumb { a href="/" { "Runs" } " / " (clip(&entry.id, CELL_CHARS)) }
        section.verdict.neutral {
            p { (verdict(entry)) }
            h1 { "A run under way" }
            p.reason { "What its history holds so far. The page follows it and shows the result when there is one." }
        }
        div data-live=(link::live(&entry.id)) { (fragment(snapshot)) }
        (asked(entry, plan))
        (files(entry, stored))
    };
    page("Under way", folder, Some(REFRESH_S), &body)
}

impl Snapshot {
    /// The part of the page that changes.
    #[must_use]
    pub fn fragment(&self) -> String {
        fragment(self).into_string()
    }

    /// The node that leads in the highest term, of those that answer.
    fn leader(&self) -> Option<&NodeNow> {
        let leads =
            |node: &&NodeNow| node.role.as_deref() == Some("leader") && node.answers == Some(true);
        self.nodes.iter().filter(leads).max_by_key(|node| node.term)
    }
}

fn fragment(now: &Snapshot) -> Markup {
    html! {
        div.answers.now {
            (figure("Now", &moment(now.time_ns), &clip(&now.phase, CELL_CHARS)))
            (figure("Acknowledged a second", &plain((now.rate * 10.0).round() / 10.0), &format!("over the last {}", duration(now.window_ns))))
            (figure("Operations", &count(now.operations.total()), &format!("{}; {} open", outcomes(now.operations), count(now.open))))
            @match now.latency {
                Some(latency) => (figure("Latency, median", &duration(latency.half_ns), &format!(
                    "95 %: {}, 99 %: {}, longest: {}", duration(latency.p95_ns), duration(latency.p99_ns), duration(latency.max_ns)))),
                None => (figure("Latency, median", "–", "Nothing was acknowledged lately.")),
            }
            @match now.leader() {
                Some(leader) => (figure("Leader", &clip(&leader.name, 40), &leader.term.map_or(String::new(), |term| format!("in term {term}")))),
                None => (figure("Leader", "none seen", "No node that answers says that it leads.")),
            }
        }
        (seconds(&now.seconds))
        section {
            h2 { "Faults that act now" }
            @if now.faults.is_empty() { p.note { "None." } }
            @else {
                ul.plain {
                    @for fault in &now.faults {
                        li { strong { "#" (fault.id) " " (clip(&fault.name, 40)) } " " (clip(&fault.description, CELL_CHARS)) " since " (moment(fault.since_ns)) }
                    }
                }
            }
        }
        (nodes(now))
    }
}

fn figure(question: &str, word: &str, detail: &str) -> Markup {
    html! {
        div.answer {
            p.question { (question) }
            p.word.number { (word) }
            p.detail { (detail) }
        }
    }
}

fn nodes(now: &Snapshot) -> Markup {
    html! {
        @if !now.nodes.is_empty() {
            section {
                h2 { "Nodes" }
                table {
                    thead { tr { th scope="col" { "Node" } th scope="col" { "Answers" } th scope="col" { "Role" } th scope="col" { "Term" } } }
                    tbody {
                        @for node in &now.nodes {
                            tr {
                                td { (clip(&node.name, 40)) }
                                td { (match node.answers { Some(true) => "✓ yes", Some(false) => "✗ no", None => "not asked yet" }) }
                                td { (clip(node.role.as_deref().unwrap_or("–"), 40)) }
                                td.number { (node.term.map_or_else(|| "–".to_owned(), |term| term.to_string())) }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// Completions of the last seconds as stacked bars.
fn seconds(seconds: &[Second]) -> Markup {
    let (Some(first), Some(last)) = (seconds.first(), seconds.last()) else {
        return html! {};
    };
    let most = seconds.iter().map(|second| second.operations.total()).max();
    let most = most.unwrap_or(0).max(1);
    let width = BAR_WIDTH * seconds.len() as u64;
    html! {
        figure.seconds {
            figcaption {
                "Operations completed in each second from " (first.number) " s to " (last.number) " s, at most " (count(most)) ": "
                span.key.ok {} "ok " span.key.failed {} "failed " span.key.info {} "indeterminate"
            }
            svg viewBox=(format!("0 0 {width} {CHART_HEIGHT}")) preserveAspectRatio="none" role="img" aria-label="Operations completed in each of the last seconds" {
                @for (place, second) in seconds.iter().enumerate() {
                    @for (class, from, number) in stack(second.operations) {
                        @let (top, height) = bar(from, number, most);
                        rect.(class) x=(place as u64 * BAR_WIDTH + 1) y=(top) width=(BAR_WIDTH - 2) height=(height) {}
                    }
                }
            }
        }
    }
}

/// What is drawn of a second, from below: the class, what is below it, and how many there are.
fn stack(counts: Counts) -> impl Iterator<Item = (&'static str, u64, u64)> {
    let Counts { ok, fail, info } = counts;
    let all = [
        ("ok", 0, ok),
        ("failed", ok, fail),
        ("info", ok + fail, info),
    ];
    all.into_iter().filter(|(_, _, number)| *number > 0)
}

fn bar(from: u64, number: u64, most: u64) -> (String, String) {
    let scale = CHART_HEIGHT as f64 / most as f64;
    let height = number as f64 * scale;
    let top = CHART_HEIGHT as f64 - (from + number) as f64 * scale;
    (format!("{top:.1}"), format!("{height:.1}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(name: &str, role: &str, term: u64, answers: bool) -> NodeNow {
        NodeNow {
            name: name.to_owned(),
            answers: Some(answers),
            role: Some(role.to_owned()),
            term: Some(term),
        }
    }

    #[test]
    fn who_leads_is_the_latest_of_those_that_answer() {
        let nodes = vec![
            node("n1", "leader", 3, true),
            node("n2", "leader", 4, true),
            node("n3", "leader", 5, false),
            node("n4", "follower", 6, true),
        ];
        let mut now = Snapshot {
            nodes,
            ..Snapshot::default()
        };
        assert_eq!(now.leader().map(|node| node.name.as_str()), Some("n2"));
        now.nodes.truncate(0);
        assert_eq!(now.leader(), None);
    }

    #[test]
    fn bars_stand_on_each_other() {
        let counts = Counts {
            ok: 6,
            fail: 0,
            info: 2,
        };
        let stack: Vec<_> = stack(counts).collect();
        assert_eq!(stack, [("ok", 0, 6), ("info", 6, 2)]);
        assert_eq!(bar(6, 2, 8), ("0.0".to_owned(), "24.0".to_owned()));
        assert_eq!(bar(0, 6, 8), ("24.0".to_owned(), "72.0".to_owned()));
    }

    #[test]
    fn hostile_words_of_nodes_and_faults_stay_words() {
        let now = Snapshot {
            phase: "<b>".to_owned(),
            faults: vec![ActiveFault {
                id: 1,
                name: "<i>".to_owned(),
                description: "<script>alert(1)</script>".to_owned(),
                since_ns: 5,
            }],
            nodes: vec![node("<u>", "\"><img src=x>", 1, true)],
            ..Snapshot::default()
        };
        let shown = now.fragment();
        for tag in ["<b>", "<i>", "<u>", "<img", "<script"] {
            assert!(!shown.contains(tag), "{tag} in {shown}");
        }
        assert!(shown.contains("&lt;script&gt;"), "{shown}");
    }
}
