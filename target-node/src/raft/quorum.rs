//! Majorities.

/// How many of some nodes decide for all of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Quorum {
    /// More than half.
    Majority,
    /// Half, which two sides can have: a planted bug.
    Half,
    /// One less than a majority: a planted bug.
    OneLess,
}

impl Quorum {
    /// How many of `nodes`; at least one.
    pub(crate) const fn size(self, nodes: usize) -> usize {
        match self {
            Self::Majority => nodes / 2 + 1,
            Self::Half if nodes < 2 => 1,
            Self::Half => nodes / 2,
            Self::OneLess if nodes < 2 => 1,
            Self::OneLess => nodes.div_ceil(2),
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
    fn what_a_majority_has_reached() {
        assert_eq!(Quorum::Majority.reached(vec![5]), Some(5));
        assert_eq!(Quorum::Majority.reached(vec![9, 1]), Some(1));
        assert_eq!(Quorum::Majority.reached(vec![1, 7, 3]), Some(3));
        assert_eq!(Quorum::Majority.reached(vec![8, 1, 2, 9]), Some(2));
        assert_eq!(Quorum::Majority.reached(vec![4, 4, 9, 1, 0]), Some(4));
    }
}
