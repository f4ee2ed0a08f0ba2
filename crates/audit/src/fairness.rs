//! Whether a model does to groups alike.

use std::collections::BTreeMap;

use fireclay_data::Random;

use crate::{Answers, AuditError, share_interval};

/// The stream of random numbers that samples are drawn by.
const PURPOSE: u64 = 0x6661_6972;

/// Drawings with replacement that intervals of differences are made from.
const RESAMPLES: usize = 1000;

/// A share, with its 95 % interval.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rate {
    /// How many.
    pub part: usize,
    /// Of how many.
    pub whole: usize,
}

impl Rate {
    /// The share; `None` of nothing.
    pub fn value(self) -> Option<f64> {
        (self.whole > 0).then(|| self.part as f64 / self.whole as f64)
    }

    /// By Wilson.
    pub fn interval(self) -> Option<[f64; 2]> {
        share_interval(self.part, self.whole)
    }
}

/// What a model does to the samples of one group.
#[derive(Clone, Debug, PartialEq)]
pub struct Group {
    /// What its samples have in common.
    pub name: String,
    /// How many are answered rightly.
    pub accuracy: Rate,
    /// How many the model says the positive class of.
    pub positive: Rate,
    /// Of those that are of that class, how many it says it of.
    pub true_positive: Rate,
    /// Of those that are not, how many it says it of.
    pub false_positive: Rate,
}

/// By how much groups differ.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Disparity {
    /// The greatest difference between two groups; `None` if fewer than two have the rate.
    pub value: Option<f64>,
    /// Its 95 % interval, by drawing samples with replacement (percentile bootstrap); it cannot reach 0 where groups differ by chance.
    pub interval: Option<[f64; 2]>,
}

/// What a model does to groups, for one of its classes.
#[derive(Clone, Debug, PartialEq)]
pub struct Fairness {
    /// Each group, the largest first.
    pub groups: Vec<Group>,
    /// How much the shares of right answers differ.
    pub accuracy: Disparity,
    /// How much the shares that the positive class is said of differ (demographic parity).
    pub demographic_parity: Disparity,
    /// How much the true positive or the false positive rates differ, whichever do more (equalised odds,
    /// [Hardt et al. 2016](https://arxiv.org/abs/1610.02413)).
    pub equalized_odds: Disparity,
}

impl Fairness {
    /// Compares groups. `groups` says of each sample which it is of; `positive` is the class whose rates are compared.
    ///
    /// # Errors
    /// [`AuditError::Counts`] unless there is a group for each sample, and [`AuditError::Option`] for fewer than two groups.
    pub fn new(answers: &Answers, groups: &[String], positive: u32, seed: u64) -> Result<Self, AuditError> {
        if groups.len() != answers.len() {
            let (found, expected) = (groups.len(), answers.len());
            return Err(AuditError::Counts { what: "groups of samples", found, expected });
        }
        let mut counts = BTreeMap::<&str, usize>::new();
        groups.iter().for_each(|group| *counts.entry(group).or_default() += 1);
        if counts.len() < 2 {
            let found = format!("a column of {} value", counts.len());
            let expected = "a column with two values or more among the samples";
            return Err(AuditError::Option { option: "group", found, expected });
        }
        let mut names: Vec<(&str, usize)> = counts.into_iter().collect();
        names.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        let place: BTreeMap<&str, usize> =
            names.iter().enumerate().map(|(place, (name, _))| (*name, place)).collect();
        let samples: Vec<Sample> = (answers.predicted().iter().zip(answers.labels()).zip(groups))
            .map(|((predicted, label), group)| Sample {
                group: place[group.as_str()],
                is_right: predicted == label,
                is_positive: *label == positive,
                is_said: *predicted == positive,
            })
            .collect();
        let tables = tables(samples.iter(), names.len());
        let found = differences(&tables);
        let mut drawn: [Vec<f64>; 3] = Default::default();
        let all = u32::try_from(samples.len()).unwrap_or(u32::MAX);
        for resample in 0..RESAMPLES as u64 {
            let mut random = Random::new(PURPOSE, seed, resample);
            let drawing = (0..all).map(|_| &samples[random.below(all) as usize]);
            // `tables` reads it once.
            let drawing: Vec<&Sample> = drawing.collect();
            let differences = differences(&self::tables(drawing.into_iter(), names.len()));
            drawn.iter_mut().zip(differences).for_each(|(drawn, value)| drawn.extend(value));
        }
        let [accuracy, demographic_parity, equalized_odds] = std::array::from_fn(|index| Disparity {
            value: found[index],
            interval: found[index].and_then(|_| middle(&mut drawn[index])),
        });
        let group = |((name, _), table): (&(&str, usize), &Table)| Group {
            name: (*name).to_owned(),
            accuracy: table.accuracy,
            positive: table.positive,
            true_positive: table.true_positive,
            false_positive: table.false_positive,
        };
        let groups = names.iter().zip(&tables).map(group).collect();
        Ok(Fairness { groups, accuracy, demographic_parity, equalized_odds })
    }
}

