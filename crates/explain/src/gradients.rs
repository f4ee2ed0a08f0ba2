//! Gradients at the sample itself, at samples near it, and along the way to it.

use std::time::{Duration, Instant};

use fireclay_data::Random;

use crate::explainer::{Encoded, Explainer};
use crate::quadrature::gauss_legendre;
use crate::{ExplainError, Target};

/// The stream of random numbers that noise is made of.
const PURPOSE: u64 = 0x736d_6f6f;

/// How much of what is explained each number of the sample, or each token, has part in.
#[derive(Clone, Debug, PartialEq)]
pub struct Attribution {
    /// One for each number, or token, in the order of the sample; above 0 where it speaks for what is explained.
    pub values: Vec<f32>,
    /// What is explained, for the sample: a logit, the difference of two, or a number.
    pub output: f32,
}

/// What integrated gradients found.
#[derive(Clone, Debug, PartialEq)]
pub struct Integrated {
    /// One for each number, or token, in the order of the sample; together the difference between the outputs.
    pub values: Vec<f32>,
    /// What is explained, for the sample.
    pub output: f32,
    /// The same for the baseline.
    pub baseline_output: f32,
    /// How many points of the way were looked at.
    pub steps: usize,
}

impl Integrated {
    /// What the attributions lack of the difference between the outputs of sample and baseline, which they add up to if the steps are
    /// many enough.
    pub fn remainder(&self) -> f32 {
        let sum: f64 = self.values.iter().map(|value| f64::from(*value)).sum();
        (f64::from(self.output) - f64::from(self.baseline_output) - sum) as f32
    }
}

/// How gradients are integrated.
#[derive(Clone, Debug, PartialEq)]
pub struct IntegratedGradients {
    /// Where the way to the sample begins: numbers as the model reads them. By default zeros, the mean of the training data where the data are
    /// normalised; of texts the embedding's row of padding, token 0, in each place.
    pub baseline: Option<Vec<f32>>,
    /// Points of the way, by Gauss and Legendre, that are looked at first; 32 by default.
    pub steps: usize,
    /// They are doubled until the attributions add up to the difference between the outputs up to this share of it; 0.01 by default.
    pub tolerance: f32,
    /// They are not doubled beyond this; 1,024 by default.
    pub most_steps: usize,
    /// They are not doubled after so long; always by default.
    pub time_limit: Option<Duration>,
}

impl IntegratedGradients {
    /// Steps at first, and the most, if nothing else is asked for.
    pub const STEPS: (usize, usize) = (32, 1024);
}

impl Default for IntegratedGradients {
    fn default() -> Self {
        let (steps, most_steps) = Self::STEPS;
        IntegratedGradients { baseline: None, steps, tolerance: 0.01, most_steps, time_limit: None }
    }
}

/// How samples near a sample are drawn.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SmoothGrad {
    /// How many; 50 by default.
    pub samples: usize,
    /// The standard deviation of the noise as a share of the distance between the sample's least and greatest number; 0.15 by default.
    pub noise: f32,
    /// The seed of the noise; 0 by default.
    pub seed: u64,
}

impl Default for SmoothGrad {
    fn default() -> Self {
        SmoothGrad { samples: 50, noise: 0.15, seed: 0 }
    }
}

impl Explainer {
    /// The gradient ([Simonyan et al. 2013](https://arxiv.org/abs/1312.6034)), with its sign: how fast the output grows with each number.
    /// Of texts those of an embedding's row are added up for each token.
    ///
    /// # Errors
    /// [`ExplainError::Method`] for a network that reads tokens without an embedding in front, [`ExplainError::Output`], and
    /// [`ExplainError::NotFinite`].
    pub fn saliency(&self, sample: &Encoded, target: &Target) -> Result<Attribution, ExplainError> {
        let point = self.point(sample, "the gradient")?;
        let found = self.gradients(sample, &point, point.len(), target, "the gradient")?;
        Ok(Attribution { values: self.by_token(found.gradients), output: found.outputs[0] })
    }

    /// The gradient times the input ([Shrikumar et al. 2016](https://arxiv.org/abs/1605.01713)): exact for a linear model, and for another
    /// where it goes on as it is at the sample.
    ///
    /// # Errors
    /// As [`saliency`](Self::saliency).
    pub fn gradient_times_input(
        &self,
        sample: &Encoded,
        target: &Target,
    ) -> Result<Attribution, ExplainError> {
        let point = self.point(sample, "gradient times input")?;
        let found = self.gradients(sample, &point, point.len(), target, "gradient times input")?;
        let products = found.gradients.iter().zip(&point).map(|(gradient, value)| gradient * value);
        Ok(Attribution { values: self.by_token(products.collect()), output: found.outputs[0] })
    }

