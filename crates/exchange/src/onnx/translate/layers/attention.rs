//! Attention with its projections: one layer of ours.

use fireclay_nn::{LayerKind, MultiHeadAttentionSpec};

use super::super::flow::{Axis, Factor, Flow};
use super::super::operation::Attention;
use super::super::operation::Operation;
use super::super::pieces::{Piece, PieceKind, Tensor};
use super::super::translation::{Outcome, Translation};
use super::branch::Branch;
use super::dense::Linear;

/// Queries, keys and values of one value, and what the heads see by them.
pub(in crate::onnx::translate) fn joined(
    into: &mut Translation<'_>,
    operation: &Operation,
    attention: &Attention,
    from: usize,
    flow: Flow,
) -> Outcome {
    let mut branches = Vec::new();
    for name in &operation.inputs {
        branches.push(into.branch(name, from, &flow)?);
    }
    let Ok([mut queries, mut keys, mut values]) = <[Branch; 3]>::try_from(branches) else {
        return Err("it has not three inputs".into());
    };
    if let Some(heads) = attention.heads {
        for branch in [&mut queries, &mut keys, &mut values] {
            branch.flow = split_heads(branch.flow.clone(), heads)?;
        }
    }
    if attention.transposed_keys {
        let rank = keys.flow.dims.len();
        let order: Vec<usize> = (0..rank - 2).chain([rank - 1, rank - 2]).collect();
        keys.flow = keys.flow.transposed(&order)?;
    }
    let packed = match [&queries, &keys, &values].map(|branch| branch.linear.is_some()) {
        [true, true, true] => None,
        [false, false, false] => Some(packed(into)?),
        _ => return Err("queries, keys and values are not made alike".into()),
    };
    let first = packed.as_ref().or(queries.linear.as_ref()).ok_or("it has no projections")?;
    let width = first.in_features;
    let mut shape = None;
    let mut weight = Vec::new();
    let mut bias = Vec::new();
    let mut has_bias = false;
    for branch in [&queries, &keys, &values] {
        let linear = packed.as_ref().or(branch.linear.as_ref()).ok_or("it has no projections")?;
        let heads = heads_of(&branch.flow)?;
        let is_like_first =
            shape.as_ref().is_none_or(|shape| *shape == (heads.count, heads.dim, heads.outer.clone()));
        if !is_like_first || linear.in_features != width || heads.rows.len() != width {
            return Err(format!(
                "its {} heads of {} are not {width} features together, which they are here",
                heads.count, heads.dim
            ));
        }
        for row in &heads.rows {
            let from =
                linear.weight.get(row * width..(row + 1) * width).ok_or("its heads are beyond its weight")?;
            weight.extend_from_slice(from);
            bias.push(linear.bias.as_ref().map_or(0.0, |bias| bias[*row]));
        }
        has_bias |= linear.bias.is_some();
        shape = Some((heads.count, heads.dim, heads.outer));
    }
    let (count, dim, outer) = shape.ok_or("it has no heads")?;
    // What scores are multiplied with apart from what is usual goes into the queries.
    let usual = 1.0 / (dim as f64).sqrt();
    let scale = attention.scale.unwrap_or(usual) * queries.scale * keys.scale / usual;
    if !scale.is_finite() || values.scale != 1.0 {
        return Err("its scores or values are scaled in a way that is not known".into());
    }
    if (scale - 1.0).abs() > 1e-6 {
        let all = weight[..width * width].iter_mut().chain(&mut bias[..width]);
        all.for_each(|value| *value = (f64::from(*value) * scale) as f32);
    }
    let spec = MultiHeadAttentionSpec::new(count).causal(attention.causal).bias(has_bias);
    let mut piece = Piece::new(spec).with("in_proj_weight", vec![3 * width, width], weight);
    if has_bias {
        piece = piece.with("in_proj_bias", vec![3 * width], bias);
    }
    into.push(piece);
    let mut dims = Vec::new();
    let mut left = count;
    for dim_factors in &outer {
        let mut factors = Vec::new();
        for factor in dim_factors {
            factors.push(match factor.axis {
                Axis::Batch => *factor,
                Axis::Sample(_) => {
                    left /= factor.size;
                    Factor { stride: left * dim, ..*factor }
                }
            });
        }
        dims.push(factors);
    }
    let sample = vec![flow.sample[0], width];
    let last = Flow::laid_out(sample.clone(), 1, &[Some(Axis::Sample(0))]);
    dims.extend(last.dims);
    dims.push(if dim == 1 {
        Vec::new()
    } else {
        vec![Factor { axis: Axis::Sample(1), size: dim, stride: 1 }]
    });
    Ok(Flow { sample, tokens: false, dims, offset: vec![0, 0], zeros: None, heads: true })
}

/// `[batch, steps, features]` as `[batch, heads, steps, dim]`.
fn split_heads(flow: Flow, heads: usize) -> Outcome {
    let &[batch, steps, features] = flow.shape().as_slice() else {
        return Err("it has not three dimensions".into());
    };
    if features % heads != 0 {
        return Err(format!("{heads} heads cannot share {features} features"));
    }
    flow.reshaped(&[batch, steps, heads, features / heads])?.transposed(&[0, 2, 1, 3])
}

