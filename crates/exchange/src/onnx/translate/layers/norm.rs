//! Normalisations.

use fireclay_nn::{BatchNormSpec, LayerNormSpec};

use super::super::affine::Affine;
use super::super::evaluate::axis;
use super::super::flow::Flow;
use super::super::operation::Operation;
use super::super::pieces::Piece;
use super::super::translation::{Outcome, Translation};
use super::activation::decimal;

/// With the statistics that the file has.
pub(super) fn batch_norm(into: &mut Translation<'_>, operation: &Operation, flow: Flow) -> Outcome {
    let node = into.node(operation);
    if node.flag("training_mode", false)? {
        return Err("it is written down as in training; export the model for inference".into());
    }
    if !node.flag("spatial", true)? {
        return Err("it normalises each place by itself (spatial = 0)".into());
    }
    let flow = into.plain(flow)?;
    let order = into.feature_places(&flow, 1)?;
    let features = flow.features();
    let epsilon = decimal(node.float("epsilon", 1e-5)?);
    let momentum = 1.0 - decimal(node.float("momentum", 0.9)?);
    let names = ["scale", "bias", "mean", "variance"];
    let mut ours = Vec::new();
    for (index, name) in names.into_iter().enumerate() {
        let values = into.list(operation, index + 1, name, features)?;
        let mut list = vec![0.0; features];
        order.iter().zip(values).for_each(|(place, value)| list[*place] = *value);
        ours.push(list);
    }
    if flow.sample.len() == 2 {
        // There is none for sequences, so that it goes into the layer before it.
        let scale: Vec<f64> = (ours[0].iter().zip(&ours[3]))
            .map(|(weight, variance)| f64::from(*weight) / (f64::from(*variance) + epsilon).sqrt())
            .collect();
        let offset = (ours[1].iter().zip(&ours[2]).zip(&scale))
            .map(|((bias, mean), scale)| f64::from(*bias) - f64::from(*mean) * scale)
            .collect();
        return match super::affine::fold(into, &Affine { scale, offset }) {
            true => {
                into.notes
                    .push("a batch norm over the steps of a sequence is part of the layer before it".into());
                Ok(flow)
            }
            false => Err("it normalises the steps of a sequence, for which there is no layer here".into()),
        };
    }
    let momentum = (momentum * 1e6).round() / 1e6;
    let mut piece = Piece::new(BatchNormSpec::default().epsilon(epsilon).momentum(momentum.clamp(0.0, 1.0)))
        .named(into.name(operation, 1));
    for (name, values) in ["weight", "bias", "running_mean", "running_var"].into_iter().zip(ours) {
        piece = piece.with(name, vec![features], values);
    }
    into.push(piece);
    Ok(flow)
}

pub(super) fn layer_norm(into: &mut Translation<'_>, operation: &Operation, flow: Flow) -> Outcome {
    let node = into.node(operation);
    let rank = flow.dims.len();
    if axis(node.int("axis", -1)?, rank)? + 1 != rank {
        return Err("it normalises several axes together".into());
    }
    let features = flow.dims[rank - 1].iter().map(|factor| factor.size).product();
    let weight = into.list(operation, 1, "weight", features)?;
    let bias = match node.input(2) {
        Some(_) => into.list(operation, 2, "bias", features)?.to_vec(),
        None => vec![0.0; weight.len()],
    };
    let name = into.name(operation, 1);
    let flow = along_last(into, weight, &bias, decimal(node.float("epsilon", 1e-5)?), flow)?;
    if let Some(piece) = into.pieces.last_mut() {
        piece.name = name;
    }
    Ok(flow)
}

/// One that several operators compute.
pub(super) fn found_layer_norm(
    into: &mut Translation<'_>,
    weight: &[f32],
    bias: &[f32],
    epsilon: f32,
    flow: Flow,
) -> Outcome {
    into.unbacked(weight.len().saturating_mul(2))?;
    along_last(into, weight, bias, decimal(epsilon), flow)
}

fn along_last(into: &mut Translation<'_>, weight: &[f32], bias: &[f32], epsilon: f64, flow: Flow) -> Outcome {
    let flow = into.plain(flow)?;
    if flow.sample.len() == 3 {
        return Err(
            "it normalises the channels of an image at each place, for which there is no layer here".into()
        );
    }
    let last = flow.dims.len().checked_sub(1).ok_or("it is given a single number")?;
    let order = into.feature_places(&flow, last)?;
    let features = order.len();
    let ours = |values: &[f32]| {
        let mut list = vec![0.0; features];
        order.iter().zip(values).for_each(|(place, value)| list[*place] = *value);
        list
    };
    let piece = Piece::new(LayerNormSpec::default().epsilon(epsilon))
        .with("weight", vec![features], ours(weight))
        .with("bias", vec![features], ours(bias));
    into.push(piece);
    Ok(flow)
}
