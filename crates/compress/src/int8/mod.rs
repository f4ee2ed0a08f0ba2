//! 8-bit whole numbers after training.
//!
//! Ranges of what leaves the layers are measured on training samples (`ranges.rs`), but for layers that find one for each row as they
//! run, such as recurrent and attention layers; weights are rounded row by row, and the
//! network's answers are compared with those it gave before. Where too much is lost, layers are tried one by one, and that
//! which does most harm stays in `f32`, until little enough is.

mod ranges;

use std::collections::BTreeSet;
use std::sync::Arc;

use burn::tensor::Device;
use fireclay_data::{Batch, BatchTargets, Source, Subset, TargetKind};
use fireclay_nn::{
    Int8Candidates, Int8Spec, Model, ModelSpec, NamedTensor, is_in_layer, load_state, round_to_int8,
};
use fireclay_store::ModelFile;
use fireclay_train::predict;

use crate::CompressError;

/// How a model is made one of 8-bit whole numbers.
#[derive(Clone, Debug, PartialEq)]
pub struct Int8Options {
    /// Training samples that ranges are measured on, spread evenly over all; 512 by default.
    pub samples: usize,
    /// Which share of the numbers that leave a layer lies within its range, per cent, more than 50; what lies outside is cut off.
    /// 100 takes the least and the greatest. 99.99 by default. What enters the network is never cut off.
    pub percentile: f64,
    /// Layers stay in `f32`, the most harmful first, until no more than this is lost, from 0 to 1: of a classifier accuracy, on 2,048
    /// training samples; of other models the mean square by which outputs differ, as a share of their variance. 0.005 by
    /// default, half a point of accuracy.
    pub most_lost: f64,
}

impl Default for Int8Options {
    fn default() -> Self {
        Int8Options { samples: 512, percentile: 99.99, most_lost: 0.005 }
    }
}

impl Int8Options {
    /// Refuses options outside their ranges.
    ///
    /// # Errors
    /// [`CompressError::Option`] with the option, its value and what it may be.
    pub fn check(&self) -> Result<(), CompressError> {
        let wrong = |option, found: String, expected| Err(CompressError::Option { option, found, expected });
        if self.samples == 0 {
            return wrong("samples", self.samples.to_string(), "1 or more");
        }
        if !(self.percentile > 50.0 && self.percentile <= 100.0) {
            return wrong("percentile", self.percentile.to_string(), "more than 50, and at most 100");
        }
        if !(0.0..=1.0).contains(&self.most_lost) {
            return wrong("most-lost", self.most_lost.to_string(), "0 to 1");
        }
        Ok(())
    }
}

/// What became of the layers of a model.
#[derive(Clone, Debug, PartialEq)]
pub struct Int8Report {
    /// Each layer with weights, in order.
    pub layers: Vec<Int8LayerReport>,
    /// Training samples that ranges were measured on.
    pub samples: usize,
    /// Training samples that `lost` was measured on.
    pub compared: usize,
    /// How much is lost, as [`Int8Options::most_lost`] counts it; less than 0 if the new model is right more often.
    pub lost: f64,
    /// Whether `lost` is accuracy.
    pub is_accuracy: bool,
}

impl Int8Report {
    /// How many layers compute in 8-bit whole numbers.
    pub fn computed_in_int8(&self) -> usize {
        let is_int8 = |form: LayerForm| matches!(form, LayerForm::Int8 | LayerForm::DynamicInt8);
        self.layers.iter().filter(|layer| is_int8(layer.form)).count()
    }
}

/// What became of a layer.
#[derive(Clone, Debug, PartialEq)]
pub struct Int8LayerReport {
    /// Its name.
    pub name: String,
    /// What it was made.
    pub form: LayerForm,
}

/// How a layer computes and is stored.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum LayerForm {
    /// It computes in 8-bit whole numbers, and so are its weights.
    Int8,
    /// Its products are made of 8-bit whole numbers whose range is found row by row as it runs; the rest of it computes in `f32`.
    DynamicInt8,
    /// Its weights are 8-bit whole numbers, and it computes with them in `f32`: layers of its kind have no other way.
    Int8Weights,
    /// It was left as it was, as so much was lost with it alone.
    F32 {
        /// As [`Int8Options::most_lost`] counts it.
        lost: f64,
    },
}

