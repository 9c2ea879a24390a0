//! How available the system was while clients worked: outages, and leaders that lost their office for nothing.

use maud::{Markup, html};

use crate::availability::{Availability, NeedlessElection, Outage};
use crate::clip::{CELL_CHARS, clip};
use crate::data::ReportData;
use crate::quantity::{count, counted, duration, moment};

/// Most rows of a table.
const MAX_ROWS: usize = 20;

/// The section; empty where nobody looked.
pub(super) fn section(data: &ReportData<'_>) -> Markup {
    let Some(all) = data.result.and_then(|result| result.availability.as_ref()) else {
        return html! {};
    };
    html! {
        section {
            h2 { "How available it was" }
            p.note { (outage_sentence(all)) }
            (outages(all))
            p.note { (election_sentence(all)) }
            (elections(&all.needless_elections))
        }
    }
}

fn outage_sentence(all: &Availability) -> String {
    let limit = duration(all.outage_limit_ns);
    let what = "An outage is a time in which clients asked for changes and none was done, though a majority of the nodes was undisturbed";
    match (&all.longest, all.outages.len() as u64) {
        (None, _) => format!("{what}: there was none (limit {limit})."),
        (Some(_), 0) => format!("{what}: none was longer than the limit of {limit}."),
        (Some(_), some) => format!(
            "{what}: {} longer than the limit of {limit}.",
            counted(some, "outage")
        ),
    }
}

fn outages(all: &Availability) -> Markup {
    let longest = all.longest.iter().filter(|_| all.outages.is_empty());
    let rows: Vec<&Outage> = longest.chain(&all.outages).collect();
    html! {
        @if !rows.is_empty() {
            div.wide {
                table {
                    thead { tr {
                        th { "Outage" } th.number { "From" } th.number { "To" } th.number { "Changes asked for" } th { "Could have served" } th { "Beside" }
                    } }
                    tbody {
                        @for outage in rows.iter().take(MAX_ROWS) {
                            tr.violated[outage.length_ns() > all.outage_limit_ns] {
                                td { (duration(outage.length_ns())) }
                                td.number { (moment(outage.from_ns)) }
                                td.number { (moment(outage.to_ns)) }
                                td.number { (count(outage.asked)) }
                                td { (clip(&outage.majority.join(" "), CELL_CHARS)) }
                                td { (beside(outage.fault)) }
                            }
                        }
                    }
                }
            }
            (left_out(rows.len()))
        }
    }
}

fn election_sentence(all: &Availability) -> String {
    let what = "An election is needless when nothing had been wrong with the leader and a majority around it";
    let limit = match all.max_needless_elections {
        None => "no limit was set".to_owned(),
        Some(most) => format!("limit {most}"),
    };
    match all.needless_elections.len() as u64 {
        0 => format!("{what}: there was none ({limit})."),
        some => format!(
            "{what}: there {} {} ({limit}).",
            if some == 1 { "was" } else { "were" },
            count(some)
        ),
    }
}

fn elections(all: &[NeedlessElection]) -> Markup {
    html! {
        @if !all.is_empty() {
            div.wide {
                table {
                    thead { tr { th.number { "At" } th { "From" } th { "To" } th.number { "Term" } th { "Beside" } } }
                    tbody {
                        @for election in all.iter().take(MAX_ROWS) {
                            tr {
                                td.number { (moment(election.at_ns)) }
                                td { (clip(&election.old, 40)) }
                                td { (clip(&election.new, 40)) }
                                td.number { (election.term) }
                                td { (beside(election.fault)) }
                            }
                        }
                    }
                }
            }
            (left_out(all.len()))
        }
    }
}

fn left_out(rows: usize) -> Markup {
    html! {
        @if rows > MAX_ROWS { p.note { "The first " (MAX_ROWS) " are shown; result.json has them all." } }
    }
}

fn beside(fault: Option<u32>) -> String {
    fault.map_or("no fault".to_owned(), |id| format!("fault #{id}"))
}
