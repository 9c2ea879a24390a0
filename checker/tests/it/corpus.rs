//! Public histories with known verdicts, where a copy is at hand: `ADRASTEIA_CORPUS` names the folder with `verdicts.tsv`.

use std::path::Path;

use checker::{Format, KeyResult, ModelName, ModelSpec, Unlimited, Value, check, formats};

use crate::witness;

#[test]
fn every_public_history_gets_its_known_verdict() {
    let Some(folder) = std::env::var_os("ADRASTEIA_CORPUS") else {
        println!("skipped: ADRASTEIA_CORPUS does not name a folder with verdicts.tsv");
        return;
    };
    let folder = Path::new(&folder);
    let table = std::fs::read_to_string(folder.join("verdicts.tsv"))
        .expect("the corpus has a table of verdicts");
    let rows: Vec<Vec<&str>> = table
        .lines()
        .skip(1)
        .map(|line| line.split('\t').collect())
        .collect();
    assert!(!rows.is_empty(), "the table has rows");
    let wrong: Vec<String> = rows
        .iter()
        .filter_map(|row| wrong_verdict(folder, row))
        .collect();
    assert!(
        wrong.is_empty(),
        "of {} histories:\n{}",
        rows.len(),
        wrong.join("\n")
    );
}

fn wrong_verdict(folder: &Path, row: &[&str]) -> Option<String> {
    let [file, format, model, initial, expected, ..] = row else {
        panic!("a row has five fields: {row:?}")
    };
    let bytes = std::fs::read(folder.join(file)).expect("the file of a row exists");
    let format: Format = format
        .trim_start_matches("jepsen-")
        .parse()
        .expect("a format we read");
    let initial = if *initial == "empty" { "\"\"" } else { initial };
    let spec = ModelSpec {
        name: model.parse().expect("a model we have"),
        initial: Some(Value::parse_literal(initial).expect("an initial value")),
    };
    let history = formats::read(&bytes, None, file).expect("a readable history");
    assert_eq!(history.format, format, "{file}");
    let analysis = check(&history, &spec, &Unlimited).expect("operations of the model");
    let outcome = analysis.outcome().to_string();
    for key in &analysis.keys {
        if let (KeyResult::Valid { witness }, ModelName::KvAppend) = (&key.result, spec.name) {
            let operations: Vec<_> = history
                .operations
                .iter()
                .filter(|one| one.key == key.key)
                .cloned()
                .collect();
            witness::verify(&history, &operations, witness, spec.name, &Value::from(""));
        }
    }
    (outcome != *expected).then(|| format!("{file}: {outcome}, not {expected}"))
}
