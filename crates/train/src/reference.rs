//! What is measured of samples to see whether they are like those of the training.

use fireclay_data::{Batch, BatchFeatures, Normalization, Source};
use fireclay_nn::{InputSpec, Model, ModelSpec};
use fireclay_store::{Distribution, Preprocessing, ReferenceDistributions};
use fireclay_tabular::{Encoding, TablePreprocessing};
use fireclay_text::reserved;

use crate::error::TrainError;
use crate::metadata::ModelMetadata;
use crate::metrics::{Predictions, Task, argmax};
use crate::predictor::Sample;
use crate::trainer::Trainer;

/// Samples that are measured at most.
const MOST_SAMPLES: usize = 5_000;

/// Columns of a table that are measured at most.
const MOST_COLUMNS: usize = 200;

/// What is measured of a sample: a few numbers, the same for a training and for a server.
///
/// Of a row of a table each column, as the network sees it: a number on its scale, of a category which it is. Of a picture
/// its brightness and contrast, from 0 to 1. Of a text how many tokens it has, and which share of them is unknown. Of other numbers their
/// mean and deviation.
#[derive(Clone, Debug, PartialEq)]
pub struct SampleMeasures {
    kind: Kind,
}

#[derive(Clone, Debug, PartialEq)]
enum Kind {
    /// The first number of each column and how many it has, with the column's name and whether it is a category.
    Columns(Vec<(String, usize, usize, bool)>),
    Picture,
    Text,
    Numbers,
}

impl SampleMeasures {
    /// What is measured of the samples of a model.
    pub fn of(spec: &ModelSpec, table: Option<&TablePreprocessing>) -> Self {
        let kind = match (&spec.input, table) {
            (InputSpec::Tokens(_), _) => Kind::Text,
            (_, Some(table)) => {
                let ranges = table.column_ranges();
                let columns = table.columns.iter().zip(ranges).filter_map(|(column, (name, range))| {
                    let is_category = match &column.encoding {
                        Encoding::Number(_) => false,
                        Encoding::Category(_) => true,
                        _ => return None,
                    };
                    (!range.is_empty()).then(|| (name.to_owned(), range.start, range.len(), is_category))
                });
                Kind::Columns(columns.take(MOST_COLUMNS).collect())
            }
            (_, None) if spec.input.shape().len() == 3 => Kind::Picture,
            _ => Kind::Numbers,
        };
        SampleMeasures { kind }
    }

    /// What each number is of.
    pub fn names(&self) -> Vec<&str> {
        match &self.kind {
            Kind::Columns(columns) => columns.iter().map(|(name, ..)| name.as_str()).collect(),
            Kind::Picture => vec!["brightness", "contrast"],
            Kind::Text => vec!["tokens", "unknown tokens"],
            Kind::Numbers => vec!["mean", "deviation"],
        }
    }

    /// The numbers of a sample that is checked and prepared, before it is normalised; none of what is still a text or a row.
    pub fn measure(&self, sample: &Sample<'_>) -> Vec<f32> {
        match sample {
            Sample::Values(values) => self.of_values(values),
            Sample::Pixels(pixels) => {
                let values: Vec<f32> = pixels.iter().map(|pixel| f32::from(*pixel) / 255.0).collect();
                self.of_values(&values)
            }
            Sample::Tokens(tokens) => of_tokens(tokens.iter().copied()),
            Sample::Text(_) | Sample::Row(_) => Vec::new(),
        }
    }

    fn of_values(&self, values: &[f32]) -> Vec<f32> {
        match &self.kind {
            Kind::Columns(columns) => (columns.iter())
                .map(|(_, start, width, is_category)| match values.get(*start..start + width) {
                    Some(column) if *is_category => {
                        // None of its places: a value that was not there in the training.
                        column.iter().position(|place| *place > 0.5).unwrap_or(*width) as f32
                    }
                    Some(column) => column[0],
                    None => 0.0,
                })
                .collect(),
            _ => {
                let count = values.len().max(1) as f64;
                let mean = sum(values, f64::from) / count;
                let variance = sum(values, |value| (f64::from(value) - mean).powi(2)) / count;
                vec![mean as f32, variance.sqrt() as f32]
            }
        }
    }

