//! Plots as files of their own.

use crate::fixture::large::large;
use crate::fixture::notation::history;
use crate::fixture::runs::stale_read;
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
    for plot in [plots::latency, plots::rate] {
        let svg = plot(&data(&history));
        assert!(svg.starts_with("<svg ") && svg.trim_end().ends_with("</svg>"));
        history.operations.clear();
        assert!(plot(&data(&history)).trim_end().ends_with("</svg>"));
    }
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
    }
}
