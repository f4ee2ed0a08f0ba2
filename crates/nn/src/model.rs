//! A built network: the layers of a description, with weights.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use burn::backend::DispatchTensor;
use burn::module::{Module, ModuleVisitor, Param};
use burn::tensor::{Device, Tensor};
use fireclay_backend::in_dynamic_int8;

use crate::error::NnError;
use crate::freeze;
use crate::int8::{Products, Segment, in_turn, products, segments};
use crate::layers::{self, Flow, Layer, Memory, PlannedLayer};
use crate::network::{Batches, DeadUnits, Network, Outputs};
use crate::shapes::InputSpec;
use crate::spec::{ModelSpec, Plan};
use crate::state::state;
use crate::tensor::AnyTensor;
use crate::test_time_augmentation::TestTimeAugmentation;

impl ModelSpec {
    /// Checks every shape and draws the weights on a device.
    ///
    /// Weights come from the device's random numbers, which all threads share: use [`build_seeded`](Self::build_seeded) for
    /// weights that repeat.
    ///
    /// # Errors
    /// [`NnError::Layer`] with the place, the name and the input shape of the first layer that cannot work.
    pub fn build(&self, device: &Device) -> Result<Model, NnError> {
        let plan = self.plan()?;
        // No weight is drawn from among another thread's random numbers.
        let _turn = fireclay_backend::random_turn();
        Ok(Model::new(self.clone(), &plan, device))
    }

    /// As [`build`](Self::build), with weights that are a function of the seed: on a CPU the same bits, whatever other
    /// threads that draw through [`fireclay_backend::seeded`] do. They are those of `device.seed(seed)` and `build`.
    ///
    /// ```
    /// use fireclay_nn::{ModelSpec, state};
    ///
    /// let device = burn::tensor::Device::flex();
    /// let spec = ModelSpec::new([4]).dense(8).relu().dense(2);
    /// assert_eq!(state(&spec.build_seeded(7, &device)?), state(&spec.build_seeded(7, &device)?));
    /// # Ok::<(), fireclay_nn::NnError>(())
    /// ```
    ///
    /// # Errors
    /// As for [`build`](Self::build).
    pub fn build_seeded(&self, seed: u64, device: &Device) -> Result<Model, NnError> {
        let _turn = fireclay_backend::seeded(device, seed);
        self.build(device)
    }
}

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
    /// Numbers in a row of the output.
    outputs: usize,
    /// Rows of the smallest embedding.
    vocabulary_size: Option<usize>,
    /// Whether the samples of a batch may all be shorter than the description says.
    supports_variable_length: bool,
    /// Layers that run in 8-bit whole numbers, in order.
    segments: Vec<Segment>,
    /// How the other layers of the first level make their products; nothing if all do so in `f32`.
    products: Vec<Products>,
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
        let vocabulary_size = vocabulary_size(plan);
        let supports_variable_length = plan.supports_variable_length();
        let segments = spec.int8.as_ref().map_or(Vec::new(), |int8| segments(plan, &spec.input, int8));
        let products = spec.int8.as_ref().map_or(Vec::new(), |int8| products(&plan.layers, int8));
        let description = Description {
            spec,
            names,
            names_by_path,
            outputs: plan.outputs,
            vocabulary_size,
            supports_variable_length,
            segments,
            products,
        };
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

    pub(crate) fn layers(&self) -> &[Layer] {
        &self.layers
    }

    /// The names of the layers of the first level.
    pub(crate) fn names(&self) -> &[String] {
        &self.description.names
    }

    /// Whether the data is to set that layer: one that was set stays as it is, and so does a frozen one.
    fn adapts_at(&self, index: usize) -> bool {
        self.spec().layers[index].kind.adapts()
            && !self.spec().layers[index].frozen
            && self.layers[index].awaits_data()
    }

    /// # Panics
    /// If the input is not a batch of what the description takes.
    pub(crate) fn check_input(&self, input: &AnyTensor) {
        let expected = &self.description.spec.input;
        let fits = expected.fits(input)
            && (self.description.supports_variable_length || input.dims()[1..] == *expected.shape());
        assert!(fits, "the model takes batches of {expected}, found {:?}", input.dims());
    }

    /// All layers, those that compute in 8-bit whole numbers so where the device can.
    fn run(&self, input: AnyTensor) -> AnyTensor {
        let description = &self.description;
        let flow = Flow::of(input);
        if description.spec.int8.is_none() || flow.value.device().is_autodiff() {
            return layers::run(&self.layers, flow).value;
        }
        let mut weights = Weights::default();
        if !description.segments.is_empty() {
            self.layers.visit(&mut weights);
        }
        let outside = |flow: Flow, range: Range<usize>| {
            self.in_their_numbers(range, flow, |range, flow| layers::run(&self.layers[range], flow))
        };
        let (mut flow, mut at) = (flow, 0);
        for segment in &description.segments {
            flow = outside(flow, at..segment.layers.start);
            flow = match segment.run(&flow.value, &weights.0, || state(self)) {
                Some(value) => flow.map(|_| value),
                None => layers::run(&self.layers[segment.layers.clone()], flow),
            };
            at = segment.layers.end;
        }
        outside(flow, at..self.layers.len()).value
    }

    /// See [`layers::step`].
    pub(crate) fn step(&self, memories: &mut [Memory], input: Flow) -> Flow {
        if self.description.spec.int8.is_none() {
            return layers::step(&self.layers, memories, input);
        }
        self.in_their_numbers(0..self.layers.len(), input, |range, flow| {
            layers::step(&self.layers[range.clone()], &mut memories[range], flow)
        })
    }

    /// Runs some layers, those whose products are made in 8-bit whole numbers in one go.
    fn in_their_numbers(
        &self,
        range: Range<usize>,
        input: Flow,
        mut run: impl FnMut(Range<usize>, Flow) -> Flow,
    ) -> Flow {
        in_turn(&self.description.products, range).into_iter().fold(input, |flow, (range, is_int8)| {
            let _scope = is_int8.then(in_dynamic_int8);
            run(range, flow)
        })
    }

    /// The same network under a description that differs in what is frozen only.
    fn redescribed(mut self, spec: ModelSpec) -> Result<Self, NnError> {
        let plan = spec.plan()?;
        self.description = Arc::new(Description { spec, ..Description::clone(&self.description) });
        Ok(freeze::apply(self, &plan))
    }
}

