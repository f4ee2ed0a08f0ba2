//! A model and its derivatives by what it reads.

use burn::module::Module;
use burn::tensor::{Device, Tensor};
use fireclay_data::TextPadding;
use fireclay_nn::{
    AnyTensor, InputSpec, Intermediate, LayerKind, Model, Network, PlacedLayer, TestTimeAugmentation,
};
use fireclay_train::{Predictor, Sample};

use crate::{ExplainError, Target};

/// Samples that are computed at once, and the numbers of all of them: of large pictures fewer samples, as what layers give takes memory.
const AT_ONCE: usize = 64;
const NUMBERS_AT_ONCE: usize = 1 << 21;

/// A model that is asked why.
///
/// Pictures, rows and sequences are explained by the numbers that the model reads, which are normalised; texts by the rows of the
/// embedding, whose parts are added up for each token. Layers behave as they do in a trained network: dropout does nothing, and batch norm
/// goes by its running statistics. A network in 8-bit whole numbers has no derivatives: they are those of the same weights in `f32`.
///
/// ```
/// use fireclay_data::{Dataset, Provenance, Targets};
/// use fireclay_explain::{Explainer, IntegratedGradients, Target};
/// use fireclay_nn::{Device, ModelSpec};
/// use fireclay_train::{Adam, FitOptions, Trainer};
///
/// // The class depends on the first of two numbers alone.
/// let points: Vec<f32> = (0..400).map(|i| (i * 37 % 101) as f32 / 50.0 - 1.0).collect();
/// let labels = points.chunks(2).map(|point| u32::from(point[0] > 0.0)).collect();
/// let targets = Targets::Classes { labels, names: vec!["left".into(), "right".into()] };
/// let data = Dataset::from_f32(&[2], points, targets, Provenance::default())?;
/// let model = ModelSpec::new([2]).dense(16).relu().dense(2).build_seeded(0, &Device::default())?;
/// let mut trainer = Trainer::classification(model).optimizer(Adam::new(0.01));
/// trainer.fit(&data, &FitOptions { epochs: 20, ..FitOptions::default() })?;
///
/// let predictor = trainer.predictor();
/// let explainer = Explainer::new(&predictor)?;
/// let sample = explainer.sample([0.8, 0.5])?;
/// let why = explainer.integrated_gradients(&sample, &Target::output(1).rather_than(0), &IntegratedGradients::default())?;
/// assert!(why.values[0] > 10.0 * why.values[1].abs());
/// assert!(why.remainder().abs() <= 0.01 * (why.output - why.baseline_output).abs());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Explainer {
    pub(crate) predictor: Predictor,
    /// The model as it answers: the predictor's, or one with other weights.
    pub(crate) answering: Model,
    /// The same weights, on a device where gradients are recorded.
    model: Model,
    device: Device,
    /// Where tokens become numbers, if the model reads tokens and has an embedding for them.
    embedding: Option<String>,
    /// Samples that are computed at once, at most.
    at_once: usize,
    pub(crate) layers: Vec<PlacedLayer>,
}

/// A sample as the model reads it.
#[derive(Clone, Debug, PartialEq)]
pub struct Encoded {
    /// Numbers, normalised, or tokens.
    values: Vec<f32>,
}

/// Outputs at some points, and their gradients by these.
pub(crate) struct Gradients {
    /// `[points]`
    pub outputs: Vec<f32>,
    /// `[points, numbers]`
    pub gradients: Vec<f32>,
}

/// What an image layer gives for a sample, and the gradient by it.
pub(crate) struct ImageGradients {
    /// Channels, height and width.
    pub size: [usize; 3],
    pub features: Vec<f32>,
    pub gradients: Vec<f32>,
}

impl Explainer {
    /// Explains the answers of a model.
    ///
    /// # Errors
    /// [`ExplainError::AnswersAtSteps`] for a model that answers at each step.
    pub fn new(predictor: &Predictor) -> Result<Self, ExplainError> {
        Self::with_model(predictor, predictor.model())
    }

