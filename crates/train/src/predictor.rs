//! A trained model that answers questions, without data set or trainer.

use std::path::Path;
use std::sync::Arc;

use burn::module::Module;
use burn::tensor::Device;
use fireclay_data::Normalization;
use fireclay_nn::{AnyTensor, InputSpec, Model, Network, TargetType};
use fireclay_store::PredictionIntervals;
use fireclay_tabular::TablePreprocessing;
use fireclay_text::TextPreprocessing;

use crate::error::TrainError;
use crate::evaluate::unscale;
use crate::metadata::ModelMetadata;
use crate::metrics::{argmax, sigmoid, softmax};
use crate::trainer::Trainer;

/// A model from a file, to be asked about one sample or several at a time. It prepares them as its file says, and answers
/// with classes and probabilities, or with numbers in the units of the data.
///
/// It is shared by threads as it is (`&Predictor`, or an [`Arc`] of it), and costs little more than the forward pass.
///
/// ```
/// use fireclay_data::{Dataset, Provenance, Targets};
/// use fireclay_nn::{Device, ModelSpec};
/// use fireclay_train::{Adam, FitOptions, Predictor, Trainer};
///
/// // Which of two numbers is greater.
/// let points: Vec<f32> = (0..200).flat_map(|i| [(i % 7) as f32, (i % 11) as f32 + 0.5]).collect();
/// let labels = points.chunks(2).map(|point| u32::from(point[1] > point[0])).collect();
/// let targets = Targets::Classes { labels, names: vec!["first".into(), "second".into()] };
/// let data = Dataset::from_f32(&[2], points, targets, Provenance::default())?;
/// let device = Device::default();
/// let mut trainer = Trainer::classification(ModelSpec::new([2]).dense(2).build_seeded(1, &device)?)
///     .optimizer(Adam::new(0.05));
/// trainer.fit(&data, &FitOptions { epochs: 10, ..FitOptions::default() })?;
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("greater.fireclay");
/// trainer.save(&path)?;
///
/// let predictor = Predictor::load(&path, &device)?;
/// let answer = predictor.predict([1.0, 9.0])?;
/// assert_eq!(answer.class(), Some("second"));
/// assert!(answer.probabilities().unwrap()[1] > 0.9);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Predictor {
    model: Model,
    device: Device,
    classes: Arc<[String]>,
    /// How numbers are normalised.
    normalization: Normalization,
    text: Option<Arc<TextPreprocessing>>,
    table: Option<Arc<TablePreprocessing>>,
    target_scale: Option<Normalization>,
    threshold: Option<f64>,
    intervals: Option<Arc<PredictionIntervals>>,
    answer: Answer,
}

/// What the outputs stand for.
#[derive(Clone, Copy, Debug)]
enum Answer {
    /// Logits of classes that exclude each other.
    Classes,
    /// A logit for yes or no, or one for each of several labels.
    Labels,
    Numbers,
}

