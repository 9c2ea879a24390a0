#![no_main]

mod reading;

use checker::{Format, History, Operation, Outcome, formats};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Some(history) = reading::read(bytes, None) else {
        return;
    };
    for format in Format::ALL {
        let mut written = Vec::new();
        if formats::write(&history, format, &mut written).is_err() {
            continue;
        }
        if history.operations.iter().all(|one| one.outcome == Outcome::Fail) {
            continue;
        }
        let again = formats::read(&written, Some(format), "written")
            .unwrap_or_else(|error| panic!("{error}:\n{}", String::from_utf8_lossy(&written)));
        same(&history, &again, format);
    }
});

/// What every format keeps, and what the exact ones do.
fn same(history: &History, again: &History, format: Format) {
    let drops_failed = format == Format::PorcupineOperations;
    let kept = |one: &&Operation| !drops_failed || one.outcome != Outcome::Fail || one.f == "cas";
    let before: Vec<_> = history.operations.iter().filter(kept).collect();
    assert_eq!(before.len(), again.operations.len(), "{format}");
    for (one, other) in before.iter().zip(&again.operations) {
        assert_eq!(
            (&one.f, &one.key, one.outcome),
            (&other.f, &other.key, other.outcome),
            "{format}"
        );
        // Porcupine's operations have one value: what a read found, or what the others asked for.
        let is_read = matches!(one.f.as_str(), "read" | "get");
        if !(drops_failed && is_read) {
            assert_eq!(one.input, other.input, "{format}");
        }
        if !drops_failed || is_read && one.outcome == Outcome::Ok {
            assert_eq!(one.output, other.output, "{format}");
        }
        if matches!(format, Format::Jsonl | Format::Json | Format::Edn) {
            assert_eq!(
                (one.process, one.invoke_index, one.complete_index, one.call_time, one.return_time),
                (other.process, other.invoke_index, other.complete_index, other.call_time, other.return_time),
            );
            assert_eq!((&one.node, &one.error), (&other.node, &other.error));
        }
    }
    for (one, other) in before.iter().zip(&again.operations) {
        for (two, second) in before.iter().zip(&again.operations).take(50) {
            assert_eq!(
                one.ret.is_some_and(|ret| ret < two.call),
                other.ret.is_some_and(|ret| ret < second.call),
                "{format}: real time"
            );
        }
    }
}