struct Sample {
    group: usize,
    is_right: bool,
    is_positive: bool,
    is_said: bool,
}

#[derive(Clone, Copy)]
struct Table {
    accuracy: Rate,
    positive: Rate,
    true_positive: Rate,
    false_positive: Rate,
}

fn tables<'a>(samples: impl Iterator<Item = &'a Sample>, groups: usize) -> Vec<Table> {
    let none = Rate { part: 0, whole: 0 };
    let empty = Table { accuracy: none, positive: none, true_positive: none, false_positive: none };
    let mut tables = vec![empty; groups];
    let count = |rate: &mut Rate, is_part: bool| {
        rate.whole += 1;
        rate.part += usize::from(is_part);
    };
    for sample in samples {
        let table = &mut tables[sample.group];
        count(&mut table.accuracy, sample.is_right);
        count(&mut table.positive, sample.is_said);
        match sample.is_positive {
            true => count(&mut table.true_positive, sample.is_said),
            false => count(&mut table.false_positive, sample.is_said),
        }
    }
    tables
}

/// Of accuracy, of the positive class, and of the two rates.
fn differences(tables: &[Table]) -> [Option<f64>; 3] {
    let spread = |of: fn(&Table) -> Rate| {
        let values: Vec<f64> = tables.iter().filter_map(|table| of(table).value()).collect();
        let (least, greatest) =
            values.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(least, greatest), value| {
                (least.min(*value), greatest.max(*value))
            });
        (values.len() > 1).then_some(greatest - least)
    };
    let odds = [spread(|table| table.true_positive), spread(|table| table.false_positive)];
    [
        spread(|table| table.accuracy),
        spread(|table| table.positive),
        odds.into_iter().flatten().reduce(f64::max),
    ]
}

/// Between which 95 % of the values lie; `None` if most drawings have none.
fn middle(values: &mut [f64]) -> Option<[f64; 2]> {
    if 2 * values.len() < RESAMPLES {
        return None;
    }
    values.sort_by(f64::total_cmp);
    let last = (values.len() - 1) as f64;
    Some([0.025, 0.975].map(|share| values[(share * last).round() as usize]))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// By hand, as `fairlearn.metrics` defines them.
    #[test]
    fn groups_are_compared_by_their_rates() {
        // Group a: 2 of 3 positives found, 1 false alarm of 2. Group b: 1 of 2, none of 2.
        let labels = vec![1, 1, 1, 0, 0, 1, 1, 0, 0];
        let said = [1, 1, 0, 1, 0, 1, 0, 0, 0];
        let groups: Vec<String> = "aaaaabbbb".chars().map(String::from).collect();
        let logits = said.iter().flat_map(|class| [0.0, if *class == 1 { 1.0 } else { -1.0 }]).collect();
        let answers = Answers::new(logits, labels, 2).unwrap();
        let found = Fairness::new(&answers, &groups, 1, 0).unwrap();
        let rates = |group: &Group| {
            [group.accuracy, group.positive, group.true_positive, group.false_positive]
                .map(|rate| (rate.part, rate.whole))
        };
        assert_eq!(found.groups.iter().map(|group| group.name.as_str()).collect::<Vec<_>>(), ["a", "b"]);
        assert_eq!(rates(&found.groups[0]), [(3, 5), (3, 5), (2, 3), (1, 2)]);
        assert_eq!(rates(&found.groups[1]), [(3, 4), (1, 4), (1, 2), (0, 2)]);
        let close = |disparity: Disparity, value: f64| (disparity.value.unwrap() - value).abs() < 1e-12;
        assert!(
            close(found.accuracy, 0.15)
                && close(found.demographic_parity, 0.35)
                && close(found.equalized_odds, 0.5)
        );
        let [low, high] = found.demographic_parity.interval.unwrap();
        assert!(low < 0.35 && 0.35 < high && high <= 1.0, "{low} {high}");
        assert_eq!(found, Fairness::new(&answers, &groups, 1, 0).unwrap());

        let one = vec!["a".to_owned(); 9];
        assert!(Fairness::new(&answers, &one, 1, 0).unwrap_err().to_string().contains("two values or more"));
        assert!(Fairness::new(&answers, &one[..8], 1, 0).is_err());
    }

    #[test]
    fn rates_that_do_not_exist_are_left_out() {
        let groups: Vec<String> = "aabb".chars().map(String::from).collect();
        // No sample is of class 1.
        let answers = Answers::new([1.0, 0.0].repeat(4), vec![0; 4], 2).unwrap();
        let found = Fairness::new(&answers, &groups, 1, 0).unwrap();
        assert_eq!(found.groups[0].true_positive.value(), None);
        assert_eq!(found.equalized_odds.value, Some(0.0), "that of false positives");
    }
}
