//! Permutation importance: what it comes to, on which samples, and what is refused.

use std::time::Duration;

use fireclay_data::{Dataset, Provenance, Random, Targets};
use fireclay_nn::{Device, Model, ModelSpec};
use fireclay_train::{AnyMetric, Mse, PermutationOptions, R2, TrainError, Trainer};

const ROWS: usize = 3_000;

/// `y = 3 a - b`, and a third column that says nothing; all of variance 1/12, none related to another.
fn data() -> Dataset {
    let mut random = Random::new(1, 2, 3);
    let values: Vec<f32> = (0..3 * ROWS).map(|_| random.unit()).collect();
    let targets = values.chunks(3).map(|row| 3.0 * row[0] - row[1]).collect();
    Dataset::from_f32(&[3], values, Targets::Values { width: 1, values: targets }, Provenance::default())
        .unwrap()
}

/// A network that knows the rule.
fn trainer() -> Trainer<Model> {
    let spec = ModelSpec::new([3]).dense(1);
    let network = spec.build(&Device::flex()).unwrap();
    let weights = fireclay_nn::state(&network).into_iter().map(|mut tensor| {
        let known = [3.0, -1.0, 0.0, 0.0];
        let count = tensor.values.len();
        tensor.values = if count == 3 { known[..3].to_vec() } else { known[3..].to_vec() };
        tensor
    });
    Trainer::regression(fireclay_nn::load_state(network, weights.collect()).unwrap())
}

const GROUPS: [(&str, std::ops::Range<usize>); 4] =
    [("a", 0..1), ("b", 1..2), ("c", 2..3), ("a and b", 0..2)];

#[test]
fn shuffling_a_feature_adds_twice_the_variance_that_it_explains() {
    let options = PermutationOptions { max_samples: ROWS, ..PermutationOptions::default() };
    let mse: AnyMetric = Mse.into();
    let found = trainer().permutation_importance(&data(), &GROUPS, &mse, &options).unwrap().unwrap();
    assert!(found.value < 1e-9 && found.samples == ROWS);
    let means: Vec<f64> = found.features.iter().map(|group| group.mean().unwrap()).collect();
    // The mean square difference of two draws is twice the variance: 2 w² / 12.
    for (mean, expected) in means.iter().zip([1.5, 1.0 / 6.0, 0.0, 1.5 + 1.0 / 6.0]) {
        assert!((mean - expected).abs() < 0.05, "{means:?}");
    }
    let a = &found.features[0];
    assert_eq!((a.name.as_str(), a.losses.len()), ("a", 5));
    assert!(a.std().unwrap() > 0.0 && a.std().unwrap() < 0.05, "{a:?}");
    assert_eq!(found.features[2].losses, [0.0; 5]);
    let again = trainer().permutation_importance(&data(), &GROUPS, &mse, &options).unwrap().unwrap();
    assert_eq!(again, found, "the same seed, the same shuffles");
    let other = PermutationOptions { seed: 1, ..options };
    assert_ne!(trainer().permutation_importance(&data(), &GROUPS, &mse, &other).unwrap().unwrap(), found);
}

#[test]
fn a_greater_measure_falls_and_few_samples_are_spread_over_all() {
    let options = PermutationOptions { max_samples: 600, ..PermutationOptions::default() };
    let found = trainer().permutation_importance(&data(), &GROUPS, &R2.into(), &options).unwrap().unwrap();
    assert_eq!((found.samples, found.value > 0.999), (600, true));
    // Of R² twice the share of the variance.
    assert!((found.features[0].mean().unwrap() - 1.8).abs() < 0.2, "{found:?}");
}

#[test]
fn time_that_is_up_leaves_features_without_a_value() {
    let options = PermutationOptions { time_limit: Duration::ZERO, ..PermutationOptions::default() };
    let found = trainer().permutation_importance(&data(), &GROUPS, &R2.into(), &options).unwrap().unwrap();
    assert!(found.features.iter().all(|group| group.mean().is_none() && group.std().is_none()), "{found:?}");
}

#[test]
fn features_that_there_are_not_are_refused_and_a_measure_that_does_not_exist_is_none() {
    let refused =
        trainer().permutation_importance(&data(), &[("d", 2..4)], &R2.into(), &PermutationOptions::default());
    assert!(matches!(refused, Err(TrainError::Setting { .. })), "{refused:?}");
    let message = refused.unwrap_err().to_string();
    assert!(message.contains("2..4 of 3 for \"d\""), "{message}");
    // All targets are the same.
    let targets = Targets::Values { width: 1, values: vec![1.0; 20] };
    let flat = Dataset::from_f32(&[3], vec![0.5; 60], targets, Provenance::default()).unwrap();
    let found = trainer().permutation_importance(&flat, &GROUPS, &R2.into(), &PermutationOptions::default());
    assert_eq!(found.unwrap(), None);
}
