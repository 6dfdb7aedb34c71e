//! The ranks of values, by which a few that are far off count no more than others.

use std::cmp::Ordering;

/// The rank of each value among all of them, from 1 on; equal ones share the mean of theirs (Wilcoxon, 1945).
pub(crate) fn ranks(values: &[f64]) -> Vec<f64> {
    let rank = |value: &f64| {
        let (mut below, mut equal) = (0, 0);
        for other in values {
            match other.total_cmp(value) {
                Ordering::Less => below += 1,
                Ordering::Equal => equal += 1,
                Ordering::Greater => {}
            }
        }
        f64::from(below) + (f64::from(equal) + 1.0) / 2.0
    };
    values.iter().map(rank).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_values_share_their_ranks_and_one_far_off_has_but_the_last() {
        assert_eq!(ranks(&[0.3, 0.1, 1e9, 0.1]), [3.0, 1.5, 4.0, 1.5]);
        assert!(ranks(&[]).is_empty());
    }
}
