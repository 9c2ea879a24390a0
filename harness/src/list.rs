//! `adrasteia list`: the names that options accept.

use checker::ModelName;
use nemesis::NodeName;
use nemesis::partition::Shape;
use nemesis::schedule::{FaultKind, Parameter, Selector};
use target_node::Bug;

use crate::cli::Catalogue;
use crate::exit::Exit;
use crate::say;
use crate::steps::Bundled;
use crate::workload::WorkloadName;

const CATALOGUES: [Catalogue; 6] = [
    Catalogue::Nemeses,
    Catalogue::Targets,
    Catalogue::Steps,
    Catalogue::Workloads,
    Catalogue::Bugs,
    Catalogue::Models,
];

/// Prints one catalogue, or all of them.
pub(crate) fn command(what: Option<Catalogue>) -> Exit {
    let wanted: Vec<Catalogue> = what.map_or_else(|| CATALOGUES.to_vec(), |one| vec![one]);
    for (number, catalogue) in wanted.iter().enumerate() {
        if number > 0 {
            say::answer("");
        }
        say::answer(format_args!("{}", heading(*catalogue)));
        for [name, meaning] in rows(*catalogue) {
            say::answer(format_args!("  {name:<22} {meaning}"));
        }
    }
    Exit::Valid
}

const fn heading(catalogue: Catalogue) -> &'static str {
    match catalogue {
        Catalogue::Nemeses => "nemeses (--nemesis, several separated by commas)",
        Catalogue::Targets => "targets (--target, several separated by commas take turns)",
        Catalogue::Steps => "steps (--steps)",
        Catalogue::Workloads => "workloads (--workload)",
        Catalogue::Bugs => "bugs of the bundled node (--bug)",
        Catalogue::Models => "models (check --model)",
    }
}

fn rows(catalogue: Catalogue) -> Vec<[String; 2]> {
    match catalogue {
        Catalogue::Nemeses => nemeses(),
        Catalogue::Targets => targets(),
        Catalogue::Steps => Bundled::ALL
            .map(|steps| [steps.name.to_owned(), steps.about().to_owned()])
            .into(),
        Catalogue::Workloads => WorkloadName::ALL
            .map(|name| [name.to_string(), name.describe().to_owned()])
            .into(),
        Catalogue::Bugs => Bug::ALL
            .map(|bug| {
                let meaning = format!(
                    "{}; exposed by {}; shows as {}",
                    bug.breaks(),
                    bug.exposed_by(),
                    bug.class().name()
                );
                [bug.to_string(), meaning]
            })
            .into(),
        Catalogue::Models => ModelName::ALL
            .map(|model| [model.to_string(), model.describe().to_owned()])
            .into(),
    }
}

fn nemeses() -> Vec<[String; 2]> {
    let kinds = FaultKind::ALL.map(|kind| {
        let meaning = format!(
            "{}; needs {}{}",
            kind.describe(),
            kind.requirements(),
            ranges(kind)
        );
        [kind.to_string(), meaning]
    });
    let groups = FaultKind::GROUPS.map(|(name, kinds)| {
        let names: Vec<&str> = kinds.iter().map(|kind| kind.name()).collect();
        [name.to_owned(), format!("stands for {}", names.join(", "))]
    });
    kinds.into_iter().chain(groups).collect()
}

/// The numbers of a kind, and whence they come.
fn ranges(kind: FaultKind) -> String {
    let own = Parameter::ALL.into_iter().filter(|own| own.kind() == kind);
    let told: Vec<String> = own
        .map(|own| format!("{} ({})", own.usual_range(), own.describe()))
        .collect();
    match told.is_empty() {
        true => String::new(),
        false => format!("; --range {}", told.join(", ")),
    }
}

fn targets() -> Vec<[String; 2]> {
    let named = Selector::Named(vec![NodeName::nth(1), NodeName::nth(3)]);
    let selectors = Selector::WORDS.into_iter().chain([named]);
    let selectors =
        selectors.map(|selector| [selector.to_string(), selector.describe().to_owned()]);
    let shapes = Shape::ALL.map(|shape| {
        let meaning = format!("partition={shape} only: {}", shape.describe());
        [shape.to_string(), meaning]
    });
    selectors.chain(shapes).collect()
}
