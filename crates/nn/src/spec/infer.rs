//! Shape inference: walks a description once, names every layer and finds the first that cannot work.

use std::collections::{HashMap, HashSet};

use super::{InputSpec, LayerKind, LayerSpec, ModelSpec};
use crate::layers::{EmbeddingSpec, activation, flatten, global_avg_pool2d, global_pool1d};
use crate::spec::layer::MAX_LAYERS;
use crate::{LayerProblem, NnError};

/// The most values that a model, or what one of its layers gives for one sample, may have: 16 GiB of f32.
const MAX_VALUES: u64 = 1 << 32;

/// Name and shape of a tensor that a model holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TensorSpec {
    /// `conv2d_1.weight`, inside a residual block `residual_1.conv2d_1.weight`.
    pub name: String,
    /// Shape in PyTorch's layout: dense weights are `[out_features, in_features]`, convolution weights
    /// `[out_channels, in_channels / groups, height, width]`.
    pub shape: Vec<usize>,
    /// Whether training changes it; running statistics and tensors of a frozen layer are kept but not trained.
    pub trainable: bool,
}

impl TensorSpec {
    /// A tensor that training changes, whose size fits into a machine.
    pub(crate) fn trained(name: &str, shape: impl Into<Vec<usize>>) -> Result<Self, LayerProblem> {
        let shape = shape.into();
        values(&shape)?;
        Ok(TensorSpec { name: name.to_string(), shape, trainable: true })
    }
}

/// What a layer is going to give, before it exists.
pub(crate) struct Inferred {
    /// Shape of one sample that leaves the layer; tokens leave none.
    pub(crate) output: InputSpec,
    /// The layer's tensors, by their names within the layer.
    pub(crate) tensors: Vec<TensorSpec>,
    /// Floating-point operations of one forward pass over one sample; a multiply-add counts two.
    pub(crate) flops: u64,
}

impl Inferred {
    /// A layer without tensors.
    pub(crate) fn plain(output: Vec<usize>, flops_per_value: u64) -> Result<Self, LayerProblem> {
        let flops = values(&output)?.saturating_mul(flops_per_value);
        Ok(Inferred { output: output.into(), tensors: Vec::new(), flops })
    }
}

/// Multiplies sizes that come from outside.
pub(crate) fn values(shape: &[usize]) -> Result<u64, LayerProblem> {
    shape
        .iter()
        .try_fold(1u64, |product, &size| product.checked_mul(size as u64))
        .filter(|product| *product <= MAX_VALUES)
        .ok_or(LayerProblem::TooLarge { limit: MAX_VALUES })
}

/// A checked description: every layer with its name and shapes.
pub(crate) struct Plan {
    pub(crate) layers: Vec<PlannedLayer>,
    pub(crate) outputs: usize,
    /// Where outputs are given at each step: how many steps.
    pub(crate) output_steps: Option<usize>,
}

/// A layer of a checked description.
pub(crate) struct PlannedLayer {
    /// The name as the user reads it, with the block's name before it: `residual_1.conv2d_1`.
    pub(crate) name: String,
    pub(crate) kind: LayerKind,
    /// Whether the layer, or a block it is in, is frozen.
    pub(crate) frozen: bool,
    pub(crate) input: InputSpec,
    pub(crate) inferred: Inferred,
    /// For a layer that shares the weight of an embedding, which one it is of those before.
    pub(crate) tied: usize,
    /// For a residual block the layers it holds, else empty.
    pub(crate) body: Vec<PlannedLayer>,
    /// For a residual block the layers of its shortcut.
    pub(crate) shortcut: Vec<PlannedLayer>,
}