    /// How the numbers of many samples are distributed, `[samples][measures]`.
    fn distributions(&self, measured: &[Vec<f32>]) -> Vec<Distribution> {
        let of_measure =
            |place: usize| measured.iter().map(move |sample| sample[place]).collect::<Vec<f32>>();
        let names = self.names().into_iter().enumerate();
        names
            .filter_map(|(place, name)| {
                let values = of_measure(place);
                match &self.kind {
                    Kind::Columns(columns) if columns[place].3 => {
                        let edges = (0..columns[place].2).map(|value| value as f32 + 0.5).collect();
                        Distribution::in_parts(name, &values, edges)
                    }
                    _ => Distribution::of(name, &values),
                }
            })
            .collect()
    }
}

fn of_tokens(tokens: impl Iterator<Item = u32>) -> Vec<f32> {
    let (mut all, mut unknown) = (0u32, 0u32);
    for token in tokens.filter(|token| *token != reserved::PADDING) {
        all += 1;
        unknown += u32::from(token == reserved::UNKNOWN);
    }
    vec![all as f32, unknown as f32 / all.max(1) as f32]
}

impl Trainer<Model> {
    /// Keeps how samples that the network was trained on are distributed, and what it predicts for others, so that a server sees when
    /// samples of another kind come. Nothing is kept of a network with several inputs, or with another answer than a class or a number,
    /// and of a private training, as its samples are not to be told from others.
    ///
    /// # Errors
    /// If a sample cannot be read.
    pub fn keep_reference(&mut self, seen: &dyn Source, unseen: &Predictions) -> Result<(), TrainError> {
        if self.metadata.training.as_ref().is_some_and(|training| training.privacy.is_some()) {
            return Ok(());
        }
        self.metadata.reference = reference(self.network.spec(), &self.metadata, seen, unseen)?;
        Ok(())
    }
}

/// Measures samples of a training, and what the network says of others.
fn reference(
    spec: &ModelSpec,
    metadata: &ModelMetadata,
    seen: &dyn Source,
    unseen: &Predictions,
) -> Result<Option<ReferenceDistributions>, TrainError> {
    let one_answer = matches!(unseen.task(), Task::Classes { .. } | Task::Regression { outputs: 1 });
    if !one_answer || seen.is_empty() || !seen.other_inputs().is_empty() || !seen.has_fixed_shape() {
        return Ok(None);
    }
    let measures = SampleMeasures::of(spec, metadata.table.as_deref());
    let normalization = match &metadata.preprocessing {
        Some(Preprocessing { mean, std }) => Normalization { mean: mean.clone(), std: std.clone() },
        None => Normalization::none(),
    };
    let step = seen.len().div_ceil(MOST_SAMPLES).max(1);
    let indices: Vec<u32> = (0..seen.len()).step_by(step).map(|index| index as u32).collect();
    let mut measured = Vec::with_capacity(indices.len());
    let mut batch = Batch::default();
    for part in indices.chunks(64) {
        seen.gather(part, &mut batch)?;
        let length: usize = batch.shape[1..].iter().product();
        match &batch.features {
            BatchFeatures::Values(values) => {
                for sample in values.chunks_exact(length.max(1)) {
                    measured.push(measures.of_values(&before_normalization(sample, &normalization)));
                }
            }
            BatchFeatures::Tokens(tokens) => {
                for sample in tokens.chunks_exact(length.max(1)) {
                    measured.push(of_tokens(sample.iter().map(|token| *token as u32)));
                }
            }
        }
    }
    let (classes, answers) = match unseen.task() {
        Task::Classes { count: classes } => {
            let mut counts = vec![0u32; classes];
            let rows = unseen.probabilities().chunks_exact(classes.max(1));
            let sure: Vec<f32> = rows
                .map(|row| {
                    let class = match metadata.threshold {
                        Some(threshold) if classes == 2 => usize::from(f64::from(row[1]) > threshold),
                        _ => argmax(row),
                    };
                    counts[class] += 1;
                    row[class]
                })
                .collect();
            let total = sure.len().max(1) as f32;
            (counts.into_iter().map(|count| count as f32 / total).collect(), sure)
        }
        _ => (Vec::new(), unseen.outputs().to_vec()),
    };
    let predictions = Distribution::of(if classes.is_empty() { "value" } else { "confidence" }, &answers);
    Ok(Some(ReferenceDistributions {
        samples: measured.len(),
        inputs: measures.distributions(&measured),
        classes,
        predictions,
    }))
}