/// The dense layer before, which makes queries, keys and values at once.
fn packed(into: &mut Translation<'_>) -> Result<Linear, String> {
    let is_dense = into.pieces.last().is_some_and(|piece| matches!(piece.layer(), Some(LayerKind::Dense(_))));
    let piece = into
        .pieces
        .pop()
        .filter(|_| is_dense)
        .ok_or("queries, keys and values are not made by dense layers")?;
    let mut linear = Linear { in_features: 0, out_features: 0, weight: Vec::new(), bias: None };
    for Tensor { name, shape, values } in piece.tensors {
        match (name, shape.as_slice()) {
            ("weight", &[out_features, in_features]) => {
                linear = Linear { in_features, out_features, weight: values, ..linear };
            }
            _ => linear.bias = Some(values),
        }
    }
    Ok(linear)
}

/// The heads of queries, keys or values, `[.., steps, dim]`.
struct Heads {
    count: usize,
    dim: usize,
    /// Which rows of the projection they are, head by head.
    rows: Vec<usize>,
    /// The dimensions before the steps; heads have a stride of 0.
    outer: Vec<Vec<Factor>>,
}

fn heads_of(flow: &Flow) -> Result<Heads, String> {
    const WRONG: &str = "queries, keys and values do not lie as heads, steps and features";
    let rank = flow.dims.len();
    if flow.sample.len() != 2 || rank < 3 || !flow.is_all_of(rank - 2, 0) {
        return Err(WRONG.into());
    }
    let is_features = |factor: &Factor| factor.axis == Axis::Sample(1);
    if !flow.dims[rank - 1].iter().all(is_features) {
        return Err(WRONG.into());
    }
    let mut outer = Vec::new();
    let mut starts = vec![flow.offset[1]];
    for dim in &flow.dims[..rank - 2] {
        for factor in dim.iter().filter(|factor| factor.axis != Axis::Batch) {
            if !is_features(factor) {
                return Err(WRONG.into());
            }
            let steps = (0..factor.size).map(|step| step * factor.stride);
            starts = starts.iter().flat_map(|start| steps.clone().map(move |step| start + step)).collect();
        }
        // Where they come from is in the rows.
        outer.push(
            dim.iter()
                .map(|factor| match factor.axis {
                    Axis::Batch => *factor,
                    Axis::Sample(_) => Factor { stride: 0, ..*factor },
                })
                .collect(),
        );
    }
    let within = flow.places(rank - 1);
    let rows: Vec<usize> =
        starts.iter().flat_map(|start| within.iter().map(move |place| start + place)).collect();
    Ok(Heads { count: starts.len(), dim: within.len(), rows, outer })
}

/// The output projection of the attention before.
pub(super) fn project(into: &mut Translation<'_>, operation: &Operation, flow: Flow) -> Outcome {
    let last = flow.dims.len() - 1;
    let width = flow.sample[1];
    let linear = super::dense::linear(into, operation, |_| into.feature_places(&flow, last))?;
    if linear.out_features != width {
        let flow = into.project_heads(flow)?;
        return super::dense::dense(into, operation, flow);
    }
    finish(into, width, linear.weight, linear.bias)?;
    Ok(Flow { heads: false, ..flow })
}

impl Translation<'_> {
    /// Leaves what heads see as it is, where no layer puts it together.
    pub(in crate::onnx::translate) fn project_heads(&mut self, flow: Flow) -> Outcome {
        let width = flow.sample[1];
        self.unbacked(width.saturating_mul(width))?;
        let mut weight = vec![0.0; width * width];
        (0..width).for_each(|place| weight[place * width + place] = 1.0);
        finish(self, width, weight, None)?;
        Ok(Flow { heads: false, ..flow })
    }
}

fn finish(
    into: &mut Translation<'_>,
    width: usize,
    weight: Vec<f32>,
    bias: Option<Vec<f32>>,
) -> Result<(), String> {
    let Some(piece) = into.pieces.last_mut() else {
        return Err("the attention before it is in another branch".into());
    };
    let PieceKind::Layer(LayerKind::MultiHeadAttention(spec)) = &mut piece.kind else {
        return Err("there is a layer between attention and its output projection".into());
    };
    if piece.tensors.iter().any(|tensor| tensor.name == "out_proj.weight") {
        return Err("the attention before it has two output projections".into());
    }
    // Both projections have a bias or neither.
    let had_bias = spec.bias;
    spec.bias |= bias.is_some();
    let has_bias = spec.bias;
    let tensor = |name, shape, values| Tensor { name, shape, values };
    if has_bias && !had_bias {
        piece.tensors.push(tensor("in_proj_bias", vec![3 * width], vec![0.0; 3 * width]));
    }
    piece.tensors.push(tensor("out_proj.weight", vec![width, width], weight));
    if has_bias {
        let bias = bias.unwrap_or_else(|| vec![0.0; width]);
        piece.tensors.push(tensor("out_proj.bias", vec![width], bias));
    }
    Ok(())
}
