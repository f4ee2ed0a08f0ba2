//! Operators for which there is something here, and why there is nothing for others.

use crate::onnx::import::Node;

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