    /// The same with other weights.
    pub(crate) fn with_model(predictor: &Predictor, answering: &Model) -> Result<Self, ExplainError> {
        if let Some(steps) = answering.spec().output_steps()? {
            return Err(ExplainError::AnswersAtSteps { steps });
        }
        let layers = answering.spec().placed_layers()?;
        let embedding = layers
            .first()
            .filter(|layer| matches!(layer.kind, LayerKind::Embedding(_)))
            .map(|layer| layer.name.clone());
        let plain = predictor.device().clone();
        let device = plain.clone().autodiff();
        let model = answering.valid().to_device(&device).no_grad();
        Ok(Explainer {
            predictor: predictor.clone(),
            answering: answering.clone(),
            model,
            device,
            embedding,
            at_once: AT_ONCE,
            layers,
        })
    }

    /// The same, which computes no more samples at once; 64 by default, and fewer large ones.
    #[must_use]
    pub fn with_samples_at_once(self, most: usize) -> Self {
        Explainer { at_once: most.max(1), ..self }
    }

    pub(crate) fn most_at_once(&self) -> usize {
        self.at_once
    }

    /// How many samples of so many numbers are computed at once.
    fn at_once(&self, width: usize) -> usize {
        (NUMBERS_AT_ONCE / width.max(1)).clamp(1, self.at_once)
    }

    /// The model that is explained.
    pub fn predictor(&self) -> &Predictor {
        &self.predictor
    }