/// A sum in eight parts, none of which waits for another.
fn sum(values: &[f32], of: impl Fn(f32) -> f64) -> f64 {
    let (eights, rest) = values.as_chunks::<8>();
    let parts =
        eights.iter().fold([0.0; 8], |parts, eight| std::array::from_fn(|at| parts[at] + of(eight[at])));
    parts.into_iter().chain(rest.iter().map(|value| of(*value))).sum()
}

/// What a sample was before `(value - mean) / std`, by channels.
fn before_normalization(values: &[f32], Normalization { mean, std }: &Normalization) -> Vec<f32> {
    let of_channel = (values.len() / mean.len().max(1)).max(1);
    let at = |place: usize| (mean[place / of_channel % mean.len()], std[place / of_channel % std.len()]);
    values.iter().enumerate().map(|(place, value)| value * at(place).1 + at(place).0).collect()
}

#[cfg(test)]
mod tests {
    use fireclay_data::{Dataset, Provenance, Targets};
    use fireclay_nn::Device;

    use super::*;
    use crate::FitOptions;

    /// Grey pictures of four pixels, of two classes.
    fn pictures() -> Dataset {
        let pixels: Vec<u8> = (0..400).map(|index| (index * 37 % 256) as u8).collect();
        let labels = (0..100).map(|index| index % 2).collect();
        let targets = Targets::Classes { labels, names: vec!["a".into(), "b".into()] };
        let normalization = Normalization { mean: vec![0.4], std: vec![0.2] };
        Dataset::from_u8(&[1, 2, 2], pixels, targets, normalization, Provenance::default()).unwrap()
    }

    #[test]
    fn what_is_kept_is_what_a_server_measures() {
        let data = pictures();
        let spec = ModelSpec::new([1, 2, 2]).flatten().dense(2);
        let mut trainer = Trainer::classification(spec.build_seeded(1, &Device::default()).unwrap());
        trainer.fit(&data, &FitOptions { epochs: 1, ..FitOptions::default() }).unwrap();
        let (_, predictions) = trainer.evaluate_with_predictions(&data).unwrap();
        trainer.keep_reference(&data, &predictions).unwrap();
        let kept = trainer.card().reference.unwrap();
        assert_eq!(kept.samples, 100);
        let names: Vec<&str> = kept.inputs.iter().map(|input| input.name.as_str()).collect();
        assert_eq!(names, ["brightness", "contrast"]);
        let measures = SampleMeasures::of(&spec, None);
        let mut counts = [0u64; 10];
        let mut brightness = 0.0;
        for index in 0..100 {
            let measured = measures.measure(&Sample::Pixels(data.raw_u8(index).unwrap()));
            counts[kept.inputs[0].part(measured[0])] += 1;
            brightness += f64::from(measured[0]) / 100.0;
        }
        // Numbers were normalised and turned back, so that one at an edge may lie beside it.
        assert!(kept.inputs[0].psi(&counts[..kept.inputs[0].shares.len()]) < 0.05, "{counts:?}");
        assert!((brightness - f64::from(kept.inputs[0].mean)).abs() < 1e-4);
        assert!((kept.classes.iter().sum::<f32>() - 1.0).abs() < 1e-5);
        let sure = kept.predictions.unwrap();
        assert!(sure.name == "confidence" && sure.mean >= 0.5 && sure.mean <= 1.0);
    }

    #[test]
    fn texts_are_measured_without_what_fills_them_up() {
        let measures = SampleMeasures::of(&ModelSpec::tokens(6).embedding(9, 2).dense(2), None);
        let (padding, unknown) = (reserved::PADDING, reserved::UNKNOWN);
        let tokens = [padding, padding, 5, unknown, 7, 8];
        assert_eq!(measures.measure(&Sample::Tokens(&tokens)), [4.0, 0.25]);
        assert_eq!(measures.measure(&Sample::Tokens(&[padding; 6])), [0.0, 0.0]);
    }
}
