//! `Gemm` and `MatMul` with a weight.

use fireclay_nn::{Conv2dSpec, DenseSpec};

use super::super::flow::{Axis, Flow};
use super::super::operation::Operation;
use super::super::pieces::Piece;
use super::super::translation::{Outcome, Translation};

/// A weight in our order, `[out_features, in_features]` row by row, and a bias.
pub(in crate::onnx::translate) struct Linear {
    pub(in crate::onnx::translate) in_features: usize,
    pub(in crate::onnx::translate) out_features: usize,
    pub(in crate::onnx::translate) weight: Vec<f32>,
    pub(in crate::onnx::translate) bias: Option<Vec<f32>>,
}

/// What an operation multiplies with; `order` says which of our features stands where in the file.
pub(in crate::onnx::translate) fn linear(
    into: &Translation<'_>,
    operation: &Operation,
    order: impl FnOnce(usize) -> Result<Vec<usize>, String>,
) -> Result<Linear, String> {
    let node = into.node(operation);
    if into.constant(operation, 0).is_some() {
        return Err("the model's input is multiplied from the left".into());
    }
    let constant = into.weight(operation, 1, "weight")?;
    let &[rows, columns] = constant.shape.as_slice() else {
        return Err(format!("its weight has the shape {:?}; expected a matrix", constant.shape));
    };
    let is_gemm = node.kind == "Gemm";
    if is_gemm && node.flag("transA", false)? {
        return Err("its input is turned (transA)".into());
    }
    let is_turned = is_gemm && node.flag("transB", false)?;
    let (in_features, out_features) = if is_turned { (columns, rows) } else { (rows, columns) };
    let order = order(in_features)?;
    if order.len() != in_features {
        return Err(format!("its weight is for {in_features} features, and {} come to it", order.len()));
    }
    let values = constant.as_floats().unwrap_or_default();
    let alpha = if is_gemm { node.float("alpha", 1.0)? } else { 1.0 };
    let mut weight = vec![0.0; values.len()];
    for out in 0..out_features {
        for (place, feature) in order.iter().enumerate() {
            let value = if is_turned { values[out * columns + place] } else { values[place * columns + out] };
            weight[out * in_features + feature] = value * alpha;
        }
    }
    let bias = match is_gemm && node.input(2).is_some() {
        false => None,
        true => {
            let constant = into.weight(operation, 2, "bias")?;
            let beta = node.float("beta", 1.0)?;
            let values = constant.as_floats().unwrap_or_default();
            let is_row = constant.shape.iter().rev().skip(1).all(|size| *size == 1);
            match values.len() {
                1 => Some(vec![values[0] * beta; out_features]),
                count if count == out_features && is_row => {
                    Some(values.iter().map(|value| value * beta).collect())
                }
                _ => return Err(format!("its bias has the shape {:?}", constant.shape)),
            }
        }
    };
    Ok(Linear { in_features, out_features, weight, bias })
}

pub(super) fn dense(into: &mut Translation<'_>, operation: &Operation, flow: Flow) -> Outcome {
    let flow = into.plain(flow)?;
    let last = flow.dims.len().checked_sub(1).ok_or("it is given a single number")?;
    let last_axes = flow.axes(last);
    let flow = match flow.sample.len() {
        // An image of one pixel that was laid out flat is a row.
        3 if last_axes == [Axis::Sample(0)] && flow.dims.len() > 2 => {
            return pointwise(into, operation, flow);
        }
        // A sample with one place in some axes is laid out flat without a trace.
        2.. if flow.sample.len() == 3 || last_axes == [Axis::Sample(0)] && flow.sample[1] == 1 => {
            into.as_row(flow)?
        }
        _ => flow,
    };
    let linear = linear(into, operation, |_| into.feature_places(&flow, last))?;
    let name = into.name(operation, 1);
    let Linear { in_features, out_features, weight, bias } = linear;
    let spec = DenseSpec::new(out_features).bias(bias.is_some());
    let mut piece = Piece::new(spec).named(name).with("weight", vec![out_features, in_features], weight);
    if let Some(bias) = bias {
        piece = piece.with("bias", vec![out_features], bias);
    }
    into.push(piece);
    Ok(with_features(flow, last, out_features))
}

/// The flow with other features along a dimension.
pub(in crate::onnx::translate) fn with_features(mut flow: Flow, dim: usize, features: usize) -> Flow {
    let axis = flow.feature_axis();
    flow.sample[axis] = features;
    let whole = Flow::laid_out(flow.sample.clone(), 1, &[Some(Axis::Sample(axis))]);
    flow.dims[dim] = whole.dims.into_iter().next().unwrap_or_default();
    flow
}

/// On the channels of an image, which is a convolution of one by one.
fn pointwise(into: &mut Translation<'_>, operation: &Operation, flow: Flow) -> Outcome {
    let last = flow.dims.len() - 1;
    let linear = linear(into, operation, |_| into.feature_places(&flow, last))?;
    let Linear { in_features, out_features, weight, bias } = linear;
    let spec = Conv2dSpec::new(out_features, 1).bias(bias.is_some());
    let name = into.name(operation, 1);
    let mut piece =
        Piece::new(spec).named(name).with("weight", vec![out_features, in_features, 1, 1], weight);
    if let Some(bias) = bias {
        piece = piece.with("bias", vec![out_features], bias);
    }
    into.push(piece);
    Ok(with_features(flow, last, out_features))
}
