//! A map in layers: what changed lately over what rests elsewhere.
//!
//! This is the write buffer of a log-structured merge tree (Raft thesis, section 4.3) over one run: changes gather in
//! `delta`; when an image is taken they are frozen; when the image is stored they are in the base that comes next. The
//! log of Raft is the write-ahead log of both layers in memory. Without a base, `delta` is the whole map.

use std::{cmp::Ordering, iter, mem, sync::Arc};

use super::{
    base::{Base, BaseError, Changes},
    command::Key,
    value::JsonText,
};

/// A map of keys that hold something.
///
/// - A layer hides what the ones below it say of its keys.
/// - Without a base nothing is frozen, and `delta` has no key that holds nothing.
/// - A clone costs nothing and stays what it is.
#[derive(Debug, Default, Clone)]
pub(super) struct Layers {
    /// Changed since the last freeze.
    delta: Changes,
    /// Changed since `base`, and on its way into the next one.
    frozen: Changes,
    base: Option<Arc<dyn Base>>,
}

/// A base, and the one that it became by what was frozen over it.
#[derive(Debug)]
pub(crate) struct Flushed {
    from: Arc<dyn Base>,
    to: Arc<dyn Base>,
}

impl Layers {
    /// What a base holds; without one, nothing, and all that comes stays in memory.
    pub(super) fn on(base: Option<Arc<dyn Base>>) -> Self {
        Self {
            base,
            ..Self::default()
        }
    }

    pub(super) fn get(&self, key: &Key) -> Option<JsonText> {
        let changed = self.delta.get(key).or_else(|| self.frozen.get(key));
        match (changed, &self.base) {
            (Some(value), _) => value.clone(),
            (None, Some(base)) => base.get(key),
            (None, None) => None,
        }
    }

    pub(super) fn put(&mut self, key: Key, value: Option<JsonText>) {
        if value.is_none() && self.base.is_none() {
            self.delta.remove(&key);
        } else {
            self.delta.insert(key, value);
        }
    }

    /// All keys that hold something, in order.
    pub(super) fn iter(&self) -> impl Iterator<Item = (Key, JsonText)> {
        let base = self.base.iter().flat_map(|base| base.iter());
        let base = base.map(|(key, value)| (key, Some(value)));
        over(changes(&self.delta), over(changes(&self.frozen), base))
            .filter_map(|(key, value)| Some((key, value?)))
    }

    /// Readies what changed for [`Self::flush`] of a clone.
    pub(super) fn freeze(&mut self) {
        if self.base.is_some() {
            // Something is frozen already if its flush did not take place.
            self.frozen = mem::take(&mut self.delta).union(mem::take(&mut self.frozen));
        }
    }

    /// Makes the base that what is frozen leads to; nothing without a base.
    pub(super) fn flush(&self) -> Result<Option<Flushed>, BaseError> {
        let Some(from) = &self.base else {
            return Ok(None);
        };
        let to = from.with(&self.frozen)?;
        let from = from.clone();
        Ok(Some(Flushed { from, to }))
    }

    /// Rests on the base that what is frozen here, and only that, led to. One of another state changes nothing.
    pub(super) fn settle(&mut self, flushed: Flushed) {
        let is_own = |base: &Arc<dyn Base>| Arc::ptr_eq(base, &flushed.from);
        if self.base.as_ref().is_some_and(is_own) {
            self.base = Some(flushed.to);
            self.frozen = Changes::default();
        }
    }

    /// The first failure of the base; reads may have given anything since.
    pub(super) fn fault(&self) -> Option<BaseError> {
        self.base.as_ref().and_then(|base| base.fault())
    }

    /// Keys that are held in memory.
    #[cfg(test)]
    pub(super) fn in_memory(&self) -> usize {
        self.delta.len() + self.frozen.len()
    }
}

/// The same keys hold the same, in whatever layers.
impl PartialEq for Layers {
    fn eq(&self, other: &Self) -> bool {
        if self.base.is_none() && other.base.is_none() {
            return self.delta == other.delta;
        }
        self.iter().eq(other.iter())
    }
}

impl Eq for Layers {}

type Change = (Key, Option<JsonText>);

fn changes(layer: &Changes) -> impl Iterator<Item = Change> {
    layer
        .iter()
        .map(|(key, value)| (key.clone(), value.clone()))
}

/// What two layers say together, each in the order of its keys; of a key in both, what the upper one says.
fn over(
    upper: impl Iterator<Item = Change>,
    lower: impl Iterator<Item = Change>,
) -> impl Iterator<Item = Change> {
    let (mut upper, mut lower) = (upper.peekable(), lower.peekable());
    iter::from_fn(move || {
        let order = match (upper.peek(), lower.peek()) {
            (Some((above, _)), Some((below, _))) => above.cmp(below),
            (Some(_), None) => Ordering::Less,
            (None, _) => Ordering::Greater,
        };
        match order {
            Ordering::Less => upper.next(),
            Ordering::Equal => {
                lower.next();
                upper.next()
            }
            Ordering::Greater => lower.next(),
        }
    })
}