/// Makes of a model one that computes in 8-bit whole numbers, with ranges measured on training samples.
///
/// Weights of layers that cannot compute so, such as embeddings, become 8-bit whole numbers all the same, for the size of the file.
///
/// # Errors
/// [`CompressError`]: an option outside its range, no samples, a model that computes so already, or what stands in the way of
/// asking the model.
pub fn to_int8(
    file: &ModelFile,
    training: Arc<dyn Source>,
    options: &Int8Options,
    device: &Device,
) -> Result<(ModelFile, Int8Report), CompressError> {
    options.check()?;
    if file.card.spec.int8.is_some() {
        return Err(CompressError::AlreadyInt8);
    }
    if training.is_empty() {
        return Err(CompressError::NoSamples);
    }
    let samples: Arc<dyn Source> = Arc::new(Subset::spread(training.clone(), options.samples)?);
    let spec = &file.card.spec;
    let before = load_state(spec.build(device)?, file.tensors.clone())?;
    let candidates = spec.int8_candidates()?;
    let ranges = ranges::measure(&before, &candidates, &samples, options.percentile, device)?;
    let trial = Trial::new(file, &before, training, device)?;

    let mut left: Vec<(String, f64)> = Vec::new();
    let mut harm: Option<Vec<(String, f64)>> = None;
    loop {
        let names = left.iter().map(|(name, _)| name.clone()).collect();
        let (spec, tensors) = rounded(file, Int8Spec { left_in_f32: names, ..ranges.clone() });
        let lost = trial.lost(&spec, tensors.clone())?;
        if lost > options.most_lost {
            if harm.is_none() {
                harm = Some(trial.each_alone(&ranges, &candidates)?);
            }
            let rest = harm.iter().flatten().filter(|(name, _)| left.iter().all(|(gone, _)| gone != name));
            if let Some(worst) = rest.max_by(|one, other| one.1.total_cmp(&other.1)) {
                left.push(worst.clone());
                continue;
            }
        }
        let report = Int8Report {
            layers: forms(&spec, &candidates, &left)?,
            samples: samples.len(),
            compared: trial.samples.len(),
            lost,
            is_accuracy: trial.classes.is_some(),
        };
        let mut card = file.card.clone();
        card.spec = spec;
        return Ok((ModelFile { card, tensors }, report));
    }
}

/// A network of whole numbers: its description, and its tensors with the weights rounded.
fn rounded(file: &ModelFile, int8: Int8Spec) -> (ModelSpec, Vec<NamedTensor>) {
    let mut tensors = file.tensors.clone();
    for tensor in &mut tensors {
        if !is_of_any(&tensor.name, &int8.left_in_f32) {
            round_to_int8(tensor);
        }
    }
    (ModelSpec { int8: Some(int8), ..file.card.spec.clone() }, tensors)
}

/// Whether a tensor is of one of some layers, or of a layer in one.
fn is_of_any(tensor: &str, layers: &[String]) -> bool {
    layers.iter().any(|layer| is_in_layer(tensor, layer))
}

/// Samples by which networks are compared.
const COMPARED: usize = 2048;

/// What a network of whole numbers is compared by.
struct Trial<'a> {
    file: &'a ModelFile,
    samples: Arc<dyn Source>,
    device: &'a Device,
    /// What the model answers as it is.
    expected: Vec<Vec<f32>>,
    /// The right answers, where samples have one class each.
    classes: Option<Vec<u32>>,
}

impl<'a> Trial<'a> {
    fn new(
        file: &'a ModelFile,
        before: &Model,
        training: Arc<dyn Source>,
        device: &'a Device,
    ) -> Result<Self, CompressError> {
        let samples: Arc<dyn Source> = Arc::new(Subset::spread(training, COMPARED)?);
        let expected = predict(before, &samples, device)?;
        let classes = match samples.target_kind() {
            TargetKind::Classes { .. } => Some(classes(&*samples)?),
            _ => None,
        };
        Ok(Trial { file, samples, device, expected, classes })
    }

    /// How much is lost by a network in the place of the one before.
    fn lost(&self, spec: &ModelSpec, tensors: Vec<NamedTensor>) -> Result<f64, CompressError> {
        let model: Model = load_state(spec.build(self.device)?, tensors)?;
        let found = predict(&model, &self.samples, self.device)?;
        Ok(match &self.classes {
            Some(classes) => accuracy(&self.expected, classes) - accuracy(&found, classes),
            None => share_of_variance(&self.expected, &found),
        })
    }

    /// How much is lost if each layer alone computes in whole numbers.
    fn each_alone(
        &self,
        ranges: &Int8Spec,
        candidates: &Int8Candidates,
    ) -> Result<Vec<(String, f64)>, CompressError> {
        let all = || candidates.layers.iter().chain(candidates.dynamic.iter().map(|dynamic| &dynamic.name));
        let alone = |layer: &String| {
            let others = all().filter(|other| *other != layer).cloned().collect();
            let int8 = Int8Spec { left_in_f32: others, ..ranges.clone() };
            let (spec, tensors) = rounded(self.file, int8);
            Ok((layer.clone(), self.lost(&spec, tensors)?))
        };
        all().map(alone).collect()
    }
}

