//! Majorities.

/// The size of a majority of `nodes`.
pub(crate) const fn majority(nodes: usize) -> usize {
    nodes / 2 + 1
}

/// The greatest value that a majority has reached; `values` holds one value a node.
pub(crate) fn reached_by_majority<T: Ord + Copy>(mut values: Vec<T>) -> Option<T> {
    values.sort_unstable_by(|a, b| b.cmp(a));
    values.get(majority(values.len()) - 1).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_majorities_always_share_a_node() {
        for nodes in 1..=9 {
            assert!(2 * majority(nodes) > nodes);
            assert!(2 * (majority(nodes) - 1) <= nodes);
        }
    }

    #[test]
    fn what_a_majority_has_reached() {
        assert_eq!(reached_by_majority(vec![5]), Some(5));
        assert_eq!(reached_by_majority(vec![9, 1]), Some(1));
        assert_eq!(reached_by_majority(vec![1, 7, 3]), Some(3));
        assert_eq!(reached_by_majority(vec![8, 1, 2, 9]), Some(2));
        assert_eq!(reached_by_majority(vec![4, 4, 9, 1, 0]), Some(4));
    }
}
