//! Describing a data set: everything of a [`DataReport`] put together.

use std::collections::HashSet;

use fireclay_data::{Dataset, Provenance, Targets};
use fireclay_text::Texts;
use rayon::prelude::*;

use super::numbers::{Numbers, number_stats};
use super::{
    ClassCount, DataReport, Duplicates, FeatureReport, NumberStats, SplitReport, TargetReport, images, texts,
};

/// Describes a data set of images, numbers or tokens: class balance, statistics of its features, duplicates within
/// and between the splits. Either split may be empty.
///
/// All threads of rayon's pool take part; the result does not depend on how many there are.
///
/// ```
/// use fireclay_datasets::{DrawnDigits, TargetReport, describe};
///
/// let (train, test) = DrawnDigits::new(0).train_and_test(100, 20);
/// let report = describe(&train, &test);
/// assert_eq!((report.train.samples, report.test.samples), (100, 20));
/// let TargetReport::Classes { classes, .. } = &report.train.targets else { panic!("digits are classes") };
/// assert_eq!((classes[3].name.as_str(), classes[3].count, classes[3].share), ("3", 10, 0.1));
/// assert_eq!(report.duplicates.between.samples, 0);
/// assert!(report.to_string().starts_with("drawn digits"));
/// ```
pub fn describe(train: &Dataset, test: &Dataset) -> DataReport {
    DataReport {
        train: describe_split(train, test),
        test: describe_split(test, train),
        duplicates: Duplicates::of(train, test),
    }
}

/// Describes a data set of texts: class balance, lengths, words, duplicates within and between the splits. Either
/// split may be empty.
///
/// ```
/// use fireclay_data::{Provenance, Targets};
/// use fireclay_datasets::{FeatureReport, describe_texts};
/// use fireclay_text::Texts;
///
/// # fn main() -> Result<(), fireclay_datasets::DatasetsError> {
/// let texts = |split: &str, texts: &[&str]| {
///     let targets = Targets::Classes { labels: vec![0; texts.len()], names: vec!["good".into()] };
///     Texts::new(texts.iter().map(ToString::to_string).collect(), targets, Provenance::new("two", split, "made"))
/// };
/// let report = describe_texts(&texts("train", &["a joy", "what a joy"])?, &texts("test", &["a joy "])?);
/// let FeatureReport::Texts { distinct_words, .. } = report.train.features else { panic!("texts") };
/// assert_eq!(distinct_words, 3);
/// assert_eq!(report.duplicates.between.samples, 1);
/// # Ok(())
/// # }
/// ```
pub fn describe_texts(train: &Texts, test: &Texts) -> DataReport {
    DataReport {
        train: describe_split_of_texts(train),
        test: describe_split_of_texts(test),
        duplicates: texts::duplicates(train, test),
    }
}

/// A split without samples is of the kind of `other`.
fn describe_split(dataset: &Dataset, other: &Dataset) -> SplitReport {
    let shape = dataset.shape().to_vec();
    let is_classes = dataset.num_classes().is_some();
    let is_bytes = if dataset.is_empty() { other } else { dataset }.raw_u8(0).is_some();
    let is_numbers = !is_bytes && dataset.vocabulary_size().is_none();
    let Numbers { features, targets } =
        if is_numbers || !is_classes { number_stats(dataset, is_numbers) } else { Numbers::default() };
    let features = match dataset.vocabulary_size() {
        _ if is_bytes => FeatureReport::Bytes { shape, channels: images::channel_stats(dataset) },
        Some(vocabulary_size) => FeatureReport::Tokens {
            sequence_len: shape.first().copied().unwrap_or(0),
            vocabulary_size,
            distinct_tokens: distinct_tokens(dataset),
        },
        None => FeatureReport::Numbers { shape, features },
    };
    let classes = is_classes.then(|| (dataset.class_names(), dataset.class_counts()));
    split(dataset.provenance(), dataset.len(), target_report(classes, targets), features)
}

fn describe_split_of_texts(texts: &Texts) -> SplitReport {
    let targets = match texts.targets() {
        Targets::Classes { labels, names } => {
            let mut counts = vec![0; names.len()];
            labels.iter().for_each(|label| counts[*label as usize] += 1);
            target_report(Some((names, counts)), Vec::new())
        }
        Targets::Values { width, values } => target_report(None, super::numbers::of_values(values, *width)),
        Targets::Labels { values, names } => {
            target_report(None, super::numbers::of_values(values, names.len()))
        }
        Targets::StepClasses { .. } | Targets::Features { .. } => target_report(None, Vec::new()),
    };
    split(texts.provenance(), texts.len(), targets, texts::text_features(texts))
}

fn split(
    provenance: &Provenance,
    samples: usize,
    targets: TargetReport,
    features: FeatureReport,
) -> SplitReport {
    let Provenance { name, split, source, .. } = provenance.clone();
    SplitReport { name, split, source, samples, targets, features }
}

fn target_report(classes: Option<(&[String], Vec<usize>)>, values: Vec<NumberStats>) -> TargetReport {
    let Some((names, counts)) = classes else { return TargetReport::Values { values } };
    let samples: usize = counts.iter().sum();
    let share = |count| if samples == 0 { 0.0 } else { count as f64 / samples as f64 };
    let classes: Vec<ClassCount> = (names.iter().zip(counts))
        .map(|(name, count)| ClassCount { name: name.clone(), count, share: share(count) })
        .collect();
    // The first of equals: `max_by_key` takes the last.
    let most_frequent = classes.iter().rev().max_by_key(|class| class.count).cloned();
    let least_frequent = classes.iter().min_by_key(|class| class.count).cloned();
    match samples {
        0 => TargetReport::Classes { classes, most_frequent: None, least_frequent: None },
        _ => TargetReport::Classes { classes, most_frequent, least_frequent },
    }
}

fn distinct_tokens(dataset: &Dataset) -> usize {
    let distinct = (0..dataset.len())
        .into_par_iter()
        .with_min_len(256)
        .filter_map(|index| dataset.tokens(index))
        .fold(HashSet::new, |mut distinct: HashSet<u32>, tokens| {
            distinct.extend(tokens);
            distinct
        })
        .reduce(HashSet::new, |mut left, right| {
            left.extend(right);
            left
        });
    distinct.len()
}