    /// A sample as the model reads it.
    ///
    /// # Errors
    /// As [`Predictor::predict`].
    pub fn sample<'a>(&self, sample: impl Into<Sample<'a>>) -> Result<Encoded, ExplainError> {
        let values = match self.predictor.encode(&[sample.into()])? {
            AnyTensor::Tokens(tokens) => tokens.into_data().iter::<f32>().collect(),
            AnyTensor::Rows(rows) => rows.into_data().iter::<f32>().collect(),
            AnyTensor::Sequences(sequences) => sequences.into_data().iter::<f32>().collect(),
            AnyTensor::Images(images) => images.into_data().iter::<f32>().collect(),
            AnyTensor::Named(_) => unreachable!("a predictor takes one input"),
        };
        Ok(Encoded { values })
    }

    /// Whether the model reads tokens.
    pub(crate) fn reads_tokens(&self) -> bool {
        matches!(self.model.spec().input, InputSpec::Tokens(_))
    }

    /// Sizes of what attributions are of: of a sample, or of its tokens.
    pub fn shape(&self) -> &[usize] {
        self.model.spec().input.shape()
    }

    /// Whether the model can be derived by what it reads: by numbers, or by an embedding that comes first.
    pub fn has_gradients(&self) -> bool {
        !self.reads_tokens() || self.embedding.is_some()
    }

    /// The numbers by which the model is derived: those of the sample, or the embedding's rows of its tokens.
    pub(crate) fn point(&self, sample: &Encoded, method: &'static str) -> Result<Vec<f32>, ExplainError> {
        if !self.reads_tokens() {
            return Ok(sample.values.clone());
        }
        Ok(numbers(self.embedded(sample, 1, method)?.value()))
    }

    /// Where the way to a sample begins if nothing else is asked for: zeros, or the embedding's row of padding for each token.
    pub(crate) fn usual_baseline(
        &self,
        point: &[f32],
        method: &'static str,
    ) -> Result<Vec<f32>, ExplainError> {
        match self.reads_tokens() {
            false => Ok(vec![0.0; point.len()]),
            true => {
                let tokens = self.shape().iter().product();
                self.point(&Encoded { values: vec![TextPadding::TOKEN as f32; tokens] }, method)
            }
        }
    }

    fn embedded(
        &self,
        sample: &Encoded,
        count: usize,
        method: &'static str,
    ) -> Result<Intermediate, ExplainError> {
        let Some(embedding) = &self.embedding else {
            return Err(ExplainError::Method {
                method,
                needs: "of numbers, or with an embedding before all other layers",
                found: self.model.spec().input.to_string(),
            });
        };
        Ok(self.model.forward_to(embedding, self.batch(&sample.values.repeat(count), count, &self.device))?)
    }

    /// The answer, as the mean over several views of an image where the model takes it.
    fn forward(&self, input: AnyTensor) -> Tensor<2> {
        match self.model.spec().test_time_augmentation {
            TestTimeAugmentation::None => self.model.forward(input),
            views => views.mean(input.images(), |images| self.model.forward(images.into())),
        }
    }

    /// Samples as a batch.
    fn batch(&self, values: &[f32], count: usize, device: &Device) -> AnyTensor {
        let shape: Vec<usize> = [count].into_iter().chain(self.shape().iter().copied()).collect();
        match self.reads_tokens() {
            true => {
                AnyTensor::from_tokens(values.iter().map(|value| *value as i32).collect(), &shape, device)
            }
            false => AnyTensor::from_values(values.to_vec(), &shape, device),
        }
    }

    /// Outputs and gradients at points of so many numbers, `[points, width]`.
    pub(crate) fn gradients(
        &self,
        sample: &Encoded,
        points: &[f32],
        width: usize,
        target: &Target,
        method: &'static str,
    ) -> Result<Gradients, ExplainError> {
        let width = width.max(1);
        let mut found = Gradients { outputs: Vec::new(), gradients: Vec::new() };
        for points in points.chunks(self.at_once(width) * width) {
            let count = points.len() / width;
            let (leaf, output) = if self.reads_tokens() {
                let embedded = self.embedded(sample, count, method)?;
                let leaf =
                    leaf(AnyTensor::from_values(points.to_vec(), &embedded.value().dims(), &self.device));
                (leaf.clone(), self.model.forward_from(embedded.with_value(leaf)))
            } else {
                let leaf = leaf(self.batch(points, count, &self.device));
                (leaf.clone(), self.forward(leaf))
            };
            let (outputs, gradients) = derive(target, output, &leaf)?;
            found.outputs.extend(outputs);
            found.gradients.extend(gradients);
        }
        Ok(found)
    }

    /// What an image layer gives for a sample, and the gradient by it.
    pub(crate) fn image_gradients(
        &self,
        sample: &Encoded,
        layer: &str,
        target: &Target,
    ) -> Result<ImageGradients, ExplainError> {
        let part = self.model.forward_to(layer, self.batch(&sample.values, 1, &self.device))?;
        let leaf = leaf(part.value().clone());
        let &[_, channels, height, width] = leaf.dims().as_slice() else {
            return Err(ExplainError::NoImages { layer: layer.to_owned(), known: self.image_layers() });
        };
        let features = numbers(&leaf);
        let output = self.model.forward_from(part.with_value(leaf.clone()));
        let (_, gradients) = derive(target, output, &leaf)?;
        Ok(ImageGradients { size: [channels, height, width], features, gradients })
    }

    /// Outputs of samples, `[samples, numbers]`, as the model answers.
    pub(crate) fn outputs(&self, samples: &[f32], target: &Target) -> Result<Vec<f32>, ExplainError> {
        let width: usize = self.shape().iter().product::<usize>().max(1);
        let mut found = Vec::new();
        let (model, device) = (&self.answering, self.predictor.device());
        for samples in samples.chunks(self.at_once(width) * width) {
            let output = model.forward(self.batch(samples, samples.len() / width, device));
            found.extend(finite("output", target.of(output)?)?);
        }
        Ok(found)
    }

    /// The probabilities of all attention layers for a sample, and how many of its steps are its own, if not all are.
    pub(crate) fn attention(
        &self,
        sample: &Encoded,
    ) -> Result<(Vec<Tensor<4>>, Option<usize>), ExplainError> {
        let device = self.predictor.device();
        let batch = || self.batch(&sample.values, 1, device);
        let found = self.answering.attention_probabilities(batch());
        let own = match &self.embedding {
            Some(embedding) => {
                self.answering.forward_to(embedding, batch())?.lengths().map(|lengths| lengths[0])
            }
            None => None,
        };
        Ok((found.into_iter().map(|layer| layer.probabilities).collect(), own))
    }

    /// The output for a sample.
    ///
    /// # Errors
    /// [`ExplainError::Output`] if the target names an output that the model does not have.
    pub fn output(&self, sample: &Encoded, target: &Target) -> Result<f32, ExplainError> {
        Ok(self.outputs(&sample.values, target)?[0])
    }

    /// Layers of the first level that give images larger than one pixel, in order.
    pub(crate) fn image_layers(&self) -> Vec<String> {
        let is_image =
            |layer: &&PlacedLayer| matches!(layer.output.shape(), [_, height, width] if height * width > 1);
        self.layers.iter().filter(is_image).map(|layer| layer.name.clone()).collect()
    }
}

