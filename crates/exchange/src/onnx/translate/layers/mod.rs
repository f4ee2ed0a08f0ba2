//! One operation to one of our layers, or to none where it only moves values.

mod activation;
mod affine;
mod attention;
mod branch;
mod conv;
mod dense;
mod embedding;
mod norm;
mod parts;
mod pool;
mod recurrent;
mod reduce;
mod views;

use super::flow::Flow;
use super::operation::{Kind, Operation};
use super::translation::{Outcome, Translation};
use crate::onnx::import::Element;

pub(super) use attention::joined as join_attention;
pub(super) use recurrent::{joined as join_directions, ours, part_of, state};
pub(super) use views::{is_view, view};

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
        "Identity" => Ok(flow),
        "Cast" | "CastLike" => cast(into, operation, flow),
        "Split" => Ok(flow),
        "Gather" if flow.tokens => embedding::embedding(into, operation, flow),
        "Gather" | "Slice" => views::part(into, operation, flow),
        kind if is_view(kind) => view(into, operation, flow),
        "Dropout" => activation::dropout(into, operation, flow),
        "Gemm" | "MatMul" if flow.heads => attention::project(into, operation, flow),
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

/// A change of a number's type, which is nothing where floating-point numbers come out, and of tokens.
fn cast(into: &Translation<'_>, operation: &Operation, flow: Flow) -> Outcome {
    let node = into.node(operation);
    let to = match node.kind.as_str() {
        "Cast" => Element::of(i32::try_from(node.int("to", 1)?).unwrap_or_default())?,
        _ => {
            into.constant(operation, 1).ok_or("the type that it gives depends on the model's input")?.element
        }
    };
    let keeps_whole = into.at_start && !into.element.is_float() && to != Element::Bool;
    match flow.tokens || to.is_float() || keeps_whole {
        true => Ok(flow),
        false => Err(format!("it makes {} of its numbers, which no layer does", to.name())),
    }
}
