//! Smallest, largest, mean and deviation of numbers, in one pass and bounded memory.

use fireclay_data::{Batch, BatchFeatures, BatchTargets, Dataset, Normalization};
use rayon::prelude::*;

use super::NumberStats;

/// Pieces of the samples that are worked on before their results are merged.
const WAVE: usize = 16;

/// The features and the targets of a dataset; each empty without samples, or where they are not numbers.
#[derive(Default)]
pub(super) struct Numbers {
    pub(super) features: Vec<NumberStats>,
    pub(super) targets: Vec<NumberStats>,
}

/// Looks at all numbers of a dataset, features as they are stored.
pub(super) fn number_stats(dataset: &Dataset, features: bool) -> Numbers {
    let dataset = as_stored(dataset);
    let sample_len = dataset.shape().iter().product::<usize>().max(1);
    let entries = dataset.shape().first().copied().unwrap_or(1);
    let piece_len = (65_536 / sample_len).max(16);
    let pieces = dataset.len().div_ceil(piece_len);
    let (mut all_features, mut all_targets) = (Vec::new(), Vec::new());
    for wave in 0..pieces.div_ceil(WAVE) {
        let running: Vec<_> = (wave * WAVE..pieces.min((wave + 1) * WAVE))
            .into_par_iter()
            .map(|piece| {
                let end = dataset.len().min((piece + 1) * piece_len);
                of_piece(&dataset, piece * piece_len..end, features.then_some(entries))
            })
            .collect();
        // In order, so that the rounding does not depend on which thread was first.
        for (features, targets) in running {
            merge_all(&mut all_features, features);
            merge_all(&mut all_targets, targets);
        }
    }
    let finish = |all: Vec<Running>| all.into_iter().map(Running::finish).collect();
    Numbers { features: finish(all_features), targets: finish(all_targets) }
}

/// Numbers that are `[samples, width]`.
pub(super) fn of_values(values: &[f32], width: usize) -> Vec<NumberStats> {
    match values.len() / width.max(1) {
        0 => Vec::new(),
        rows => of_columns(values, rows, width).into_iter().map(Running::finish).collect(),
    }
}

/// The same samples without normalization.
pub(super) fn as_stored(dataset: &Dataset) -> Dataset {
    match dataset.clone().with_normalization(Normalization::none()) {
        Ok(dataset) => dataset,
        // One mean for all channels, 0, and one deviation, 1, fit everything.
        Err(error) => unreachable!("{error}"),
    }
}

fn of_piece(
    dataset: &Dataset,
    indices: std::ops::Range<usize>,
    entries: Option<usize>,
) -> (Vec<Running>, Vec<Running>) {
    let indices: Vec<u32> = indices.map(|index| index as u32).collect();
    let mut batch = Batch::default();
    dataset.gather(&indices, &mut batch);
    let features = match (&batch.features, entries) {
        (BatchFeatures::Values(values), Some(entries)) => of_columns(values, indices.len(), entries),
        _ => Vec::new(),
    };
    let targets = match &batch.targets {
        BatchTargets::Values { width, values } => of_columns(values, indices.len(), *width),
        _ => Vec::new(),
    };
    (features, targets)
}

/// `values` is `[rows, entries, ..]`.
fn of_columns(values: &[f32], rows: usize, entries: usize) -> Vec<Running> {
    let row_len = values.len() / rows.max(1);
    let entry_len = row_len / entries.max(1);
    (0..entries)
        .map(|entry| {
            let column = || {
                values.chunks_exact(row_len).flat_map(move |row| row[entry * entry_len..][..entry_len].iter())
            };
            Running::of(column, rows * entry_len)
        })
        .collect()
}

fn merge_all(all: &mut Vec<Running>, some: Vec<Running>) {
    if all.is_empty() {
        *all = some;
        return;
    }
    for (all, some) in all.iter_mut().zip(some) {
        all.merge(some);
    }
}

/// What is known of the numbers seen so far.
struct Running {
    count: f64,
    mean: f64,
    /// Sum of the squared distances from the mean.
    spread: f64,
    min: f32,
    max: f32,
}

impl Running {
    fn of<'a, I: Iterator<Item = &'a f32>>(values: impl Fn() -> I, count: usize) -> Self {
        let count = count as f64;
        let mean = values().map(|value| f64::from(*value)).sum::<f64>() / count;
        Running {
            count,
            mean,
            spread: values().map(|value| (f64::from(*value) - mean).powi(2)).sum(),
            min: values().copied().fold(f32::INFINITY, f32::min),
            max: values().copied().fold(f32::NEG_INFINITY, f32::max),
        }
    }

    /// As Chan, Golub and LeVeque merge variances (The American Statistician, 1983).
    fn merge(&mut self, other: Running) {
        let count = self.count + other.count;
        let apart = other.mean - self.mean;
        self.mean += apart * other.count / count;
        self.spread += other.spread + apart * apart * self.count * other.count / count;
        self.count = count;
        self.min = self.min.min(other.min);
        self.max = self.max.max(other.max);
    }

    fn finish(self) -> NumberStats {
        let std = (self.spread / self.count).sqrt();
        NumberStats { min: self.min, max: self.max, mean: self.mean, std }
    }
}
