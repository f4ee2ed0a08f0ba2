//! From predictions to tensors.

use fireclay_train::Prediction;

use super::signature::{CLASS, INTERVAL, PROBABILITIES, Signature, TensorSpec, VALUE};
use crate::refusal::Refusal;
use crate::tensor::{Datatype, shortest};

/// A tensor of an answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Output {
    /// Its name.
    pub name: &'static str,
    /// The type of its elements.
    pub datatype: Datatype,
    /// Its shape, samples first.
    pub shape: Vec<usize>,
    /// As many as the shape says.
    pub values: OutputValues,
}

/// The values of a tensor of an answer.
#[derive(Clone, Debug, PartialEq)]
pub enum OutputValues {
    /// `FP32`
    Floats(Vec<f32>),
    /// `INT64`
    Integers(Vec<i64>),
    /// `BYTES`
    Texts(Vec<String>),
}

impl Output {
    /// The values of a sample, as JSON: one by itself, or nested in lists as in the shape behind the samples.
    pub fn json_of(&self, sample: usize) -> serde_json::Value {
        let inner = &self.shape[1..];
        let width: usize = inner.iter().product();
        let places = sample * width..(sample + 1) * width;
        let flat: Vec<serde_json::Value> = match &self.values {
            OutputValues::Floats(values) => {
                values[places].iter().map(|value| shortest(*value).into()).collect()
            }
            OutputValues::Integers(values) => values[places].iter().map(|value| (*value).into()).collect(),
            OutputValues::Texts(values) => values[places].iter().map(|value| value.as_str().into()).collect(),
        };
        nested(flat, inner)
    }
}

fn nested(mut flat: Vec<serde_json::Value>, shape: &[usize]) -> serde_json::Value {
    match shape {
        [] => flat.pop().unwrap_or_default(),
        [_] => flat.into(),
        [_, rest @ ..] => {
            let width = rest.iter().product::<usize>().max(1);
            flat.chunks(width).map(|part| nested(part.to_vec(), rest)).collect()
        }
    }
}

pub(super) fn outputs(
    signature: &Signature,
    answers: &[Prediction],
    asked: &[&str],
) -> Result<Vec<Output>, Refusal> {
    let known = || signature.outputs.iter().map(|spec| spec.name.as_str()).collect::<Vec<_>>().join(", ");
    let of_name = |name: &str| signature.outputs.iter().find(|spec| spec.name == name);
    let chosen: Vec<&TensorSpec> = match asked {
        [] => signature.outputs.iter().collect(),
        names => names
            .iter()
            .map(|name| {
                of_name(name).ok_or_else(|| {
                    Refusal::bad(format!("the model has no output {name:?}; it has {}", known()))
                })
            })
            .collect::<Result<_, _>>()?,
    };
    Ok(chosen.into_iter().map(|spec| output(spec, answers)).collect())
}

fn output(spec: &TensorSpec, answers: &[Prediction]) -> Output {
    let floats = |of: fn(&Prediction) -> &[f32]| {
        OutputValues::Floats(answers.iter().flat_map(|answer| of(answer).iter().copied()).collect())
    };
    let steps = spec.shape.get(1).copied().flatten();
    let (name, values) = match (spec.name.as_str(), spec.datatype) {
        (CLASS, Datatype::Bytes) => {
            (CLASS, OutputValues::Texts(answers.iter().flat_map(|answer| names(answer, steps)).collect()))
        }
        (CLASS, _) => (
            CLASS,
            OutputValues::Integers(answers.iter().flat_map(|answer| indices(answer, steps)).collect()),
        ),
        (PROBABILITIES, _) => (PROBABILITIES, floats(|answer| answer.probabilities().unwrap_or_default())),
        (INTERVAL, _) => {
            let ends = answers.iter().flat_map(|answer| answer.interval().unwrap_or([f32::NAN; 2]));
            (INTERVAL, OutputValues::Floats(ends.collect()))
        }
        _ => (VALUE, floats(Prediction::outputs)),
    };
    let shape = spec.shape.iter().map(|size| size.unwrap_or(answers.len())).collect();
    Output { name, datatype: spec.datatype, shape, values }
}

/// The class of a sample, or of each of its steps, by name.
fn names(answer: &Prediction, steps: Option<usize>) -> Vec<String> {
    match steps {
        None => vec![answer.class().unwrap_or_default().to_owned()],
        Some(_) => answer.classes_of_steps().into_iter().map(String::from).collect(),
    }
}

/// The class of a sample, or of each of its steps, by number.
fn indices(answer: &Prediction, steps: Option<usize>) -> Vec<i64> {
    let probabilities = answer.probabilities().unwrap_or_default();
    let most = |probabilities: &[f32]| {
        // Of equal ones the first.
        let places = (0..probabilities.len()).rev();
        places.max_by(|one, other| probabilities[*one].total_cmp(&probabilities[*other])).unwrap_or(0) as i64
    };
    match steps {
        None => vec![answer.class_index().unwrap_or(0) as i64],
        // A single logit at each step says yes or no.
        Some(steps) if probabilities.len() == steps => {
            probabilities.iter().map(|probability| i64::from(*probability > 0.5)).collect()
        }
        Some(steps) => probabilities.chunks((probabilities.len() / steps.max(1)).max(1)).map(most).collect(),
    }
}
