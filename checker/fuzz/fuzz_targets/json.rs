#![no_main]

mod reading;

use checker::Format;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    reading::read(bytes, Some(Format::Json));
});
