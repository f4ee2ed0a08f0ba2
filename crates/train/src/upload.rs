//! From a batch in host memory to tensors on a device: one upload for each input, one for the targets.

use burn::tensor::{Device, Int, Tensor, TensorData};
use fireclay_data::{Batch, BatchFeatures, BatchTargets, FeatureKind, Source, TargetKind};
use fireclay_nn::{AnyTensor, Target, TargetType};

use crate::error::TrainError;

/// A batch on a device.
pub(crate) struct Uploaded {
    pub(crate) input: AnyTensor,
    pub(crate) target: Target,
    pub(crate) weights: Option<Weights>,
}

/// How much each row of a batch counts.
pub(crate) struct Weights {
    /// `[rows]`
    pub(crate) tensor: Tensor<1>,
    /// Their sum.
    pub(crate) total: f64,
    /// How many are above 0.
    pub(crate) rows: u64,
}

impl Uploaded {
    /// The same batch where gradients are recorded.
    pub(crate) fn record_gradients(self) -> Self {
        let target = match self.target {
            Target::Classes(classes) => Target::Classes(classes.autodiff()),
            Target::MixedClasses { classes, partners, share } => {
                Target::MixedClasses { classes: classes.autodiff(), partners: partners.autodiff(), share }
            }
            Target::ClassesWithLogits { classes, logits } => {
                Target::ClassesWithLogits { classes: classes.autodiff(), logits: logits.autodiff() }
            }
            Target::Values(values) => Target::Values(values.autodiff()),
        };
        let weights = self.weights.map(|weights| Weights { tensor: weights.tensor.autodiff(), ..weights });
        Uploaded { input: self.input.autodiff(), target, weights }
    }
}

/// Puts a batch onto a device, without gradients. On a CPU its memory becomes the tensor's, without a copy.
pub(crate) fn upload(batch: Batch, source: &dyn Source, device: &Device) -> Uploaded {
    let samples = batch.len();
    let tensor = |features, shape: &[usize]| match features {
        BatchFeatures::Values(values) => AnyTensor::from_values(values, shape, device),
        BatchFeatures::Tokens(tokens) => AnyTensor::from_tokens(tokens, shape, device),
    };
    let mut input = tensor(batch.features, &batch.shape);
    if !batch.other_inputs.is_empty() {
        let others = source.other_inputs().iter().zip(batch.other_inputs);
        let others = others.map(|(kind, input)| (kind.name.clone(), tensor(input.features, &input.shape)));
        input =
            AnyTensor::Named([(source.input_name().to_string(), input)].into_iter().chain(others).collect());
    }
    let classes = |labels: Vec<u32>| {
        let labels: Vec<i32> = labels.into_iter().map(|label| label as i32).collect();
        let count = labels.len();
        Tensor::<1, Int>::from_data(TensorData::new(labels, [count]), device)
    };
    let rows = |values: Vec<f32>, width: usize| {
        Tensor::<2>::from_data(TensorData::new(values, [samples, width]), device)
    };
    let target = match batch.targets {
        BatchTargets::Classes(labels)
        | BatchTargets::StepClasses(labels)
        | BatchTargets::NextTokens(labels) => Target::Classes(classes(labels)),
        BatchTargets::MixedClasses { labels, partners, share } => {
            Target::MixedClasses { classes: classes(labels), partners: classes(partners), share }
        }
        BatchTargets::ClassesWithLogits { labels, logits } => {
            let width = logits.len() / samples.max(1);
            Target::ClassesWithLogits { classes: classes(labels), logits: rows(logits, width) }
        }
        BatchTargets::Values { width, values } | BatchTargets::Labels { width, values } => {
            Target::Values(rows(values, width))
        }
    };
    let weights = batch.weights.map(|weights| Weights {
        total: weights.iter().map(|weight| f64::from(*weight)).sum(),
        rows: weights.iter().filter(|weight| **weight > 0.0).count() as u64,
        tensor: Tensor::from_floats(weights.as_slice(), device),
    });
    Uploaded { input, target, weights }
}

