//! Which features a network relies on: how much worse a measure becomes where some of them are those of other samples.

use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, Instant};

use fireclay_data::{
    Batch, BatchFeatures, DataError, FeatureKind, Random, Source, SourceMetadata, Subset, TargetKind,
};
use fireclay_nn::Network;

use crate::error::TrainError;
use crate::metrics::{AnyMetric, Direction};
use crate::trainer::Trainer;

/// The stream of random numbers that features are shuffled by.
const PURPOSE: u64 = 0x7065_726d;

/// How features are shuffled, and when that is enough.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PermutationOptions {
    /// How often the features of each group are shuffled; 5 by default.
    pub repeats: usize,
    /// No more samples are looked at, spread evenly over all of them; 2,000 by default.
    pub max_samples: usize,
    /// No shuffle is begun later than this; 10 seconds by default. Groups take turns, so that fewer shuffles are left of each.
    pub time_limit: Duration,
    /// The seed of the shuffles; 0 by default.
    pub seed: u64,
}

impl Default for PermutationOptions {
    fn default() -> Self {
        PermutationOptions { repeats: 5, max_samples: 2_000, time_limit: Duration::from_secs(10), seed: 0 }
    }
}

/// How much a network relies on each group of features.
#[derive(Clone, Debug, PartialEq)]
pub struct PermutationImportance {
    /// The measure of the samples as they are.
    pub value: f64,
    /// How many samples were measured.
    pub samples: usize,
    /// The groups in the order in which they were given.
    pub features: Vec<FeatureImportance>,
}

/// How much a network relies on some features.
#[derive(Clone, Debug, PartialEq)]
pub struct FeatureImportance {
    /// The name that the group was given.
    pub name: String,
    /// By how much the measure was worse in each shuffle, below 0 where it was better; empty if there was no time for one.
    pub losses: Vec<f64>,
}

impl FeatureImportance {
    /// By how much the measure was worse on average; `None` without a shuffle.
    pub fn mean(&self) -> Option<f64> {
        let count = self.losses.len() as f64;
        (count > 0.0).then(|| self.losses.iter().sum::<f64>() / count)
    }

    /// The standard deviation over the shuffles, of a sample; `None` with fewer than two.
    pub fn std(&self) -> Option<f64> {
        let (mean, count) = (self.mean()?, self.losses.len() as f64);
        let squares: f64 = self.losses.iter().map(|loss| (loss - mean).powi(2)).sum();
        (count > 1.0).then(|| (squares / (count - 1.0)).sqrt())
    }
}

impl<N: Network> Trainer<N> {
    /// How much worse a measure becomes where the features of a group are those of another sample, drawn by chance (permutation
    /// importance, [Breiman 2001](https://doi.org/10.1023/A:1010933404324)). It says what this network relies on, not what is
    /// related to the target: of two groups that say the same, each may replace the other. Give samples that the network was not
    /// trained on.
    ///
    /// `groups` are ranges of the numbers of a sample, such as those of a table's column
    /// ([`column_ranges`](fireclay_tabular::TablePreprocessing::column_ranges)). `None` if the metric does not exist for these samples.
    ///
    /// ```
    /// use fireclay_data::{Dataset, Provenance, Targets};
    /// use fireclay_nn::ModelSpec;
    /// use fireclay_train::{Adam, Device, FitOptions, PermutationOptions, R2, Trainer};
    ///
    /// // Only the first of two numbers counts.
    /// let values: Vec<f32> = (0..400).map(|i| (i * 37 % 101) as f32 / 50.0 - 1.0).collect();
    /// let targets = Targets::Values { width: 1, values: values.chunks(2).map(|pair| 3.0 * pair[0]).collect() };
    /// let data = Dataset::from_f32(&[2], values, targets, Provenance::default())?;
    /// let mut trainer = Trainer::regression(ModelSpec::new([2]).dense(1).build(&Device::default())?).optimizer(Adam::new(0.1));
    /// trainer.fit(&data, &FitOptions { epochs: 20, ..FitOptions::default() })?;
    /// let groups = [("counts", 0..1), ("does not", 1..2)];
    /// let importance = trainer.permutation_importance(&data, &groups, &R2.into(), &PermutationOptions::default())?.unwrap();
    /// let [counts, does_not] = [0, 1].map(|group| importance.features[group].mean().unwrap());
    /// assert!(counts > 1.0 && does_not.abs() < 0.1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// As [`predictions`](Self::predictions), and [`TrainError::Setting`] if samples are not numbers, have several inputs, or have fewer than a group names.
    pub fn permutation_importance<S: Source + Clone + 'static>(
        &self,
        data: &S,
        groups: &[(&str, Range<usize>)],
        metric: &AnyMetric,
        options: &PermutationOptions,
    ) -> Result<Option<PermutationImportance>, TrainError> {
        let begun = Instant::now();
        let source: Arc<dyn Source> = Arc::new(data.clone());
        check(&*source, groups)?;
        let rows = Rows::of(source, options.max_samples)?;
        let Some(value) = metric.measure(&self.predictions(&rows.source)?) else { return Ok(None) };
        let mut features: Vec<FeatureImportance> = groups
            .iter()
            .map(|(name, _)| FeatureImportance { name: (*name).to_owned(), losses: Vec::new() })
            .collect();
        let samples = rows.source.len();
        let rounds =
            (0..options.repeats).flat_map(|repeat| (0..groups.len()).map(move |group| (repeat, group)));
        for (repeat, group) in rounds {
            if begun.elapsed() >= options.time_limit {
                break;
            }
            let shuffled =
                rows.shuffled(groups[group].1.clone(), options.seed, (repeat * groups.len() + group) as u64);
            if let Some(shuffled) = metric.measure(&self.predictions(&Arc::new(shuffled))?) {
                features[group].losses.push(match metric.direction() {
                    Direction::Maximize => value - shuffled,
                    Direction::Minimize => shuffled - value,
                });
            }
        }
        Ok(Some(PermutationImportance { value, samples, features }))
    }
}

