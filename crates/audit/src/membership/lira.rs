//! The likelihood ratio attack of [Carlini et al. 2021](https://arxiv.org/abs/2112.03570), offline: it compares a model with others like it
//! that were trained without a sample.

use fireclay_data::Random;

use crate::AuditError;

/// The stream of random numbers that decides which samples a shadow model is trained on.
const PURPOSE: u64 = 0x6c69_7261;

/// Which of the samples that are asked about each shadow model is trained on: half of them, and each sample in half of the models.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShadowPlan {
    trained_on: Vec<Vec<bool>>,
}

impl ShadowPlan {
    /// For so many samples and models. Models come in pairs: what one is trained on the other is not.
    ///
    /// # Errors
    /// [`AuditError::Option`] unless there are 2 models or more, an even number, and [`AuditError::Counts`] for fewer than 2 samples.
    pub fn new(samples: usize, shadows: usize, seed: u64) -> Result<Self, AuditError> {
        if shadows < 2 || shadows % 2 == 1 {
            let found = shadows.to_string();
            return Err(AuditError::Option {
                option: "shadows",
                found,
                expected: "an even number, 2 or more",
            });
        }
        if samples < 2 {
            return Err(AuditError::Counts { what: "samples to ask about", found: samples, expected: 2 });
        }
        let pair = |index: usize| {
            let mut order: Vec<usize> = (0..samples).collect();
            Random::new(PURPOSE, seed, index as u64).shuffle(&mut order);
            let mut of_first = vec![false; samples];
            order[..samples / 2].iter().for_each(|sample| of_first[*sample] = true);
            let of_second = of_first.iter().map(|is_in| !is_in).collect();
            [of_first, of_second]
        };
        Ok(ShadowPlan { trained_on: (0..shadows / 2).flat_map(pair).collect() })
    }

    /// Of each model whether it is trained on each sample.
    pub fn models(&self) -> &[Vec<bool>] {
        &self.trained_on
    }
}

/// A model that was trained as the one that is asked about, on other samples.
#[derive(Clone, Debug, PartialEq)]
pub struct Shadow {
    /// Of each sample whether this model was trained on it.
    pub trained_on: Vec<bool>,
    /// What it says of each: the logarithm of the odds of the right class ([`Answers::log_odds`](crate::Answers::log_odds)).
    pub log_odds: Vec<f64>,
}

/// How much surer a model is of each sample than shadow models are that were not trained on it, in standard deviations: the higher, the
/// more it looks as if it was trained on. The deviation is one for all samples, as it takes more than a few models to tell that of each.
///
/// # Errors
/// [`AuditError::Counts`] if a shadow has not one number for each sample, or a sample is in all of them.
pub fn lira_scores(log_odds: &[f64], shadows: &[Shadow]) -> Result<Vec<f64>, AuditError> {
    for shadow in shadows {
        for found in [shadow.trained_on.len(), shadow.log_odds.len()] {
            if found != log_odds.len() {
                return Err(AuditError::Counts {
                    what: "samples of a shadow",
                    found,
                    expected: log_odds.len(),
                });
            }
        }
    }
    let without = |sample: usize| {
        shadows
            .iter()
            .filter(move |shadow| !shadow.trained_on[sample])
            .map(move |shadow| shadow.log_odds[sample])
    };
    let mut means = Vec::with_capacity(log_odds.len());
    let (mut squares, mut freedom) = (0.0, 0usize);
    for sample in 0..log_odds.len() {
        let count = without(sample).count();
        if count == 0 {
            return Err(AuditError::Counts { what: "shadows without a sample", found: 0, expected: 1 });
        }
        let mean = without(sample).sum::<f64>() / count as f64;
        squares += without(sample).map(|value| (value - mean).powi(2)).sum::<f64>();
        freedom += count - 1;
        means.push(mean);
    }
    // With one shadow for each sample, or shadows that all say the same, the order alone counts.
    let deviation = match freedom {
        0 => 1.0,
        freedom => (squares / freedom as f64).sqrt(),
    };
    let deviation = if deviation > 0.0 { deviation } else { 1.0 };
    Ok(log_odds.iter().zip(means).map(|(value, mean)| (value - mean) / deviation).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_sample_is_in_half_of_the_models_and_each_model_has_half_of_the_samples() {
        let plan = ShadowPlan::new(101, 6, 3).unwrap();
        assert_eq!(plan.models().len(), 6);
        for sample in 0..101 {
            assert_eq!(plan.models().iter().filter(|model| model[sample]).count(), 3);
        }
        for model in plan.models() {
            assert!((50..=51).contains(&model.iter().filter(|is_in| **is_in).count()));
        }
        assert_eq!(plan, ShadowPlan::new(101, 6, 3).unwrap());
        assert_ne!(plan, ShadowPlan::new(101, 6, 4).unwrap());
        for shadows in [0, 1, 3] {
            assert!(ShadowPlan::new(10, shadows, 0).unwrap_err().to_string().contains("an even number"));
        }
    }

    #[test]
    fn scores_are_by_models_without_the_sample_alone() {
        let shadow = |trained_on: [bool; 2], log_odds: [f64; 2]| Shadow {
            trained_on: trained_on.to_vec(),
            log_odds: log_odds.to_vec(),
        };
        let shadows = [
            shadow([true, false], [100.0, 2.0]),
            shadow([false, true], [1.0, 100.0]),
            shadow([true, false], [100.0, 4.0]),
            shadow([false, true], [3.0, 100.0]),
        ];
        // Means 2 and 3, squares 1 + 1 and 1 + 1, 2 degrees of freedom.
        let scores = lira_scores(&[4.0, 3.0], &shadows).unwrap();
        assert!((scores[0] - 2.0 / 2f64.sqrt()).abs() < 1e-12 && scores[1] == 0.0, "{scores:?}");
        assert!(lira_scores(&[4.0], &shadows).is_err());
        assert!(lira_scores(&[4.0, 3.0], &shadows[..1]).is_err());
    }
}
