//! How well scores put positive samples before negative ones: ROC and precision-recall curves as scikit-learn defines them.

use super::Points;

/// What scores of one class say over all thresholds.
pub struct Ranking {
    /// False and true positive rate, from the highest threshold to the lowest.
    pub roc: Points,
    /// Recall and precision, from the highest threshold to the lowest.
    pub precision_recall: Points,
    /// The area under the ROC curve.
    pub auc: f64,
    /// The mean of precision over recall, as a sum over the thresholds.
    pub average_precision: f64,
    /// The share of positive samples, which is the precision of guessing.
    pub prevalence: f64,
    thresholds: Vec<f64>,
}

impl Ranking {
    /// `None` where there are no positive or no negative samples. Samples whose score is not finite are left out.
    pub fn new(samples: impl Iterator<Item = (bool, f64)>) -> Option<Self> {
        let mut samples: Vec<(bool, f64)> = samples.filter(|(_, score)| score.is_finite()).collect();
        samples.sort_by(|left, right| right.1.total_cmp(&left.1));
        let positives = samples.iter().filter(|(positive, _)| *positive).count();
        let negatives = samples.len() - positives;
        if positives == 0 || negatives == 0 {
            return None;
        }
        let mut found = Self {
            roc: vec![(0.0, 0.0)],
            precision_recall: Vec::new(),
            auc: 0.0,
            average_precision: 0.0,
            prevalence: positives as f64 / samples.len() as f64,
            thresholds: vec![f64::INFINITY],
        };
        let (mut true_positives, mut false_positives) = (0, 0);
        for (at, (positive, score)) in samples.iter().enumerate() {
            true_positives += usize::from(*positive);
            false_positives += usize::from(!*positive);
            // Samples of one score lie on the same side of each threshold.
            if samples.get(at + 1).is_some_and(|next| next.1 == *score) {
                continue;
            }
            let (last_x, last_y) = found.roc[found.roc.len() - 1];
            let x = false_positives as f64 / negatives as f64;
            let recall = true_positives as f64 / positives as f64;
            let precision = true_positives as f64 / (true_positives + false_positives) as f64;
            found.auc += (x - last_x) * (recall + last_y) / 2.0;
            found.average_precision += (recall - last_y) * precision;
            found.roc.push((x, recall));
            found.precision_recall.push((recall, precision));
            found.thresholds.push(*score);
        }
        Some(found)
    }

    /// The points of both curves where `threshold` lies.
    pub fn at(&self, threshold: f64) -> ((f64, f64), Option<(f64, f64)>) {
        let point = self.thresholds.iter().rposition(|score| *score >= threshold).unwrap_or(0);
        (self.roc[point], point.checked_sub(1).map(|point| self.precision_recall[point]))
    }

    fn true_positive_rate(&self, false_positive_rate: f64) -> f64 {
        let after = self.roc.partition_point(|point| point.0 <= false_positive_rate);
        let (x, y) = self.roc[after - 1];
        match self.roc.get(after) {
            Some(next) => y + (next.1 - y) * (false_positive_rate - x) / (next.0 - x),
            None => y,
        }
    }

    fn precision(&self, recall: f64) -> f64 {
        let after = self.precision_recall.partition_point(|point| point.0 < recall);
        self.precision_recall[after.min(self.precision_recall.len() - 1)].1
    }
}

/// The means over classes of ROC and precision-recall curves.
pub fn macro_average(rankings: &[&Ranking]) -> (Points, Points) {
    const POINTS: usize = 201;
    let mean = |value: &dyn Fn(&Ranking) -> f64| {
        rankings.iter().map(|ranking| value(ranking)).sum::<f64>() / rankings.len().max(1) as f64
    };
    let grid = (0..POINTS).map(|point| point as f64 / (POINTS - 1) as f64);
    let roc = grid.clone().map(|x| (x, mean(&|ranking| ranking.true_positive_rate(x)))).collect();
    let precision_recall = grid.map(|recall| (recall, mean(&|ranking| ranking.precision(recall)))).collect();
    (roc, precision_recall)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of scikit-learn's documentation of `roc_auc_score` and `average_precision_score`.
    #[test]
    fn areas_are_those_of_scikit_learn() {
        let samples = [(false, 0.1), (false, 0.4), (true, 0.35), (true, 0.8)];
        let ranking = Ranking::new(samples.into_iter()).unwrap();
        assert_eq!(ranking.auc, 0.75);
        assert!((ranking.average_precision - 0.8333333333333333).abs() < 1e-12);
        assert_eq!(ranking.roc, [(0.0, 0.0), (0.0, 0.5), (0.5, 0.5), (0.5, 1.0), (1.0, 1.0)]);
        assert_eq!(ranking.at(0.4), ((0.5, 0.5), Some((0.5, 0.5))));
    }

    #[test]
    fn equal_scores_are_one_threshold() {
        let samples = [(false, 0.5), (true, 0.5), (true, 0.5), (false, 0.5)];
        let ranking = Ranking::new(samples.into_iter()).unwrap();
        assert_eq!((ranking.auc, ranking.roc.len(), ranking.average_precision), (0.5, 2, 0.5));
    }

    #[test]
    fn one_class_has_no_curve() {
        assert!(Ranking::new([(true, 0.5), (true, 0.2)].into_iter()).is_none());
        assert!(Ranking::new([(true, 0.5), (false, f64::NAN)].into_iter()).is_none());
    }
}
