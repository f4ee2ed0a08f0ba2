//! What a learning rate range test has measured.

use serde::{Deserialize, Serialize};

/// Losses over growing learning rates, from [`Trainer::find_learning_rate`](crate::Trainer::find_learning_rate).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LearningRateCurve {
    /// A point for each step whose loss is finite, in the order of the steps, so that learning rates rise.
    pub points: Vec<LearningRatePoint>,
    /// Why there is no further point.
    pub ended: SweepEnd,
}

/// A step of a learning rate range test.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LearningRatePoint {
    /// Its number, counted from 1.
    pub step: usize,
    /// The learning rate of this step.
    pub learning_rate: f64,
    /// Mean loss of its samples, before the weights were changed.
    pub loss: f64,
    /// The exponential mean of the losses up to this step, corrected for its start at 0.
    pub smoothed_loss: f64,
}

/// Why a sweep over learning rates ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum SweepEnd {
    /// All its steps were done.
    Completed,
    /// The smoothed loss was more than
    /// [`divergence_factor`](crate::LearningRateFinder::divergence_factor) times its lowest value.
    Diverged,
    /// The loss or a weight became NaN or infinite.
    NotFinite,
    /// A callback ended it.
    Interrupted,
}

impl LearningRateCurve {
    /// The points that suggestions are made from: without the first tenth, where the mean is that of few losses, and without the
    /// last twentieth, where it is about to diverge.
    pub(super) fn considered(&self) -> &[LearningRatePoint] {
        let points = self.points.len();
        let (first, last) = (points.div_ceil(10), points.div_ceil(20));
        self.points.get(first..points.saturating_sub(last)).unwrap_or_default()
    }

    /// The point of the lowest smoothed loss, the first tenth and the last twentieth of the points left out; `None` if too few are
    /// left.
    pub fn lowest(&self) -> Option<&LearningRatePoint> {
        self.considered().iter().min_by(|left, right| left.smoothed_loss.total_cmp(&right.smoothed_loss))
    }

    /// Whether the smoothed loss was at its lowest when the sweep came to its largest rate, so that a larger one may be better still.
    pub fn still_falls(&self) -> bool {
        let last = self.considered().last().map(|point| point.step);
        self.ended == SweepEnd::Completed && self.lowest().map(|point| point.step) == last && last.is_some()
    }
}
