//! One operation to one of our layers, or to none where it only moves values.

mod activation;
mod affine;
mod attention;
mod conv;
mod dense;
mod embedding;
mod norm;
mod pool;
mod recurrent;
mod reduce;
mod views;

use super::flow::Flow;
use super::network::{Kind, Operation};
use super::translation::{Outcome, Translation};
use crate::onnx::import::Node;

pub(super) use attention::joined as join_attention;
pub(super) use dense::{Linear, linear, with_features};
pub(super) use recurrent::{joined as join_directions, ours, part_of, state};
pub(super) use views::{is_view, view};

/// Operators for which there may be something here, by themselves or as a part of something else.
const KNOWN: &[&str] = &[
    "Abs",
    "Add",
    "Attention",
    "AveragePool",
    "BatchNormalization",
    "Cast",
    "CastLike",
    "Clip",
    "Concat",
    "Conv",
    "Div",
    "Dropout",
    "Elu",
    "Erf",
    "Exp",
    "Flatten",
    "GRU",
    "Gather",
    "Gelu",
    "Gemm",
    "GlobalAveragePool",
    "GlobalMaxPool",
    "Greater",
    "GreaterOrEqual",
    "HardSigmoid",
    "HardSwish",
    "Identity",
    "IsNaN",
    "LSTM",
    "LayerNormalization",
    "LeakyRelu",
    "Less",
    "Log",
    "LogSoftmax",
    "MatMul",
    "Max",
    "MaxPool",
    "Min",
    "Mul",
    "Neg",
    "Not",
    "PRelu",
    "Pad",
    "Pow",
    "RNN",
    "Reciprocal",
    "ReduceMax",
    "ReduceMean",
    "Relu",
    "Reshape",
    "Sigmoid",
    "Slice",
    "Softmax",
    "Softplus",
    "Split",
    "Sqrt",
    "Squeeze",
    "Sub",
    "Swish",
    "Tanh",
    "Transpose",
    "Unsqueeze",
    "Where",
];

/// Why there is nothing for an operator here; `None` if there may be.
pub(super) fn why_not(node: &Node) -> Option<&'static str> {
    if !node.domain.is_empty() {
        return Some("it is no operator of ONNX's own");
    }
    if KNOWN.contains(&node.kind.as_str()) {
        return None;
    }
    Some(match node.kind.as_str() {
        "If" | "Loop" | "Scan" => "it is control flow, and a network here always computes the same",
        "ConvTranspose" | "Resize" | "Upsample" | "DepthToSpace" => "nothing here makes images larger",
        "QuantizeLinear"
        | "DequantizeLinear"
        | "DynamicQuantizeLinear"
        | "QLinearConv"
        | "QLinearMatMul"
        | "MatMulInteger"
        | "ConvInteger" => "its numbers are quantised",
        "InstanceNormalization" | "GroupNormalization" | "RMSNormalization" | "LpNormalization" | "LRN" => {
            "there is no such normalisation here"
        }
        "RotaryEmbedding" => "rotary positions of other tools are not taken over",
        "ArgMax" | "ArgMin" | "TopK" | "NonMaxSuppression" => {
            "it chooses among outputs, which predictions do here"
        }
        _ => "there is no layer for it here",
    })
}

/// Translates an operation with one input.
pub(super) fn translate(into: &mut Translation<'_>, operation: &Operation, flow: Flow) -> Outcome {
    let node = into.node(operation);
    match &operation.kind {
        Kind::Function(function) => return activation::function(into, *function, flow),
        Kind::LayerNorm { weight, bias, epsilon } => {
            return norm::found_layer_norm(into, weight, bias, *epsilon, flow);
        }
        Kind::Attention(_) => return Err("queries, keys and values are the same".into()),
        Kind::Node => {}
    }
    if flow.tokens && !matches!(node.kind.as_str(), "Gather" | "Cast" | "Identity") && !is_view(&node.kind) {
        return Err("it is given tokens, which only an embedding reads".into());
    }
    match node.kind.as_str() {
        "Identity" | "Cast" | "CastLike" => Ok(flow),
        "Split" => Ok(flow),
        "Gather" if flow.tokens => embedding::embedding(into, operation, flow),
        "Gather" | "Slice" => views::part(into, operation, flow),
        kind if is_view(kind) => view(into, operation, flow),
        "Dropout" => activation::dropout(into, operation, flow),
        "Gemm" | "MatMul" => dense::dense(into, operation, flow),
        "Conv" => conv::conv(into, operation, flow),
        "Pad" => conv::zeros(into, operation, flow),
        "MaxPool" | "AveragePool" => pool::windows(into, operation, flow),
        "GlobalAveragePool" | "GlobalMaxPool" | "ReduceMean" | "ReduceMax" => {
            reduce::reduce(into, operation, flow)
        }
        "BatchNormalization" => norm::batch_norm(into, operation, flow),
        "LayerNormalization" => norm::layer_norm(into, operation, flow),
        "LSTM" | "GRU" | "RNN" => recurrent::recurrent(into, operation, flow),
        "Add" | "Sub" | "Mul" | "Div" => affine::affine(into, operation, flow),
        _ => activation::activation(into, operation, flow),
    }
}
