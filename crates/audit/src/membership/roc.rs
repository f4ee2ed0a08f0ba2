//! True and false positives at every threshold.

use fireclay_data::Random;

/// The stream of random numbers that samples are drawn by.
const PURPOSE: u64 = 0x726f_6331;

/// Drawings with replacement that intervals are made from.
const RESAMPLES: usize = 1000;

/// The rates of a score that is to tell samples that were trained on from others.
#[derive(Clone, Debug, PartialEq)]
pub struct Roc {
    /// Counts of false and true positives, ascending, from none to all.
    points: Vec<(usize, usize)>,
    /// Scores of others and of members, the highest first.
    others: Vec<f64>,
    members: Vec<f64>,
}

/// How many of those that were trained on are found at a rate of false alarms.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RateAt {
    /// The share of others that may be taken for trained on.
    pub false_positives: f64,
    /// The share of those that were trained on that are found; `None` if the others are too few to tell such a rate.
    pub true_positives: Option<f64>,
    /// Its 95 % interval, by drawing members and others with replacement (percentile bootstrap): the threshold hangs on few others.
    pub interval: Option<[f64; 2]>,
}

impl Roc {
    /// From a score of each sample, higher if it looks as if it was trained on, and whether it was.
    ///
    /// # Panics
    /// If there is not one score for each sample.
    pub fn new(scores: &[f64], members: &[bool]) -> Self {
        assert_eq!(scores.len(), members.len(), "a score for each sample");
        let mut order: Vec<usize> = (0..scores.len()).collect();
        order.sort_by(|a, b| scores[*b].total_cmp(&scores[*a]));
        let (mut false_positives, mut true_positives) = (0, 0);
        let mut points = vec![(0, 0)];
        for (place, sample) in order.iter().enumerate() {
            match members[*sample] {
                true => true_positives += 1,
                false => false_positives += 1,
            }
            // Equal scores are above a threshold together.
            let next = order.get(place + 1).map(|next| scores[*next]);
            if next != Some(scores[*sample]) {
                points.push((false_positives, true_positives));
            }
        }
        let of = |is_member: bool| {
            order
                .iter()
                .filter(|sample| members[**sample] == is_member)
                .map(|sample| scores[*sample])
                .collect()
        };
        Roc { points, others: of(false), members: of(true) }
    }

    /// Samples that were trained on.
    pub fn members(&self) -> usize {
        self.members.len()
    }

    /// Samples that were not.
    pub fn others(&self) -> usize {
        self.others.len()
    }

    /// The rates of false and of true positives, ascending, from 0 to 1.
    pub fn curve(&self) -> Vec<[f64; 2]> {
        let share = |part: usize, whole: usize| part as f64 / whole.max(1) as f64;
        self.points
            .iter()
            .map(|(others, members)| [share(*others, self.others()), share(*members, self.members())])
            .collect()
    }

    /// The area below the curve: how often a sample that was trained on scores higher than another; 0.5 by guessing.
    pub fn area(&self) -> f64 {
        let curve = self.curve();
        curve.windows(2).map(|ends| (ends[1][0] - ends[0][0]) * (ends[0][1] + ends[1][1]) / 2.0).sum()
    }

    /// How many are found at a rate of false alarms, such as 0.001. It takes as many others as make one false alarm at least.
    pub fn at(&self, false_positives: f64) -> RateAt {
        let most = (false_positives * self.others.len() as f64 * (1.0 + 1e-12)).floor() as usize;
        if most == 0 || self.members.is_empty() {
            return RateAt { false_positives, true_positives: None, interval: None };
        }
        let share = |found: usize| found as f64 / self.members.len() as f64;
        let found = self.points.iter().filter(|point| point.0 <= most).map(|point| point.1).max();
        RateAt { false_positives, true_positives: found.map(share), interval: Some(self.interval(most)) }
    }

    /// Between which shares 95 % of drawings find members where so many others may be taken for one.
    fn interval(&self, most: usize) -> [f64; 2] {
        let [others, members] = [&self.others, &self.members].map(|scores| scores.len() as u32);
        let mut shares: Vec<f64> = (0..RESAMPLES as u64)
            .map(|resample| {
                let mut random = Random::new(PURPOSE, most as u64, resample);
                let mut drawn: Vec<u32> = (0..others).map(|_| random.below(others)).collect();
                // Above the score of the first that is one too many.
                let (_, first, _) = drawn.select_nth_unstable(most.min(others as usize - 1));
                let above = match most < others as usize {
                    true => self.members.partition_point(|score| *score > self.others[*first as usize]),
                    false => self.members.len(),
                };
                let found = (0..members).filter(|_| (random.below(members) as usize) < above).count();
                found as f64 / f64::from(members)
            })
            .collect();
        shares.sort_by(f64::total_cmp);
        let last = (RESAMPLES - 1) as f64;
        [0.025, 0.975].map(|share| shares[(share * last).round() as usize])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_counted_at_every_threshold() {
        let scores = [0.9, 0.8, 0.8, 0.3, 0.1];
        let roc = Roc::new(&scores, &[true, true, false, false, true]);
        assert_eq!((roc.members(), roc.others()), (3, 2));
        // The two of 0.8 are above a threshold together.
        let third = 1.0 / 3.0;
        assert_eq!(
            roc.curve(),
            [[0.0, 0.0], [0.0, third], [0.5, 2.0 * third], [1.0, 2.0 * third], [1.0, 1.0]]
        );
        // Of six pairs 3 are in order and one is equal.
        assert!((roc.area() - 3.5 / 6.0).abs() < 1e-12, "{}", roc.area());
        assert_eq!(roc.at(0.5).true_positives, Some(2.0 / 3.0));
        assert_eq!(roc.at(0.1).true_positives, None, "two samples do not tell one in ten");
    }

    #[test]
    fn a_score_that_says_nothing_is_the_diagonal() {
        let members: Vec<bool> = (0..100).map(|sample| sample % 2 == 0).collect();
        let roc = Roc::new(&[0.0; 100], &members);
        assert_eq!((roc.curve(), roc.area()), (vec![[0.0, 0.0], [1.0, 1.0]], 0.5));
        assert_eq!(roc.at(0.1).true_positives, Some(0.0));
        let perfect: Vec<f64> = members.iter().map(|is_in| f64::from(u8::from(*is_in))).collect();
        let perfect = Roc::new(&perfect, &members);
        assert_eq!(perfect.at(0.02).interval, Some([1.0, 1.0]));
        assert_eq!((perfect.area(), perfect.at(0.02).true_positives), (1.0, Some(1.0)));
    }

    #[test]
    fn intervals_know_that_the_threshold_hangs_on_few_samples() {
        // Nobody can tell them apart, whatever the seed: the interval has the rate itself.
        let mut random = Random::new(1, 2, 3);
        let scores: Vec<f64> = (0..2000).map(|_| f64::from(random.normal())).collect();
        let members: Vec<bool> = (0..2000).map(|sample| sample < 1000).collect();
        let found = Roc::new(&scores, &members).at(0.005);
        let [low, high] = found.interval.unwrap();
        assert!(low < 0.005 && 0.005 < high, "{found:?}");
        // Of 1000 the share alone would have a width of 0.009.
        assert!(high - low > 0.01, "{found:?}");
    }
}
