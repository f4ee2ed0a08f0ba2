//! A graph as a Burn module.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use burn::module::{Flag, Module, Param, RunningState};
use burn::tensor::{Device, Tensor, TensorData};
use fireclay_nn::{AnyTensor, InputSpec, Network};

use super::super::export::OnnxValue;
use super::any_rank::AnyRank;
use super::output;
use super::plan::Plan;
use super::run::run;
use super::scope::Scope;
use super::step::Given;
use super::value::{Element, Value};
use super::weight::Weight;
use crate::ExchangeError;

/// An ONNX graph that runs and learns. It moves between devices, is trained, and its weights are saved and loaded, as those of
/// any network of one's own.
///
/// In training, running statistics follow those of the batches, and dropout is active; otherwise neither is.
#[derive(Module, Debug)]
pub struct OnnxNetwork {
    weights: Vec<Weight>,
    statistics: Vec<RunningState<Tensor<1>>>,
    /// Whether each of the statistics follows the batches in training.
    follows: Vec<Param<Flag>>,
    #[module(skip)]
    described: Arc<Described>,
}

/// Sizes and numbers of what a network begins with, in the order of its plan.
#[derive(Clone, Debug, Default)]
pub(super) struct Weights {
    pub(super) parameters: Vec<(Vec<usize>, Vec<f32>)>,
    pub(super) statistics: Vec<(Vec<usize>, Vec<f32>)>,
    /// Names of those that training leaves as they are.
    pub(super) frozen: BTreeSet<String>,
}

/// The most dimensions that come out: those of images.
const MOST_OUTPUT_RANK: usize = 4;

/// What a network knows of itself besides its weights.
#[derive(Debug)]
pub(super) struct Described {
    path: PathBuf,
    pub(super) plan: Plan,
    pub(super) inputs: Vec<OnnxValue>,
    pub(super) input_spec: Option<InputSpec>,
    vocabulary_size: Option<usize>,
    /// Large constants where they were needed last: they are put onto a device once.
    placed: Mutex<Vec<(Device, Vec<Value>)>>,
}

impl Described {
    pub(super) fn new(path: &Path, plan: Plan, vocabulary_size: Option<usize>) -> Self {
        let inputs = plan.inputs.iter().map(|input| input.described()).collect();
        let input_spec = match plan.inputs.as_slice() {
            [input] => input.spec(),
            _ => None,
        };
        Described {
            path: path.to_path_buf(),
            plan,
            inputs,
            input_spec,
            vocabulary_size,
            placed: Mutex::default(),
        }
    }

    /// The large constants on a device, in the order of the plan.
    fn placed(&self, device: &Device) -> Vec<Value> {
        /// With and without gradients.
        const DEVICES: usize = 2;
        let mut placed = self.placed.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, values)) = placed.iter().find(|(known, _)| known == device) {
            return values.clone();
        }
        let large = self.plan.given.iter().filter_map(|(_, given)| match given {
            Given::Large(values, dims) => {
                let tensor = AnyRank::upload(values.clone(), dims, device);
                Some(Value::device(Element::Float, &**dims, tensor))
            }
            _ => None,
        });
        let values: Vec<Value> = large.collect();
        if placed.len() == DEVICES {
            placed.remove(0);
        }
        placed.push((device.clone(), values.clone()));
        values
    }
}

impl OnnxNetwork {
    pub(super) fn new(described: Arc<Described>, weights: &Weights, device: &Device) -> Self {
        let plan = &described.plan;
        let is_frozen = |name: &String| weights.frozen.contains(name);
        let parameters = (plan.parameters.iter().zip(&weights.parameters))
            .map(|(name, (dims, values))| Weight::new(values.clone(), dims, is_frozen(name), device))
            .collect();
        let statistic =
            |values: &Vec<f32>| Tensor::from_data(TensorData::new(values.clone(), [values.len()]), device);
        let statistics =
            weights.statistics.iter().map(|(_, values)| RunningState::new(statistic(values))).collect();
        let follows = plan.statistics.iter().map(|name| Param::from_bool(!is_frozen(name))).collect();
        OnnxNetwork { weights: parameters, statistics, follows, described }
    }

    /// What goes in; images with their channels first, whatever the file has.
    pub fn inputs(&self) -> &[OnnxValue] {
        &self.described.inputs
    }

