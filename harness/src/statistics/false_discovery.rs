//! Many tests at once: which of them found something, if few of the findings may be chance.

/// True for each test that found something, by its p: of those, the share that is chance is at most
/// `rate` in the mean (Benjamini and Hochberg, 1995). Where all is chance, that is the probability to
/// find anything at all.
pub(crate) fn discoveries(p_values: &[f64], rate: f64) -> Vec<bool> {
    let mut sorted = p_values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let bound = |rank: usize| rate * rank as f64 / sorted.len() as f64;
    let largest = sorted.iter().enumerate().rev().find(|(place, p)| **p <= bound(place + 1));
    let largest = largest.map(|(_, p)| *p);
    p_values.iter().map(|p| largest.is_some_and(|largest| *p <= largest)).collect()
}

#[cfg(test)]
mod tests {
    use super::discoveries;

    #[test]
    fn the_fifteen_tests_of_the_paper_find_four() {
        // Benjamini and Hochberg (1995), section 3.2: thrombolysis, at 5 %.
        let p_values = [
            0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459, 0.3240, 0.4262,
            0.5719, 0.6528, 0.7590, 1.0,
        ];
        let found = discoveries(&p_values, 0.05);
        assert_eq!(found.iter().filter(|found| **found).count(), 4);
        assert!(found[..4].iter().all(|found| *found));
        // In whichever order.
        let backwards: Vec<f64> = p_values.iter().rev().copied().collect();
        assert!(discoveries(&backwards, 0.05)[11..].iter().all(|found| *found));
    }

    #[test]
    fn one_that_fails_alone_may_pass_among_others() {
        assert_eq!(discoveries(&[0.04, 0.045], 0.05), [true, true]);
        assert_eq!(discoveries(&[0.04, 0.5], 0.05), [false, false]);
        assert_eq!(discoveries(&[], 0.05), [true; 0]);
    }
}
