//! What the values of a state may rest on: a map that never changes, kept somewhere else than in memory.

use std::{fmt, sync::Arc};

use imbl::OrdMap;

use super::{command::Key, value::JsonText};

/// Keys that changed, and what they hold now; none if nothing.
pub(crate) type Changes = OrdMap<Key, Option<JsonText>>;

/// A map that never changes.
///
/// A read that fails gives anything. The fault is known from then on, before the read returns, and is final: who
/// lets out what came of reads asks for it first.
pub(crate) trait Base: fmt::Debug + Send + Sync {
    /// What a key holds.
    fn get(&self, key: &Key) -> Option<JsonText>;

    /// All keys that hold something, in order.
    fn iter(&self) -> Box<dyn Iterator<Item = (Key, JsonText)> + '_>;

    /// The map that this one becomes by the changes; this one stays. Each map is changed once at most.
    fn with(&self, changes: &Changes) -> Result<Arc<dyn Base>, BaseError>;

    /// The first failure of this map or of one it came from or became.
    fn fault(&self) -> Option<BaseError>;
}

/// Why a base cannot be read or written; the node must stop.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "cannot {action} {file}: {cause}; see to the disk and start the node again, which makes the file anew"
)]
pub(crate) struct BaseError {
    pub(crate) action: &'static str,
    pub(crate) file: String,
    pub(crate) cause: String,
}
