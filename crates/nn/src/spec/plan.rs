//! Shape inference: walks a description once, names every layer and finds the first that cannot work.

use std::collections::{HashMap, HashSet};

use super::ModelSpec;
use crate::error::{LayerProblem, NnError};
use crate::layers::{
    Inferred, KnownEmbedding, LayerSpec, MAX_LAYERS, OutputActivation, Place, PlannedLayer, values,
};
use crate::shapes::{InputSpec, MAX_VALUES, TensorSpec};

/// A checked description: every layer with its name and shapes.
pub(crate) struct Plan {
    pub(crate) layers: Vec<PlannedLayer>,
    pub(crate) outputs: usize,
    /// Where outputs are given at each step: how many steps.
    pub(crate) output_steps: Option<usize>,
}

impl Plan {
    /// Whether batches of fewer tokens can go through: no layer lays out all steps side by side.
    pub(crate) fn supports_variable_length(&self) -> bool {
        let mut supports = true;
        self.each_layer(&mut |layer| supports &= layer.kind.supports_variable_length(&layer.input));
        supports
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

    /// Every layer, those inside blocks after their block.
    pub(crate) fn each_layer(&self, found: &mut impl FnMut(&PlannedLayer)) {
        self.layers.iter().for_each(|layer| layer.each_layer(found));
    }

    pub(crate) fn tensors(&self) -> Vec<TensorSpec> {
        let mut tensors = Vec::new();
        self.each_layer(&mut |layer| collect_tensors(layer, &mut tensors));
        tensors
    }
}

/// The tensors of a layer itself, by their full names.
fn collect_tensors(layer: &PlannedLayer, tensors: &mut Vec<TensorSpec>) {
    tensors.extend(layer.inferred.tensors.iter().map(|tensor| TensorSpec {
        name: format!("{}.{}", layer.name, tensor.name),
        trainable: tensor.trainable && !layer.frozen,
        ..tensor.clone()
    }));
}

impl ModelSpec {
    /// Whether batches of fewer tokens than the description's `input` can go through, as when samples are put together
    /// by length: no layer may lay out all steps side by side.
    ///
    /// ```
    /// use fireclay_nn::ModelSpec;
    ///
    /// assert!(ModelSpec::tokens(250).embedding(100, 8).lstm(4).dense(2).supports_variable_length()?);
    /// assert!(!ModelSpec::tokens(250).embedding(100, 8).flatten().dense(2).supports_variable_length()?);
    /// # Ok::<(), fireclay_nn::NnError>(())
    /// ```
    ///
    /// # Errors
    /// If the description does not describe a network.
    pub fn supports_variable_length(&self) -> Result<bool, NnError> {
        Ok(self.plan()?.supports_variable_length())
    }

    /// The activation behind the last layer with weights, if it turns logits into probabilities. Losses such as cross
    /// entropy take logits: a network that is trained with one should end without softmax or sigmoid.
    ///
    /// ```
    /// use fireclay_nn::{ModelSpec, OutputActivation};
    ///
    /// let logits = ModelSpec::new([4]).dense(3);
    /// assert_eq!(logits.output_activation(), None);
    /// assert_eq!(logits.softmax().output_activation(), Some(OutputActivation::Softmax));
    /// ```
    pub fn output_activation(&self) -> Option<OutputActivation> {
        last_activation(&self.layers)
    }

    /// Checks the whole description.
    pub(crate) fn plan(&self) -> Result<Plan, NnError> {
        if !self.input.is_possible() {
            return Err(NnError::Input { found: self.input.clone() });
        }
        let shape = self.input.shape();
        let is_image =
            matches!(self.input, InputSpec::Values(_)) && shape.len() == 3 && shape[1].min(shape[2]) >= 2;
        if !self.test_time_augmentation.is_none() && !is_image {
            return Err(NnError::TestTimeAugmentation { found: self.input.clone() });
        }
        let found = count(&self.layers);
        if self.layers.is_empty() || found > MAX_LAYERS {
            return Err(NnError::LayerCount { found, limit: MAX_LAYERS });
        }
        let layers = chain(&self.layers, &self.input, &ListPlace::default(), &mut Names::default())?;
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
        if let Some(int8) = &self.int8 {
            int8.check(plan.names())?;
        }
        Ok(plan)
    }
}

/// What the last layer that computes something is, if it gives probabilities: dropout and flatten change no sizes of them.
fn last_activation(layers: &[LayerSpec]) -> Option<OutputActivation> {
    let computes = |layer: &&LayerSpec| !matches!(layer.kind.type_name(), "dropout" | "flatten");
    layers.iter().rev().find(computes)?.kind.probabilities()
}

/// Layers, those inside blocks and the stacked ones of recurrent layers included.
fn count(layers: &[LayerSpec]) -> usize {
    layers.iter().fold(0, |total: usize, layer| {
        let inside =
            layer.kind.block().map_or(0, |block| count(&block.layers).saturating_add(count(&block.shortcut)));
        total.saturating_add(inside).saturating_add(layer.kind.depth())
    })
}

/// Where a list of layers stands in the model.
#[derive(Clone, Default)]
struct ListPlace {
    /// `"4."` inside the fourth layer.
    position: String,
    /// `"residual_1."` inside that block.
    name: String,
    /// How many layers of the same block come before this list.
    offset: usize,
    /// Whether the block is frozen.
    frozen: bool,
    /// The embeddings that come before this list, by the names that they have in theirs.
    embeddings: Vec<KnownEmbedding>,
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
    place: &ListPlace,
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
        if let Some(block) = layer.kind.block() {
            let inside = ListPlace {
                position: format!("{position}."),
                name: format!("{}.", next.name),
                offset: 0,
                frozen: next.frozen,
                embeddings: embeddings.clone(),
            };
            let mut names = Names::default();
            next.body = chain(&block.layers, &input, &inside, &mut names)?;
            let after = ListPlace { offset: block.layers.len(), ..inside };
            next.shortcut = chain(&block.shortcut, &input, &after, &mut names)?;
        } else if !place.name.is_empty() && layer.kind.adapts() {
            return Err(fail(&next.name, LayerProblem::InsideBlock));
        }
        let stands = Place {
            input: &input,
            embeddings: &embeddings,
            branches: [end(&next.body, &input), end(&next.shortcut, &input)],
        };
        let inferred = layer.kind.infer(&stands).map_err(|problem| fail(&next.name, problem))?;
        next.inferred = inferred;
        next.tied = layer.kind.shared_embedding(&embeddings).unwrap_or(0);
        if let Some([num_embeddings, embedding_dim]) = layer.kind.embedding() {
            embeddings.push(KnownEmbedding { name: own, num_embeddings, embedding_dim });
        }
        planned.push(next);
    }
    Ok(planned)
}
