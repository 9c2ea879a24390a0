#![no_main]

use checker::Value;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    if let Ok(value) = Value::parse_literal(text) {
        assert_eq!(value, value.clone());
        let _ = value.to_string();
    }
});
