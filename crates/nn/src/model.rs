//! A built network: the layers of a description, with weights.

use std::collections::HashMap;
use std::sync::Arc;

use burn::module::{Module, ModuleVisitor, Param};
use burn::tensor::{Device, Tensor};

use crate::layers::Layer;
use crate::layers::chain::{self, Flow};
use crate::network::Batches;
use crate::spec::{InputSpec, LayerKind, ModelSpec, Plan, PlannedLayer, Views};
use crate::{AnyTensor, Network, NnError, Stepper, freeze};

/// A network built from a [`ModelSpec`]. It is a Burn module like any other: it moves between devices, freezes,
/// and goes through `fit`.
#[derive(Module, Debug)]
pub struct Model {
    layers: Vec<Layer>,
    #[module(skip)]
    description: Arc<Description>,
}

/// What the model knows of itself besides its weights.
#[derive(Clone, Debug)]
struct Description {
    spec: ModelSpec,
    /// Names of the layers of the first level.
    names: Vec<String>,
    /// From a layer's path in the module (`layers.3.shortcut.0`) to its name (`residual_1.conv2d_3`).
    names_by_path: HashMap<String, String>,
    /// Rows of the smallest embedding.
    vocabulary_size: Option<usize>,
    /// Whether the samples of a batch may all be shorter than the description says.
    takes_shorter: bool,
}

impl Model {
    /// Builds a checked description, drawing every weight at once and in order: Burn's parameters are drawn when
    /// first used, and then the weights of a seed would depend on the order of use.
    pub(crate) fn new(spec: ModelSpec, plan: &Plan, device: &Device) -> Self {
        let mut names_by_path = HashMap::new();
        collect_names(&plan.layers, "layers", &mut names_by_path);
        let layers: Vec<Layer> = plan.layers.iter().map(|layer| Layer::build(layer, device)).collect();
        layers.visit(&mut Draw);
        let names = plan.layers.iter().map(|layer| layer.name.clone()).collect();
        let vocabulary_size = vocabulary_size(&plan.layers);
        let takes_shorter = plan.takes_shorter();
        let description = Description { spec, names, names_by_path, vocabulary_size, takes_shorter };
        let model = Model { layers, description: Arc::new(description) };
        match plan.frozen().is_empty() {
            true => model,
            false => freeze::apply(model, plan),
        }
    }

    /// The description that the model was built from.
    pub fn spec(&self) -> &ModelSpec {
        &self.description.spec
    }

    /// Freezes layers by name: training leaves their weights and running statistics as they are, and spends no work on
    /// their gradients. The description says so from now on, and so does a file that the model is saved in.
    ///
    /// Of a block, all layers are frozen with it; one of them has the name `residual_1.conv2d_2`.
    ///
    /// # Errors
    /// [`NnError::UnknownLayer`] with the names that there are.
    pub fn freeze(self, names: impl IntoIterator<Item = impl AsRef<str>>) -> Result<Self, NnError> {
        let spec = self.spec().clone().freeze(names)?;
        self.redescribed(spec)
    }

    /// Lets training change layers again; the opposite of [`freeze`](Self::freeze).
    ///
    /// # Errors
    /// [`NnError::UnknownLayer`] with the names that there are.
    pub fn unfreeze(self, names: impl IntoIterator<Item = impl AsRef<str>>) -> Result<Self, NnError> {
        let spec = self.spec().clone().unfreeze(names)?;
        self.redescribed(spec)
    }

    /// Begins to read token by token; see [`Stepper`].
    ///
    /// # Errors
    /// [`NnError::NotStepwise`] with the first layer that needs all steps at once, and [`NnError::NoNextToken`] for a
    /// network that does not read tokens or gives no output at each of them.
    pub fn stepper(&self) -> Result<Stepper, NnError> {
        Stepper::new(self)
    }

    pub(crate) fn layers(&self) -> &[Layer] {
        &self.layers
    }

    /// Whether the data sets that layer: a frozen one, taken over from another model perhaps, stays as it is.
    fn adapts_at(&self, index: usize) -> bool {
        self.layers[index].adapts() && !self.spec().layers[index].frozen
    }

