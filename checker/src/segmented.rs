//! A list that grows in parts of the same size, none of which ever moves.
//!
//! A vector that has to grow is copied, old and new beside each other: a jump of up to twice what it held, between two looks at the
//! memory there is.

/// How many things a part has.
const PART: usize = 1 << 12;

#[derive(Clone, Debug)]
pub(crate) struct Segmented<T> {
    parts: Vec<Vec<T>>,
}

impl<T> Default for Segmented<T> {
    fn default() -> Self {
        Self { parts: Vec::new() }
    }
}

impl<T> Segmented<T> {
    pub(crate) fn push(&mut self, thing: T) {
        match self.parts.last_mut() {
            Some(last) if last.len() < PART => last.push(thing),
            // The first one may stay small.
            None => self.parts.push(vec![thing]),
            Some(_) => {
                let mut part = Vec::with_capacity(PART);
                part.push(thing);
                self.parts.push(part);
            }
        }
    }

    /// The thing at a place, which there is.
    pub(crate) fn at(&self, place: usize) -> &T {
        &self.parts[place / PART][place % PART]
    }

    pub(crate) fn len(&self) -> usize {
        let full = self.parts.len().saturating_sub(1) * PART;
        self.parts.last().map_or(0, |last| full + last.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn things_keep_their_places_over_many_parts() {
        let mut list = Segmented::default();
        assert_eq!(list.len(), 0);
        for number in 0..3 * PART + 5 {
            list.push(number);
            assert_eq!(list.len(), number + 1);
        }
        assert!((0..list.len()).all(|place| *list.at(place) == place));
    }
}