impl Plan {
    /// Whether batches of fewer tokens can go through: no layer lays out all steps side by side.
    pub(crate) fn takes_shorter(&self) -> bool {
        fn any_flattens(layers: &[PlannedLayer]) -> bool {
            layers.iter().any(|layer| {
                let flattens = matches!(layer.kind, LayerKind::Flatten {}) && layer.input.shape().len() == 2;
                flattens || any_flattens(&layer.body) || any_flattens(&layer.shortcut)
            })
        }
        !any_flattens(&self.layers)
    }

    /// Refuses a model whose weights together are more than any machine holds.
    fn check_size(&self) -> Result<(), NnError> {
        let mut total = 0u64;
        for tensor in self.tensors() {
            total = total.saturating_add(values(&tensor.shape).unwrap_or(u64::MAX));
        }
        match total <= MAX_VALUES {
            true => Ok(()),
            false => Err(NnError::TooManyParameters { found: total, limit: MAX_VALUES }),
        }
    }

    /// Names of all layers.
    pub(crate) fn names(&self) -> Vec<String> {
        let mut names = Vec::new();
        self.each_layer(&mut |layer| names.push(layer.name.clone()));
        names
    }

    /// Names of the frozen layers.
    pub(crate) fn frozen(&self) -> Vec<String> {
        let mut names = Vec::new();
        self.each_layer(&mut |layer| names.extend(layer.frozen.then(|| layer.name.clone())));
        names
    }

    fn each_layer(&self, found: &mut impl FnMut(&PlannedLayer)) {
        self.layers.iter().for_each(|layer| layer.each_layer(found));
    }

    pub(crate) fn tensors(&self) -> Vec<TensorSpec> {
        let mut tensors = Vec::new();
        self.layers.iter().for_each(|layer| layer.collect_tensors(&mut tensors));
        tensors
    }
}

impl PlannedLayer {
    /// The layer, then those inside it.
    fn each_layer(&self, found: &mut impl FnMut(&PlannedLayer)) {
        found(self);
        self.body.iter().chain(&self.shortcut).for_each(|layer| layer.each_layer(found));
    }

    fn collect_tensors(&self, tensors: &mut Vec<TensorSpec>) {
        tensors.extend(self.inferred.tensors.iter().map(|tensor| TensorSpec {
            name: format!("{}.{}", self.name, tensor.name),
            trainable: tensor.trainable && !self.frozen,
            ..tensor.clone()
        }));
        self.body.iter().chain(&self.shortcut).for_each(|layer| layer.collect_tensors(tensors));
    }
}

impl ModelSpec {
    /// Whether batches of fewer tokens than the description's `input` can go through, as when samples are put together
    /// by length: no layer may lay out all steps side by side.
    ///
    /// ```
    /// use fireclay_nn::ModelSpec;
    ///
    /// assert!(ModelSpec::tokens(250).embedding(100, 8).lstm(4).dense(2).takes_shorter()?);
    /// assert!(!ModelSpec::tokens(250).embedding(100, 8).flatten().dense(2).takes_shorter()?);
    /// # Ok::<(), fireclay_nn::NnError>(())
    /// ```
    ///
    /// # Errors
    /// If the description does not describe a network.
    pub fn takes_shorter(&self) -> Result<bool, NnError> {
        Ok(self.plan()?.takes_shorter())
    }

    /// Checks the whole description.
    pub(crate) fn plan(&self) -> Result<Plan, NnError> {
        if !self.input.is_possible() {
            return Err(NnError::Input { found: self.input.clone() });
        }
        let shape = self.input.shape();
        let is_image =
            matches!(self.input, InputSpec::Values(_)) && shape.len() == 3 && shape[1].min(shape[2]) >= 2;
        if !self.views.is_one() && !is_image {
            return Err(NnError::Views { found: self.input.clone() });
        }
        let found = count(&self.layers);
        if self.layers.is_empty() || found > MAX_LAYERS {
            return Err(NnError::LayerCount { found, limit: MAX_LAYERS });
        }
        let layers = chain(&self.layers, &self.input, &Place::default(), &mut Names::default())?;
        let end = end(&layers, &self.input);
        let (output_steps, outputs) = match (end, end.shape()) {
            (InputSpec::Values(_), &[outputs]) => (None, outputs),
            (InputSpec::Values(_), &[steps, outputs]) => (Some(steps), outputs),
            _ => {
                return Err(NnError::Output {
                    name: layers.last().map_or(String::new(), |layer| layer.name.clone()),
                    found: end.clone(),
                });
            }
        };
        let plan = Plan { layers, outputs, output_steps };
        plan.check_size()?;
        Ok(plan)
    }
}

