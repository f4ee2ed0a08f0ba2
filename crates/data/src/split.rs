//! Which samples validate and which train.

use crate::DataError;
use crate::random::Random;

/// Marks the random stream that splits.
const PURPOSE: u64 = 0x7370_6c69_7400_0001;

/// Marks the random stream that deals samples out to folds.
const FOLDS: u64 = 0x7370_6c69_7400_0002;

/// The indices of the training part and of the validation part, each in rising order.
///
/// Each class is split in that proportion, rounded, and a class of two samples or more is in both parts. Without labels
/// all samples count as one class.
///
/// ```
/// use fireclay_data::split_indices;
///
/// let labels = [0, 0, 1, 1];
/// let (training, validation) = split_indices(4, Some(&labels), 2, 0.5, 7)?;
/// assert_eq!((training.len(), validation.len()), (2, 2));
/// assert_ne!(labels[validation[0]], labels[validation[1]]);
/// # Ok::<(), fireclay_data::DataError>(())
/// ```
///
/// # Errors
/// [`DataError::Fraction`] if the fraction is not above 0 and below 1, [`DataError::TooFewToSplit`] if one of the parts
/// would be empty.
///
/// # Panics
/// If a label is not below `classes`.
pub fn split_indices(
    len: usize,
    labels: Option<&[u32]>,
    classes: usize,
    validation_fraction: f64,
    seed: u64,
) -> Result<(Vec<usize>, Vec<usize>), DataError> {
    if !(validation_fraction > 0.0 && validation_fraction < 1.0) {
        return Err(DataError::Fraction { fraction: validation_fraction });
    }
    let mut groups = vec![Vec::new(); classes.max(1)];
    for index in 0..len {
        let class = labels.and_then(|labels| labels.get(index)).copied();
        groups[class.unwrap_or(0) as usize].push(index);
    }
    let mut random = Random::new(PURPOSE, seed, 0);
    let mut training = Vec::with_capacity(len);
    let mut validation = Vec::new();
    // What rounding took from earlier classes, so that the sum stays near the fraction of the whole.
    let mut owed = 0.0;
    for group in &mut groups {
        random.shuffle(group);
        let wanted = group.len() as f64 * validation_fraction + owed;
        let count = match group.len() {
            // A class of one sample trains; a class of none has nothing to give.
            0 | 1 => 0,
            len => (wanted.round().max(0.0) as usize).clamp(1, len - 1),
        };
        owed = (wanted - count as f64).clamp(-1.0, 1.0);
        validation.extend_from_slice(&group[..count]);
        training.extend_from_slice(&group[count..]);
    }
    if training.is_empty() || validation.is_empty() {
        return Err(DataError::TooFewToSplit { samples: len });
    }
    training.sort_unstable();
    validation.sort_unstable();
    Ok((training, validation))
}

/// In which of `k` folds each sample is; those of a class are spread evenly.
pub(crate) fn folds(labels: &[u32], k: usize, seed: u64) -> Result<Vec<usize>, DataError> {
    if k < 2 || k > labels.len() {
        return Err(DataError::Folds { k, samples: labels.len() });
    }
    let mut order: Vec<usize> = (0..labels.len()).collect();
    Random::new(FOLDS, seed, 0).shuffle(&mut order);
    // Stable, so that the samples of a class stay shuffled; dealt out one by one, the folds differ by one sample at most.
    order.sort_by_key(|index| labels[*index]);
    let mut folds = vec![0; labels.len()];
    for (position, index) in order.into_iter().enumerate() {
        folds[index] = position % k;
    }
    Ok(folds)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fractions_outside_0_to_1_are_refused() {
        for fraction in [0.0, 1.0, -0.5, 1.5, f64::NAN, f64::INFINITY] {
            let message = split_indices(10, None, 0, fraction, 0).unwrap_err().to_string();
            assert!(
                message.contains("above 0 and below 1") && message.contains(&fraction.to_string()),
                "{message}"
            );
        }
    }

    #[test]
    fn the_parts_are_a_partition_and_depend_on_the_seed_alone() {
        let (training, validation) = split_indices(100, None, 0, 0.25, 1).unwrap();
        assert_eq!((training.len(), validation.len()), (75, 25));
        let mut all = [training.clone(), validation.clone()].concat();
        all.sort_unstable();
        assert!(all.into_iter().eq(0..100));
        assert_eq!(split_indices(100, None, 0, 0.25, 1).unwrap(), (training.clone(), validation));
        assert_ne!(split_indices(100, None, 0, 0.25, 2).unwrap().0, training);
    }

    #[test]
    fn every_class_of_two_is_on_both_sides() {
        // 1 sample of class 0, 2 of class 1, 3 of class 2, none of class 3, 94 of class 4.
        let mut labels = vec![0, 1, 1, 2, 2, 2];
        labels.resize(100, 4);
        let (training, validation) = split_indices(100, Some(&labels), 5, 0.1, 3).unwrap();
        let count = |part: &[usize], class| part.iter().filter(|i| labels[**i] == class).count();
        assert_eq!(count(&training, 0), 1);
        assert_eq!((count(&training, 1), count(&validation, 1)), (1, 1));
        assert_eq!(count(&validation, 2), 1);
        assert!((8..=10).contains(&count(&validation, 4)));
        let (training, _) = split_indices(100, Some(&labels), 5, 0.99, 3).unwrap();
        assert_eq!((count(&training, 1), count(&training, 2)), (1, 1));
    }

    #[test]
    fn proportions_hold_over_many_classes() {
        let labels: Vec<u32> = (0..10_000).map(|i| i % 10).collect();
        let (_, validation) = split_indices(10_000, Some(&labels), 10, 0.1, 0).unwrap();
        assert_eq!(validation.len(), 1_000);
        for class in 0..10 {
            assert_eq!(validation.iter().filter(|i| labels[**i] == class).count(), 100);
        }
    }

    #[test]
    fn too_few_samples_are_refused() {
        for len in [0, 1] {
            let message = split_indices(len, None, 0, 0.5, 0).unwrap_err().to_string();
            assert!(message.contains(&format!("{len} sample")), "{message}");
        }
        assert!(split_indices(3, Some(&[0, 1, 2]), 3, 0.5, 0).is_err());
    }
}
