//! What is special about clocks that come by a library: whom it does not reach, whom it still reaches, and when it is taken.

use crate::clock_scenes::{
    DAY, assert_all_a_day_ahead, clock, commands, start, static_program, told, wait_until,
};
use crate::runner::{Scene, enter_lab, skip};
use nemesis::clocks::{ClockChoice, ClockWay};
use nemesis::doctor::choose_clocks;
use seccompiler::{BpfProgram, SeccompAction, SeccompFilter};
use std::fs;
use std::path::Path;

pub(crate) const SCENES: &[Scene] = &[
    Scene::test("preloaded_clocks::kept_at_exec", |_| kept_at_exec()),
    Scene::test("preloaded_clocks::static_programs_are_refused", |_| {
        static_programs();
    }),
    Scene::test("preloaded_clocks::missing_page_is_refused", |_| {
        missing_page();
    }),
    Scene::test("preloaded_clocks::chosen_where_ptrace_is_refused", |_| {
        without_ptrace();
    }),
    Scene::test("preloaded_clocks::other_libraries_stay", |_| {
        other_libraries();
    }),
];

/// A program that is no script executes another one, which finds the library in its environment.
fn kept_at_exec() {
    enter_lab();
    let clock = clock(ClockWay::Preload);
    clock.install(DAY).unwrap();
    let words = ["-c", "date +n:%s; sleep 1000 & while :; do :; done"];
    let node = start(Path::new("/bin/sh"), &words, &clock).unwrap();
    wait_until(|| {
        let reach = node.clock_reach(&clock);
        reach.missed.is_empty() && commands(&node, &clock) == ["sh", "sleep"]
    });
    assert_all_a_day_ahead(&told(), 1);
}

fn static_programs() {
    enter_lab();
    let program = static_program();
    let clock = clock(ClockWay::Preload);
    let error = start(&program, &[], &clock).unwrap_err().to_string();
    assert!(error.contains("linked statically"), "{error}");
}

/// The program runs on without its pages, and the start says that it does.
fn missing_page() {
    enter_lab();
    let clock = clock(ClockWay::Preload);
    fs::remove_file(clock.path()).unwrap();
    let error = start(Path::new("/bin/date"), &["+n:%s"], &clock)
        .unwrap_err()
        .to_string();
    assert!(error.contains("/bin/date has not loaded"), "{error}");
    assert_eq!(told().len(), 1);
}

/// As in a container whose profile denies it.
fn without_ptrace() {
    deny_ptrace();
    let reason = match choose_clocks(ClockChoice::Vdso) {
        Err(refusal) if refusal.why.contains("ptrace") || refusal.why.contains("trace") => refusal,
        other => panic!("{other:?}"),
    };
    let chosen = choose_clocks(ClockChoice::Auto).unwrap();
    assert_eq!(chosen.way, ClockWay::Preload);
    assert!(chosen.reason.contains(&reason.why), "{}", chosen.reason);
    enter_lab();
    let clock = clock(chosen.way);
    clock.install(DAY).unwrap();
    let mut node = start(Path::new("/bin/date"), &["+n:%s"], &clock).unwrap();
    wait_until(|| node.try_wait().unwrap().is_some());
    assert_all_a_day_ahead(&told(), 1);
}

/// For this process and all it starts.
fn deny_ptrace() {
    let here = std::env::consts::ARCH.try_into();
    let here = here.unwrap_or_else(|error| skip(format_args!("no filter: {error}")));
    let rules = [(nix::libc::SYS_ptrace, Vec::new())].into();
    let denied = SeccompAction::Errno(nix::libc::EPERM as u32);
    let filter = SeccompFilter::new(rules, SeccompAction::Allow, denied, here).unwrap();
    let program: BpfProgram = filter.try_into().unwrap();
    seccompiler::apply_filter(&program).unwrap();
}

/// What was to be preloaded anyway is preloaded after ours.
fn other_libraries() {
    enter_lab();
    let clock = clock(ClockWay::Preload);
    clock.install(DAY).unwrap();
    let other = "/run/other.so";
    fs::copy("/run/clock.so", other).unwrap();
    let script = crate::clock_scenes::executable("/run/outer", "echo $LD_PRELOAD; date +n:%s");
    let mut spec = crate::clock_scenes::spec(&script, &[], &clock);
    spec.env = vec![("LD_PRELOAD".into(), other.into())];
    let mut node = nemesis::process::NodeProcess::spawn(&spec).unwrap();
    wait_until(|| node.try_wait().unwrap().is_some());
    let log = fs::read_to_string("/run/log").unwrap();
    assert!(log.starts_with("/run/clock.so:/run/other.so\n"), "{log}");
    assert_all_a_day_ahead(&told(), 1);
}