    /// The output for a batch, with its own rank: steps and images are not put into rows, as [`Network::forward`] does.
    /// A single number for each sample is a row of one.
    ///
    /// Several inputs go in by their names, as [`AnyTensor::Named`].
    ///
    /// # Errors
    /// [`ExchangeError::Batch`] if the batch is not what the graph takes: other sizes than the file says, a size for which
    /// its nodes do not fit each other, or a token that its embedding does not have.
    pub fn run(&self, input: AnyTensor) -> Result<AnyTensor, ExchangeError> {
        let found = describe(&input);
        let plan = &self.described.plan;
        let wrong = |problem: String| ExchangeError::Batch {
            path: self.described.path.clone(),
            found: found.clone(),
            problem,
        };
        let device = input.device();
        let inputs = self.values(input).map_err(&wrong)?;
        let samples = inputs.first().and_then(|input| input.dims.first()).copied().unwrap_or(1);
        if inputs.iter().any(|input| input.dims.first().is_some_and(|found| *found != samples)) {
            return Err(wrong("its inputs have different numbers of samples".to_owned()));
        }
        let mut large = self.described.placed(&device).into_iter();
        let mut values = vec![None; plan.values];
        for (place, given) in &plan.given {
            values[*place] = match given {
                Given::Input(input) => Some(inputs[*input].clone()),
                Given::Parameter(parameter) => Some(self.weights[*parameter].value()),
                Given::Statistic(statistic) => Some(self.statistic(*statistic)),
                Given::Constant(value) => Some(value.clone()),
                Given::Large(..) => large.next(),
            };
        }
        drop(inputs);
        let scope = Scope::of_batch(samples, device.clone(), device.is_autodiff());
        let output = run(plan, values, &scope).map_err(|stopped| wrong(plan.problem(stopped).to_string()))?;
        if !(1..=MOST_OUTPUT_RANK).contains(&output.rank()) || output.dims[0] % samples.max(1) != 0 {
            return Err(wrong(format!(
                "it gives {:?}; expected rows, steps or images for each sample",
                output.dims
            )));
        }
        Ok(output::with_rank(output.tensor(&device)))
    }

    /// The values of the graph's inputs.
    fn values(&self, input: AnyTensor) -> Result<Vec<Value>, String> {
        let expected = &self.described.plan.inputs;
        let expects = || {
            let inputs: Vec<String> = self.described.inputs.iter().map(OnnxValue::to_string).collect();
            format!("expected {}", inputs.join("; "))
        };
        match (input, expected.as_slice()) {
            (AnyTensor::Named(mut given), expected) => (expected.iter())
                .map(|input| {
                    let place = given.iter().position(|(name, _)| *name == input.name).ok_or_else(expects)?;
                    input.of_batch(given.swap_remove(place).1)
                })
                .collect(),
            (single, [input]) => Ok(vec![input.of_batch(single)?]),
            _ => Err(expects()),
        }
    }

    fn statistic(&self, place: usize) -> Value {
        let state = &self.statistics[place];
        let tensor = state.value();
        let mut value = Value::device(Element::Float, tensor.dims(), AnyRank::from(tensor));
        value.running = self.follows[place].is_enabled().then(|| state.clone());
        value
    }
}

impl Network for OnnxNetwork {
    /// Computes the output of a batch in rows: `[batch, outputs]`, of sequences `[batch * steps, outputs]`, and of images
    /// `[batch * height * width, channels]`, row by row of each image.
    ///
    /// # Panics
    /// If the batch is not what the graph takes, as [`OnnxNetwork::run`] says; it never does for a batch of sizes that
    /// the file says.
    fn forward(&self, input: AnyTensor) -> Tensor<2> {
        match self.run(input) {
            Ok(value) => output::rows(value),
            Err(error) => panic!("{error}"),
        }
    }

    fn input_spec(&self) -> Option<&InputSpec> {
        self.described.input_spec.as_ref()
    }

    /// Where the file says how long texts are, they are all as long.
    fn supports_variable_length(&self) -> bool {
        self.described.input_spec.is_none()
    }

    fn vocabulary_size(&self) -> Option<usize> {
        self.described.vocabulary_size
    }

    fn tensor_name(&self, path: &str) -> String {
        let plan = &self.described.plan;
        let names = [("weights.", &plan.parameters), ("statistics.", &plan.statistics)];
        let known = names
            .into_iter()
            .find_map(|(prefix, names)| names.get(path.strip_prefix(prefix)?.parse::<usize>().ok()?));
        known.cloned().unwrap_or_else(|| path.to_owned())
    }
}

/// The sizes of a batch, of several inputs with their names.
fn describe(input: &AnyTensor) -> String {
    match input {
        AnyTensor::Named(inputs) => {
            let inputs: Vec<String> =
                inputs.iter().map(|(name, input)| format!("{name}: {:?}", input.dims())).collect();
            inputs.join(", ")
        }
        other => format!("{:?}", other.dims()),
    }
}
