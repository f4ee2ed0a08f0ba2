//! Numbers that are added to values or multiplied with them: biases, positions, scales.

use fireclay_nn::{BatchNormSpec, LayerKind, PositionEmbeddingSpec, PositionKind};

use super::super::affine::Affine;
use super::super::flow::Flow;
use super::super::operation::Operation;
use super::super::pieces::{Piece, PieceKind, Tensor};
use super::super::translation::{Outcome, Translation};
use super::super::values::{Spread, same_at_each_step};

/// Added to a variance that must not change by it.
const NO_EPSILON: f64 = 1e-30;

pub(super) fn affine(into: &mut Translation<'_>, operation: &Operation, flow: Flow) -> Outcome {
    let node = into.node(operation);
    let flow = into.plain(flow)?;
    let (constant, is_first) = match (into.constant(operation, 0), into.constant(operation, 1)) {
        (Some(constant), _) => (constant, true),
        (None, Some(constant)) => (constant, false),
        _ => return Err("both of its inputs are the same".into()),
    };
    let mut values = match into.spread(constant, &flow)? {
        Spread::Features(values) => values,
        Spread::All(values) if flow.sample.len() == 2 && same_at_each_step(&values, flow.features()) => {
            values[..flow.features()].to_vec()
        }
        Spread::All(values) => return positions(into, operation, values, is_first, flow),
    };
    let ones = || vec![1.0; values.len()];
    let zeros = || vec![0.0; values.len()];
    let each =
        |values: &[f32], of: fn(f64) -> f64| values.iter().map(|value| of(f64::from(*value))).collect();
    let affine = match (node.kind.as_str(), is_first) {
        ("Add", _) => Affine { scale: ones(), offset: each(&values, |x| x) },
        ("Sub", false) => Affine { scale: ones(), offset: each(&values, |x| -x) },
        ("Sub", true) => Affine { scale: vec![-1.0; values.len()], offset: each(&values, |x| x) },
        ("Mul", _) => Affine { scale: each(&values, |x| x), offset: zeros() },
        ("Div", false) => Affine { scale: each(&values, |x| 1.0 / x), offset: zeros() },
        _ => return Err("it divides by what comes to it".into()),
    };
    if !affine.is_finite() {
        return Err("it divides by 0".into());
    }
    values.clear();
    if into.at_start {
        into.scale = Some(match &into.scale {
            Some(before) => before.then(&affine),
            None => affine,
        });
        return Ok(flow);
    }
    if fold(into, &affine) {
        return Ok(flow);
    }
    as_batch_norm(into, &affine, &flow)?;
    Ok(flow)
}

/// Rows that are added by place.
fn positions(
    into: &mut Translation<'_>,
    operation: &Operation,
    values: Vec<f32>,
    is_first: bool,
    flow: Flow,
) -> Outcome {
    let sign = match (into.node(operation).kind.as_str(), is_first) {
        ("Add", _) => 1.0,
        ("Sub", false) => -1.0,
        _ => return Err("it multiplies each place with another number".into()),
    };
    let &[steps, features] = flow.sample.as_slice() else {
        return Err(
            "it adds another number to each place of an image or a row that is none of features".into()
        );
    };
    let values = values.into_iter().map(|value| sign * value).collect();
    let spec = PositionEmbeddingSpec::new(PositionKind::Learnt);
    into.push(Piece::new(spec).with("weight", vec![steps, features], values));
    Ok(flow)
}

