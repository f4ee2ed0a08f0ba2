//! Between which numbers the truth lies, for a model that predicts numbers.

use serde::{Deserialize, Serialize};

/// Samples outside the interval, on each side, that a part of the range needs, and the most parts.
const LEAST_OUTSIDE: f64 = 2.5;
const MOST_PARTS: usize = 10;

/// How far truths lie from predictions, measured on samples that a model was not trained on (split conformal prediction,
/// [Lei et al. 2018](https://arxiv.org/abs/1604.04173)), by itself for each part of the range of predictions: a dear thing's
/// price may be further off than a cheap one's.
///
/// ```
/// use fireclay_store::PredictionIntervals;
///
/// let predicted: Vec<f32> = (0..1000).map(|i| i as f32).collect();
/// // Truths are up to a tenth of the prediction above it.
/// let truths: Vec<f32> = predicted.iter().map(|p| p + p * 0.1 * (p % 7.0) / 6.0).collect();
/// let intervals = PredictionIntervals::of(&predicted, &truths, 0.9).unwrap();
/// let [low, high] = intervals.around(950.0);
/// assert!(low <= 951.0 && high > 1030.0 && high < 1060.0);
/// assert!(intervals.around(50.0)[1] < 61.0);
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PredictionIntervals {
    /// The share of truths within, such as 0.95.
    pub share: f64,
    /// Predictions at which one part ends and the next begins, ascending; one less than there are parts.
    pub edges: Vec<f32>,
    /// For each part how far truths lie from predictions, `[below, above]`: what is added for both ends.
    pub offsets: Vec<[f32; 2]>,
}

impl PredictionIntervals {
    /// From predictions and truths of samples that the model was not trained on; `None` if they are too few for the share.
    pub fn of(predicted: &[f32], truths: &[f32], share: f64) -> Option<Self> {
        let mut pairs: Vec<(f32, f32)> =
            predicted.iter().zip(truths).map(|(predicted, truth)| (*predicted, truth - predicted)).collect();
        pairs.retain(|(predicted, offset)| predicted.is_finite() && offset.is_finite());
        if pairs.is_empty() || !(0.0..1.0).contains(&share) {
            return None;
        }
        pairs.sort_by(|a, b| a.0.total_cmp(&b.0));
        let least = (2.0 * LEAST_OUTSIDE / (1.0 - share)).ceil() as usize;
        let parts = (pairs.len() / least.max(1)).clamp(1, MOST_PARTS);
        let mut starts: Vec<usize> = (0..=parts).map(|part| part * pairs.len() / parts).collect();
        // Equal predictions are in one part.
        for start in &mut starts[1..parts] {
            while *start > 0 && *start < pairs.len() && pairs[*start].0 == pairs[*start - 1].0 {
                *start += 1;
            }
        }
        starts.dedup();
        // What equal predictions have left too small belongs to the part before.
        let mut kept: Vec<usize> = Vec::new();
        for start in starts {
            match kept.last() {
                Some(last) if start - last < least && start < pairs.len() => {}
                _ => kept.push(start),
            }
        }
        if kept.len() > 2 && pairs.len() - kept[kept.len() - 2] < least {
            kept.remove(kept.len() - 2);
        }
        let starts = kept;
        let offsets = |part: &[usize]| {
            let mut offsets: Vec<f32> = pairs[part[0]..part[1]].iter().map(|(_, offset)| *offset).collect();
            offsets.sort_by(f32::total_cmp);
            // One sample more, the one that is asked about, may lie anywhere.
            let outside = ((1.0 - share) / 2.0 * (offsets.len() + 1) as f64).floor() as usize;
            let low = outside.checked_sub(1)?;
            Some([*offsets.get(low)?, *offsets.get(offsets.len().checked_sub(outside)?)?])
        };
        let offsets: Vec<[f32; 2]> = starts.windows(2).map(offsets).collect::<Option<_>>()?;
        let edges = starts[1..starts.len() - 1].iter().map(|start| pairs[*start].0).collect();
        Some(PredictionIntervals { share, edges, offsets })
    }

