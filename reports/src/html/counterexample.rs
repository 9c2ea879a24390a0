//! The proof: the few operations that contradict each other, what of them is not even needed, and what still holds.

use checker::{Counterexample, OpId, Verdict, Weakened, Weaker, WeakerModel};
use maud::{Markup, html};

use super::orders;
use crate::answers::sentence;
use crate::clip::{CELL_CHARS, clip};
use crate::counterexample::{WeakerRecord, whatever};
use crate::data::ReportData;
use crate::finding::Finding;
use crate::quantity::{count, counted, moment};
use crate::timeline::{Denied, Scene, contradiction, label};

/// Most operations listed; a counterexample of more is cut.
const MAX_OPERATIONS: usize = 30;

/// The section; empty when nothing was explained.
pub(super) fn section(data: &ReportData<'_>, findings: &[Finding]) -> Markup {
    let found = findings
        .first()
        .and_then(|finding| data.counterexample(finding.record.key.as_ref()));
    let weaker = data.explanation.map_or(&[][..], |all| &all.weaker);
    html! {
        @if let Some(found) = found {
            section {
                h2 { "The proof" }
                p.note { (introduction(found)) }
                p.proof { (sentence(&found.explanation)) }
                @let dead_ends = orders::dead_ends(found, data);
                (picture(found, data, orders::denied(&dead_ends, data)))
                (orders::list(&dead_ends, found, data))
                (table(found, data))
            }
        }
        @if !weaker.is_empty() {
            section {
                h2 { "What still holds" }
                @if is_sequential(weaker) { p.proof { "Not linearizable, but sequentially consistent." } }
                p.note { "Linearizability is the strongest promise. These weaker ones were looked at too, over all keys together." }
                div.wide {
                    table {
                        thead { tr { th { "Model" } th { "Answer" } } }
                        tbody {
                            @for one in weaker { tr { td { (one.model) } td { (WeakerRecord::mark(one)) } } }
                        }
                    }
                }
            }
        }
    }
}

fn is_sequential(weaker: &[Weaker]) -> bool {
    let holds = |one: &Weaker| one.verdict == Verdict::Valid;
    weaker
        .iter()
        .any(|one| one.model == WeakerModel::Sequential && holds(one))
}

fn introduction(found: &Counterexample) -> String {
    let operations = counted(found.operations.len() as u64, "operation");
    if found.minimal {
        format!(
            "{operations} of the history contradict each other, each of them needed: without any one there would be an order. What of them is \
             not needed is said beside them."
        )
    } else {
        format!(
            "{operations} of the history contradict each other. A limit was reached before it was clear whether all of them are needed."
        )
    }
}

/// The operations in real time.
fn picture(found: &Counterexample, data: &ReportData<'_>, denied: Option<Denied>) -> Markup {
    let shown: Vec<OpId> = shown(found).iter().map(|one| one.id).collect();
    let scene = Scene::only(&shown, data.history).map(|scene| Scene { denied, ..scene });
    html! {
        @if let Some(scene) = scene {
            div.wide { (contradiction(&scene, data)) }
            @if scene.denied.is_some() {
                p.note { "Solid: it began after the answer. Dashed: the order that its own answer demands. Both cannot be." }
            }
        }
    }
}

/// The last ones: the contradiction shows itself at the end.
fn shown(found: &Counterexample) -> &[Weakened] {
    let all = &found.operations;
    &all[all.len().saturating_sub(MAX_OPERATIONS)..]
}

fn table(found: &Counterexample, data: &ReportData<'_>) -> Markup {
    let shown = shown(found);
    let hidden = found.operations.len() - shown.len();
    html! {
        @if hidden > 0 {
            p.note { "The last " (shown.len()) " of them are shown, " (count(hidden as u64)) " before them are not." }
        }
        div.wide {
            table {
                thead { tr {
                    th { "Event" } th { "Client" } th { "Node" } th { "Operation" } th { "Called" } th { "Returned" } th { "A contradiction" }
                } }
                tbody { @for one in shown { (row(one, data)) } }
            }
        }
    }
}

fn row(weakened: &Weakened, data: &ReportData<'_>) -> Markup {
    let operation = data.history.operation(weakened.id);
    let time = |time: Option<checker::Nanos>| time.map_or("–".to_owned(), |time| moment(time.0));
    let words = whatever(weakened, operation);
    html! {
        tr {
            td.number { a href={ "#op=" (operation.invoke_index) } { (operation.invoke_index) } }
            td.number { (operation.process) }
            td { (operation.node.as_deref().map_or("–".to_owned(), |node| clip(node, CELL_CHARS))) }
            td { code { (label(operation)) } }
            td.number { (time(operation.call_time)) }
            td.number { (time(operation.return_time)) }
            td { @if words.is_empty() { "as it was" } @else { (words.join(", ")) } }
        }
    }
}