/// The class of each sample.
fn classes(samples: &dyn Source) -> Result<Vec<u32>, CompressError> {
    let indices: Vec<u32> = (0..samples.len() as u32).collect();
    let (mut batch, mut classes) = (Batch::default(), Vec::with_capacity(indices.len()));
    for indices in indices.chunks(256) {
        samples.gather(indices, &mut batch)?;
        if let BatchTargets::Classes(of_batch) = &batch.targets {
            classes.extend(of_batch);
        }
    }
    Ok(classes)
}

/// The share of rows whose greatest number is that of the right class.
fn accuracy(rows: &[Vec<f32>], classes: &[u32]) -> f64 {
    let greatest = |row: &[f32]| (0..row.len()).max_by(|one, other| row[*one].total_cmp(&row[*other]));
    let right = rows.iter().zip(classes).filter(|(row, class)| greatest(row) == Some(**class as usize));
    right.count() as f64 / classes.len().max(1) as f64
}

/// The mean square of the differences, as a share of the outputs' variance.
fn share_of_variance(expected: &[Vec<f32>], found: &[Vec<f32>]) -> f64 {
    let numbers = || expected.iter().flatten().map(|value| f64::from(*value));
    let count = numbers().count().max(1) as f64;
    let mean = numbers().sum::<f64>() / count;
    let variance = numbers().map(|value| (value - mean).powi(2)).sum::<f64>();
    let found = found.iter().flatten().map(|value| f64::from(*value));
    let squares: f64 = numbers().zip(found).map(|(expected, found)| (expected - found).powi(2)).sum();
    match variance > 0.0 {
        true => squares / variance,
        false if squares > 0.0 => f64::INFINITY,
        false => 0.0,
    }
}

/// What each layer with weights was made.
fn forms(
    spec: &ModelSpec,
    candidates: &Int8Candidates,
    left: &[(String, f64)],
) -> Result<Vec<Int8LayerReport>, CompressError> {
    let mut seen = BTreeSet::new();
    let mut layers = Vec::new();
    for tensor in spec.tensors()? {
        let Some((name, _)) = tensor.name.rsplit_once('.') else { continue };
        if tensor.shape.len() < 2 || !seen.insert(name.to_string()) {
            continue;
        }
        let is_of = |layer: &String| is_in_layer(&tensor.name, layer);
        let form = match left.iter().find(|(layer, _)| is_of(layer)) {
            Some((_, lost)) => LayerForm::F32 { lost: *lost },
            None if candidates.layers.iter().any(is_of) => LayerForm::Int8,
            None if candidates.dynamic.iter().flat_map(|dynamic| &dynamic.layers).any(is_of) => {
                LayerForm::DynamicInt8
            }
            None => LayerForm::Int8Weights,
        };
        layers.push(Int8LayerReport { name: name.to_string(), form });
    }
    // A layer that shares the weight of an embedding has no tensor of its own.
    let dynamic = candidates.dynamic.iter().flat_map(|dynamic| &dynamic.layers);
    for name in dynamic.filter(|name| !seen.iter().any(|seen| is_in_layer(seen, name))) {
        let form = match left.iter().find(|(layer, _)| is_in_layer(name, layer)) {
            Some((_, lost)) => LayerForm::F32 { lost: *lost },
            None => LayerForm::DynamicInt8,
        };
        layers.push(Int8LayerReport { name: name.clone(), form });
    }
    Ok(layers)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn differences_are_shares_of_the_variance() {
        let expected = [vec![0.0], vec![2.0]];
        assert_eq!(share_of_variance(&expected, &[vec![0.0], vec![2.0]]), 0.0);
        assert!((share_of_variance(&expected, &[vec![0.1], vec![2.1]]) - 0.01).abs() < 1e-6);
        assert_eq!(share_of_variance(&[vec![1.0]], &[vec![1.5]]), f64::INFINITY);
    }

    #[test]
    fn accuracy_counts_the_greatest_number() {
        assert_eq!(accuracy(&[vec![1.0, 2.0], vec![3.0, 0.0]], &[1, 1]), 0.5);
        assert_eq!(accuracy(&[], &[]), 0.0);
    }

    #[test]
    fn a_layer_is_told_from_one_whose_name_begins_alike() {
        let left = ["conv2d_1".to_string(), "residual_1.dense_1".to_string()];
        assert!(is_of_any("conv2d_1.weight", &left) && is_of_any("residual_1.dense_1.bias", &left));
        assert!(!is_of_any("conv2d_10.weight", &left) && !is_of_any("residual_1.dense_2.bias", &left));
    }
}
