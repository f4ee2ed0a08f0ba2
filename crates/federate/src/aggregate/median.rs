//! The value in the middle.

/// # Panics
/// If there are no values.
pub(super) fn of_sorted(values: &[f32]) -> f64 {
    let middle = values.len() / 2;
    match values.len() % 2 {
        1 => f64::from(values[middle]),
        _ => (f64::from(values[middle - 1]) + f64::from(values[middle])) / 2.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn less_than_half_of_the_clients_cannot_move_it_beyond_the_others() {
        assert_eq!(of_sorted(&[1.0, 2.0, 1e30]), 2.0);
        assert_eq!(of_sorted(&[1.0, 2.0, 3.0, 1e30]), 2.5);
        assert_eq!(of_sorted(&[f32::MIN, f32::MAX]), 0.0);
        assert_eq!(of_sorted(&[4.0]), 4.0);
    }
}