/// Layers, those inside blocks and the stacked ones of recurrent layers included.
fn count(layers: &[LayerSpec]) -> usize {
    layers.iter().fold(0, |total: usize, layer| {
        total.saturating_add(match &layer.kind {
            LayerKind::Residual(block) => {
                count(&block.layers).saturating_add(count(&block.shortcut)).saturating_add(1)
            }
            LayerKind::Lstm(lstm) => lstm.num_layers,
            LayerKind::Gru(gru) => gru.num_layers,
            LayerKind::SimpleRnn(rnn) => rnn.num_layers,
            LayerKind::TransformerEncoder(stack) | LayerKind::TransformerDecoder(stack) => stack.num_layers,
            _ => 1,
        })
    })
}

/// Where a list of layers stands in the model.
#[derive(Clone, Default)]
struct Place {
    /// `"4."` inside the fourth layer.
    position: String,
    /// `"residual_1."` inside that block.
    name: String,
    /// How many layers of the same block come before this list.
    offset: usize,
    /// Whether the block is frozen.
    frozen: bool,
    /// The embeddings that come before this list, by the names that they have in theirs.
    embeddings: Vec<(String, EmbeddingSpec)>,
}

/// Names given so far in one list of layers (a block's shortcut goes on with the names of its layers).
#[derive(Default)]
struct Names {
    counts: HashMap<&'static str, usize>,
    taken: HashSet<String>,
}

impl Names {
    fn give(&mut self, layer: &LayerSpec) -> Result<String, LayerProblem> {
        let kind = layer.kind.type_name();
        let count = self.counts.entry(kind).or_default();
        *count += 1;
        let name = layer.name.clone().unwrap_or_else(|| format!("{kind}_{count}"));
        let good = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
        if name.is_empty() || name.len() > 64 || !name.chars().all(good) {
            return Err(LayerProblem::BadName);
        }
        match self.taken.insert(name.clone()) {
            true => Ok(name),
            false => Err(LayerProblem::SameName),
        }
    }
}

/// Shape after the last layer.
fn end<'a>(layers: &'a [PlannedLayer], input: &'a InputSpec) -> &'a InputSpec {
    layers.last().map_or(input, |layer| &layer.inferred.output)
}