/// Outputs from which a loss makes them itself; narrower ones are not worth it.
const WIDE: usize = 2048;

/// The rows of a batch, or the steps of all its sequences.
pub(crate) fn all_rows(value: AnyTensor) -> Tensor<2> {
    match value {
        AnyTensor::Sequences(steps) => {
            let [batch, steps_of_each, width] = steps.dims();
            steps.reshape([batch * steps_of_each, width])
        }
        other => other.rows(),
    }
}

/// Draws the parameters that it sees, where that was not done.
struct Draw;

impl ModuleVisitor for Draw {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let _ = param.val();
    }
}

/// The tensors of a network, in order.
#[derive(Default)]
struct Weights(Vec<DispatchTensor>);

impl ModuleVisitor for Weights {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        self.0.push(param.val().into_dispatch());
    }
}

fn vocabulary_size(plan: &Plan) -> Option<usize> {
    let mut sizes = Vec::new();
    plan.each_layer(&mut |layer| sizes.extend(layer.kind.vocabulary_size()));
    sizes.into_iter().min()
}

fn collect_names(layers: &[PlannedLayer], path: &str, names: &mut HashMap<String, String>) {
    for (index, layer) in layers.iter().enumerate() {
        let own = format!("{path}.{index}");
        collect_names(&layer.body, &format!("{own}.layers"), names);
        collect_names(&layer.shortcut, &format!("{own}.shortcut"), names);
        if let Some(inner) = layer.kind.inner_path() {
            names.insert(format!("{own}.{inner}"), layer.name.clone());
        }
        names.insert(own, layer.name.clone());
    }
}

impl Network for Model {
    /// # Panics
    /// If the input is not a batch of what the description takes, or a token is not in the vocabulary.
    fn forward(&self, input: AnyTensor) -> Tensor<2> {
        self.check_input(&input);
        let once = |input: AnyTensor| all_rows(self.run(input));
        match self.description.spec.test_time_augmentation {
            TestTimeAugmentation::None => once(input),
            _ if input.device().is_autodiff() => once(input),
            augmentation => augmentation.mean(input.images(), |images| once(images.into())),
        }
    }

    /// Leaves a last dense layer of many outputs to the loss.
    fn forward_for_loss(&self, input: AnyTensor) -> Outputs {
        let Some((last, before)) = self
            .layers
            .split_last()
            .filter(|_| self.description.outputs >= WIDE && input.device().is_autodiff())
        else {
            return Outputs::Computed(self.forward(input));
        };
        self.check_input(&input);
        let flow = layers::run(before, Flow::of(input));
        match last.dense_weights(&flow.embeddings) {
            Some((weight, bias)) => Outputs::Dense { input: all_rows(flow.value), weight, bias },
            None => Outputs::Computed(all_rows(layers::run(std::slice::from_ref(last), flow).value)),
        }
    }

    fn input_spec(&self) -> Option<&InputSpec> {
        Some(&self.description.spec.input)
    }

    fn supports_variable_length(&self) -> bool {
        self.description.supports_variable_length
    }

    fn vocabulary_size(&self) -> Option<usize> {
        self.description.vocabulary_size
    }

    fn only_answers(&self) -> Option<&'static str> {
        let int8 = &self.description.spec.int8;
        int8.as_ref().map(|_| "it computes in 8-bit whole numbers; train the model that it was made of")
    }

    fn has_sample_norms(&self) -> bool {
        self.layers.iter().all(Layer::has_sample_norms)
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
                    batches().map(|(input, target)| (layers::run(before, Flow::of(input)).value, target));
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
            flow = layers::run(std::slice::from_ref(layer), flow);
            if !flow.value.is_finite() {
                return Some(name.clone());
            }
        }
        None
    }

    fn dead_units(&self, input: AnyTensor) -> Vec<DeadUnits> {
        let mut flow = Flow::of(input);
        let mut found = Vec::new();
        for (layer, name) in self.layers.iter().zip(&self.description.names) {
            flow = layers::run(std::slice::from_ref(layer), flow);
            let Layer::Relu(_) = layer else { continue };
            let greatest = match &flow.value {
                AnyTensor::Rows(rows) => rows.clone().max_dim(0).flatten(0, 1),
                AnyTensor::Images(images) => {
                    let of_images = images.clone().max_dim(0).max_dim(2).max_dim(3);
                    of_images.flatten::<1>(0, 3)
                }
                _ => continue,
            };
            let greatest = greatest.into_data().convert::<f32>();
            let units = greatest.num_elements();
            let dead = greatest.iter::<f32>().filter(|value| *value <= 0.0).count();
            found.push(DeadUnits { layer: name.clone(), dead, units });
        }
        found
    }
}
