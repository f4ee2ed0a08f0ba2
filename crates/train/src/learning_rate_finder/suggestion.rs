//! Which learning rate a curve speaks for, and when it speaks for none.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{LearningRateCurve, LearningRatePoint};

/// A learning rate to train with.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LearningRateSuggestion {
    /// The rate.
    pub learning_rate: f64,
    /// How it was chosen.
    pub rule: SuggestionRule,
}

/// How a learning rate is chosen from a curve.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum SuggestionRule {
    /// A tenth of the rate at which the smoothed loss is lowest.
    TenthOfMinimum,
    /// Where the smoothed loss falls most steeply over the logarithm of the learning rate, before it is lowest. The mean lags behind
    /// its losses, so it is often a rate with which a training is no longer stable.
    SteepestDescent,
}

impl fmt::Display for SuggestionRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            SuggestionRule::TenthOfMinimum => "a tenth of the rate at which the smoothed loss is lowest",
            SuggestionRule::SteepestDescent => "where the smoothed loss falls most steeply",
        })
    }
}

/// Why a curve speaks for no learning rate.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum NoSuggestion {
    /// The sweep ended too early.
    #[error(
        "the sweep has {found} points, and a suggestion needs {expected}; begin with a smaller learning rate, or take more steps"
    )]
    TooFewPoints {
        /// Points of the curve.
        found: usize,
        /// How many are needed.
        expected: usize,
    },
    /// The loss did not fall.
    #[error(
        "the loss never fell by more than it differs from batch to batch: smoothed it was {first:.4} at first and {lowest:.4} at best; go up to a larger learning rate, and see whether the targets belong to their samples"
    )]
    NeverFell {
        /// The smoothed loss after the first tenth of the points.
        first: f64,
        /// Its lowest value.
        lowest: f64,
    },
}

/// Points that a suggestion needs.
const FEWEST_POINTS: usize = 5;

/// A loss that falls by a smaller share than this has not fallen, however little noise there is.
const LEAST_FALL: f64 = 0.01;

impl LearningRateCurve {
    /// The learning rate to train with: [a tenth of the rate at the lowest smoothed loss](SuggestionRule::TenthOfMinimum).
    ///
    /// The first tenth and the last twentieth of the points are left out, and so is what comes after the lowest smoothed loss.
    ///
    /// # Errors
    /// [`NoSuggestion`] if there are too few points, or the smoothed loss falls by less than a hundredth of what it was, or by less
    /// than losses differ from step to step.
    pub fn suggestion(&self) -> Result<LearningRateSuggestion, NoSuggestion> {
        self.suggest(SuggestionRule::TenthOfMinimum)
    }

    /// The learning rate that a rule chooses.
    ///
    /// # Errors
    /// As for [`suggestion`](Self::suggestion).
    pub fn suggest(&self, rule: SuggestionRule) -> Result<LearningRateSuggestion, NoSuggestion> {
        let falling = self.falling()?;
        let lowest = falling.last().map_or(f64::NAN, |point| point.learning_rate);
        let learning_rate = match rule {
            SuggestionRule::TenthOfMinimum => lowest / 10.0,
            SuggestionRule::SteepestDescent => steepest(falling).unwrap_or(lowest),
        };
        Ok(LearningRateSuggestion { learning_rate, rule })
    }

    /// The points down to the lowest one, if the loss falls at all.
    fn falling(&self) -> Result<&[LearningRatePoint], NoSuggestion> {
        let too_few = NoSuggestion::TooFewPoints { found: self.points.len(), expected: FEWEST_POINTS };
        let points = self.considered();
        let (Some(first), Some(lowest)) = (points.first(), self.lowest()) else { return Err(too_few) };
        if points.len() < 3 {
            return Err(too_few);
        }
        let falling = &points[..=points.iter().position(|point| point.step == lowest.step).unwrap_or(0)];
        let fall = first.smoothed_loss - lowest.smoothed_loss;
        let least = (LEAST_FALL * first.smoothed_loss.abs()).max(noise(falling));
        match fall > least {
            true => Ok(falling),
            false => {
                Err(NoSuggestion::NeverFell { first: first.smoothed_loss, lowest: lowest.smoothed_loss })
            }
        }
    }
}

/// The standard deviation of losses around their course, by the differences between neighbours, which a trend hardly changes
/// (von Neumann et al. 1941).
fn noise(points: &[LearningRatePoint]) -> f64 {
    let differences = points.windows(2).map(|pair| (pair[1].loss - pair[0].loss).powi(2));
    let count = points.len().saturating_sub(1).max(1);
    (differences.sum::<f64>() / (2 * count) as f64).sqrt()
}

/// The learning rate at which the smoothed loss falls most steeply: by central differences, at both ends by one-sided ones.
fn steepest(points: &[LearningRatePoint]) -> Option<f64> {
    let slope = |at: usize| {
        let (left, right) = (&points[at.saturating_sub(1)], &points[(at + 1).min(points.len() - 1)]);
        let across = right.learning_rate.ln() - left.learning_rate.ln();
        (right.smoothed_loss - left.smoothed_loss) / across
    };
    let slopes = (0..points.len()).map(|at| (slope(at), points[at].learning_rate));
    slopes.min_by(|left, right| left.0.total_cmp(&right.0)).map(|(_, learning_rate)| learning_rate)
}
