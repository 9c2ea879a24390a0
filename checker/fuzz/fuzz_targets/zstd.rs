#![no_main]

mod reading;

use libfuzzer_sys::fuzz_target;

// A damaged container, and a whole one around hostile text: it is read as the text is.
fuzz_target!(|bytes: &[u8]| {
    let mut damaged = vec![0x28, 0xb5, 0x2f, 0xfd];
    damaged.extend_from_slice(bytes);
    reading::read(&damaged, None);
    let packed = zstd::encode_all(bytes, 1).expect("memory is a good writer");
    let plain = reading::read(bytes, None);
    if bytes.starts_with(&[0x28, 0xb5, 0x2f, 0xfd]) || bytes.starts_with(&[0x1f, 0x8b]) {
        return;
    }
    let unpacked = reading::read(&packed, None);
    assert_eq!(
        plain.map(|history| history.operations),
        unpacked.map(|history| history.operations)
    );
});
