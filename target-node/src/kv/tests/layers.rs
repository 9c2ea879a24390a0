//! A state that rests on a base is the state that is all in memory.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use proptest::{collection::vec, prelude::*};
use serde_json::json;

use super::{
    oracle::{Asked, asked},
    *,
};
use crate::{
    kv::{Base, BaseError, Changes},
    table::Tables,
};

/// The plainest base.
#[derive(Debug, Default)]
struct Plain {
    values: BTreeMap<Key, JsonText>,
    changed: AtomicBool,
}

impl Base for Plain {
    fn get(&self, key: &Key) -> Option<JsonText> {
        self.values.get(key).cloned()
    }

    fn iter(&self) -> Box<dyn Iterator<Item = (Key, JsonText)> + '_> {
        let values = self.values.iter();
        Box::new(values.map(|(key, value)| (key.clone(), value.clone())))
    }

    fn with(&self, changes: &Changes) -> Result<Arc<dyn Base>, BaseError> {
        let changed = self.changed.swap(true, Ordering::Relaxed);
        assert!(!changed, "a base is changed once at most");
        let mut values = self.values.clone();
        for (key, value) in changes {
            match value {
                Some(value) => values.insert(key.clone(), value.clone()),
                None => values.remove(key),
            };
        }
        let changed = AtomicBool::new(false);
        Ok(Arc::new(Self { values, changed }))
    }

    fn fault(&self) -> Option<BaseError> {
        None
    }
}

#[derive(Debug, Clone)]
enum Step {
    Ask(Asked),
    /// An image is taken; the one before may not have been stored.
    Freeze,
    /// The image is stored.
    Store,
    /// The node starts again from the image of its state, or installs it.
    Decode,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        12 => asked().prop_map(Step::Ask),
        3 => Just(Step::Freeze),
        3 => Just(Step::Store),
        1 => Just(Step::Decode),
    ];
    vec(step, 1..80)
}

/// Two states after the same entries.
struct Pair<F> {
    plain: Kv,
    resting: Kv,
    /// What is on its way to the base, and the bytes it must keep.
    image: Option<(Kv, Vec<u8>)>,
    base: F,
}

fn encoded(kv: &Kv) -> Vec<u8> {
    let mut bytes = Vec::new();
    kv.encode(&mut bytes).unwrap();
    bytes
}

impl<F: FnMut() -> Arc<dyn Base>> Pair<F> {
    fn new(mut base: F) -> Self {
        Self {
            plain: Kv::default(),
            resting: Kv::on(Some(base())),
            image: None,
            base,
        }
    }

    fn take(&mut self, step: &Step) {
        match step {
            Step::Ask(asked) => {
                let given = run(&mut self.resting, asked.command());
                assert_eq!(given, run(&mut self.plain, asked.command()));
            }
            Step::Freeze => {
                self.plain.freeze();
                self.resting.freeze();
                let image = self.resting.clone();
                let bytes = encoded(&self.plain);
                self.image = Some((image, bytes));
            }
            Step::Store => {
                let Some((image, bytes)) = self.image.take() else {
                    return;
                };
                assert_eq!(encoded(&image), bytes, "images stay as they were taken");
                let flushed = image.flush().unwrap().expect("it has a base");
                self.resting.settle(flushed);
                assert_eq!(encoded(&image), bytes, "whatever becomes of the base");
            }
            Step::Decode => {
                let bytes = encoded(&self.plain);
                let base = Some((self.base)());
                self.resting = Kv::decode(base, &mut bytes.as_slice()).unwrap();
                self.image = None;
            }
        }
        self.compare();
    }

    fn compare(&self) {
        assert_eq!(encoded(&self.resting), encoded(&self.plain));
        assert_eq!(self.resting, self.plain);
        for key in ["a", "b", "c"] {
            assert_eq!(read(&self.resting, key), read(&self.plain, key));
        }
    }
}

proptest! {
    #[test]
    fn on_any_base_states_results_and_images_are_those_of_memory(steps in steps()) {
        let mut pair = Pair::new(|| Arc::new(Plain::default()));
        for step in &steps {
            pair.take(step);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]
    #[test]
    fn on_a_table_states_results_and_images_are_those_of_memory(steps in steps()) {
        let folder = tempfile::tempdir().unwrap();
        let mut tables = Tables::open(folder.path()).unwrap();
        let mut pair = Pair::new(|| tables.make().unwrap());
        for step in &steps {
            pair.take(step);
        }
    }
}

fn store(kv: &mut Kv) {
    kv.freeze();
    let flushed = kv.clone().flush().unwrap();
    kv.settle(flushed.expect("it has a base"));
}

#[test]
fn what_was_stored_is_not_in_memory_any_more() {
    let mut kv = Kv::on(Some(Arc::new(Plain::default())));
    for number in 0..100 {
        run(&mut kv, write(&format!("k{number}"), &json!(number)));
    }
    assert_eq!(kv.values.in_memory(), 100);
    store(&mut kv);
    assert_eq!(kv.values.in_memory(), 0);

    run(&mut kv, single("k7", MicroOp::Delete));
    run(&mut kv, single("k8", MicroOp::Add(1)));
    assert_eq!(
        kv.values.in_memory(),
        2,
        "what is gone hides what is stored"
    );
    let seen = |kv: &Kv| ["k7", "k8", "k9"].map(|key| read(kv, key));
    assert_eq!(seen(&kv), [json!(null), json!(9), json!(9)]);
    store(&mut kv);
    assert_eq!(kv.values.in_memory(), 0);
    assert_eq!(seen(&kv), [json!(null), json!(9), json!(9)]);
}

#[test]
fn what_changes_while_an_image_is_stored_stays() {
    let mut kv = Kv::on(Some(Arc::new(Plain::default())));
    run(&mut kv, write("a", &json!(1)));
    run(&mut kv, write("b", &json!(1)));
    kv.freeze();
    let image = kv.clone();
    run(&mut kv, write("a", &json!(2)));
    let flushed = image.flush().unwrap().unwrap();
    kv.settle(flushed);
    assert_eq!(kv.values.in_memory(), 1);
    assert_eq!((read(&kv, "a"), read(&kv, "b")), (json!(2), json!(1)));
}

#[test]
fn a_state_that_took_the_place_of_another_keeps_its_own_base() {
    let mut kv = Kv::on(Some(Arc::new(Plain::default())));
    run(&mut kv, write("a", &json!(1)));
    kv.freeze();
    let flushed = kv.flush().unwrap().unwrap();
    let mut installed = Kv::on(Some(Arc::new(Plain::default())));
    run(&mut installed, write("b", &json!(2)));
    installed.settle(flushed);
    assert_eq!(read(&installed, "a"), json!(null));
    assert_eq!(read(&installed, "b"), json!(2));
}

#[test]
fn a_large_image_goes_to_the_base_piece_by_piece() {
    let mut kv = Kv::default();
    let long = json!("x".repeat(1 << 16));
    for number in 0..200 {
        run(&mut kv, write(&format!("k{number}"), &long));
    }
    let base: Arc<dyn Base> = Arc::new(Plain::default());
    let decoded = Kv::decode(Some(base), &mut encoded(&kv).as_slice()).unwrap();
    assert_eq!(decoded.values.in_memory(), 0);
    assert_eq!(decoded, kv);
}