impl Encoded {
    /// Numbers, normalised, or tokens, in the order of the model's input.
    pub fn values(&self) -> &[f32] {
        &self.values
    }
}

fn leaf(value: AnyTensor) -> AnyTensor {
    match value {
        AnyTensor::Rows(rows) => AnyTensor::Rows(rows.detach().require_grad()),
        AnyTensor::Sequences(sequences) => AnyTensor::Sequences(sequences.detach().require_grad()),
        AnyTensor::Images(images) => AnyTensor::Images(images.detach().require_grad()),
        other => other,
    }
}

fn numbers(value: &AnyTensor) -> Vec<f32> {
    match value.clone() {
        AnyTensor::Rows(rows) => rows.into_data().iter::<f32>().collect(),
        AnyTensor::Sequences(sequences) => sequences.into_data().iter::<f32>().collect(),
        AnyTensor::Images(images) => images.into_data().iter::<f32>().collect(),
        AnyTensor::Tokens(_) | AnyTensor::Named(_) => Vec::new(),
    }
}

/// The target of each row of the output, and the gradient of their sum by a leaf: rows do not depend on each other.
fn derive(
    target: &Target,
    output: Tensor<2>,
    leaf: &AnyTensor,
) -> Result<(Vec<f32>, Vec<f32>), ExplainError> {
    let outputs = target.of(output)?;
    let values = finite("output", outputs.clone())?;
    let of_leaf = numbers(leaf).len();
    // Nothing of the leaf reaches the output.
    if !outputs.is_tracked() {
        return Ok((values, vec![0.0; of_leaf]));
    }
    let gradients = outputs.sum().backward();
    fn of<const D: usize>(leaf: &Tensor<D>, gradients: &burn::tensor::Gradients) -> Option<Vec<f32>> {
        Some(leaf.grad(gradients)?.into_data().iter::<f32>().collect())
    }
    let found = match leaf {
        AnyTensor::Rows(rows) => of(rows, &gradients),
        AnyTensor::Sequences(sequences) => of(sequences, &gradients),
        AnyTensor::Images(images) => of(images, &gradients),
        AnyTensor::Tokens(_) | AnyTensor::Named(_) => None,
    };
    let found = found.unwrap_or_else(|| vec![0.0; of_leaf]);
    match found.iter().all(|value| value.is_finite()) {
        true => Ok((values, found)),
        false => Err(ExplainError::NotFinite { what: "gradient" }),
    }
}

fn finite(what: &'static str, tensor: Tensor<1>) -> Result<Vec<f32>, ExplainError> {
    let values: Vec<f32> = tensor.into_data().iter::<f32>().collect();
    match values.iter().all(|value| value.is_finite()) {
        true => Ok(values),
        false => Err(ExplainError::NotFinite { what }),
    }
}
