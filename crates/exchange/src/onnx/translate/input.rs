//! What a network takes: one of our samples, and how the file has it laid out.

use fireclay_nn::InputSpec;
use fireclay_store::Preprocessing;

use super::evaluate::{order, product};
use super::flow::{Axis, Flow};
use super::network::Network;
use super::translation::Translation;
use crate::onnx::import::Element;

const B: Option<Axis> = Some(Axis::Batch);
const S: [Option<Axis>; 3] = [Some(Axis::Sample(0)), Some(Axis::Sample(1)), Some(Axis::Sample(2))];

/// The flow of an input of this shape, and what somebody should know of it.
pub(super) fn read(network: &Network<'_>, shape: &[usize]) -> Result<(Flow, Vec<String>), String> {
    product(shape)?;
    let (batch, sample) = shape.split_first().ok_or("it is a single number")?;
    if shape.contains(&0) {
        return Err(format!("it has no values: {shape:?}"));
    }
    let use_ = first_use(network, shape.len());
    let mut notes = Vec::new();
    let flow = match *sample {
        [tokens] if use_ == Use::Tokens => {
            Flow { tokens: true, ..Flow::laid_out(vec![tokens], *batch, &[B, S[0]]) }
        }
        [features] => Flow::laid_out(vec![features], *batch, &[B, S[0]]),
        [channels, steps] if use_ == Use::ChannelsAt(1) => {
            notes.push(format!(
                "sequences are [steps, features] here, and [features, steps] in the file: [{steps}, {channels}]"
            ));
            Flow::laid_out(vec![steps, channels], *batch, &[B, S[1], S[0]])
        }
        [steps, features] => Flow::laid_out(vec![steps, features], *batch, &[B, S[0], S[1]]),
        [a, b, c] => {
            let last = match use_ {
                Use::ChannelsAt(dim) => dim == 3,
                _ => matches!(c, 1 | 3 | 4) && !matches!(a, 1 | 3 | 4),
            };
            match last {
                false => Flow::laid_out(vec![a, b, c], *batch, &[B, S[0], S[1], S[2]]),
                true => {
                    notes.push(format!(
                        "images are [channels, height, width] here, and channels come last in the file: [{c}, {a}, {b}]"
                    ));
                    Flow::laid_out(vec![c, a, b], *batch, &[B, S[1], S[2], S[0]])
                }
            }
        }
        _ => {
            return Err(format!(
                "it has {} dimensions; expected a batch of rows, tokens, sequences or images",
                shape.len()
            ));
        }
    };
    Ok((flow, notes))
}

/// What the first operator that is particular about it takes an input for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Use {
    Tokens,
    /// Channels, which are in this dimension.
    ChannelsAt(usize),
    Anything,
}

fn first_use(network: &Network<'_>, rank: usize) -> Use {
    // Where each dimension of a value is in the input.
    let mut known: std::collections::HashMap<&str, Vec<usize>> = Default::default();
    known.insert(&network.input, (0..rank).collect());
    for operation in &network.operations {
        let node = network.node(operation);
        let Some(dims) = operation.inputs.first().and_then(|name| known.get(name.as_str())).cloned() else {
            continue;
        };
        let dims = match node.kind.as_str() {
            "Gather" if network.known.input(node, 0).is_some() && rank == 2 => return Use::Tokens,
            "Conv" | "MaxPool" | "AveragePool" | "GlobalAveragePool" | "GlobalMaxPool"
            | "BatchNormalization"
                if dims.len() == rank && rank > 2 =>
            {
                return Use::ChannelsAt(dims[1]);
            }
            "Cast" | "Identity" | "Add" | "Sub" | "Mul" | "Div" | "Pad" | "Relu" | "Clip" | "Dropout" => dims,
            "Transpose" => match order(node, dims.len()) {
                Ok(order) => order.iter().map(|dim| dims[*dim]).collect(),
                Err(_) => continue,
            },
            _ => continue,
        };
        if let Some(output) = operation.outputs.first() {
            known.insert(output, dims);
        }
    }
    Use::Anything
}

/// The input of a description for a flow at its beginning.
pub(super) fn spec(flow: &Flow) -> InputSpec {
    match flow.tokens {
        true => InputSpec::Tokens(flow.sample.first().copied().unwrap_or(1)),
        false => flow.sample.clone().into(),
    }
}

impl Translation<'_> {
    /// What is done to the input before the first layer, as a card has it.
    pub(super) fn preprocessing(&mut self, input: &Flow) -> Result<Option<Preprocessing>, String> {
        let is_image = input.sample.len() == 3;
        let takes_bytes = is_image && self.element == Element::Uint8;
        let scale = match self.scale.take() {
            Some(scale) => scale,
            None if takes_bytes => super::affine::Affine { scale: vec![1.0], offset: vec![0.0] },
            None => return Ok(None),
        };
        let is_even = |values: &[f64]| values.iter().all(|value| Some(value) == values.first());
        let (mut scale, mut offset) = (scale.scale, scale.offset);
        if is_even(&scale) && is_even(&offset) {
            scale.truncate(1);
            offset.truncate(1);
        } else if input.sample.len() == 2 {
            return Err("it scales each feature of a sequence by another number".into());
        }
        // A byte reaches our networks as a number from 0 to 1.
        let is_bytes = takes_bytes || is_image && scale.iter().all(|scale| *scale < 0.02);
        let whole = if is_bytes { 255.0 } else { 1.0 };
        let std: Vec<f32> = scale.iter().map(|scale| (1.0 / (whole * scale)) as f32).collect();
        let mean: Vec<f32> = scale
            .iter()
            .zip(&offset)
            .map(|(scale, offset)| (-offset / (whole * scale) + 0.0) as f32)
            .collect();
        if !(std.iter().all(|std| *std > 0.0 && std.is_finite()) && mean.iter().all(|mean| mean.is_finite()))
        {
            return Err("it turns the sign of the input, or makes nothing of it".into());
        }
        self.notes.push(match (is_image, is_bytes) {
            (true, true) => "what the network does to pictures before its first layer is their preprocessing here: they are given as bytes".into(),
            (true, false) => "what the network does to pictures before its first layer is their preprocessing here, where a byte counts from 0 to 1".into(),
            _ => "what the network does to numbers before its first layer is their preprocessing here".into(),
        });
        Ok(Some(Preprocessing { mean, std }))
    }
}