fn check(source: &dyn Source, groups: &[(&str, Range<usize>)]) -> Result<(), TrainError> {
    let wrong = |found: String| TrainError::Setting {
        setting: "groups of features",
        found,
        expected: "ranges within the numbers of a sample",
    };
    let width: usize = source.sample_shape().iter().product();
    if source.feature_kind() != FeatureKind::Values || !source.has_fixed_shape() {
        return Err(wrong("of samples that are no numbers".into()));
    }
    if !source.other_inputs().is_empty() {
        return Err(wrong("of samples with several inputs".into()));
    }
    match groups.iter().find(|(_, range)| range.start > range.end || range.end > width) {
        Some((name, range)) => Err(wrong(format!("{range:?} of {width} for {name:?}"))),
        None => Ok(()),
    }
}

/// Some samples with their features side by side.
struct Rows {
    source: Arc<dyn Source>,
    features: Arc<Vec<f32>>,
}

impl Rows {
    fn of(source: Arc<dyn Source>, most: usize) -> Result<Self, TrainError> {
        let source: Arc<dyn Source> = Arc::new(Subset::spread(source, most)?);
        let mut batch = Batch::default();
        let indices: Vec<u32> = (0..source.len() as u32).collect();
        source.gather(&indices, &mut batch)?;
        let features = match batch.features {
            BatchFeatures::Values(values) => Arc::new(values),
            BatchFeatures::Tokens(_) => {
                return Err(TrainError::BatchFeatures { name: source.input_name().into() });
            }
        };
        Ok(Rows { source, features })
    }

    fn shuffled(&self, columns: Range<usize>, seed: u64, index: u64) -> Shuffled {
        let mut from: Vec<u32> = (0..self.source.len() as u32).collect();
        Random::new(PURPOSE, seed, index).shuffle(&mut from);
        Shuffled { source: self.source.clone(), features: self.features.clone(), columns, from }
    }
}

/// Samples some of whose features are those of others.
struct Shuffled {
    source: Arc<dyn Source>,
    features: Arc<Vec<f32>>,
    columns: Range<usize>,
    /// Which sample's features each has.
    from: Vec<u32>,
}

impl Source for Shuffled {
    fn len(&self) -> usize {
        self.source.len()
    }

    fn sample_shape(&self) -> &[usize] {
        self.source.sample_shape()
    }

    fn input_name(&self) -> &str {
        self.source.input_name()
    }

    fn target_kind(&self) -> TargetKind {
        self.source.target_kind()
    }

    fn metadata(&self) -> SourceMetadata {
        self.source.metadata()
    }

    fn gather(&self, indices: &[u32], batch: &mut Batch) -> Result<(), DataError> {
        self.source.gather(indices, batch)?;
        let width = self.features.len() / self.len().max(1);
        for (row, index) in batch.features.values_mut().chunks_exact_mut(width.max(1)).zip(indices) {
            let other = &self.features[self.from[*index as usize] as usize * width..][..width];
            row[self.columns.clone()].copy_from_slice(&other[self.columns.clone()]);
        }
        Ok(())
    }
}