    /// Integrated gradients ([Sundararajan et al. 2017](https://arxiv.org/abs/1703.01365)): the mean gradient on the straight way from a
    /// baseline to the sample, times the difference of both. Together they are the difference of the outputs, which is checked.
    ///
    /// # Errors
    /// As [`saliency`](Self::saliency), and [`ExplainError::Option`] for steps of 0 or a baseline of another length.
    pub fn integrated_gradients(
        &self,
        sample: &Encoded,
        target: &Target,
        options: &IntegratedGradients,
    ) -> Result<Integrated, ExplainError> {
        const METHOD: &str = "integrated gradients";
        let point = self.point(sample, METHOD)?;
        let baseline = match &options.baseline {
            Some(baseline) => baseline.clone(),
            None => self.usual_baseline(&point, METHOD)?,
        };
        if baseline.len() != point.len() {
            let found = format!("of {} numbers", baseline.len());
            return Err(ExplainError::Option {
                option: "baseline",
                found,
                expected: "one with as many as the sample",
            });
        }
        if options.steps == 0 {
            return Err(ExplainError::Option { option: "steps", found: "0".into(), expected: "1 or more" });
        }
        let difference: Vec<f32> = point.iter().zip(&baseline).map(|(end, start)| end - start).collect();
        let ends: Vec<f32> = baseline.iter().chain(&point).copied().collect();
        let ends = self.gradients(sample, &ends, point.len(), target, METHOD)?.outputs;
        let (mut steps, begun) = (options.steps, Instant::now());
        loop {
            let rule = gauss_legendre(steps);
            let mut mean = vec![0f64; point.len()];
            // Not all points at once, as they are many.
            for rule in rule.chunks(64) {
                let at = |place: f64| {
                    baseline
                        .iter()
                        .zip(&difference)
                        .map(move |(start, way)| (f64::from(*start) + place * f64::from(*way)) as f32)
                };
                let points: Vec<f32> = rule.iter().flat_map(|(place, _)| at(*place)).collect();
                let gradients = self.gradients(sample, &points, point.len(), target, METHOD)?.gradients;
                for ((_, weight), gradients) in rule.iter().zip(gradients.chunks_exact(point.len().max(1))) {
                    for (mean, gradient) in mean.iter_mut().zip(gradients) {
                        *mean += weight * f64::from(*gradient);
                    }
                }
            }
            let values = mean.iter().zip(&difference).map(|(mean, way)| (mean * f64::from(*way)) as f32);
            let values = self.by_token(values.collect());
            let found = Integrated { values, output: ends[1], baseline_output: ends[0], steps };
            let enough = options.tolerance * (found.output - found.baseline_output).abs();
            let is_late = options.time_limit.is_some_and(|limit| begun.elapsed() >= limit);
            if found.remainder().abs() <= enough || 2 * steps > options.most_steps || is_late {
                return Ok(found);
            }
            steps *= 2;
        }
    }

    /// SmoothGrad ([Smilkov et al. 2017](https://arxiv.org/abs/1706.03825)): the mean gradient at samples with noise.
    ///
    /// # Errors
    /// As [`saliency`](Self::saliency), and [`ExplainError::Option`] for 0 samples or noise that is not a number above 0.
    pub fn smooth_grad(
        &self,
        sample: &Encoded,
        target: &Target,
        options: &SmoothGrad,
    ) -> Result<Attribution, ExplainError> {
        if options.samples == 0 {
            return Err(ExplainError::Option { option: "samples", found: "0".into(), expected: "1 or more" });
        }
        if !(options.noise > 0.0 && options.noise.is_finite()) {
            let found = options.noise.to_string();
            return Err(ExplainError::Option { option: "noise", found, expected: "a number above 0" });
        }
        let point = self.point(sample, "SmoothGrad")?;
        let (least, greatest) =
            point.iter().fold((f32::INFINITY, f32::NEG_INFINITY), |(least, greatest), value| {
                (least.min(*value), greatest.max(*value))
            });
        let deviation = options.noise * (greatest - least).max(f32::MIN_POSITIVE);
        let noise: Vec<f32> = (0..options.samples)
            .flat_map(|index| {
                let mut random = Random::new(PURPOSE, options.seed, index as u64);
                (0..point.len()).map(move |_| deviation * random.normal())
            })
            .collect();
        self.smooth_grad_of(sample, target, &noise)
    }

    /// The same with noise that is given, `[samples, numbers]`: added to the sample, or to the embedding's rows of its tokens.
    ///
    /// # Errors
    /// As [`saliency`](Self::saliency), and [`ExplainError::Option`] for noise of another length.
    pub fn smooth_grad_of(
        &self,
        sample: &Encoded,
        target: &Target,
        noise: &[f32],
    ) -> Result<Attribution, ExplainError> {
        let point = self.point(sample, "SmoothGrad")?;
        let count = noise.len() / point.len().max(1);
        if count == 0 || noise.len() != count * point.len() {
            let found = format!("of {} numbers", noise.len());
            return Err(ExplainError::Option {
                option: "noise",
                found,
                expected: "numbers for one or more samples",
            });
        }
        let noisy: Vec<f32> = noise
            .chunks_exact(point.len().max(1))
            .flat_map(|noise| point.iter().zip(noise).map(|(value, noise)| value + noise))
            .collect();
        let gradients = self.gradients(sample, &noisy, point.len(), target, "SmoothGrad")?.gradients;
        let mut mean = vec![0f64; point.len()];
        for gradients in gradients.chunks_exact(point.len().max(1)) {
            mean.iter_mut().zip(gradients).for_each(|(mean, gradient)| *mean += f64::from(*gradient));
        }
        let values = mean.iter().map(|sum| (sum / count as f64) as f32).collect();
        let output = self.gradients(sample, &point, point.len(), target, "SmoothGrad")?.outputs[0];
        Ok(Attribution { values: self.by_token(values), output })
    }

    /// Numbers of an embedding's rows are added up for each token; others stay as they are.
    fn by_token(&self, values: Vec<f32>) -> Vec<f32> {
        match self.reads_tokens() {
            false => values,
            true => {
                let width = values.len() / self.shape().iter().product::<usize>().max(1);
                values.chunks_exact(width.max(1)).map(|row| row.iter().sum()).collect()
            }
        }
    }
}
