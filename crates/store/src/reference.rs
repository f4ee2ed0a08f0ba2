//! How the samples of a training were distributed, so that a server can see when others come.

use serde::{Deserialize, Serialize};

/// Parts of a distribution of numbers at most.
const MOST_PARTS: usize = 10;

/// A share of nothing counts as this much, so that the logarithm exists.
const LEAST_SHARE: f64 = 1e-4;

/// How a quantity was distributed: in parts, between edges.
///
/// ```
/// use fireclay_store::Distribution;
///
/// let values: Vec<f32> = (0..1000).map(|i| i as f32).collect();
/// let seen = Distribution::of("age", &values).unwrap();
/// assert_eq!(seen.edges, [100.0, 200.0, 300.0, 400.0, 500.0, 600.0, 700.0, 800.0, 900.0]);
/// assert_eq!((seen.part(-5.0), seen.part(150.0), seen.part(1e9)), (0, 1, 9));
/// // As before, and twice as large.
/// let count = |factor: f32| {
///     let mut counts = vec![0; seen.shares.len()];
///     values.iter().for_each(|value| counts[seen.part(value * factor)] += 1);
///     counts
/// };
/// assert!(seen.psi(&count(1.0)) < 0.001);
/// assert!(seen.psi(&count(2.0)) > 0.25);
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Distribution {
    /// What it is of.
    pub name: String,
    /// Ascending numbers at which one part ends and the next begins; one less than there are parts.
    pub edges: Vec<f32>,
    /// The share of each part, which add up to 1.
    pub shares: Vec<f32>,
    /// The mean.
    pub mean: f32,
    /// The standard deviation.
    pub deviation: f32,
}

/// How the samples that a model was trained on were distributed, and what it said of others.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReferenceDistributions {
    /// Samples that the inputs were measured on.
    pub samples: usize,
    /// What samples are like: of a table each column, of a picture its brightness and contrast, of a text its length and unknown
    /// words.
    pub inputs: Vec<Distribution>,
    /// The share of each class among the predictions for samples that were not trained on; empty where there are no classes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub classes: Vec<f32>,
    /// How those predictions were distributed: the probability of the class that is predicted, or the number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub predictions: Option<Distribution>,
}

impl Distribution {
    /// Of numbers: up to ten parts with about as many of them each. `None` if there are none, or one is not finite.
    pub fn of(name: &str, values: &[f32]) -> Option<Self> {
        let mut sorted = values.to_vec();
        sorted.sort_by(f32::total_cmp);
        let mut edges: Vec<f32> = (1..MOST_PARTS)
            .filter_map(|part| sorted.get(part * sorted.len() / MOST_PARTS).copied())
            .collect();
        // A value that many have is one edge; nothing lies below the least.
        edges.dedup();
        edges.retain(|edge| sorted.first() != Some(edge));
        Self::in_parts(name, values, edges)
    }

    /// Of numbers, in parts between these edges.
    pub fn in_parts(name: &str, values: &[f32], edges: Vec<f32>) -> Option<Self> {
        if values.is_empty() || values.iter().any(|value| !value.is_finite()) {
            return None;
        }
        let count = values.len() as f64;
        let mean = values.iter().map(|value| f64::from(*value)).sum::<f64>() / count;
        let variance = values.iter().map(|value| (f64::from(*value) - mean).powi(2)).sum::<f64>() / count;
        let shares = vec![0.0; edges.len() + 1];
        let mut distribution = Distribution {
            name: name.to_owned(),
            edges,
            shares,
            mean: mean as f32,
            deviation: variance.sqrt() as f32,
        };
        let mut counts = vec![0u64; distribution.shares.len()];
        values.iter().for_each(|value| counts[distribution.part(*value)] += 1);
        distribution.shares = counts.into_iter().map(|part| (part as f64 / count) as f32).collect();
        Some(distribution)
    }

    /// The part in which a number lies.
    pub fn part(&self, value: f32) -> usize {
        self.edges.partition_point(|edge| *edge <= value)
    }

    /// How far counts of each part are from its share: the population stability index, 0 if they are alike. Below 0.1 is taken for
    /// little and above 0.25 for much.
    ///
    /// # Panics
    /// If there are not as many counts as parts.
    pub fn psi(&self, counts: &[u64]) -> f64 {
        population_stability_index(&self.shares, counts)
    }

    fn is_whole(&self) -> bool {
        self.shares.len() == self.edges.len() + 1
            && self.edges.windows(2).all(|pair| pair[0] < pair[1])
            && self.edges.iter().chain([&self.mean, &self.deviation]).all(|number| number.is_finite())
            && self.shares.iter().all(|share| (0.0..=1.0).contains(share))
    }
}

/// `sum((found - expected) * ln(found / expected))` over shares; 0 if there are no counts.
///
/// # Panics
/// If there are not as many counts as shares.
pub fn population_stability_index(shares: &[f32], counts: &[u64]) -> f64 {
    assert_eq!(shares.len(), counts.len(), "a count for each share");
    let total = counts.iter().sum::<u64>() as f64;
    if total == 0.0 {
        return 0.0;
    }
    let term = |(expected, count): (&f32, &u64)| {
        let expected = f64::from(*expected).max(LEAST_SHARE);
        let found = (*count as f64 / total).max(LEAST_SHARE);
        (found - expected) * (found / expected).ln()
    };
    shares.iter().zip(counts).map(term).sum()
}

impl ReferenceDistributions {
    /// Whether edges ascend and there is a share for each part, and as many classes as the model has.
    pub(crate) fn is_whole(&self, classes: usize) -> bool {
        self.inputs.iter().chain(&self.predictions).all(Distribution::is_whole)
            && (self.classes.is_empty() || self.classes.len() == classes)
            && self.classes.iter().all(|share| (0.0..=1.0).contains(share))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_that_many_have_are_one_part() {
        let values = [[0.0; 90].as_slice(), &[1.0; 10]].concat();
        let seen = Distribution::of("x", &values).unwrap();
        assert_eq!((seen.edges.as_slice(), seen.shares.as_slice()), (&[1.0][..], &[0.9, 0.1][..]));
        let same = Distribution::of("x", &[3.0; 50]).unwrap();
        assert_eq!((same.edges.len(), same.psi(&[50])), (0, 0.0));
        assert!(Distribution::of("x", &[]).is_none() && Distribution::of("x", &[f32::NAN]).is_none());
    }

    #[test]
    fn the_index_is_that_of_the_formula() {
        // (0.3 - 0.5) ln(0.3 / 0.5) + (0.7 - 0.5) ln(0.7 / 0.5)
        let found = population_stability_index(&[0.5, 0.5], &[30, 70]);
        assert!((found - 0.169_459).abs() < 1e-5, "{found}");
        assert_eq!(population_stability_index(&[0.5, 0.5], &[0, 0]), 0.0);
        assert!(population_stability_index(&[1.0, 0.0], &[0, 100]).is_finite());
    }
}
