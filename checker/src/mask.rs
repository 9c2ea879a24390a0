//! A set of slots, as wide as a history needs.

/// A set of numbers below `64 * WORDS`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Mask<const WORDS: usize>([u64; WORDS]);

impl<const WORDS: usize> Mask<WORDS> {
    pub(crate) const EMPTY: Self = Self([0; WORDS]);

    pub(crate) fn has(&self, slot: u32) -> bool {
        self.0[slot as usize / 64] >> (slot % 64) & 1 == 1
    }

    pub(crate) fn insert(&mut self, slot: u32) {
        self.0[slot as usize / 64] |= 1 << (slot % 64);
    }

    pub(crate) fn remove(&mut self, slot: u32) {
        self.0[slot as usize / 64] &= !(1 << (slot % 64));
    }

    pub(crate) fn and(&self, other: &Self) -> Self {
        Self(std::array::from_fn(|word| self.0[word] & other.0[word]))
    }

    pub(crate) fn minus(&self, other: &Self) -> Self {
        Self(std::array::from_fn(|word| self.0[word] & !other.0[word]))
    }

    /// The same slots, with room for more.
    pub(crate) fn widened<const MORE: usize>(&self) -> Mask<MORE> {
        Mask(std::array::from_fn(|word| {
            self.0.get(word).copied().unwrap_or(0)
        }))
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.iter().all(|word| *word == 0)
    }

    pub(crate) fn len(&self) -> u32 {
        self.0.iter().map(|word| word.count_ones()).sum()
    }

    /// The members, the smallest first.
    pub(crate) fn slots(self) -> impl Iterator<Item = u32> {
        (0..).zip(self.0).flat_map(|(number, mut word)| {
            std::iter::from_fn(move || {
                let bit = (word != 0).then(|| word.trailing_zeros())?;
                word &= word - 1;
                Some(64 * number + bit)
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_beyond_the_first_word_are_kept_apart() {
        let mut mask = Mask::<2>::EMPTY;
        mask.insert(3);
        mask.insert(67);
        assert!(mask.has(3) && mask.has(67) && !mask.has(4) && !mask.has(66));
        assert_eq!(mask.slots().collect::<Vec<_>>(), [3, 67]);
        mask.remove(3);
        assert!(!mask.has(3) && mask.has(67));
        let mut larger = mask;
        larger.insert(127);
        assert_eq!(larger.minus(&mask).slots().collect::<Vec<_>>(), [127]);
        assert_eq!(larger.minus(&mask).and(&larger), larger.minus(&mask));
        assert_eq!((larger.len(), Mask::<2>::EMPTY.is_empty()), (2, true));
    }
}