    /// Both ends around each of these predictions, for their coverage to be measured on the same samples: samples are dealt out to
    /// so many `folds` in turn, and the intervals of each fold are made from the others, so that no truth has a part in its own
    /// interval (cross-conformal prediction, [Vovk 2015](https://doi.org/10.1007/s10472-013-9368-4)). They are a little wider than
    /// [`of`](Self::of) all samples, which are more. `None` if those of all but one fold are too few for the share.
    ///
    /// ```
    /// use fireclay_store::PredictionIntervals;
    ///
    /// let predicted: Vec<f32> = (0..1000).map(|i| i as f32).collect();
    /// let truths: Vec<f32> = predicted.iter().map(|p| p + (p * 7.0) % 11.0).collect();
    /// let around = PredictionIntervals::cross_fitted(&predicted, &truths, 0.9, 5).unwrap();
    /// let within = around.iter().zip(&truths).filter(|([low, high], truth)| (low..=high).contains(truth));
    /// assert!(within.count() >= 880);
    /// assert_eq!(PredictionIntervals::cross_fitted(&predicted[..20], &truths[..20], 0.9, 5), None);
    /// ```
    pub fn cross_fitted(
        predicted: &[f32],
        truths: &[f32],
        share: f64,
        folds: usize,
    ) -> Option<Vec<[f32; 2]>> {
        if folds < 2 {
            return None;
        }
        let of_others = |fold: usize| {
            let others = |values: &[f32]| -> Vec<f32> {
                let others = values.iter().enumerate().filter(|(index, _)| index % folds != fold);
                others.map(|(_, value)| *value).collect()
            };
            Self::of(&others(predicted), &others(truths), share)
        };
        let intervals: Vec<Self> = (0..folds).map(of_others).collect::<Option<_>>()?;
        let around = |(index, value): (usize, &f32)| intervals[index % folds].around(*value);
        Some(predicted.iter().enumerate().map(around).collect())
    }

    /// Both ends around a prediction.
    pub fn around(&self, predicted: f32) -> [f32; 2] {
        let part = self.edges.partition_point(|edge| *edge <= predicted);
        let [below, above] = self.offsets.get(part).copied().unwrap_or([f32::NAN; 2]);
        [predicted + below, predicted + above]
    }

    /// Whether it can be asked.
    pub(crate) fn is_whole(&self) -> bool {
        self.offsets.len() == self.edges.len() + 1
            && self.edges.is_sorted_by(|a, b| a < b)
            && (0.0..1.0).contains(&self.share)
            && self.offsets.iter().all(|[below, above]| below <= above)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Pseudo-random, from -1 to 1.
    fn noise(at: usize) -> f32 {
        let mixed = (at as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        ((mixed ^ (mixed >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9) >> 40) as f32 / (1u32 << 23) as f32 - 1.0
    }

    #[test]
    fn new_truths_lie_within_as_often_as_is_said() {
        let predicted = |at: usize| (at % 500) as f32;
        let truth = |at: usize| predicted(at) + (1.0 + predicted(at) / 50.0) * noise(at);
        let (known, new) = (0..4000, 4000..8000);
        let [x, y]: [Vec<f32>; 2] = [known.clone().map(predicted).collect(), known.map(truth).collect()];
        let intervals = PredictionIntervals::of(&x, &y, 0.9).unwrap();
        assert_eq!(intervals.offsets.len(), 10);
        let within = new.clone().filter(|at| {
            let [low, high] = intervals.around(predicted(*at));
            (low..=high).contains(&truth(*at))
        });
        let share = within.count() as f64 / new.len() as f64;
        assert!((share - 0.9).abs() < 0.02, "{share}");
        let width = |at: f32| intervals.around(at)[1] - intervals.around(at)[0];
        assert!(width(480.0) > 4.0 * width(20.0));
    }

    #[test]
    fn a_truth_has_no_part_in_its_own_interval() {
        let x: Vec<f32> = (0..500).map(|at| at as f32).collect();
        let y: Vec<f32> = x.iter().enumerate().map(|(at, x)| x + noise(at)).collect();
        let around = PredictionIntervals::cross_fitted(&x, &y, 0.9, 5).unwrap();
        let mut other = y.clone();
        other[123] += 1e6;
        let moved = PredictionIntervals::cross_fitted(&x, &other, 0.9, 5).unwrap();
        assert_eq!((around.len(), around[123]), (500, moved[123]));
        assert_ne!(around, moved, "but in those of others");
        let within = around.iter().zip(&y).filter(|([low, high], truth)| (low..=high).contains(truth));
        assert!((within.count() as f64 / 500.0 - 0.9).abs() < 0.04);
        assert_eq!(PredictionIntervals::cross_fitted(&x, &y, 0.9, 1), None);
    }

    #[test]
    fn few_samples_have_one_part_or_none() {
        let x: Vec<f32> = (0..60).map(|at| at as f32).collect();
        let y: Vec<f32> = x.iter().enumerate().map(|(at, x)| x + noise(at)).collect();
        let intervals = PredictionIntervals::of(&x, &y, 0.95).unwrap();
        assert_eq!((intervals.offsets.len(), intervals.is_whole()), (1, true));
        assert_eq!(PredictionIntervals::of(&x[..30], &y[..30], 0.95), None, "fewer than one in forty");
        assert_eq!(PredictionIntervals::of(&[], &[], 0.95), None);
        // The same prediction for all.
        let intervals = PredictionIntervals::of(&[1.0; 400], &vec![2.0; 400], 0.95).unwrap();
        assert_eq!((intervals.offsets.len(), intervals.around(1.0)), (1, [2.0, 2.0]));
    }
}