/// One sample as it comes, before it is prepared for a model.
///
/// Everything that [`Predictor::predict`] takes becomes one by `into()`.
#[derive(Clone, Debug)]
pub enum Sample<'a> {
    /// Numbers as the training data had them before they were normalised, row-major: a row of a table, a sequence.
    Values(std::borrow::Cow<'a, [f32]>),
    /// A picture's bytes, `0..=255`, in the shape that the model takes, `[channels, height, width]`, row-major.
    Pixels(&'a [u8]),
    /// A text.
    Text(&'a str),
    /// Tokens of a text.
    Tokens(&'a [u32]),
    /// A row of a table as it is written: columns by name, each with its cell. Columns that the model does not know are not
    /// looked at, and those that are not there are missing values.
    Row(&'a [(&'a str, &'a str)]),
}

/// What a model says about a sample.
#[derive(Clone, Debug, PartialEq)]
pub struct Prediction {
    outputs: Vec<f32>,
    probabilities: Option<Vec<f32>>,
    interval: Option<[f32; 2]>,
    threshold: Option<f64>,
    /// Outputs of each step, or all of them.
    width: usize,
    excludes: bool,
    classes: Arc<[String]>,
}

impl Predictor {
    /// Loads a model file.
    ///
    /// # Errors
    /// A [`StoreError`](fireclay_store::StoreError) that names the file.
    pub fn load(path: impl AsRef<Path>, device: &Device) -> Result<Self, TrainError> {
        let (model, metadata) = ModelMetadata::load(path.as_ref(), device)?;
        Ok(Predictor::new(model, metadata, None))
    }

    fn new(model: Model, metadata: ModelMetadata, targets: Option<TargetType>) -> Self {
        let of_loss = || {
            use fireclay_nn::Loss;
            let training = metadata.training.as_ref()?;
            Some(training.loss.built_in()?.targets())
        };
        let answer = match targets.or_else(of_loss) {
            Some(TargetType::Classes) => Answer::Classes,
            Some(TargetType::Probabilities) => Answer::Labels,
            Some(TargetType::Values) => Answer::Numbers,
            // Of a loss of one's own nothing is known but whether there are classes.
            Some(TargetType::Any) | None if metadata.classes.is_empty() => Answer::Numbers,
            Some(TargetType::Any) | None => Answer::Classes,
        };
        let device = model.devices().into_iter().next().unwrap_or_default().without_autodiff();
        let normalization = match metadata.preprocessing {
            Some(preprocessing) => Normalization { mean: preprocessing.mean, std: preprocessing.std },
            None => Normalization::none(),
        };
        Predictor {
            model,
            device,
            classes: metadata.classes.into(),
            normalization,
            text: metadata.text,
            table: metadata.table,
            target_scale: metadata.target_scale,
            threshold: metadata.threshold,
            intervals: metadata.intervals.map(Arc::new),
            answer,
        }
    }

    /// The classes or labels, in the order of the outputs; none for a model that predicts numbers.
    pub fn classes(&self) -> &[String] {
        &self.classes
    }

    /// How the rows of a table become numbers, for a model that was trained on one.
    pub fn table(&self) -> Option<&TablePreprocessing> {
        self.table.as_deref()
    }

    /// How far truths lie from predictions, where the model's file says it.
    pub fn intervals(&self) -> Option<&PredictionIntervals> {
        self.intervals.as_deref()
    }

    /// How a text becomes tokens, for a model that reads texts.
    pub fn text(&self) -> Option<&TextPreprocessing> {
        self.text.as_deref()
    }

    /// The model.
    pub fn model(&self) -> &Model {
        &self.model
    }

    /// Whether numbers are normalised before the network reads them, by what its training data were.
    pub fn is_normalized(&self) -> bool {
        self.normalization != Normalization::none()
    }

    /// The device that it computes on.
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// By what a model that predicts numbers was given them: an output is in units of its data after it was multiplied by the deviation, and
    /// the mean added. `None` where they are as they are.
    pub fn target_scale(&self) -> Option<&Normalization> {
        self.target_scale.as_ref()
    }

    /// Asks about one sample: `&[f32]` for numbers, `&[u8]` for a picture's bytes, `&str` for a text, `&[u32]` for tokens.
    ///
    /// # Errors
    /// [`TrainError::PredictorInput`] with what the model takes, if the sample is something else.
    pub fn predict<'a>(&self, sample: impl Into<Sample<'a>>) -> Result<Prediction, TrainError> {
        let mut answers = self.predict_batch([sample.into()])?;
        // As many answers as samples.
        Ok(answers.swap_remove(0))
    }

    /// Asks about several samples at once, which costs less than one after the other. The answers are in their order.
    ///
    /// # Errors
    /// As [`predict`](Self::predict).
    pub fn predict_batch<'a>(
        &self,
        samples: impl IntoIterator<Item = Sample<'a>>,
    ) -> Result<Vec<Prediction>, TrainError> {
        let samples: Vec<Sample> = samples.into_iter().collect();
        if samples.is_empty() {
            return Ok(Vec::new());
        }
        let output = self.model.forward(self.encode(&samples)?);
        let [rows, width] = output.dims();
        let outputs: Vec<f32> = output.into_data().iter::<f32>().collect();
        let of_sample = rows / samples.len() * width;
        Ok(outputs.chunks_exact(of_sample.max(1)).map(|outputs| self.answer(outputs, width)).collect())
    }

    /// Samples as the network reads them: a batch of normalised numbers or of tokens, on its device.
    ///
    /// # Errors
    /// As [`predict`](Self::predict).
    pub fn encode(&self, samples: &[Sample<'_>]) -> Result<AnyTensor, TrainError> {
        let shape = self.model.spec().input.shape().to_vec();
        let length: usize = shape.iter().product();
        let (mut values, mut tokens) = (Vec::new(), Vec::new());
        for sample in samples {
            match (sample, &self.model.spec().input) {
                (Sample::Values(given), InputSpec::Values(_)) if given.len() == length => {
                    self.normalize(given, &mut values);
                }
                (Sample::Pixels(bytes), InputSpec::Values(_)) if bytes.len() == length => {
                    let shares: Vec<f32> = bytes.iter().map(|byte| f32::from(*byte) / 255.0).collect();
                    self.normalize(&shares, &mut values);
                }
                (Sample::Row(row), InputSpec::Values(_)) if self.table.is_some() => {
                    let cell = |column: &str| {
                        row.iter().find(|(name, _)| *name == column).map_or("", |(_, cell)| cell)
                    };
                    let mut encoded = Vec::new();
                    if let Some(table) = &self.table {
                        table.encode(cell, &mut encoded);
                    }
                    self.normalize(&encoded, &mut values);
                }
                (Sample::Text(text), InputSpec::Tokens(_)) if self.text.is_some() => {
                    let text = self.text.as_ref().map_or(Vec::new(), |text_of| text_of.tokens(text));
                    tokens.extend(text.into_iter().map(|token| token as i32));
                }
                (Sample::Tokens(given), InputSpec::Tokens(most)) if given.len() == *most => {
                    let known = self.model.vocabulary_size().unwrap_or(usize::MAX);
                    if let Some(token) = given.iter().find(|token| **token as usize >= known) {
                        let found = token.to_string();
                        return Err(TrainError::PredictorInput {
                            expected: format!("tokens below {known}"),
                            found,
                        });
                    }
                    tokens.extend(given.iter().map(|token| *token as i32));
                }
                _ => return Err(self.wrong(sample)),
            }
        }
        let shape: Vec<usize> = [samples.len()].into_iter().chain(shape).collect();
        Ok(match self.model.spec().input {
            InputSpec::Values(_) => AnyTensor::from_values(values, &shape, &self.device),
            _ => AnyTensor::from_tokens(tokens, &shape, &self.device),
        })
    }

    /// `(value - mean) / std`, by channels.
    fn normalize(&self, values: &[f32], out: &mut Vec<f32>) {
        let Normalization { mean, std } = &self.normalization;
        if *mean == [0.0] && *std == [1.0] {
            out.extend_from_slice(values);
            return;
        }
        let of_channel = (values.len() / mean.len().max(1)).max(1);
        for (channel, values) in values.chunks(of_channel).enumerate() {
            let (mean, std) = (mean[channel % mean.len()], std[channel % std.len()]);
            out.extend(values.iter().map(|value| (value - mean) / std));
        }
    }

    fn answer(&self, outputs: &[f32], width: usize) -> Prediction {
        let mut outputs = outputs.to_vec();
        let probabilities = match self.answer {
            Answer::Classes => {
                let mut probabilities = outputs.clone();
                probabilities.chunks_exact_mut(width.max(1)).for_each(softmax);
                Some(probabilities)
            }
            Answer::Labels => Some(outputs.iter().map(|logit| sigmoid(*logit)).collect()),
            Answer::Numbers => {
                if let Some(scale) = &self.target_scale {
                    unscale(&mut outputs, scale);
                }
                None
            }
        };
        let interval = match (&self.intervals, outputs.as_slice()) {
            (Some(intervals), [value]) => Some(intervals.around(*value)),
            _ => None,
        };
        Prediction {
            outputs,
            probabilities,
            interval,
            threshold: self.threshold,
            width,
            excludes: matches!(self.answer, Answer::Classes),
            classes: self.classes.clone(),
        }
    }

    fn wrong(&self, sample: &Sample) -> TrainError {
        let input = &self.model.spec().input;
        let expected = match (input, &self.text) {
            (InputSpec::Tokens(_), Some(_)) => format!("a text, or {input}"),
            (InputSpec::Tokens(_), None) => format!("{input}; its file does not say how texts become tokens"),
            _ => format!("{input}, as numbers or as bytes"),
        };
        let found = match sample {
            Sample::Values(values) => format!("{} numbers", values.len()),
            Sample::Pixels(bytes) => format!("{} bytes", bytes.len()),
            Sample::Text(_) => "a text".to_string(),
            Sample::Tokens(tokens) => format!("{} tokens", tokens.len()),
            Sample::Row(row) => format!("a row of {} columns", row.len()),
        };
        TrainError::PredictorInput { expected, found }
    }
}

impl Trainer<Model> {
    /// The network as it is now, to be asked about single samples.
    pub fn predictor(&self) -> Predictor {
        Predictor::new(self.network.clone(), self.metadata.clone(), Some(self.loss.targets()))
    }
}

impl Prediction {
    /// What the network gave: logits, or numbers in the units of the data. All outputs of the first step come first where
    /// there is an output at each step.
    pub fn outputs(&self) -> &[f32] {
        &self.outputs
    }

    /// The only number, or the first one.
    pub fn value(&self) -> f32 {
        self.outputs.first().copied().unwrap_or(f32::NAN)
    }

    /// Between which numbers the truth lies, if the model's file says how often it does
    /// ([`Predictor::intervals`]).
    pub fn interval(&self) -> Option<[f32; 2]> {
        self.interval
    }

    /// The probability of each class, which add up to 1, or of each label; `None` for a model that predicts numbers.
    pub fn probabilities(&self) -> Option<&[f32]> {
        self.probabilities.as_deref()
    }

    /// Which class is the most probable, or of two classes with a threshold of their own the one that it says; for a single logit 1 for yes and 0 for no. `None` for a model that predicts
    /// numbers or labels.
    pub fn class_index(&self) -> Option<usize> {
        let probabilities = self.probabilities.as_ref()?;
        match (self.excludes, self.width) {
            (true, 2) if self.threshold.is_some() => {
                let threshold = self.threshold.unwrap_or(0.5);
                Some(usize::from(f64::from(probabilities.get(1).copied()?) > threshold))
            }
            (true, _) => Some(argmax(&probabilities[..self.width.min(probabilities.len())])),
            (false, 1) => Some(usize::from(probabilities[0] > 0.5)),
            (false, _) => None,
        }
    }

    /// The name of the most probable class, if classes have names.
    pub fn class(&self) -> Option<&str> {
        self.classes.get(self.class_index()?).map(String::as_str)
    }

    /// The name of the most probable class at each step, from a model with an output at each step.
    pub fn classes_of_steps(&self) -> Vec<&str> {
        let rows = self.outputs.chunks_exact(self.width.max(1)).filter(|_| self.excludes);
        rows.filter_map(|row| self.classes.get(argmax(row)).map(String::as_str)).collect()
    }

    /// The labels whose probability is above `threshold`, from a model with several labels.
    pub fn labels(&self, threshold: f32) -> Vec<&str> {
        let probabilities = self.probabilities.iter().flatten().filter(|_| !self.excludes);
        let labels = probabilities.zip(self.classes.iter());
        labels.filter(|(probability, _)| **probability > threshold).map(|(_, name)| name.as_str()).collect()
    }

    /// The `k` most probable classes with their probabilities, the most probable first; classes without names have their
    /// number.
    pub fn top(&self, k: usize) -> Vec<(String, f32)> {
        let mut ranked: Vec<(usize, f32)> =
            (self.probabilities.iter().flatten().copied().enumerate()).take(self.width).collect();
        // Stable: of equal ones the first comes first.
        ranked.sort_by(|one, other| other.1.total_cmp(&one.1));
        let name = |class: usize| self.classes.get(class).cloned().unwrap_or_else(|| class.to_string());
        ranked.into_iter().take(k).map(|(class, probability)| (name(class), probability)).collect()
    }
}

impl<'a> From<&'a [f32]> for Sample<'a> {
    fn from(values: &'a [f32]) -> Self {
        Sample::Values(values.into())
    }
}

impl<'a> From<&'a Vec<f32>> for Sample<'a> {
    fn from(values: &'a Vec<f32>) -> Self {
        Sample::Values(values.into())
    }
}

impl From<Vec<f32>> for Sample<'_> {
    fn from(values: Vec<f32>) -> Self {
        Sample::Values(values.into())
    }
}

impl<const N: usize> From<[f32; N]> for Sample<'_> {
    fn from(values: [f32; N]) -> Self {
        Sample::Values(values.to_vec().into())
    }
}

impl<'a> From<&'a [u8]> for Sample<'a> {
    fn from(bytes: &'a [u8]) -> Self {
        Sample::Pixels(bytes)
    }
}

impl<'a> From<&'a Vec<u8>> for Sample<'a> {
    fn from(bytes: &'a Vec<u8>) -> Self {
        Sample::Pixels(bytes)
    }
}

impl<'a> From<&'a str> for Sample<'a> {
    fn from(text: &'a str) -> Self {
        Sample::Text(text)
    }
}

impl<'a> From<&'a String> for Sample<'a> {
    fn from(text: &'a String) -> Self {
        Sample::Text(text)
    }
}

impl<'a> From<&'a [(&'a str, &'a str)]> for Sample<'a> {
    fn from(row: &'a [(&'a str, &'a str)]) -> Self {
        Sample::Row(row)
    }
}

impl<'a> From<&'a [u32]> for Sample<'a> {
    fn from(tokens: &'a [u32]) -> Self {
        Sample::Tokens(tokens)
    }
}