    /// The same network under a description that differs in what is frozen only.
    fn redescribed(mut self, spec: ModelSpec) -> Result<Self, NnError> {
        let plan = spec.plan()?;
        self.description = Arc::new(Description { spec, ..Description::clone(&self.description) });
        Ok(freeze::apply(self, &plan))
    }
}

/// Draws the parameters that it sees, where that was not done.
struct Draw;

impl ModuleVisitor for Draw {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let _ = param.val();
    }
}

fn vocabulary_size(layers: &[PlannedLayer]) -> Option<usize> {
    layers
        .iter()
        .filter_map(|layer| match &layer.kind {
            LayerKind::Embedding(spec) => Some(spec.num_embeddings),
            LayerKind::NaiveBayesBag(spec) => Some(spec.num_embeddings),
            _ => [&layer.body, &layer.shortcut].into_iter().filter_map(|inner| vocabulary_size(inner)).min(),
        })
        .min()
}

fn collect_names(layers: &[PlannedLayer], path: &str, names: &mut HashMap<String, String>) {
    for (index, layer) in layers.iter().enumerate() {
        let own = format!("{path}.{index}");
        collect_names(&layer.body, &format!("{own}.layers"), names);
        collect_names(&layer.shortcut, &format!("{own}.shortcut"), names);
        if matches!(layer.kind, LayerKind::Whitening(_)) {
            names.insert(format!("{own}.conv"), layer.name.clone());
        }
        names.insert(own, layer.name.clone());
    }
}

impl Network for Model {
    /// # Panics
    /// If the input is not a batch of what the description takes, or a token is not in the vocabulary.
    fn forward(&self, input: AnyTensor) -> Tensor<2> {
        let expected = &self.description.spec.input;
        let fits = expected.fits(&input)
            && (self.description.takes_shorter || input.dims()[1..] == *expected.shape());
        assert!(fits, "the model takes batches of {expected}, found {:?}", input.dims());
        let look = |input: AnyTensor| match chain::run(&self.layers, Flow::of(input)).value {
            AnyTensor::Sequences(outputs) => {
                let [batch, steps, width] = outputs.dims();
                outputs.reshape([batch * steps, width])
            }
            other => other.rows(),
        };
        match self.description.spec.views {
            Views::One => look(input),
            _ if input.device().is_autodiff() => look(input),
            views => views.mean(input.images(), |images| look(images.into())),
        }
    }

    fn input_spec(&self) -> Option<&InputSpec> {
        Some(&self.description.spec.input)
    }

    fn takes_shorter(&self) -> bool {
        self.description.takes_shorter
    }

    fn vocabulary_size(&self) -> Option<usize> {
        self.description.vocabulary_size
    }

    fn adapts(&self) -> bool {
        (0..self.layers.len()).any(|index| self.adapts_at(index))
    }

    fn adapt(mut self, batches: &Batches) -> Self {
        for index in 0..self.layers.len() {
            if self.adapts_at(index) {
                let rest = self.layers.split_off(index + 1);
                let layer = self.layers.pop().expect("there is a layer at its index");
                let before = &self.layers;
                let mut inputs =
                    batches().map(|(input, target)| (chain::run(before, Flow::of(input)).value, target));
                let layer = layer.adapt(&mut inputs);
                drop(inputs);
                self.layers.push(layer);
                self.layers.extend(rest);
            }
        }
        self
    }

    fn tensor_name(&self, path: &str) -> String {
        path.rmatch_indices('.')
            .find_map(|(at, _)| {
                let name = self.description.names_by_path.get(&path[..at])?;
                Some(format!("{name}{}", &path[at..]))
            })
            .unwrap_or_else(|| path.to_string())
    }

    fn first_not_finite(&self, input: AnyTensor) -> Option<String> {
        let mut flow = Flow::of(input);
        if !flow.value.is_finite() {
            return Some("the input".to_string());
        }
        for (layer, name) in self.layers.iter().zip(&self.description.names) {
            flow = chain::run(std::slice::from_ref(layer), flow);
            if !flow.value.is_finite() {
                return Some(name.clone());
            }
        }
        None
    }
}
