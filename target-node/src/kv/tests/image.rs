//! Images: what is read is what was written, and damage is seen.

use serde_json::json;

use super::*;
use crate::kv::image::ImageError;

fn encoded(kv: &Kv) -> Vec<u8> {
    let mut bytes = Vec::new();
    kv.encode(&mut bytes).unwrap();
    bytes
}

fn furnished() -> Kv {
    let mut kv = Kv::default();
    for number in 0..50 {
        propose(
            &mut kv,
            number,
            append(&format!("k{}", number % 7), &json!(number)),
        );
    }
    run(&mut kv, acquire("l", "ann"));
    let client = register(&mut kv, 1000);
    for sequence in [2, 5] {
        let stamp = stamp(client, sequence, 2);
        propose_once(&mut kv, 60, stamp, append("once", &json!(sequence)));
    }
    kv
}

#[test]
fn an_image_shows_the_whole_state_and_stays_as_it_was_taken() {
    let mut kv = furnished();
    let image = kv.clone();
    run(&mut kv, write("k1", &json!("later")));
    let decoded = Kv::decode(None, &mut encoded(&image).as_slice()).unwrap();
    assert_eq!(decoded, furnished());
    assert_eq!(decoded.hash().unwrap(), furnished().hash().unwrap());
    assert_ne!(decoded.hash().unwrap(), kv.hash().unwrap());
}

#[test]
fn what_commands_can_see_is_in_the_hash() {
    let base = furnished();
    let mut hashes = vec![base.hash().unwrap().to_string()];
    for command in [
        write("k1", &json!(0)),
        single("k1", MicroOp::Delete),
        acquire("other", "ann"),
        acquire("l", "ann"),
    ] {
        let mut kv = base.clone();
        run(&mut kv, command);
        hashes.push(kv.hash().unwrap().to_string());
    }
    hashes.sort_unstable();
    hashes.dedup();
    assert_eq!(hashes.len(), 5);
}

#[test]
fn the_hash_is_the_same_for_ever() {
    // A change of these numbers is a change of the format: nodes of two versions would call each other diverged.
    assert_eq!(
        Kv::default().hash().unwrap().to_string(),
        "cae6dfdeea7b1ddf"
    );
    assert_eq!(furnished().hash().unwrap().to_string(), "6ac48f3a6fb56896");
}

#[test]
fn an_image_that_is_cut_short_anywhere_is_refused() {
    let bytes = encoded(&furnished());
    for length in 0..bytes.len() {
        assert!(
            Kv::decode(None, &mut &bytes[..length]).is_err(),
            "{length} bytes"
        );
    }
    let mut more = bytes.as_slice().to_vec();
    more.push(7);
    let mut rest = more.as_slice();
    Kv::decode(None, &mut rest).unwrap();
    assert_eq!(rest, [7], "what follows is not touched");
}

#[test]
fn what_is_no_image_says_so() {
    let damage = |place: usize, byte: u8| {
        let mut bytes = encoded(&furnished());
        bytes[place] = byte;
        Kv::decode(None, &mut bytes.as_slice()).unwrap_err()
    };
    assert!(matches!(damage(0, b'X'), ImageError::Foreign(_)));
    assert!(matches!(damage(5, 200), ImageError::Version(200)));
    assert!(matches!(
        damage(9, 255),
        ImageError::Damaged { records: 0, .. }
    ));
    assert!(matches!(
        damage(6, 2),
        ImageError::Damaged { records: 0, .. }
    ));
}
