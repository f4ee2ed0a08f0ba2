//! The mean without what is largest and smallest.

/// # Panics
/// If there are no values, or the share is one half or more.
pub(super) fn of_sorted(values: &[f32], share: f64) -> f64 {
    // A little more, so that a share such as 0.2 of 5 is 1 however it was rounded.
    let cut = (share * values.len() as f64 + 1e-9).floor() as usize;
    let cut = cut.min(values.len().saturating_sub(1) / 2);
    let kept = &values[cut..values.len() - cut];
    assert!(!kept.is_empty(), "a mean of nothing");
    kept.iter().copied().map(f64::from).sum::<f64>() / kept.len() as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn liars_at_both_ends_are_cut_off() {
        let values = [-1e30, 1.0, 2.0, 3.0, 1e30];
        assert_eq!(of_sorted(&values, 0.2), 2.0);
        assert_eq!(of_sorted(&values, 0.399), 2.0);
        assert_eq!(of_sorted(&values, 0.4), 2.0);
        assert!(of_sorted(&[1.0, 2.0, 3.0, 1e30], 0.2) > 1e29, "a fifth of four is none");
        assert_eq!(of_sorted(&[1.0, 2.0, 3.0, 1e30], 0.25), 2.5);
        assert_eq!(of_sorted(&[7.0], 0.49), 7.0);
        assert_eq!(of_sorted(&[7.0, 9.0], 0.49), 8.0);
    }
}