/// Makes it part of the layer before, which must give what it is about; whether that can be.
pub(super) fn fold(into: &mut Translation<'_>, affine: &Affine) -> bool {
    let Some(piece) = into.pieces.last_mut() else { return false };
    give_bias(piece, affine);
    let features = affine.scale.len();
    let changes_scale = affine.scale.iter().any(|scale| *scale != 1.0);
    let changes_offset = affine.offset.iter().any(|offset| *offset != 0.0);
    let PieceKind::Layer(kind) = &mut piece.kind else { return false };
    match kind {
        LayerKind::Dense(spec) => spec.bias |= changes_offset,
        LayerKind::Conv1d(spec) => spec.bias |= changes_offset,
        LayerKind::Conv2d(spec) => spec.bias |= changes_offset,
        LayerKind::LayerNorm(_) | LayerKind::BatchNorm(_) => {}
        LayerKind::MultiHeadAttention(spec) if spec.bias || !changes_offset => {
            change(piece, ["out_proj.weight", "out_proj.bias"], affine);
            return true;
        }
        // A table has no bias, and rows by place have no scale.
        LayerKind::Embedding(_) if !changes_offset => {
            if let Some(table) = piece.tensor_mut("weight") {
                let each = table.values.iter_mut().zip(affine.scale.iter().cycle());
                each.for_each(|(value, scale)| *value = (f64::from(*value) * scale) as f32);
            }
            return true;
        }
        LayerKind::PositionEmbedding(_) if !changes_scale => {
            if let Some(table) = piece.tensor_mut("weight") {
                let each = table.values.iter_mut().zip(affine.offset.iter().cycle());
                each.for_each(|(value, offset)| *value = (f64::from(*value) + offset) as f32);
            }
            return true;
        }
        _ => return false,
    }
    if changes_offset && piece.tensor_mut("bias").is_none() {
        piece.tensors.push(Tensor { name: "bias", shape: vec![features], values: vec![0.0; features] });
    }
    change(piece, ["weight", "bias"], affine);
    true
}

/// Gives an attention without biases some of 0, where one is to be added.
fn give_bias(piece: &mut Piece, affine: &Affine) {
    if let PieceKind::Layer(LayerKind::MultiHeadAttention(spec)) = &mut piece.kind
        && !std::mem::replace(&mut spec.bias, true)
    {
        if affine.offset.iter().all(|offset| *offset == 0.0) {
            spec.bias = false;
            return;
        }
        let width = affine.scale.len();
        for (name, count) in [("in_proj_bias", 3 * width), ("out_proj.bias", width)] {
            piece.tensors.push(Tensor { name, shape: vec![count], values: vec![0.0; count] });
        }
    }
}

/// Scales a weight and a bias, whose first axis are features.
fn change(piece: &mut Piece, [weight, bias]: [&str; 2], affine: &Affine) {
    let features = affine.scale.len().max(1);
    for tensor in piece.tensors.iter_mut() {
        let width = (tensor.values.len() / features).max(1);
        for (feature, values) in tensor.values.chunks_mut(width).enumerate().take(affine.scale.len()) {
            let (scale, offset) = (affine.scale[feature], affine.offset[feature]);
            if tensor.name == weight {
                values.iter_mut().for_each(|value| *value = (f64::from(*value) * scale) as f32);
            } else if tensor.name == bias {
                values.iter_mut().for_each(|value| *value = (f64::from(*value) * scale + offset) as f32);
            }
        }
    }
}

/// A batch norm whose statistics are known, which nothing changes any more.
pub(in crate::onnx::translate) fn as_batch_norm(
    into: &mut Translation<'_>,
    affine: &Affine,
    flow: &Flow,
) -> Result<(), String> {
    if flow.sample.len() == 2 {
        return Err("it scales the values of a sequence, for which there is no layer here".into());
    }
    let features = affine.scale.len();
    into.unbacked(features.saturating_mul(4))?;
    let each = |values: &[f64]| values.iter().map(|value| *value as f32).collect::<Vec<f32>>();
    let mut piece = Piece::new(BatchNormSpec::default().momentum(0.0).epsilon(NO_EPSILON));
    piece.frozen = true;
    let tensors = [
        ("weight", each(&affine.scale)),
        ("bias", each(&affine.offset)),
        ("running_mean", vec![0.0; features]),
        ("running_var", vec![1.0; features]),
    ];
    for (name, values) in tensors {
        piece = piece.with(name, vec![features], values);
    }
    into.push(piece);
    into.notes.push("numbers by which values are scaled in the network are a frozen batch norm here".into());
    Ok(())
}