/// Refuses a batch that is not what its source says, or whose targets the loss does not take.
pub(crate) fn check_batch(batch: &Batch, source: &dyn Source, targets: TargetType) -> Result<(), TrainError> {
    let samples = batch.len();
    check_input(samples, &batch.shape, &batch.features, source.feature_kind(), source.input_name())?;
    let others = source.other_inputs();
    if batch.other_inputs.len() != others.len() {
        return Err(wrong_batch("inputs", batch.other_inputs.len() + 1, others.len() + 1));
    }
    for (input, kind) in batch.other_inputs.iter().zip(others) {
        check_input(samples, &input.shape, &input.features, kind.kind, &kind.name)?;
    }

    let kind = source.target_kind();
    let rows = samples.saturating_mul(rows_per_sample(source));
    let count = |what, found, expected| match found == expected {
        true => Ok(()),
        false => Err(wrong_batch(what, found, expected)),
    };
    match (&batch.targets, kind) {
        (BatchTargets::Classes(labels), TargetKind::Classes { count: classes }) => {
            count("targets", labels.len(), rows)?;
            check_labels(labels, classes, batch)?;
        }
        (BatchTargets::MixedClasses { labels, partners, .. }, TargetKind::Classes { count: classes }) => {
            count("targets", labels.len(), rows)?;
            count("targets", partners.len(), rows)?;
            check_labels(labels, classes, batch)?;
            check_labels(partners, classes, batch)?;
        }
        (BatchTargets::ClassesWithLogits { labels, logits }, TargetKind::Classes { count: classes }) => {
            count("targets", labels.len(), rows)?;
            check_labels(labels, classes, batch)?;
            count("logits of a teacher", logits.len(), rows.saturating_mul(classes))?;
            check_values(logits, classes, TargetType::Values, batch)?;
        }
        (BatchTargets::StepClasses(labels), TargetKind::StepClasses { count: classes, .. }) => {
            count("targets", labels.len(), rows)?;
            check_labels(labels, classes, batch)?;
        }
        // Windows of a batch may be shorter than the source's; tokens were checked when they were stored.
        (BatchTargets::NextTokens(tokens), TargetKind::NextTokens { vocabulary_size }) => {
            count("targets", tokens.len(), batch.shape.iter().product())?;
            check_labels(tokens, vocabulary_size, batch)?;
        }
        (BatchTargets::Values { width, values }, TargetKind::Values { width: expected }) => {
            count("values of a target", *width, expected)?;
            count("targets", values.len(), rows.saturating_mul(expected))?;
            check_values(values, *width, targets, batch)?;
        }
        (BatchTargets::Labels { width, values }, TargetKind::Labels { count: expected }) => {
            count("labels of a target", *width, expected)?;
            count("targets", values.len(), rows.saturating_mul(expected))?;
            check_values(values, *width, TargetType::Probabilities, batch)?;
        }
        _ => return Err(TrainError::BatchTargets { expected: kind }),
    }
    let Some(weights) = &batch.weights else {
        return Ok(());
    };
    count("weights", weights.len(), rows)?;
    match weights.iter().position(|weight| !(weight.is_finite() && *weight >= 0.0)) {
        Some(at) => Err(TrainError::Weight { sample: sample(batch, at, rows), weight: weights[at] }),
        None => Ok(()),
    }
}

/// Rows of the network's output for each sample.
pub(crate) fn rows_per_sample(source: &dyn Source) -> usize {
    match source.target_kind() {
        TargetKind::NextTokens { .. } => source.sample_shape().iter().product(),
        TargetKind::StepClasses { steps, .. } => steps,
        _ => 1,
    }
}

fn wrong_batch(what: &'static str, found: usize, expected: usize) -> TrainError {
    TrainError::Batch { what, found, expected }
}

fn check_input(
    samples: usize,
    shape: &[usize],
    features: &BatchFeatures,
    kind: FeatureKind,
    name: &str,
) -> Result<(), TrainError> {
    if shape.first() != Some(&samples) {
        return Err(wrong_batch("samples in its shape", shape.first().copied().unwrap_or(0), samples));
    }
    let found = match features {
        BatchFeatures::Values(values) => values.len(),
        BatchFeatures::Tokens(tokens) => tokens.len(),
    };
    let expected = shape.iter().product();
    if found != expected {
        return Err(wrong_batch("values", found, expected));
    }
    let tokens = matches!(features, BatchFeatures::Tokens(_));
    match tokens == matches!(kind, FeatureKind::Tokens { .. }) {
        true => Ok(()),
        false => Err(TrainError::BatchFeatures { name: name.to_string() }),
    }
}

fn check_labels(labels: &[u32], classes: usize, batch: &Batch) -> Result<(), TrainError> {
    match labels.iter().position(|label| *label as usize >= classes) {
        Some(at) => {
            let sample = sample(batch, at, labels.len());
            Err(TrainError::ClassOutOfRange { sample, class: labels[at], classes })
        }
        None => Ok(()),
    }
}

fn check_values(values: &[f32], width: usize, targets: TargetType, batch: &Batch) -> Result<(), TrainError> {
    let fits = |value: f32| match targets {
        TargetType::Probabilities => (0.0..=1.0).contains(&value),
        _ => value.is_finite(),
    };
    match values.iter().position(|value| !fits(*value)) {
        Some(at) => Err(TrainError::TargetOutOfRange {
            sample: sample(batch, at / width.max(1), batch.len()),
            value: values[at],
            expected: match targets {
                TargetType::Probabilities => "from 0 to 1",
                _ => "finite",
            },
        }),
        None => Ok(()),
    }
}

/// Which sample of the source a row of a batch is of.
fn sample(batch: &Batch, row: usize, rows: usize) -> u32 {
    let per_sample = (rows / batch.len().max(1)).max(1);
    batch.indices.get(row / per_sample).copied().unwrap_or(0)
}
