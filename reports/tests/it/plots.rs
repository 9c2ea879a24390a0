//! Plots as files of their own.

use crate::fixture::large::large;
use crate::fixture::notation::history;
use crate::fixture::runs::{healthy, stale_read, wrong_clocks};
use reports::{ReportData, plots};

#[test]
fn every_operation_has_a_mark_of_its_outcome() {
    let run = stale_read();
    let svg = plots::latency(&run.data());
    let ok = run.history.count(checker::Outcome::Ok);
    assert_eq!(
        svg.matches("<circle").count(),
        ok + 3,
        "one each, and the legend's three functions"
    );
    assert_eq!(
        svg.matches("<polygon").count(),
        1 + 1,
        "one indeterminate, one in the legend"
    );
    for word in [
        "read",
        "write",
        "cas",
        "failed",
        "indeterminate",
        "partition",
        "kill",
        "pause",
        "#3",
    ] {
        assert!(svg.contains(word), "{word}");
    }
}

#[test]
fn latency_counts_from_the_moment_an_operation_was_due() {
    let mut history = history("0 n1 k1: w1@5000-5010");
    let on_time = plots::latency(&data(&history));
    history.operations[0].arrival_time = Some(checker::Nanos(4_000_000_000));
    assert_ne!(plots::latency(&data(&history)), on_time);
}

#[test]
fn the_rate_counts_completions_in_their_second() {
    let history = history(
        "0 n1 k1: w1@100-105 r1@200-205 r1@1100-1105
         1 n1 k1: r1@150-1950 r1!@2100-2200",
    );
    let heights = circle_heights(&plots::rate(&data(&history)));
    let [first, second, third, _legend] = heights[..] else {
        panic!("three seconds and the legend: {heights:?}")
    };
    assert_eq!(
        first, second,
        "two operations succeeded in each of these seconds"
    );
    assert!(third > first, "none in the last, and SVG counts downwards");
}

fn circle_heights(svg: &str) -> Vec<u32> {
    let heights = svg
        .split("<circle ")
        .skip(1)
        .filter_map(|circle| circle.split("cy=\"").nth(1)?.split('"').next());
    heights
        .map(|height| height.parse().expect("pixels are whole"))
        .collect()
}

#[test]
fn empty_and_timeless_histories_have_plots() {
    let mut history = history("0 n1 k1: w1@100-105");
    history.operations[0].call_time = None;
    history.operations[0].return_time = None;
    for plot in [plots::quantiles, plots::latency, plots::rate] {
        let svg = plot(&data(&history));
        assert!(svg.starts_with("<svg ") && svg.trim_end().ends_with("</svg>"));
        let none = self::history("");
        assert!(plot(&data(&none)).trim_end().ends_with("</svg>"));
    }
    assert!(plots::all(&data(&history)).is_empty(), "nothing to see");
}

#[test]
fn quantiles_have_a_panel_for_each_kind_and_a_line_for_each_outcome() {
    let run = large(3_000);
    let svg = plots::quantiles(&run.data());
    for word in [
        "read",
        "write",
        "cas",
        "failed",
        "indeterminate",
        "p50",
        "p99",
        "#3",
        "each 1.0 s",
    ] {
        assert!(svg.contains(word), "{word}");
    }
    assert_eq!(
        svg.matches("stroke-width=\"3\"").count(),
        1 + medians(&run),
        "and one in the legend"
    );
    let alone = history("0 n1 k1: w1@100-105");
    assert!(!plots::quantiles(&data(&alone)).contains("failed"));
}

/// Stretches of neighbouring seconds in which a function ended in an outcome.
fn medians(run: &crate::fixture::Run) -> usize {
    let mut seconds = std::collections::BTreeSet::new();
    for operation in &run.history.operations {
        let (Some(called), Some(_)) = (operation.call_time, operation.return_time) else {
            continue;
        };
        let outcome = format!("{} {:?}", operation.f, operation.outcome);
        seconds.insert((outcome, called.0 / 1_000_000_000));
    }
    let before = |(outcome, second): &&(String, u64)| {
        second
            .checked_sub(1)
            .is_some_and(|before| seconds.contains(&(outcome.clone(), before)))
    };
    seconds.iter().filter(|one| !before(one)).count()
}

#[test]
fn recovery_is_told_of_every_fault_and_of_the_nodes_it_hit() {
    let mut run = stale_read();
    let faults = &mut run.result.as_mut().expect("the fixture is a run").faults;
    let evidence = serde_json::json!({"n3": 142, "n4": null});
    faults[3]
        .evidence
        .insert("served_again_after_ms".to_owned(), evidence);
    let svg = plots::recovery(&run.data()).expect("faults acted");
    for word in [
        "first read",
        "first write",
        "node it had hit",
        ">\nn3\n<",
        "1 node never served again",
    ] {
        assert!(svg.contains(word), "{word}\n{svg}");
    }
    assert!(!svg.contains(">\nn4\n<"));
    assert_eq!(
        plots::recovery(&data(&run.history)),
        None,
        "no fault, no recovery"
    );
}

#[test]
fn wrong_clocks_are_drawn_with_what_the_node_was_told() {
    let svg = plots::clocks(&wrong_clocks().data()).expect("clocks were wrong");
    for word in [
        ">\nn2\n<",
        ">\nn3, monotonic\n<",
        "−50.1 s",
        "+179 s",
        "−100 s",
    ] {
        assert!(svg.contains(word), "{word}\n{svg}");
    }
    assert_eq!(plots::clocks(&stale_read().data()), None);
}

#[test]
fn a_plot_stands_alone_as_a_file() {
    let run = wrong_clocks();
    let plots = plots::all(&run.data());
    let names: Vec<&str> = plots.iter().map(|plot| plot.name).collect();
    assert_eq!(
        names,
        ["quantiles", "latency", "rate", "recovery", "clocks"]
    );
    for plot in plots {
        let file = plot.file();
        assert!(file.starts_with("<svg ") && file.contains("xmlns=\"http://www.w3.org/2000/svg\""));
        assert!(file.contains("class=\"paper\"") && file.contains("prefers-color-scheme:dark"));
        assert!(
            !plot.svg.contains("class=\"paper\""),
            "the page has its own"
        );
    }
    let names: Vec<&str> = plots::all(&healthy().data())
        .iter()
        .map(|plot| plot.name)
        .collect();
    assert_eq!(names, ["quantiles", "latency", "rate", "recovery"]);
}

#[test]
fn long_runs_keep_plots_small() {
    let run = large(30_000);
    assert!(plots::latency(&run.data()).len() < 800_000);
    assert!(plots::rate(&run.data()).len() < 100_000);
}

fn data(history: &checker::History) -> ReportData<'_> {
    ReportData {
        title: "plots",
        result: None,
        history,
        analysis: None,
        explanation: None,
        logs: None,
    }
}
