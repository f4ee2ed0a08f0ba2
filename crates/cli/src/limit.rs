//! `--limit N`: a part of the data, for a quick trial.

use clap::Args;
use fireclay::data::{DataError, Dataset, TextError, Texts};
use serde::{Deserialize, Serialize};

/// How much of the data is used.
#[derive(Args, Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Limit {
    /// Use at most N samples of each part (training, test), always the same ones, spread evenly over it and with its
    /// proportions of classes; for a quick trial [default: all]
    #[arg(id = "limit", long = "limit", value_name = "N", help_heading = "Data",
        value_parser = clap::value_parser!(u32).range(1..))]
    pub samples: Option<u32>,
}

impl Limit {
    /// The whole data.
    pub const NONE: Limit = Limit { samples: None };

    /// How many samples of `len` are used.
    pub fn of(self, len: usize) -> usize {
        self.samples.map_or(len, |limit| len.min(limit as usize))
    }

    /// The samples of a data set that are used, in its order.
    ///
    /// # Errors
    /// None that follows from the limit.
    pub fn dataset(self, data: Dataset) -> Result<Dataset, DataError> {
        let samples = self.of(data.len());
        if samples == data.len() {
            return Ok(data);
        }
        let labels: Option<Vec<u32>> = data
            .num_classes()
            .map(|_| (0..data.len()).map(|index| data.label(index).unwrap_or_default()).collect());
        data.subset(&spread(data.len(), labels.as_deref(), samples))
    }

    /// The texts that are used, in their order.
    ///
    /// # Errors
    /// None that follows from the limit.
    pub fn texts(self, texts: Texts) -> Result<Texts, TextError> {
        let samples = self.of(texts.len());
        if samples == texts.len() {
            return Ok(texts);
        }
        let labels = texts.targets().classes().map(|(labels, _)| labels);
        let indices = spread(texts.len(), labels, samples);
        let targets = texts.targets().of(&indices);
        let chosen = indices.iter().map(|&index| texts.texts()[index].clone()).collect();
        Texts::new(chosen, targets, texts.provenance().clone())
    }
}

/// `samples` of `len` indices, ascending: of each class its proportion, evenly spaced.
fn spread(len: usize, labels: Option<&[u32]>, samples: usize) -> Vec<usize> {
    let mut classes: Vec<Vec<usize>> = Vec::new();
    for index in 0..len {
        let class = labels.map_or(0, |labels| labels[index] as usize);
        if classes.len() <= class {
            classes.resize_with(class + 1, Vec::new);
        }
        classes[class].push(index);
    }
    // Largest remainders: the quotas sum to exactly `samples`.
    let exact = |class: &Vec<usize>| class.len() * samples;
    let mut quotas: Vec<usize> = classes.iter().map(|class| exact(class) / len).collect();
    let mut by_remainder: Vec<usize> = (0..classes.len()).collect();
    by_remainder.sort_by_key(|&class| std::cmp::Reverse(exact(&classes[class]) % len));
    let missing = samples - quotas.iter().sum::<usize>();
    by_remainder.iter().take(missing).for_each(|&class| quotas[class] += 1);
    let mut chosen: Vec<usize> = (classes.iter().zip(quotas))
        .flat_map(|(class, quota)| {
            (0..quota).map(move |place| class[(2 * place + 1) * class.len() / (2 * quota)])
        })
        .collect();
    chosen.sort_unstable();
    chosen
}

#[cfg(test)]
mod tests {
    use fireclay::data::DrawnDigits;

    use super::*;

    #[test]
    fn the_limit_is_kept_exactly_with_the_proportions_of_classes() {
        // 60 % of class 0, 30 % of class 1, 10 % of class 2, one after the other.
        let labels: Vec<u32> = (0..1000).map(|index| [0, 0, 0, 0, 0, 0, 1, 1, 1, 2][index / 100]).collect();
        let chosen = spread(labels.len(), Some(&labels), 50);
        let of = |class: u32| chosen.iter().filter(|&&index| labels[index] == class).count();
        assert_eq!((of(0), of(1), of(2)), (30, 15, 5));
        assert!(chosen.is_sorted_by(|a, b| a < b), "ascending, none twice: {chosen:?}");
        assert!(chosen[0] < 20 && chosen[49] > 970, "spread over all: {chosen:?}");
        for samples in 1..=1000 {
            assert_eq!(spread(labels.len(), Some(&labels), samples).len(), samples);
        }
        assert_eq!(spread(6, None, 3), [1, 3, 5]);
    }

    #[test]
    fn a_limit_above_the_size_changes_nothing() {
        let (data, _) = DrawnDigits::new(0).train_and_test(30, 0);
        let whole = Limit { samples: Some(31) }.dataset(data.clone()).unwrap();
        assert_eq!((whole.len(), whole.provenance()), (30, data.provenance()));
        let part = Limit { samples: Some(20) }.dataset(data.clone()).unwrap();
        assert_eq!(part.class_counts(), [2; 10]);
        assert_eq!((part.len(), &part.provenance().split), (20, &data.provenance().split));
    }
}
