//! What every reader must keep, whatever it is given.

use checker::{Budget, Format, History, Limit, OpId, formats};

/// A history of a hostile file may not take more than this many times its bytes.
struct Bounded {
    held_bytes: u64,
}

impl Budget for Bounded {
    fn exceeded(&self, own_memory_estimate_bytes: u64) -> Option<Limit> {
        let too_much = own_memory_estimate_bytes > self.held_bytes;
        too_much.then_some(Limit::Memory(self.held_bytes))
    }
}

/// Reads, and checks the invariants of what was read.
pub fn read(bytes: &[u8], format: Option<Format>) -> Option<History> {
    let budget = Bounded { held_bytes: 64 << 20 };
    let history = formats::read_from(bytes, format, "fuzz", &budget).ok()?;
    for (number, operation) in history.operations.iter().enumerate() {
        assert_eq!(operation.id, OpId(number));
        assert!(operation.ret.is_none_or(|ret| ret > operation.call));
    }
    assert!(history.operations.is_sorted_by_key(|operation| operation.call));
    Some(history)
}