/// Checks layers that follow one another.
fn chain(
    layers: &[LayerSpec],
    input: &InputSpec,
    place: &Place,
    names: &mut Names,
) -> Result<Vec<PlannedLayer>, NnError> {
    let mut planned: Vec<PlannedLayer> = Vec::with_capacity(layers.len());
    let mut embeddings = place.embeddings.clone();
    for (index, layer) in layers.iter().enumerate() {
        let input = end(&planned, input).clone();
        let position = format!("{}{}", place.position, place.offset + index + 1);
        let shown = layer.name.as_deref().unwrap_or(layer.kind.type_name());
        let fail = |name: &str, problem: LayerProblem| NnError::Layer {
            position: position.clone(),
            name: name.chars().take(80).collect(),
            input: input.clone(),
            problem: Box::new(problem),
        };
        let own = names.give(layer).map_err(|problem| fail(shown, problem))?;
        let name = format!("{}{own}", place.name);
        let mut next = PlannedLayer {
            inferred: Inferred { output: input.clone(), tensors: Vec::new(), flops: 0 },
            name,
            kind: layer.kind.clone(),
            frozen: layer.frozen || place.frozen,
            input: input.clone(),
            tied: 0,
            body: Vec::new(),
            shortcut: Vec::new(),
        };
        if let LayerKind::Residual(block) = &layer.kind {
            let inside = Place {
                position: format!("{position}."),
                name: format!("{}.", next.name),
                offset: 0,
                frozen: next.frozen,
                embeddings: embeddings.clone(),
            };
            let mut names = Names::default();
            next.body = chain(&block.layers, &input, &inside, &mut names)?;
            let after = Place { offset: block.layers.len(), ..inside };
            next.shortcut = chain(&block.shortcut, &input, &after, &mut names)?;
            let (body, shortcut) = (end(&next.body, &input), end(&next.shortcut, &input));
            next.inferred = block.infer(body, shortcut).map_err(|problem| fail(&next.name, problem))?;
        } else if !place.name.is_empty() && layer.kind.adapts() {
            return Err(fail(&next.name, LayerProblem::InsideBlock));
        } else {
            next.inferred =
                infer(&layer.kind, &input, &embeddings).map_err(|problem| fail(&next.name, problem))?;
        }
        match &layer.kind {
            LayerKind::Embedding(spec) => embeddings.push((own, spec.clone())),
            LayerKind::TiedDense(spec) => next.tied = spec.find(&embeddings).map_or(0, |(place, _)| place),
            _ => {}
        }
        planned.push(next);
    }
    Ok(planned)
}

fn infer(
    kind: &LayerKind,
    input: &InputSpec,
    embeddings: &[(String, EmbeddingSpec)],
) -> Result<Inferred, LayerProblem> {
    let input = match (kind, input) {
        (LayerKind::Embedding(spec), InputSpec::Tokens(tokens)) => return spec.infer(*tokens),
        (LayerKind::NaiveBayesBag(spec), InputSpec::Tokens(tokens)) => return spec.infer(*tokens),
        (_, InputSpec::Values(shape)) => shape.as_slice(),
        (_, InputSpec::Tokens(_)) => return Err(LayerProblem::NeedsNumbers),
    };
    match kind {
        LayerKind::Dense(spec) => spec.infer(input),
        LayerKind::Embedding(_) | LayerKind::NaiveBayesBag(_) => Err(LayerProblem::NeedsTokens),
        LayerKind::Lstm(spec) => spec.fields().infer(input),
        LayerKind::Gru(spec) => spec.fields().infer(input),
        LayerKind::SimpleRnn(spec) => spec.fields().infer(input),
        LayerKind::Conv2d(spec) => spec.infer(input),
        LayerKind::MaxPool2d(spec) => spec.infer(input),
        LayerKind::AvgPool2d(spec) => spec.infer(input),
        LayerKind::GlobalAvgPool2d {} => global_avg_pool2d::infer(input),
        LayerKind::Flatten {} => flatten::infer(input),
        LayerKind::Dropout(spec) => spec.infer(input),
        LayerKind::BatchNorm(spec) => spec.infer(input),
        LayerKind::LayerNorm(spec) => spec.infer(input),
        LayerKind::Whitening(spec) => spec.infer(input),
        LayerKind::MultiHeadAttention(spec) => spec.infer(input),
        LayerKind::PositionEmbedding(spec) => spec.infer(input),
        LayerKind::TransformerEncoder(spec) => spec.infer(input, false),
        LayerKind::TransformerDecoder(spec) => spec.infer(input, true),
        LayerKind::GlobalAvgPool1d {} | LayerKind::GlobalMaxPool1d {} => global_pool1d::infer(input),
        LayerKind::Conv1d(spec) => spec.infer(input),
        LayerKind::TiedDense(spec) => spec.infer(input, embeddings),
        // A block is checked by `chain`, which knows its layers.
        LayerKind::Residual(_) => Err(LayerProblem::Empty),
        activation => activation::infer(activation, input),
    }
}
