//! Majorities.

/// How many of some nodes decide for all of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Quorum {
    /// More than half.
    Majority,
    /// Half or less: one less than a majority, which two sides can have. Only planted bugs ask for it.
    Half,
}

impl Quorum {
    /// How many of `nodes`; at least one.
    pub(crate) const fn size(self, nodes: usize) -> usize {
        match self {
            Self::Majority => nodes / 2 + 1,
            Self::Half if nodes < 2 => 1,
            Self::Half => nodes / 2,
        }
    }

    /// The greatest value that a quorum has reached; `values` holds one value a node.
    pub(crate) fn reached<T: Ord + Copy>(self, mut values: Vec<T>) -> Option<T> {
        values.sort_unstable_by(|a, b| b.cmp(a));
        values.get(self.size(values.len()) - 1).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_majorities_always_share_a_node() {
        for nodes in 1..=9 {
            assert!(2 * Quorum::Majority.size(nodes) > nodes);
            assert!(2 * (Quorum::Majority.size(nodes) - 1) <= nodes);
        }
    }

    #[test]
    fn half_is_one_less_than_a_majority_and_never_nobody() {
        for nodes in 2..=9 {
            assert_eq!(Quorum::Half.size(nodes) + 1, Quorum::Majority.size(nodes));
        }
        assert_eq!(Quorum::Half.size(1), 1);
    }

    #[test]
    fn what_a_majority_has_reached() {
        assert_eq!(Quorum::Majority.reached(vec![5]), Some(5));
        assert_eq!(Quorum::Majority.reached(vec![9, 1]), Some(1));
        assert_eq!(Quorum::Majority.reached(vec![1, 7, 3]), Some(3));
        assert_eq!(Quorum::Majority.reached(vec![8, 1, 2, 9]), Some(2));
        assert_eq!(Quorum::Majority.reached(vec![4, 4, 9, 1, 0]), Some(4));
    }
}
