//! The mean by weights, added up in f64 in the order in which it is given the clients.

/// A mean that grows.
pub(crate) struct Mean {
    sum: Vec<f64>,
    weight: u64,
}

impl Mean {
    pub(crate) fn new(dimension: usize) -> Self {
        // Of negative zeros alone the sum is one as well.
        Mean { sum: vec![-0.0; dimension], weight: 0 }
    }

    pub(crate) fn add(&mut self, values: impl Iterator<Item = f64>, weight: u64) {
        self.weight += weight;
        let weight = weight as f64;
        self.sum.iter_mut().zip(values).for_each(|(sum, value)| *sum += weight * value);
    }

    /// # Panics
    /// If nothing was added.
    pub(crate) fn finish(self) -> Vec<f64> {
        assert!(self.weight > 0, "a mean of nothing");
        let weight = self.weight as f64;
        self.sum.into_iter().map(|sum| sum / weight).collect()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn zeros_keep_their_sign_and_the_smallest_numbers_their_bits() {
        let values = [-0.0, 0.0, f32::from_bits(1), -f32::from_bits(1), f32::MAX, f32::MIN_POSITIVE];
        for weight in [1, 3, 1 << 40] {
            let mut mean = Mean::new(values.len());
            mean.add(values.into_iter().map(f64::from), weight);
            let found = mean.finish().into_iter().map(|value| (value as f32).to_bits());
            assert!(found.eq(values.map(f32::to_bits)), "with weight {weight}");
        }
    }

    proptest! {
        #[test]
        fn of_one_client_it_is_its_values_bit_for_bit(
            bits in prop::collection::vec(any::<u32>(), 1..50), weight in 1u64..1 << 40
        ) {
            let values: Vec<f32> = bits.into_iter().map(f32::from_bits).filter(|value| value.is_finite()).collect();
            let mut mean = Mean::new(values.len());
            mean.add(values.iter().copied().map(f64::from), weight);
            let found = mean.finish().into_iter().map(|value| (value as f32).to_bits());
            prop_assert!(found.eq(values.iter().map(|value| value.to_bits())));
        }

        #[test]
        fn it_lies_between_the_least_and_the_largest(values in prop::collection::vec((-1e6f32..1e6, 1u64..1000), 1..20)) {
            let mut mean = Mean::new(1);
            values.iter().for_each(|(value, weight)| mean.add([f64::from(*value)].into_iter(), *weight));
            let found = mean.finish()[0] as f32;
            let (least, largest) = values.iter().fold((f32::MAX, f32::MIN), |(a, b), (v, _)| (a.min(*v), b.max(*v)));
            prop_assert!((least..=largest).contains(&found));
        }
    }
}
